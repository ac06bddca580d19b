/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers, exchanged by hash, counted and summed where they arrive; every round is waited
 * for.
 */
#include "feed.h"

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_key key = { .count = 1, .field = { 0 } };
    weir_port *arrived = bench_arrive_add(bench_feed_add(graph, c), &key, c);
    c->probe = weir_probe_add(arrived, "arrived");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    weir_worker_step(worker);
    bench_wait(c, worker, 1); /* the first, empty round: everybody is there */
    bench_meet(c, worker);
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
    if (c.options.records == 1)
        bench_cost(bench_slowest(&c) * 1e6 / (double)c.options.rounds, "us/round");
    else
        bench_cost(bench_slowest(&c) * 1e9 / (double)c.options.rounds /
                       (double)c.options.records / bench_workers(&c), "ns/record");
    return 0;
}
