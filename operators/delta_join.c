/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/delta_join.h. For each stream there is a chain of look-ups that begins with
 * its changes and goes through all others. Of two changes at one time the chain of the later stream
 * sees the other, that of the earlier one does not: so each combination of changes is made once.
 */
#include <weir/operators/delta_join.h>

#include <string.h>

#include <weir/operators/join.h>

#include "lookup.h"

/* A condition, with fields by their index. */
typedef struct condition {
    unsigned stream[2]; /* from 0 */
    uint16_t field[2];
} condition;

typedef struct description {
    weir_delta_join_spec spec;
    weir_port *streams[WEIR_DELTA_JOIN_MAX];
    weir__parts *parts;
    condition *conditions;
    size_t condition_count;
    unsigned orders[WEIR_DELTA_JOIN_MAX][WEIR_DELTA_JOIN_MAX]; /* of chains, from 0 */
} description;

/* Where a chain begins. */
typedef struct beginning {
    const weir__parts *parts;
    uint32_t part;
} beginning;

/* ---- stages ---- */

static void put_in_part(const weir_batch *in, weir_builder *out, void *ctx)
{
    const beginning *b = ctx;
    for (size_t i = 0; i < in->count; i++) {
        out->from = i;
        char *to = memset(weir_builder_next(out, b->parts->type.size), 0, b->parts->type.size);
        memcpy(weir__part(b->parts, b->part, to), weir_batch_record(in, i),
               b->parts->parts[b->part]->size);
    }
}

static void call(const weir_batch *in, weir_builder *out, void *ctx)
{
    const description *d = ctx;
    const void *records[WEIR_DELTA_JOIN_MAX];
    for (size_t i = 0; i < in->count; i++) {
        for (unsigned k = 0; k < d->spec.count; k++)
            records[k] = weir__part_read(d->parts, k, weir_batch_record(in, i));
        out->from = i;
        d->spec.call(records, out);
    }
}

/* In a scope: of pairs of tuples and records. */
static void complete_pairs(const weir_matches *pairs, weir_builder *out, void *ctx)
{
    const weir__lookup_spec *spec = ctx;
    for (size_t i = 0; i < pairs->count; i++) {
        if (!weir__lookup_agrees(spec, pairs->records[0][i]))
            continue;
        out->from = i;
        char *to = memcpy(weir_builder_next(out, spec->parts->type.size), pairs->records[0][i],
                          spec->parts->type.size);
        memcpy(weir__part(spec->parts, spec->part, to), pairs->records[1][i],
               spec->parts->parts[spec->part]->size);
    }
}

/* ---- chains ---- */

/* How many conditions tie a stream to those that are bound. */
static unsigned ties(const description *d, unsigned stream, uint32_t bound)
{
    unsigned count = 0;
    for (size_t i = 0; i < d->condition_count; i++)
        for (int s = 0; s < 2; s++)
            count += d->conditions[i].stream[s] == stream &&
                     (bound >> d->conditions[i].stream[1 - s] & 1u);
    return count;
}

/* The stream that is looked up next, where nobody names it: the one that is tied most. */
static unsigned next_stream(const description *d, uint32_t bound)
{
    unsigned best = d->spec.count, most = 0;
    for (unsigned i = 0; i < d->spec.count; i++) {
        unsigned count = bound >> i & 1u ? 0 : ties(d, i, bound);
        best = count > most ? i : best;
        most = count > most ? count : most;
    }
    return best;
}

static uint16_t in_tuple(const description *d, unsigned stream, uint16_t field)
{
    return (uint16_t)(d->parts->first_field[stream] + field);
}

/* Fields of the stream that are in the key already have to agree with one more of the tuple. */
static void tie(weir__lookup_spec *spec, weir__agree *agrees, uint16_t field, uint16_t of_tuple)
{
    for (uint32_t i = 0; i < spec->key.count; i++)
        if (spec->key.field[i] == field) {
            agrees[spec->agree_count++] = (weir__agree){ { spec->tuple_key.field[i], of_tuple } };
            return;
        }
    spec->key.field[spec->key.count++] = field;
    spec->tuple_key.field[spec->tuple_key.count++] = of_tuple;
}

