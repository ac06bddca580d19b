/* SPDX-License-Identifier: Apache-2.0
 *
 * Distances from node 0 by random edges that come and go.
 */
#include "edges.h"

static void build(weir_graph *graph, void *ctx)
{
    static const weir_vertex zero = { 0 };
    weir_stream(weir_edge) edges = bench_edges_add(graph, ctx);
    weir_stream(weir_vertex) roots =
        weir_as_collection(weir_to_stream(graph, weir_vertex, &zero, 1));
    bench_answer_add(weir_bfs(edges, roots).port, ctx);
}

int main(int argc, char **argv)
{
    return bench_edges_main(argc, argv, build);
}
