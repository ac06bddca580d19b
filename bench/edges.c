/* SPDX-License-Identifier: Apache-2.0
 *
 * See edges.h.
 */
#include "edges.h"

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

weir_stream(weir_edge) bench_edges_add(weir_graph *graph, bench_case *c)
{
    return (weir_stream(weir_edge)){
        .port = bench_feed_add_changes(graph, c, 0, weir_edge_type(), fill)
    };
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    uint64_t batch = 2 * bench_part(c, worker, c->options.batch);
    bench_amount amount = { bench_part(c, worker, c->options.records), batch, batch };
    bench_drive(c, worker, &amount, 1);
}

int bench_edges_main(int argc, char **argv, weir_build_fn *build)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run_changes(&c, build, run);
    return 0;
}
