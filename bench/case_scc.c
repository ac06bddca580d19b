/* SPDX-License-Identifier: Apache-2.0
 *
 * The edges within strongly connected components, of random edges that come and go.
 */
#include "edges.h"

static void build(weir_graph *graph, void *ctx)
{
    bench_answer_add(weir_strongly_connected(bench_edges_add(graph, ctx)).port, ctx);
}

int main(int argc, char **argv)
{
    return bench_edges_main(argc, argv, build);
}
