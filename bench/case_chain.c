/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers through a row of maps, added in a loop while the graph is built, summed at its end. Each
 * is a stage of its own that is called through a pointer, batch by batch: nothing is folded.
 */
#include "feed.h"

enum { STEP = 3 };

static number add(const number *n) { return (number){ n->value + STEP }; }
WEIR_MAP(add, number, number)

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
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    weir_worker_step(worker);
    bench_wait(c, worker, 1);
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    for (uint64_t round = 1; round <= c->options.rounds; round++) {
        bench_feed_round(share, c->options.records);
        weir_worker_step(worker);
        bench_wait(c, worker, round + 1);
    }
    share->seconds = bench_seconds() - start;
    bench_feed_close(share);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu %llu", (unsigned long long)bench_total(&c, 0),
                 (unsigned long long)bench_total(&c, 1));
    bench_cost(bench_slowest(&c) * 1e9 / (double)c.options.rounds / (double)c.options.records /
                   (double)c.options.maps, "ns/record/map");
    return 0;
}
