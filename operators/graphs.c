/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/graphs.h. The algorithms that follow ways. What is known of nodes is the best
 * of what there is to begin with and of what came round, and what comes round is what is known,
 * joined with the edges, which are arranged once outside of the scope.
 */
#include <weir/operators/graphs.h>

#include <weir/operators/concat.h>
#include <weir/operators/iterate.h>
#include <weir/operators/join.h>
#include <weir/operators/loop.h>
#include <weir/operators/map.h>
#include <weir/operators/reduce.h>
#include <weir/operators/threshold.h>

/* The first one that is there. The second field of groups in the default order ascends. */
static void nearest(const weir_distance *key, weir_group(weir_distance) all,
                    weir_out(weir_distance) out)
{
    const weir_distance *first = weir_group_first(all);
    (void)key;
    if (first)
        weir_distance_emit(out, *first);
}
WEIR_REDUCE(nearest, weir_distance, weir_distance)

static weir_distance at_root(const weir_vertex *root) { return (weir_distance){ root->node, 0 }; }
WEIR_MAP(at_root, weir_vertex, weir_distance)

/* ---- distances ---- */

static void one_further(const weir_distance *d, const weir_edge *e, weir_out(weir_distance) out)
{
    weir_distance_emit(out, (weir_distance){ e->to, d->distance + 1 });
}
WEIR_JOIN(one_further, weir_distance, weir_edge, weir_distance)

static void further(const weir_distance *d, const weir_weighted_edge *e,
                    weir_out(weir_distance) out)
{
    uint64_t sum;
    if (__builtin_add_overflow(d->distance, e->weight, &sum))
        sum = UINT64_MAX;
    weir_distance_emit(out, (weir_distance){ e->to, sum });
}
WEIR_JOIN(further, weir_distance, weir_weighted_edge, weir_distance)

weir_stream(weir_distance) weir_bfs(weir_stream(weir_edge) edges, weir_stream(weir_vertex) roots)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "bfs");
    weir_stream(weir_distance) start = weir_map(roots, at_root), reached;
    weir_variable(weir_distance) v = weir_variable_new(graph, weir_distance, rounds, &reached);
    weir_stream(weir_distance) known =
        weir_reduce(weir_concat(weir_enter(start, rounds), reached), WEIR_KEY(weir_distance, node),
                    nearest, .first = 1);
    weir_stream(weir_distance) next =
        weir_join(known, WEIR_KEY(weir_distance, node), weir_enter(edges, rounds),
                  WEIR_KEY(weir_edge, from), one_further);
    weir_variable_set(v, next);
    return weir_leave(known);
}

weir_stream(weir_distance) weir_shortest_paths(weir_stream(weir_weighted_edge) edges,
                                               weir_stream(weir_vertex) roots)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "shortest paths");
    weir_stream(weir_distance) start = weir_map(roots, at_root), reached;
    weir_variable(weir_distance) v = weir_variable_new(graph, weir_distance, rounds, &reached);
    weir_stream(weir_distance) known =
        weir_reduce(weir_concat(weir_enter(start, rounds), reached), WEIR_KEY(weir_distance, node),
                    nearest, .first = 1);
    weir_stream(weir_distance) next =
        weir_join(known, WEIR_KEY(weir_distance, node), weir_enter(edges, rounds),
                  WEIR_KEY(weir_weighted_edge, from), further);
    weir_variable_set(v, next);
    return weir_leave(known);
}

/* ---- transitive closure ---- */

static void lead_on(const weir_edge *path, const weir_edge *e, weir_out(weir_edge) out)
{
    weir_edge_emit(out, (weir_edge){ path->from, e->to });
}
WEIR_JOIN(lead_on, weir_edge, weir_edge, weir_edge)

weir_stream(weir_edge) weir_transitive_closure(weir_stream(weir_edge) edges)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "transitive closure");
    weir_stream(weir_edge) inside = weir_enter(edges, rounds), longer;
    weir_variable(weir_edge) v = weir_variable_new(graph, weir_edge, rounds, &longer);
    weir_stream(weir_edge) paths = weir_distinct(weir_concat(inside, longer));
    weir_variable_set(
        v, weir_join(paths, WEIR_KEY(weir_edge, to), inside, WEIR_KEY(weir_edge, from), lead_on));
    return weir_leave(paths);
}
