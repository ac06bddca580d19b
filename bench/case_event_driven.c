/* SPDX-License-Identifier: Apache-2.0
 *
 * Many dataflows of a few maps: one record into one of them a round, which is waited for. What the
 * others cost while they have nothing to do is what is measured.
 */
#include <stdlib.h>

#include "feed.h"

static number add(const number *n)
{
    return (number){ n->value + 3 };
}
WEIR_MAP(add, number, number)

static bench_case *cases; /* one a dataflow */

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_stream(number) s = { .port = bench_feed_add(graph, c) };
    for (uint64_t i = 0; i < c->options.maps; i++)
        s = weir_map(s, add);
    c->probe = weir_probe_add(bench_arrive_add(s.port, NULL, c), "arrived");
}

static void run(weir_worker *worker, void *ctx)
{
    const bench_options *o = ctx;
    weir_worker_step(worker);
    for (uint64_t d = 0; d < o->dataflows; d++)
        bench_wait(&cases[d], worker, 1);
    double start = bench_seconds();
    for (uint64_t round = 0; round < o->rounds; round++) {
        bench_case *c = &cases[round % o->dataflows];
        bench_feed_round(&c->shares[0], 1);
        weir_worker_step(worker);
        bench_wait(c, worker, c->shares[0].feeds[0].ordered);
    }
    cases[0].shares[0].seconds = bench_seconds() - start;
    for (uint64_t d = 0; d < o->dataflows; d++)
        bench_feed_close(&cases[d].shares[0]);
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    uint64_t count = 0, sum = 0;
    cases = calloc(o.dataflows, sizeof *cases);
    void **ctxs = calloc(o.dataflows, sizeof *ctxs);
    if (!cases || !ctxs || o.workers != 1)
        bench_fail("no memory for the dataflows, or more than 1 worker");
    for (uint64_t d = 0; d < o.dataflows; d++) {
        cases[d].options = o;
        ctxs[d] = &cases[d];
    }
    bench_run_many(&(bench_many){ .workers = o.workers, .build = build, .ctxs = ctxs,
                                  .count = o.dataflows, .main_fn = run, .ctx = &o });
    for (uint64_t d = 0; d < o.dataflows; d++) {
        count += bench_total(&cases[d], 0);
        sum += bench_total(&cases[d], 1);
    }
    bench_answer("%llu %llu", (unsigned long long)count, (unsigned long long)sum);
    bench_cost(bench_slowest(&cases[0]) * 1e6 / (double)o.rounds, "us/round");
    free(ctxs);
    free(cases);
    return 0;
}
