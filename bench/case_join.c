/* SPDX-License-Identifier: Apache-2.0
 *
 * Two sides of --records rows (key, value), each key once, joined by key; then batches in which
 * rows come to the left side and those of the batch before leave it.
 */
#include "changes.h"
#include "pair.h"

#define JOINED(F) F(u64, key) F(u64, left) F(u64, right)
WEIR_RECORD(joined, JOINED)

/* The worker's own rows are every workers-th, from its index on. */
static void load(const bench_feed *feed, unsigned worker, pair *rows, size_t n)
{
    const bench_case *c = feed->c;
    uint64_t all = c->options.records, peers = bench_workers(c);
    uint64_t next = worker + feed->made * peers;
    for (size_t i = 0; i < n; i++, next += peers)
        rows[i] = (pair){ .key = next * BENCH_STRIDE % all, .value = next };
}

static pair draw(uint64_t *state, uint64_t all)
{
    uint64_t key = bench_random(state) % all;
    return (pair){ .key = key, .value = bench_random(state) };
}

/* After the first batch half of the changes take away what the one before has brought. */
static void fill_left(bench_feed *feed, void *room, size_t n)
{
    pair *rows = room;
    uint64_t all = feed->c->options.records;
    for (size_t i = 0; i < n; i++)
        feed->diffs[i] = 1;
    if (feed->epoch == BENCH_LOADING) {
        load(feed, (unsigned)feed->state - 1, rows, n);
        return;
    }
    bool leaves = feed->epoch > BENCH_LOADING + 1;
    for (size_t i = 0; i < n; i++) {
        bool comes = !leaves || (feed->made + i) % 2 == 0;
        rows[i] = draw(comes ? &feed->state : &feed->leaving, all);
        feed->diffs[i] = comes ? 1 : -1;
    }
}

static void fill_right(bench_feed *feed, void *room, size_t n)
{
    load(feed, (unsigned)feed->state - 1001, room, n);
    for (size_t i = 0; i < n; i++)
        feed->diffs[i] = 1;
}

static void put_together(const pair *a, const pair *b, weir_out(joined) out)
{
    joined_emit(out, (joined){ .key = a->key, .left = a->value, .right = b->value });
}
WEIR_JOIN(put_together, pair, pair, joined)

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_stream(pair) left = { .port = bench_feed_add_changes(graph, c, 0, pair_type(),
                                                              fill_left) };
    weir_stream(pair) right = { .port = bench_feed_add_changes(graph, c, 1, pair_type(),
                                                               fill_right) };
    weir_stream(joined) rows =
        weir_join(left, WEIR_KEY(pair, key), right, WEIR_KEY(pair, key), put_together);
    bench_answer_add(rows.port, c);
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    uint64_t rows = bench_part(c, worker, c->options.records);
    uint64_t share = bench_part(c, worker, c->options.batch);
    bench_amount amounts[2] = { { rows, share, 2 * share }, { rows, 0, 0 } };
    bench_drive(c, worker, amounts, 2);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run_changes(&c, build, run);
    return 0;
}
