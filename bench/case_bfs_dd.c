/* SPDX-License-Identifier: Apache-2.0
 *
 * Distances from node 0 by random edges, then batches of as many new edges as old ones that leave.
 */
#include "changes.h"

#include <weir/operators/graphs.h>

static weir_edge draw(uint64_t *state, uint64_t all)
{
    uint64_t from = bench_random(state) % all;
    return (weir_edge){ .from = from, .to = bench_random(state) % all };
}

/* While loading all come, later every other one leaves, the oldest first. */
static void fill(bench_feed *feed, void *room, size_t n)
{
    weir_edge *edges = room;
    uint64_t all = feed->c->options.nodes;
    bool loading = feed->epoch == BENCH_LOADING;
    for (size_t i = 0; i < n; i++) {
        bool comes = loading || (feed->made + i) % 2 == 0;
        edges[i] = draw(comes ? &feed->state : &feed->leaving, all);
        feed->diffs[i] = comes ? 1 : -1;
    }
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    static const weir_vertex zero = { 0 };
    weir_stream(weir_edge) edges = { .port = bench_feed_add_changes(graph, c, 0, weir_edge_type(),
                                                                    fill) };
    weir_stream(weir_vertex) roots =
        weir_as_collection(weir_to_stream(graph, weir_vertex, &zero, 1));
    bench_answer_add(weir_bfs(edges, roots).port, c);
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    uint64_t batch = 2 * bench_part(c, worker, c->options.batch);
    bench_amount amount = { bench_part(c, worker, c->options.records), batch, batch };
    bench_drive(c, worker, &amount, 1);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run_changes(&c, build, run);
    return 0;
}
