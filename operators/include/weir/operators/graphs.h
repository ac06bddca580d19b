/* SPDX-License-Identifier: Apache-2.0
 *
 * Algorithms on graphs that change: edges and roots are collections, and so are the answers, which
 * are corrected as edges come and go.
 *
 *     weir_stream(weir_edge) edges = weir_map(roads, to_edge);
 *     weir_stream(weir_distance) d = weir_bfs(edges, roots);
 *     weir_stream(weir_label) c = weir_connected_components(edges);
 *
 * Nodes are numbers; a node is there while an edge has it. Edges have a direction, which connected
 * components do not look at. That an edge is there several times makes no difference.
 */
#ifndef WEIR_OPERATORS_GRAPHS_H
#define WEIR_OPERATORS_GRAPHS_H

#ifndef __cplusplus
#include <weir/record.h>

#define WEIR_VERTEX(F) F(u64, node)
#define WEIR_EDGE(F) F(u64, from) F(u64, to)
#define WEIR_WEIGHTED_EDGE(F) F(u64, from) F(u64, to) F(u64, weight)
#define WEIR_DISTANCE(F) F(u64, node) F(u64, distance)
#define WEIR_LABEL(F) F(u64, node) F(u64, label)
WEIR_RECORD(weir_vertex, WEIR_VERTEX)
WEIR_RECORD(weir_edge, WEIR_EDGE)
WEIR_RECORD(weir_weighted_edge, WEIR_WEIGHTED_EDGE)
WEIR_RECORD(weir_distance, WEIR_DISTANCE)
WEIR_RECORD(weir_label, WEIR_LABEL)

/* Each node that can be reached from a root, and by how many edges at least: 0 for a root. */
WEIR_API weir_stream(weir_distance) weir_bfs(weir_stream(weir_edge) edges,
                                             weir_stream(weir_vertex) roots);
/* The same with the least sum of weights. Sums stop at UINT64_MAX. */
WEIR_API weir_stream(weir_distance)
    weir_shortest_paths(weir_stream(weir_weighted_edge) edges, weir_stream(weir_vertex) roots);
/* Each node with the least node that it is connected to, whatever the direction of the edges. */
WEIR_API weir_stream(weir_label) weir_connected_components(weir_stream(weir_edge) edges);
/* Each pair of nodes such that edges lead from the first to the second. */
WEIR_API weir_stream(weir_edge) weir_transitive_closure(weir_stream(weir_edge) edges);

#endif
#endif
