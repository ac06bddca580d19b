/* SPDX-License-Identifier: Apache-2.0
 *
 * How often each of --nodes keys is there: all keys once, then batches of random keys.
 */
#include "changes.h"

#define KEY_COUNT(F) F(u64, key) F(i64, count)
WEIR_RECORD(key_count, KEY_COUNT)

/* The worker's own keys are every workers-th, from its index on. */
static void fill(bench_feed *feed, void *room, size_t n)
{
    const bench_case *c = feed->c;
    uint64_t *keys = room, all = c->options.nodes, state = feed->state, peers = bench_workers(c);
    for (size_t i = 0; i < n; i++)
        feed->diffs[i] = 1;
    if (feed->epoch != BENCH_LOADING) {
        for (size_t i = 0; i < n; i++)
            keys[i] = bench_random(&state) % all;
        feed->state = state;
        return;
    }
    uint64_t next = (state - 1) + feed->made * peers;
    for (size_t i = 0; i < n; i++, next += peers)
        keys[i] = next * BENCH_STRIDE % all;
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_stream(number) keys = { .port = bench_feed_add_changes(graph, c, 0, number_type(),
                                                                fill) };
    weir_stream(key_count) counts = weir_count(keys, key_count, WEIR_KEY(number, value));
    bench_answer_add(counts.port, c);
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    uint64_t batch = bench_part(c, worker, c->options.batch);
    bench_amount amount = { bench_part(c, worker, c->options.nodes), batch, batch };
    bench_drive(c, worker, &amount, 1);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run_changes(&c, build, run);
    return 0;
}
