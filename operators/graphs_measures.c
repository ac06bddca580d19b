/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/graphs.h. What nodes are worth, and which lie close together: PageRank,
 * k-core, triangles.
 */
#include <weir/operators/graphs.h>

#include <weir/operators/collection.h>
#include <weir/operators/concat.h>
#include <weir/operators/consolidate.h>
#include <weir/operators/count.h>
#include <weir/operators/flat_map.h>
#include <weir/operators/iterate.h>
#include <weir/operators/join.h>
#include <weir/operators/loop.h>
#include <weir/operators/map.h>
#include <weir/operators/reduce.h>
#include <weir/operators/threshold.h>

#include "word.h"

static weir_vertex begin_of(const weir_edge *e) { return (weir_vertex){ e->from }; }
WEIR_MAP(begin_of, weir_edge, weir_vertex)

static void ends_of(const weir_edge *e, weir_out(weir_vertex) out)
{
    weir_vertex_emit(out, (weir_vertex){ e->from });
    weir_vertex_emit(out, (weir_vertex){ e->to });
}
WEIR_FLAT_MAP(ends_of, weir_edge, weir_vertex)

/* ---- PageRank ---- */

enum { OWN = 1000000, PASSED = 5, OF = 6 };

/* What a node has: so many edges, so much of what came along those to it. Both as counts, so that
 * a change of one is one change. */
#define HAS(F) F(u64, node) F(flag, is_edge)
WEIR_RECORD(has, HAS)

static has an_edge(const weir_edge *e) { return (has){ e->from, true }; }
WEIR_MAP(an_edge, weir_edge, has)

/* A node's own, once, however many edges it has. */
static int64_t own(const weir_vertex *v, int64_t count)
{
    (void)v;
    return count > 0 ? OWN : 0;
}
WEIR_THRESHOLD(own, weir_vertex)

/* What each of a node's edges passes on, as the number of times that the node is there. */
static void give(const has *key, weir_group(has) all, weir_out(weir_vertex) out)
{
    weir__wide edges = 0, rank = OWN; /* of those and one count, all below fits 128 bits */
    for (size_t i = 0; i < all.count; i++)
        if (all.records[i]->is_edge)
            edges = all.counts[i];
        else
            rank += all.counts[i];
    if (edges <= 0)
        return;
    int64_t each = (int64_t)(rank * PASSED / (OF * edges)); /* less than the count */
    if (each > 0)
        weir_vertex_emit_n(out, (weir_vertex){ key->node }, each);
}
WEIR_REDUCE(give, has, weir_vertex)

static void pass(const weir_vertex *v, const weir_edge *e, weir_out(has) out)
{
    (void)v;
    has_emit(out, (has){ e->to, false });
}
WEIR_JOIN(pass, weir_vertex, weir_edge, has)

static weir_vertex node_of(const has *h) { return (weir_vertex){ h->node }; }
WEIR_MAP(node_of, has, weir_vertex)

weir_stream(weir_rank) weir_pagerank(weir_stream(weir_edge) edges)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "pagerank");
    weir_stream(has) came;
    weir_variable(has) v = weir_variable_new(graph, has, rounds, &came);
    weir_stream(weir_vertex) given =
        weir_reduce(weir_concat(weir_enter(weir_map(edges, an_edge), rounds), came),
                    WEIR_KEY(has, node), give);
    weir_stream(has) passed =
        weir_join(given, WEIR_KEY(weir_vertex, node), weir_enter(edges, rounds),
                  WEIR_KEY(weir_edge, from), pass);
    weir_variable_set(v, passed);
    weir_stream(weir_vertex) owned = weir_threshold(weir_flat_map(edges, ends_of), own);
    weir_stream(weir_vertex) units = weir_concat(owned, weir_map(weir_leave(passed), node_of));
    return weir_count(units, weir_rank, WEIR_KEY(weir_vertex, node));
}

/* ---- k-core ---- */

static void to_neighbours(const weir_edge *e, weir_out(weir_edge) out)
{
    if (e->from == e->to)
        return;
    weir_edge_emit(out, *e);
    weir_edge_emit(out, (weir_edge){ e->to, e->from });
}
WEIR_FLAT_MAP(to_neighbours, weir_edge, weir_edge)

