/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/graphs.h. Which nodes belong together: labels that are propagated along edges,
 * and what is made of them.
 */
#include <weir/operators/graphs.h>

#include <weir/operators/collection.h>
#include <weir/operators/concat.h>
#include <weir/operators/consolidate.h>
#include <weir/operators/delay.h>
#include <weir/operators/flat_map.h>
#include <weir/operators/iterate.h>
#include <weir/operators/join.h>
#include <weir/operators/loop.h>
#include <weir/operators/map.h>
#include <weir/operators/reduce.h>
#include <weir/operators/threshold.h>

/* ---- labels ---- */

/* Rounds between labels of one number of bits and those of one bit more: enough for most graphs
 * to be crossed in the meantime; in a larger one labels are replaced more often. */
enum { ROUNDS_A_BIT = 256 };

static uint64_t by_bits(const weir_label *l)
{
    return l->label ? ROUNDS_A_BIT * (uint64_t)(64 - __builtin_clzll(l->label)) : 0;
}
WEIR_ENTER_AT(by_bits, weir_label)

static void least(const weir_label *key, weir_group(weir_label) all, weir_out(weir_label) out)
{
    const weir_label *first = weir_group_first(all);
    (void)key;
    if (first)
        weir_label_emit(out, *first);
}
WEIR_REDUCE(least, weir_label, weir_label)

static void hand_on(const weir_label *l, const weir_edge *e, weir_out(weir_label) out)
{
    weir_label_emit(out, (weir_label){ e->to, l->label });
}
WEIR_JOIN(hand_on, weir_label, weir_edge, weir_label)

weir_stream(weir_label) weir_propagate(weir_stream(weir_edge) edges,
                                       weir_stream(weir_label) labels)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "propagate");
    weir_stream(weir_label) handed;
    weir_variable(weir_label) v = weir_variable_new(graph, weir_label, rounds, &handed);
    weir_stream(weir_label) start = weir_enter_at(labels, rounds, by_bits);
    weir_stream(weir_label) known =
        weir_reduce(weir_concat(start, handed), WEIR_KEY(weir_label, node), least, .first = 1);
    weir_variable_set(v, weir_join(known, WEIR_KEY(weir_label, node), weir_enter(edges, rounds),
                                   WEIR_KEY(weir_edge, from), hand_on));
    return weir_leave(known);
}

/* ---- whatever the direction ---- */

static void both_ways(const weir_edge *e, weir_out(weir_edge) out)
{
    weir_edge_emit(out, *e);
    weir_edge_emit(out, (weir_edge){ e->to, e->from });
}
WEIR_FLAT_MAP(both_ways, weir_edge, weir_edge)

static weir_label own(const weir_edge *e) { return (weir_label){ e->from, e->from }; }
WEIR_MAP(own, weir_edge, weir_label)

weir_stream(weir_label) weir_connected_components(weir_stream(weir_edge) edges)
{
    weir_stream(weir_edge) ways = weir_flat_map(edges, both_ways);
    return weir_propagate(ways, weir_distinct(weir_map(ways, own)));
}

/* ---- strongly connected ---- */

/* A label, and from which node it came along an edge: the edges that labels are handed on along are
 * arranged by their ends so, and are compared there with what has become the least. To begin with
 * each node has its own, as if from itself. */
#define PROPOSAL(F) F(u64, node) F(u64, label) F(u64, from)
WEIR_RECORD(proposal, PROPOSAL)

static weir_edge turn(const weir_edge *e) { return (weir_edge){ e->to, e->from }; }
WEIR_MAP(turn, weir_edge, weir_edge)

static void both_ends(const weir_edge *e, weir_out(weir_vertex) out)
{
    weir_vertex_emit(out, (weir_vertex){ e->from });
    weir_vertex_emit(out, (weir_vertex){ e->to });
}
WEIR_FLAT_MAP(both_ends, weir_edge, weir_vertex)

static proposal own_label(const weir_vertex *v)
{
    return (proposal){ v->node, v->node, v->node };
}
WEIR_MAP(own_label, weir_vertex, proposal)

