/* SPDX-License-Identifier: Apache-2.0
 *
 * Once, from scratch, of --records rows (key, value) that lie in memory: --kind sum, the sum of the
 * values of each of --nodes keys; --kind join, each row with the one of its key in a second
 * collection of --nodes rows. Engines made for just that are the peers.
 */
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "pair.h"

#define SUMMED(F) F(u64, key) F(u64, sum)
#define JOINED(F) F(u64, key) F(u64, left) F(u64, right)
WEIR_RECORD(summed, SUMMED)
WEIR_RECORD(joined, JOINED)

/* Values are below this. */
enum { VALUES = 1000 };

static pair *rows, *keyed; /* as long as the program */

static pair *make_room(uint64_t count)
{
    pair *room = malloc(count * sizeof *room);
    if (!room)
        bench_fail("no memory for %llu rows", (unsigned long long)count);
    return room;
}

static void make_rows(const bench_options *o)
{
    uint64_t state = 1;
    rows = make_room(o->records);
    for (uint64_t i = 0; i < o->records; i++) {
        uint64_t key = bench_random(&state) % o->nodes;
        rows[i] = (pair){ .key = key, .value = bench_random(&state) % VALUES };
    }
    keyed = make_room(o->nodes);
    for (uint64_t i = 0; i < o->nodes; i++)
        keyed[i] = (pair){ .key = i * BENCH_STRIDE % o->nodes, .value = i };
}

/* The worker's part is a range, the last one's up to the end. */
static void copy(const bench_feed *feed, const pair *all, uint64_t count, void *room, size_t n)
{
    uint64_t worker = (feed->state - 1) % 1000, first = count / bench_workers(feed->c) * worker;
    memcpy(room, all + first + feed->made, n * sizeof *all);
}

static void fill_rows(bench_feed *feed, void *room, size_t n)
{
    copy(feed, rows, feed->c->options.records, room, n);
    for (size_t i = 0; feed->collection && i < n; i++)
        feed->diffs[i] = 1;
}

static void fill_keyed(bench_feed *feed, void *room, size_t n)
{
    copy(feed, keyed, feed->c->options.nodes, room, n);
    for (size_t i = 0; i < n; i++)
        feed->diffs[i] = 1;
}

static void put_together(const pair *a, const pair *b, weir_out(joined) out)
{
    joined_emit(out, (joined){ .key = a->key, .left = a->value, .right = b->value });
}
WEIR_JOIN(put_together, pair, pair, joined)

static void build_sum(weir_graph *graph, void *ctx)
{
    weir_stream(pair) all = { .port = bench_feed_add_of(graph, ctx, 0, pair_type(), fill_rows) };
    bench_answer_add(weir_sum(all, summed, WEIR_KEY(pair, key), value).port, ctx);
}

static void build_join(weir_graph *graph, void *ctx)
{
    weir_stream(pair) left = { .port = bench_feed_add_changes(graph, ctx, 0, pair_type(),
                                                              fill_rows) };
    weir_stream(pair) right = { .port = bench_feed_add_changes(graph, ctx, 1, pair_type(),
                                                               fill_keyed) };
    bench_answer_add(weir_join(left, WEIR_KEY(pair, key), right, WEIR_KEY(pair, key),
                               put_together).port, ctx);
}

static uint64_t share_of(const bench_case *c, weir_worker *worker, uint64_t all)
{
    unsigned workers = bench_workers(c);
    bool last = weir_worker_index(worker) == workers - 1;
    return all / workers + (last ? all % workers : 0);
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bool joins = strcmp(c->options.kind, "join") == 0;
    bench_amount amounts[2] = { { share_of(c, worker, c->options.records), 0, 0 },
                                { share_of(c, worker, c->options.nodes), 0, 0 } };
    bench_drive(c, worker, amounts, joins ? 2 : 1);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    c.options.rounds = 0;
    bool joins = strcmp(c.options.kind, "join") == 0;
    if (!joins && strcmp(c.options.kind, "sum") != 0)
        bench_fail("--kind sum or join");
    if (c.options.nodes == 0)
        bench_fail("--nodes: the rows have 1 key at least");
    make_rows(&c.options);
    bench_run(&c, joins ? build_join : build_sum, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    bench_cost(bench_slowest(&c) * 1e3, "ms");
    free(rows);
    free(keyed);
    return 0;
}