/* Each node once more: one that has no neighbours left has to be looked at, too. */
static has itself(const weir_vertex *v) { return (has){ v->node, false }; }
WEIR_MAP(itself, weir_vertex, has)

static void lose(const weir_vertex *v, const weir_edge *e, weir_out(has) out)
{
    (void)v;
    has_emit(out, (has){ e->to, true });
}
WEIR_JOIN(lose, weir_vertex, weir_edge, has)

/* ctx: k. The node, if it has fewer neighbours than that. */
static weir_status too_few(const void *key, const weir_values *all, weir_builder *out,
                           const void *ctx)
{
    int64_t is_there = 0, neighbours = 0;
    for (size_t i = 0; i < all->count; i++)
        *(((const has *)all->records[i])->is_edge ? &neighbours : &is_there) = all->counts[i];
    if (is_there > 0 && (neighbours < 0 || (uint64_t)neighbours < *(const uint64_t *)ctx))
        weir_vertex_emit((weir_out(weir_vertex)){ .builder = out },
                         (weir_vertex){ ((const has *)key)->node });
    return WEIR_OK;
}

weir_stream(weir_vertex) weir_k_core(weir_stream(weir_edge) edges, uint64_t k)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "k-core");
    weir_stream(weir_edge) ways = weir_distinct(weir_flat_map(edges, to_neighbours));
    if (!ways.port)
        return (weir_stream(weir_vertex)){ .port = NULL };
    if (k == 0) {
        weir_graph_fail(graph, WEIR_INVALID, "k_core",
                        "k is 1 or more; all nodes are those that edges begin or end at",
                        "a core of nodes with 0 neighbours or more");
        return (weir_stream(weir_vertex)){ .port = NULL };
    }
    uint64_t *least = weir_graph_alloc(graph, sizeof *least);
    *least = k;
    weir_stream(weir_vertex) nodes = weir_distinct(weir_map(ways, begin_of));
    weir_stream(has) start = weir_concat(weir_map(nodes, itself), weir_map(ways, an_edge)), lost;
    weir_variable(has) v = weir_variable_new(graph, has, rounds, &lost);
    weir_reduce_spec few = { .struct_size = sizeof few, .kind = "too_few_neighbours",
                             .out = weir_vertex_type(), .reduce = too_few, .ctx = least };
    struct weir_reduce_options options = { .struct_size = sizeof options };
    weir_stream(has) left = weir_concat(weir_enter(start, rounds), weir_negate(lost));
    weir_stream(weir_vertex) gone = {
        .port = weir__reduce(left.port, (const char *const[]){ "node", NULL }, &options, &few)
    };
    weir_variable_set(v, weir_join(gone, WEIR_KEY(weir_vertex, node), weir_enter(ways, rounds),
                                   WEIR_KEY(weir_edge, from), lose));
    return weir_consolidate(weir_concat(nodes, weir_negate(weir_leave(gone))));
}

/* ---- triangles ---- */

static void upwards(const weir_edge *e, weir_out(weir_edge) out)
{
    if (e->from < e->to)
        weir_edge_emit(out, *e);
    else if (e->from > e->to)
        weir_edge_emit(out, (weir_edge){ e->to, e->from });
}
WEIR_FLAT_MAP(upwards, weir_edge, weir_edge)

static void both_from_a(const weir_edge *b, const weir_edge *c, weir_out(weir_triangle) out)
{
    if (b->to < c->to)
        weir_triangle_emit(out, (weir_triangle){ b->from, b->to, c->to });
}
WEIR_JOIN(both_from_a, weir_edge, weir_edge, weir_triangle)

static void closed(const weir_triangle *t, const weir_edge *e, weir_out(weir_triangle) out)
{
    (void)e;
    weir_triangle_emit(out, *t);
}
WEIR_JOIN(closed, weir_triangle, weir_edge, weir_triangle)

weir_stream(weir_triangle) weir_triangles(weir_stream(weir_edge) edges)
{
    weir_stream(weir_edge) up = weir_distinct(weir_flat_map(edges, upwards));
    weir_stream(weir_triangle) open = weir_join(up, WEIR_KEY(weir_edge, from), up,
                                                WEIR_KEY(weir_edge, from), both_from_a);
    return weir_join(open, WEIR_KEY(weir_triangle, b, c), up, WEIR_KEY(weir_edge, from, to),
                     closed);
}