static weir_port *look_up(weir_port *tuples, const description *d, unsigned stream, uint32_t bound,
                          bool before)
{
    weir_graph *graph = weir_port_graph(tuples);
    weir__lookup_spec *spec = weir_graph_alloc(graph, sizeof *spec);
    weir__agree *agrees = weir_graph_alloc(graph, d->condition_count * sizeof *agrees);
    *spec = (weir__lookup_spec){ .kind = "look_up", .parts = d->parts, .part = stream,
                                 .agrees = agrees, .before = before };
    for (size_t i = 0; i < d->condition_count; i++)
        for (int s = 0; s < 2; s++) {
            const condition *c = &d->conditions[i];
            if (c->stream[s] != stream || !(bound >> c->stream[1 - s] & 1u))
                continue;
            if (spec->key.count == WEIR_KEY_FIELDS_MAX) {
                weir_graph_fail(graph, WEIR_INVALID, d->spec.kind, "compare the rest in a filter",
                                "over 8 fields of stream %u have to agree with others",
                                stream + 1);
                return NULL;
            }
            tie(spec, agrees, c->field[s], in_tuple(d, c->stream[1 - s], c->field[1 - s]));
        }
    if (weir_port_depth(tuples) == 1)
        return weir__lookup_add(tuples, d->streams[stream], spec);
    weir_join_spec join = { .struct_size = sizeof join, .out = &d->parts->type,
                            .kernel = complete_pairs, .ctx = spec };
    return weir_join_erased((weir_port *const[2]){ tuples, d->streams[stream] },
                            (const weir_key[2]){ spec->tuple_key, spec->key }, &join);
}

/* All tuples that the changes of a stream make. */
static weir_port *chain(const description *d, unsigned first)
{
    weir_graph *graph = weir_port_graph(d->streams[first]);
    beginning *b = weir_graph_alloc(graph, sizeof *b);
    *b = (beginning){ d->parts, first };
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = d->spec.kind,
                              .in = d->spec.takes[first],
                              .out = &d->parts->type,
                              .flat_map = put_in_part,
                              .ctx = b };
    weir_port *tuples = weir_stage_add(d->streams[first], &stage);
    uint32_t bound = 1u << first;
    for (unsigned i = 1; i < d->spec.count && tuples; i++) {
        unsigned next = d->orders[first][i];
        tuples = look_up(tuples, d, next, bound, next > first);
        bound |= 1u << next;
    }
    return tuples;
}

/* ---- building ---- */

static bool check_streams(const description *d, weir_graph *graph)
{
    for (unsigned i = 0; i < d->spec.count; i++) {
        weir_port *in = d->streams[i];
        if (!weir_port_is_collection(in))
            weir_graph_fail(graph, WEIR_TYPE_MISMATCH, d->spec.kind,
                            "declare it a collection: weir_as_collection",
                            "collections are joined, and stream %u is a plain one", i + 1);
        else if (!weir_type_same_layout(weir_port_type(in), d->spec.takes[i]))
            weir_graph_fail(graph, WEIR_TYPE_MISMATCH, d->spec.kind,
                            "give it a stream of those records",
                            "stream %u carries '%s', the function takes '%s'", i + 1,
                            weir_port_type(in)->name, d->spec.takes[i]->name);
        else if (weir_port_scope(in) != weir_port_scope(d->streams[0]))
            weir_graph_fail(graph, WEIR_INVALID, d->spec.kind, "let all enter one scope",
                            "streams 1 and %u are in different scopes", i + 1);
    }
    return !weir_graph_failed(graph);
}

/* Finds the fields of a condition. */
static bool resolve(description *d, weir_graph *graph, const weir_on *on)
{
    const weir_field *fields[2] = { NULL, NULL };
    condition *c = &d->conditions[d->condition_count++];
    for (int s = 0; s < 2; s++) {
        bool is_there = on->stream[s] >= 1 && on->stream[s] <= d->spec.count;
        const weir_type *type = is_there ? d->spec.takes[on->stream[s] - 1] : NULL;
        int field = type ? weir_type_field(type, on->field[s]) : -1;
        if (field < 0) {
            weir_graph_fail(graph, WEIR_TYPE_MISMATCH, d->spec.kind,
                            "count streams from 1, and name fields that they have",
                            "a condition names field '%s' of stream %u", on->field[s],
                            on->stream[s]);
            return false;
        }
        fields[s] = &type->fields[field];
        c->stream[s] = on->stream[s] - 1;
        c->field[s] = (uint16_t)field;
    }
    if (c->stream[0] != c->stream[1] && fields[0]->kind == fields[1]->kind &&
        fields[0]->optional == fields[1]->optional && fields[0]->scale == fields[1]->scale)
        return true;
    weir_graph_fail(graph, WEIR_TYPE_MISMATCH, d->spec.kind,
                    "name fields of one kind, of two different streams",
                    "'%s' of stream %u and '%s' of stream %u cannot be compared", fields[0]->name,
                    on->stream[0], fields[1]->name, on->stream[1]);
    return false;
}

