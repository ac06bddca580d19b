/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/graphs.h. Ways that are searched for from both ends.
 */
#include <weir/operators/graphs.h>

#include <weir/operators/concat.h>
#include <weir/operators/iterate.h>
#include <weir/operators/join.h>
#include <weir/operators/loop.h>
#include <weir/operators/map.h>
#include <weir/operators/reduce.h>
#include <weir/operators/semijoin.h>
#include <weir/operators/threshold.h>

/* A node that a search has come to, from this end of pairs. */
#define REACHED(F) F(u64, node) F(u64, end) F(u64, distance)
WEIR_RECORD(reached, REACHED)

static void nearest(const reached *key, weir_group(reached) all, weir_out(reached) out)
{
    const reached *first = weir_group_first(all);
    (void)key;
    if (first)
        reached_emit(out, *first);
}
WEIR_REDUCE(nearest, reached, reached)

static void shortest(const weir_way *key, weir_group(weir_way) all, weir_out(weir_way) out)
{
    const weir_way *first = weir_group_first(all);
    (void)key;
    if (first)
        weir_way_emit(out, *first);
}
WEIR_REDUCE(shortest, weir_way, weir_way)

static weir_vertex begin_of(const weir_edge *pair) { return (weir_vertex){ pair->from }; }
WEIR_MAP(begin_of, weir_edge, weir_vertex)
static weir_vertex end_of(const weir_edge *pair) { return (weir_vertex){ pair->to }; }
WEIR_MAP(end_of, weir_edge, weir_vertex)
static reached at_end(const weir_vertex *v) { return (reached){ v->node, v->node, 0 }; }
WEIR_MAP(at_end, weir_vertex, reached)

static void forwards(const reached *r, const weir_edge *e, weir_out(reached) out)
{
    reached_emit(out, (reached){ e->to, r->end, r->distance + 1 });
}
WEIR_JOIN(forwards, reached, weir_edge, reached)
static void backwards(const reached *r, const weir_edge *e, weir_out(reached) out)
{
    reached_emit(out, (reached){ e->from, r->end, r->distance + 1 });
}
WEIR_JOIN(backwards, reached, weir_edge, reached)

static void meet(const reached *from, const reached *to, weir_out(weir_way) out)
{
    weir_way_emit(out, (weir_way){ from->end, to->end, from->distance + to->distance });
}
WEIR_JOIN(meet, reached, reached, weir_way)

/* A search from some ends: what it knows in a round, and what it knows in the next one, if of these
 * ends some still have to be searched from. */
typedef struct search {
    weir_variable(reached) variable;
    weir_stream(reached) known;
} search;

static search begin(weir_stream(weir_vertex) ends, weir_scope *rounds)
{
    search s;
    s.variable = weir_variable_from(weir_map(ends, at_end), rounds, &s.known);
    return s;
}

static void go_on(const search *s, weir_stream(reached) further)
{
    weir_variable_set(s->variable, weir_reduce(weir_concat(s->known, further),
                                               WEIR_KEY(reached, node, end), nearest,
                                               .order = WEIR_ASC(reached, distance)));
}

static weir_stream(reached) of(weir_stream(reached) known, weir_stream(weir_vertex) ends)
{
    return weir_semijoin(known, WEIR_KEY(reached, end), ends, WEIR_KEY(weir_vertex, node));
}

weir_stream(weir_way) weir_bidirectional_search(weir_stream(weir_edge) edges,
                                                weir_stream(weir_edge) pairs)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "search");
    weir_stream(weir_edge) asked = weir_distinct(pairs), inside = weir_enter(edges, rounds);
    search a = begin(weir_distinct(weir_map(asked, begin_of)), rounds);
    search b = begin(weir_distinct(weir_map(asked, end_of)), rounds);
    weir_stream(weir_edge) wanted = weir_enter(asked, rounds);
    weir_stream(weir_way) met = weir_semijoin(
        weir_join(a.known, WEIR_KEY(reached, node), b.known, WEIR_KEY(reached, node), meet),
        WEIR_KEY(weir_way, from, to), wanted, WEIR_KEY(weir_edge, from, to));
    weir_stream(weir_way) found = weir_reduce(met, WEIR_KEY(weir_way, from, to), shortest,
                                              .order = WEIR_ASC(weir_way, distance));
    weir_stream(weir_edge) left = weir_antijoin(wanted, WEIR_KEY(weir_edge, from, to), found,
                                                WEIR_KEY(weir_way, from, to));
    go_on(&a, weir_join(of(a.known, weir_map(left, begin_of)), WEIR_KEY(reached, node), inside,
                        WEIR_KEY(weir_edge, from), forwards));
    go_on(&b, weir_join(of(b.known, weir_map(left, end_of)), WEIR_KEY(reached, node), inside,
                        WEIR_KEY(weir_edge, to), backwards));
    return weir_leave(found);
}
