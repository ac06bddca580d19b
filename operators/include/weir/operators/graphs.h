/* SPDX-License-Identifier: Apache-2.0
 *
 * Algorithms on graphs that change: edges and roots are collections, and so are the answers, which
 * are corrected as edges come and go.
 *
 *     weir_stream(weir_edge) edges = weir_map(roads, to_edge);
 *     weir_stream(weir_distance) d = weir_bfs(edges, roots);
 *     weir_stream(weir_label) c = weir_connected_components(edges);
 *     weir_stream(weir_rank) r = weir_pagerank(edges);
 *
 * Nodes are numbers; a node is there while an edge has it. Edges have a direction, which connected
 * components, k-cores and triangles do not look at. That an edge is there several times makes no
 * difference, except where it is said. Each algorithm is repeated until nothing changes, and what
 * it put out in each round is kept: of a graph that needs many rounds, much.
 *
 * In any scope; rounds take a coordinate of times, strongly connected components two. Refused, on
 * the graph, are plain streams (k-cores and triangles take each record as an edge), and edges of
 * another scope than what goes with them.
 */
#ifndef WEIR_OPERATORS_GRAPHS_H
#define WEIR_OPERATORS_GRAPHS_H

#ifndef __cplusplus
#include <weir/record.h>

#define WEIR_VERTEX(F) F(u64, node)
#define WEIR_EDGE(F) F(u64, from) F(u64, to)
#define WEIR_WEIGHTED_EDGE(F) F(u64, from) F(u64, to) F(u64, weight)
#define WEIR_DISTANCE(F) F(u64, node) F(u64, distance)
#define WEIR_WAY(F) F(u64, from) F(u64, to) F(u64, distance)
#define WEIR_LABEL(F) F(u64, node) F(u64, label)
#define WEIR_RANK(F) F(u64, node) F(i64, rank)
#define WEIR_TRIANGLE(F) F(u64, a) F(u64, b) F(u64, c)
WEIR_RECORD(weir_vertex, WEIR_VERTEX)
WEIR_RECORD(weir_edge, WEIR_EDGE)
WEIR_RECORD(weir_weighted_edge, WEIR_WEIGHTED_EDGE)
WEIR_RECORD(weir_distance, WEIR_DISTANCE)
WEIR_RECORD(weir_way, WEIR_WAY)
WEIR_RECORD(weir_label, WEIR_LABEL)
WEIR_RECORD(weir_rank, WEIR_RANK)
WEIR_RECORD(weir_triangle, WEIR_TRIANGLE)

/* ---- ways ---- */

/* Each node that can be reached from a root, and by how many edges at least: 0 for a root. */
WEIR_API weir_stream(weir_distance) weir_bfs(weir_stream(weir_edge) edges,
                                             weir_stream(weir_vertex) roots);
/* The same with the least sum of weights. Sums stop at UINT64_MAX. */
WEIR_API weir_stream(weir_distance)
    weir_shortest_paths(weir_stream(weir_weighted_edge) edges, weir_stream(weir_vertex) roots);
/* How far it is between the two nodes of each of some pairs, by how many edges at least; pairs
 * between which no way leads are left out. Both are searched from at once, one edge further each
 * round, until the searches meet (bidirectional search; Pohl, "Bi-directional search", 1971):
 * what has been reached is of two small balls and not of one large one. Nodes of pairs that have
 * met are not searched from any further. */
WEIR_API weir_stream(weir_way) weir_bidirectional_search(weir_stream(weir_edge) edges,
                                                         weir_stream(weir_edge) pairs);
/* Each pair of nodes such that edges lead from the first to the second. */
WEIR_API weir_stream(weir_edge) weir_transitive_closure(weir_stream(weir_edge) edges);

/* ---- components ---- */

/* Each node with the least label that comes to it along edges; `labels` is what nodes have to begin
 * with, and a node may have several or none. Small labels set out first and large ones later, by
 * their number of bits, so that most nodes never hear of a label that a smaller one replaces. */
WEIR_API weir_stream(weir_label)
    weir_propagate(weir_stream(weir_edge) edges, weir_stream(weir_label) labels);
/* Each node with the least node that it is connected to, whatever the direction of the edges. */
WEIR_API weir_stream(weir_label) weir_connected_components(weir_stream(weir_edge) edges);
/* The edges that lie on a cycle, which are those within strongly connected components, as often as
 * they are there. Forwards and backwards in turn, each node gets the least node that reaches it
 * along the edges that are left, and edges between nodes of different labels go, until none does:
 * as in differential dataflow's library, after the colouring of Orzan ("On distributed verification
 * and verified distribution", 2004). */
WEIR_API weir_stream(weir_edge) weir_strongly_connected(weir_stream(weir_edge) edges);
/* Each node with the least node of its strongly connected component, which may be itself alone. */
WEIR_API weir_stream(weir_label) weir_strongly_connected_components(weir_stream(weir_edge) edges);

/* ---- one after the other ---- */

/* What the values of a node's lesser neighbours make of the node: different values, ascending, with
 * how many neighbours have each. Must always give the same for the same. */
typedef uint64_t weir_sequence_fn(uint64_t node, const uint64_t *values, const int64_t *counts,
                                  size_t count, const void *ctx);
/* Each node with its value, as if nodes were gone through in ascending order, and each got what the
 * function makes of the neighbours before it; the direction of edges does not matter, nor how often
 * one is there. It takes as many rounds as the longest ascending way has nodes. ctx lives as
 * long as the graph. */
WEIR_API weir_stream(weir_label) weir_sequence(weir_stream(weir_edge) edges, weir_sequence_fn *fn,
                                               const void *ctx);
/* Each node with the least number, from 0, that none of its lesser neighbours has: neighbours
 * differ (greedy colouring). */
WEIR_API weir_stream(weir_label) weir_coloring(weir_stream(weir_edge) edges);

/* ---- what nodes are worth ---- */

/* PageRank (Brin and Page, "The anatomy of a large-scale hypertextual web search engine", 1998) in
 * whole numbers: each node has 1,000,000 of its own, and from each edge to it 5/6 of the rank of
 * the edge's begin over its number of edges, rounded down. The least ranks for which that is so:
 * ranks grow from round to round until none does any more, so there is an end, and it does not
 * depend on the number of workers. An edge that is there several times counts as often; fewer times
 * than 0 it must never be, or ranks may grow without end. */
WEIR_API weir_stream(weir_rank) weir_pagerank(weir_stream(weir_edge) edges);
/* The nodes of the k-core: of the largest part of the graph in which each node has k neighbours or
 * more (Seidman, "Network structure and minimum degree", 1983). Nodes with fewer are taken away
 * until there are none; what is kept is who was taken away when, not what is left. An edge from a
 * node to itself makes no neighbour. k is 1 or more: 0 is refused, on the graph. */
WEIR_API weir_stream(weir_vertex) weir_k_core(weir_stream(weir_edge) edges, uint64_t k);
/* Each three nodes with an edge between each two of them, once: a < b < c. Pairs of edges from one
 * node to two greater ones are kept, so a node with very many greater neighbours is dear. */
WEIR_API weir_stream(weir_triangle) weir_triangles(weir_stream(weir_edge) edges);

#endif
#endif