static bool choose_order(description *d, weir_graph *graph, unsigned first)
{
    uint32_t bound = 1u << first;
    d->orders[first][0] = first;
    for (unsigned i = 1; i < d->spec.count; i++) {
        unsigned next = next_stream(d, bound);
        if (next == d->spec.count) {
            weir_graph_fail(graph, WEIR_INVALID, d->spec.kind,
                            "give conditions that lead from stream 1 to each other one",
                            "the conditions do not connect all %u streams", d->spec.count);
            return false;
        }
        d->orders[first][i] = next;
        bound |= 1u << next;
    }
    return true;
}

/* An order that is named, instead of the one that was chosen. */
static bool take_order(description *d, weir_graph *graph, const unsigned *chain, uint32_t *named)
{
    unsigned length = 0, first = chain[0] - 1;
    uint32_t bound = 0;
    for (; length < WEIR_DELTA_JOIN_MAX && chain[length]; length++) {
        unsigned next = chain[length] - 1;
        if (next >= d->spec.count || (bound >> next & 1u) ||
            (length > 0 && ties(d, next, bound) == 0))
            break;
        d->orders[first][length] = next;
        bound |= 1u << next;
    }
    if (length < d->spec.count || (length < WEIR_DELTA_JOIN_MAX && chain[length])) {
        weir_graph_fail(graph, WEIR_INVALID, d->spec.kind,
                        "name all streams once, counted from 1, each after one that a condition "
                        "ties it to",
                        "an order of look-ups cannot go on behind its first %u streams", length);
        return false;
    }
    if (*named >> first & 1u)
        weir_graph_fail(graph, WEIR_INVALID, d->spec.kind, "name one for each stream at most",
                        "stream %u has two orders of look-ups", first + 1);
    *named |= 1u << first;
    return !weir_graph_failed(graph);
}

static bool set_orders(description *d, weir_graph *graph, const weir_on *on, size_t on_count)
{
    uint32_t named = 0;
    for (unsigned i = 0; i < d->spec.count; i++)
        if (!choose_order(d, graph, i))
            return false;
    for (size_t i = 0; i < on_count; i++)
        if (!on[i].field[0] && !take_order(d, graph, on[i].chain, &named))
            return false;
    return true;
}

static weir_port *build(const description *d)
{
    weir_port *parts[WEIR_DELTA_JOIN_MAX];
    /* In a scope the joins of one chain see the changes of all streams. */
    unsigned chains = weir_port_depth(d->streams[0]) == 1 ? d->spec.count : 1;
    for (unsigned i = 0; i < chains; i++)
        if (!(parts[i] = chain(d, i)))
            return NULL;
    weir_port *all = weir_port_concat(parts, chains);
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = d->spec.kind,
                              .in = &d->parts->type,
                              .out = d->spec.out,
                              .flat_map = call,
                              .ctx = (void *)(uintptr_t)d };
    return weir_stage_add(all, &stage);
}

weir_port *weir_delta_join_erased(weir_port *const *streams, const weir_delta_join_spec *given,
                                  const weir_on *on, size_t on_count)
{
    weir_delta_join_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    for (unsigned i = 0; i < spec.count && i < WEIR_DELTA_JOIN_MAX; i++)
        if (!streams[i])
            return NULL;
    if (spec.count == 0)
        return NULL;
    weir_graph *graph = weir_port_graph(streams[0]);
    if (spec.count < 2 || spec.count > WEIR_DELTA_JOIN_MAX) {
        weir_graph_fail(graph, WEIR_INVALID, spec.kind, "give it 2 to 8",
                        "a join of %u streams", spec.count);
        return NULL;
    }
    description *d = weir_graph_alloc(graph, sizeof *d);
    const weir_type **takes = weir_graph_alloc(graph, spec.count * sizeof *takes);
    memcpy(takes, spec.takes, spec.count * sizeof *takes);
    spec.takes = takes;
    *d = (description){ .spec = spec,
                        .conditions = weir_graph_alloc(graph, on_count * sizeof(condition)) };
    memcpy(d->streams, streams, spec.count * sizeof *streams);
    if (!check_streams(d, graph))
        return NULL;
    for (size_t i = 0; i < on_count; i++)
        if (on[i].field[0] && !resolve(d, graph, &on[i]))
            return NULL;
    d->parts = set_orders(d, graph, on, on_count)
                   ? weir__parts_of(graph, takes, spec.count, spec.kind)
                   : NULL;
    return d->parts ? build(d) : NULL;
}