static uint64_t proposed_by_bits(const proposal *p)
{
    return by_bits(&(weir_label){ p->node, p->label });
}
WEIR_ENTER_AT(proposed_by_bits, proposal)

static void least_proposed(const proposal *key, weir_group(proposal) all, weir_out(weir_label) out)
{
    const proposal *first = weir_group_first(all);
    if (first)
        weir_label_emit(out, (weir_label){ key->node, first->label });
}
WEIR_REDUCE(least_proposed, proposal, weir_label)

static void propose(const weir_label *l, const weir_edge *e, weir_out(proposal) out)
{
    proposal_emit(out, (proposal){ e->to, l->label, e->from });
}
WEIR_JOIN(propose, weir_label, weir_edge, proposal)

static void refuse(const weir_label *l, const proposal *p, weir_out(weir_edge) out)
{
    if (p->label != l->label && p->from != p->node)
        weir_edge_emit(out, (weir_edge){ p->from, p->node });
}
WEIR_JOIN(refuse, weir_label, proposal, weir_edge)

/* Those edges whose two nodes are not reached by the same least node along them. Two nodes that
 * reach each other always are. */
static weir_stream(weir_edge) apart(weir_stream(weir_edge) edges, weir_stream(proposal) own)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "propagate");
    weir_stream(proposal) handed;
    weir_variable(proposal) v = weir_variable_new(graph, proposal, rounds, &handed);
    weir_stream(proposal) all = weir_concat(weir_enter_at(own, rounds, proposed_by_bits), handed);
    weir_stream(weir_label) known = weir_reduce(all, WEIR_KEY(proposal, node), least_proposed,
                                                .first = 1, .by_first_field = true);
    weir_variable_set(v, weir_join(known, WEIR_KEY(weir_label, node), weir_enter(edges, rounds),
                                   WEIR_KEY(weir_edge, from), propose));
    return weir_leave(
        weir_join(known, WEIR_KEY(weir_label, node), all, WEIR_KEY(proposal, node), refuse));
}

/* Then the graph has failed. */
static bool is_plain(weir_graph *graph, const weir_port *edges)
{
    if (!edges || weir_port_is_collection(edges))
        return false;
    weir_graph_fail(graph, WEIR_TYPE_MISMATCH, "strongly connected",
                    "declare it a collection: weir_as_collection",
                    "collections are repeated, and this is a plain stream");
    return true;
}

/* What goes round is what has gone, mostly less than what is left. It is put together each time, or
 * an edge that comes and goes in one round would go round for ever. */
weir_stream(weir_edge) weir_strongly_connected(weir_stream(weir_edge) edges)
{
    weir_graph *graph = weir_port_graph(edges.port);
    if (is_plain(graph, edges.port))
        return (weir_stream(weir_edge)){ .port = NULL };
    weir_scope *rounds =
        weir_scope_add(graph, weir_port_scope(edges.port), "strongly connected");
    weir_stream(weir_edge) gone;
    weir_variable(weir_edge) v = weir_variable_new(graph, weir_edge, rounds, &gone);
    weir_stream(proposal) own =
        weir_enter(weir_map(weir_distinct(weir_flat_map(edges, both_ends)), own_label), rounds);
    weir_stream(weir_edge) left = weir_concat(weir_enter(edges, rounds), weir_negate(gone));
    weir_stream(weir_edge) ahead = apart(left, own);
    weir_stream(weir_edge) rest = weir_concat(left, weir_negate(ahead));
    weir_stream(weir_edge) behind = weir_map(apart(weir_map(rest, turn), own), turn);
    weir_stream(weir_edge) next = weir_consolidate(weir_concat(gone, weir_concat(ahead, behind)));
    weir_variable_set(v, next);
    return weir_concat(edges, weir_negate(weir_leave(next)));
}

weir_stream(weir_label) weir_strongly_connected_components(weir_stream(weir_edge) edges)
{
    weir_stream(weir_label) all = weir_distinct(weir_map(weir_flat_map(edges, both_ways), own));
    return weir_propagate(weir_strongly_connected(edges), all);
}
