/* SPDX-License-Identifier: Apache-2.0
 *
 * How many nodes have how many edges that begin there: random edges, then batches of as many new
 * ones as old ones that leave.
 */
#include "changes.h"
#include "edge.h"

#define DEGREE(F) F(u32, node) F(i64, degree)
#define NODES(F) F(i64, degree) F(i64, nodes)
WEIR_RECORD(degree, DEGREE)
WEIR_RECORD(nodes, NODES)

static edge draw(uint64_t *state, uint64_t all)
{
    uint32_t from = (uint32_t)(bench_random(state) % all);
    return (edge){ .from = from, .to = (uint32_t)(bench_random(state) % all) };
}

/* While loading all come, later every other one leaves, the oldest first. */
static void fill(bench_feed *feed, void *room, size_t n)
{
    edge *edges = room;
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
    weir_stream(edge) edges = { .port = bench_feed_add_changes(graph, c, 0, edge_type(), fill) };
    weir_stream(degree) degrees = weir_count(edges, degree, WEIR_KEY(edge, from));
    weir_stream(nodes) counts = weir_count(degrees, nodes, WEIR_KEY(degree, degree));
    bench_answer_add(counts.port, c);
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
