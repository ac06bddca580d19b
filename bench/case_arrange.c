/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows (key, value) arranged while they change: --records of them with --nodes keys, then batches
 * as fast as they go. An update brings a row and takes away the oldest. What does one cost?
 */
#include "keep.h"

static void fill(bench_feed *feed, void *room, size_t n)
{
    row *rows = room;
    uint64_t keys = feed->c->options.nodes, sum = 0;
    bench_share *share = (bench_share *)(void *)((char *)feed - offsetof(bench_share, feeds));
    bool loading = feed->epoch == BENCH_LOADING;
    for (size_t i = 0; i < n; i++) {
        bool comes = loading || (feed->made + i) % 2 == 0;
        uint64_t *state = comes ? &feed->state : &feed->leaving;
        rows[i].key = bench_random(state) % keys;
        rows[i].value = bench_random(state);
        feed->diffs[i] = comes ? 1 : -1;
        uint64_t hash = bench_row_hash(&rows[i].key, 2);
        sum += comes ? hash : -hash;
    }
    share->answer[0] += sum;
}

static void build(weir_graph *graph, void *ctx)
{
    bench_keep_add(bench_feed_add_changes(graph, ctx, 0, row_type(), fill), ctx);
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    uint64_t batch = 2 * bench_part(c, worker, c->options.batch);
    weir_worker_step(worker);
    bench_wait(c, worker, BENCH_LOADING);
    bench_feed_round(share, bench_part(c, worker, c->options.records));
    bench_wait(c, worker, BENCH_LOADING + 1);
    bench_meet(c, worker);
    double start = bench_seconds();
    for (uint64_t round = 1; round <= c->options.rounds; round++) {
        bench_feed_round(share, batch);
        weir_worker_step(worker);
        bench_wait(c, worker, BENCH_LOADING + round + 1);
    }
    share->seconds = bench_seconds() - start;
    bench_feed_close(share);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    bench_cost(bench_slowest(&c) * 1e9 / (double)(c.options.rounds * c.options.batch),
               "ns/update");
    return 0;
}
