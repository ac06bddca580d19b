/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/graphs.h. Nodes that get their values one after the other. A node is asked as
 * long as a lesser neighbour has no value: then it has none either, which greater ones are told.
 */
#include <weir/operators/graphs.h>

#include <string.h>

#include <weir/memory.h>
#include <weir/operators/concat.h>
#include <weir/operators/flat_map.h>
#include <weir/operators/iterate.h>
#include <weir/operators/join.h>
#include <weir/operators/loop.h>
#include <weir/operators/map.h>
#include <weir/operators/reduce.h>
#include <weir/operators/threshold.h>

/* A node, or what it is told of a lesser neighbour: nothing yet, a value. */
#define TURN(F) F(u64, node) F(flag, told) F(flag, has_value) F(u64, value)
WEIR_RECORD(turn, TURN)

typedef struct description {
    weir_sequence_fn *fn;
    const void *ctx;
} description;

static void upwards(const weir_edge *e, weir_out(weir_edge) out)
{
    if (e->from < e->to)
        weir_edge_emit(out, *e);
    else if (e->from > e->to)
        weir_edge_emit(out, (weir_edge){ e->to, e->from });
}
WEIR_FLAT_MAP(upwards, weir_edge, weir_edge)

static void both_ends(const weir_edge *e, weir_out(turn) out)
{
    turn_emit(out, (turn){ .node = e->from });
    turn_emit(out, (turn){ .node = e->to });
}
WEIR_FLAT_MAP(both_ends, weir_edge, turn)

static void tell(const turn *t, const weir_edge *e, weir_out(turn) out)
{
    turn_emit(out, (turn){ e->to, true, t->has_value, t->value });
}
WEIR_JOIN(tell, turn, weir_edge, turn)

static void value_of(const turn *t, weir_out(weir_label) out)
{
    if (t->has_value)
        weir_label_emit(out, (weir_label){ t->node, t->value });
}
WEIR_FLAT_MAP(value_of, turn, weir_label)

/* In their order: the node itself, those without a value, values. */
static weir_status ask(const void *key, const weir_values *all, weir_builder *out,
                       const void *ctx)
{
    const description *d = ctx;
    const turn *const *turns = (const turn *const *)all->records;
    turn result = { .node = ((const turn *)key)->node };
    uint64_t few[16], *values = all->count > 16 ? weir_alloc_must(all->count * sizeof *few) : few;
    size_t first = 0;
    while (first < all->count && !turns[first]->told)
        first++;
    result.has_value = first == all->count || turns[first]->has_value;
    for (size_t i = first; i < all->count; i++)
        values[i - first] = turns[i]->value;
    if (result.has_value)
        result.value = d->fn(result.node, values, all->counts + first, all->count - first, d->ctx);
    if (first > 0) /* or the node has gone, and its edges have not, yet */
        turn_emit((weir_out(turn)){ .builder = out }, result);
    if (values != few)
        weir_free(values, all->count * sizeof *few);
    return WEIR_OK;
}

weir_stream(weir_label) weir_sequence(weir_stream(weir_edge) edges, weir_sequence_fn *fn,
                                      const void *ctx)
{
    weir_graph *graph = weir_port_graph(edges.port);
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(edges.port), "sequence");
    weir_stream(weir_edge) up = weir_distinct(weir_flat_map(edges, upwards));
    weir_stream(turn) nodes = weir_distinct(weir_flat_map(edges, both_ends)), turns;
    if (!nodes.port)
        return (weir_stream(weir_label)){ .port = NULL };
    weir_variable(turn) v = weir_variable_from(nodes, rounds, &turns);
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ fn, ctx };
    weir_reduce_spec asked = { .struct_size = sizeof asked, .kind = "ask", .out = turn_type(),
                               .reduce = ask, .ctx = d };
    struct weir_reduce_options options = { .struct_size = sizeof options };
    weir_stream(turn) told = weir_join(turns, WEIR_KEY(turn, node), weir_enter(up, rounds),
                                       WEIR_KEY(weir_edge, from), tell);
    weir_stream(turn) all = weir_concat(weir_enter(nodes, rounds), told);
    weir_stream(turn) next = {
        .port = weir__reduce(all.port, (const char *const[]){ "node", NULL }, &options, &asked)
    };
    weir_variable_set(v, next);
    return weir_flat_map(weir_leave(next), value_of);
}

static uint64_t least_free(uint64_t node, const uint64_t *values, const int64_t *counts,
                           size_t count, const void *ctx)
{
    uint64_t color = 0;
    (void)node;
    (void)counts;
    (void)ctx;
    for (size_t i = 0; i < count && values[i] <= color; i++)
        color = values[i] + 1;
    return color;
}

weir_stream(weir_label) weir_coloring(weir_stream(weir_edge) edges)
{
    return weir_sequence(edges, least_free, NULL);
}
