/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/graphs.h. Which nodes belong together: labels that are propagated along edges,
 * and what is made of them.
 */
#include <weir/operators/graphs.h>

#include <weir/operators/concat.h>
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

/* An edge, seen from its end, with the label of its begin. */
#define LABELLED(F) F(u64, from) F(u64, to) F(u64, label)
WEIR_RECORD(labelled, LABELLED)

static weir_edge turn(const weir_edge *e) { return (weir_edge){ e->to, e->from }; }
WEIR_MAP(turn, weir_edge, weir_edge)

static weir_label own_of_end(const weir_edge *e) { return (weir_label){ e->to, e->to }; }
WEIR_MAP(own_of_end, weir_edge, weir_label)

static void of_begin(const weir_edge *e, const weir_label *l, weir_out(labelled) out)
{
    labelled_emit(out, (labelled){ e->from, e->to, l->label });
}
WEIR_JOIN(of_begin, weir_edge, weir_label, labelled)

static void of_end(const labelled *e, const weir_label *l, weir_out(weir_edge) out)
{
    if (e->label == l->label)
        weir_edge_emit(out, (weir_edge){ e->to, e->from });
}
WEIR_JOIN(of_end, labelled, weir_label, weir_edge)

/* Those of `all` edges, which come from outside, whose two nodes are reached by the same least node
 * along `left`, turned round. Two nodes that reach each other along `left` always are. */
static weir_stream(weir_edge) trim(weir_stream(weir_edge) left, weir_stream(weir_edge) all,
                                   weir_scope *rounds)
{
    weir_stream(weir_edge) edges = weir_enter(all, rounds);
    weir_stream(weir_label) ends = weir_distinct(weir_map(all, own_of_end));
    weir_stream(weir_label) labels = weir_propagate(left, weir_enter(ends, rounds));
    weir_stream(labelled) half = weir_join(edges, WEIR_KEY(weir_edge, from), labels,
                                           WEIR_KEY(weir_label, node), of_begin);
    return weir_join(half, WEIR_KEY(labelled, to), labels, WEIR_KEY(weir_label, node), of_end);
}

weir_stream(weir_edge) weir_strongly_connected(weir_stream(weir_edge) edges)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds =
        weir_scope_add(graph, weir_port_scope(edges.port), "strongly connected");
    weir_stream(weir_edge) left;
    weir_variable(weir_edge) v = weir_variable_from(edges, rounds, &left);
    weir_stream(weir_edge) back = trim(left, edges, rounds);
    weir_stream(weir_edge) next = trim(back, weir_map(edges, turn), rounds);
    weir_variable_set(v, next);
    return weir_leave(next);
}

weir_stream(weir_label) weir_strongly_connected_components(weir_stream(weir_edge) edges)
{
    weir_stream(weir_label) all = weir_distinct(weir_map(weir_flat_map(edges, both_ways), own));
    return weir_propagate(weir_strongly_connected(edges), all);
}
