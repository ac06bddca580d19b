/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/asof_join.h. Both sides become records of one type, with their key, time and
 * side in front of the record itself. Of a key those of the second side lie first, the newest one
 * before all others, then those of the first side, the oldest before all others. Outside of scopes
 * what a change concerns is looked for (asof_node.c); in a scope a reduce reads a window of a large
 * group (asof_window.c), and all of a small one.
 */
#include <weir/operators/asof_join.h>

#include <string.h>

#include <weir/operators/reduce.h>

#include "asof_node.h"
#include "asof_window.h"
#include "fields.h"
#include "join.h"
#include "word.h"

static const char *const where = "asof_join";

typedef weir__asof_place place;
enum { KEY, WHERE = WEIR__ASOF_PLACE, RECORDS }; /* parts; from RECORDS on those of the sides */
enum { SECOND = WEIR__ASOF_SECOND, FIRST = WEIR__ASOF_FIRST };

typedef struct description description;

typedef struct side {
    const description *join;
    const weir__fields *key;
    weir_field time;
    uint32_t number; /* 0 or 1 */
} side;

struct description {
    side sides[2];
    weir__parts *parts;
    weir_asof_join_spec spec;
    weir__windows windows;
};

static void line_up(const weir_batch *in, weir_builder *out, void *ctx)
{
    const side *s = ctx;
    const weir__parts *parts = s->join->parts;
    for (size_t i = 0; i < in->count; i++) {
        const char *record = weir_batch_record(in, i);
        bool is_null = s->time.optional && !record[s->time.set_offset];
        if (is_null && s->number == 1)
            continue; /* it is after nothing */
        out->from = i;
        char *to = memset(weir_builder_next(out, parts->type.size), 0, parts->type.size);
        place *at = weir__part(parts, WHERE, to);
        weir__fields_copy(s->key, record, weir__part(parts, KEY, to));
        at->side = s->number == 0 ? FIRST : SECOND;
        weir__wide time =
            is_null ? (weir__wide)INT64_MIN - 1 /* before all others */
                    : weir__word_integer(weir__word_of(s->time.kind, record + s->time.offset));
        at->at.unscaled = s->number == 0 ? weir__asof_first(time) : weir__asof_second(time);
        memcpy(weir__part(parts, RECORDS + s->number, to), record,
               parts->parts[RECORDS + s->number]->size);
    }
}

static const place *place_of(const description *d, const void *record)
{
    return weir__part_read(d->parts, WHERE, record);
}

/* In a scope. Of the second side records [0, *left) are not passed yet: passes those that are not
 * after the time, oldest ones first, of which `newest` is then the last one. */
static const void *pass(const description *d, const weir_values *values, weir__wide time,
                        size_t *left, const void *newest)
{
    while (*left > 0) {
        const place *oldest = place_of(d, values->records[*left - 1]);
        const void *last = NULL; /* of those of its time */
        if (oldest->at.unscaled < weir__asof_second(time))
            return newest;
        weir__wide at = oldest->at.unscaled;
        for (; *left > 0 && place_of(d, values->records[*left - 1])->at.unscaled == at; --*left)
            if (!last && values->counts[*left - 1] > 0)
                last = values->records[*left - 1];
        newest = last ? last : newest;
    }
    return newest;
}

static weir_status pair_up(const void *key, const weir_values *values, weir_builder *out,
                           const void *ctx)
{
    const description *d = ctx;
    const void *newest = NULL;
    size_t firsts = 0;
    (void)key;
    while (firsts < values->count && place_of(d, values->records[firsts])->side == SECOND)
        firsts++;
    for (size_t i = firsts, left = firsts; i < values->count; i++) {
        const void *record = values->records[i];
        newest = pass(d, values, weir__asof_time(place_of(d, record)), &left, newest);
        weir_builder_set_diff(out, values->counts[i]);
        weir__asof_pair(d->parts, record, newest, weir_builder_next(out, d->parts->type.size));
    }
    return WEIR_OK;
}

static void call(const weir_batch *in, weir_builder *out, void *ctx)
{
    const description *d = ctx;
    for (size_t i = 0; i < in->count; i++) {
        const void *record = weir_batch_record(in, i);
        const place *at = weir__part_read(d->parts, WHERE, record);
        const void *second = weir__part_read(d->parts, RECORDS + 1, record);
        out->from = i;
        d->spec.call(weir__part_read(d->parts, RECORDS, record), at->has_both ? second : NULL, out);
    }
}

/* ---- building ---- */

static bool is_time(weir_kind kind)
{
    return weir__word_has(kind) && kind != WEIR_KIND_f32 && kind != WEIR_KIND_f64 &&
           kind != WEIR_KIND_decimal;
}

static bool check(weir_port *const sides[2], const description *d)
{
    weir_graph *graph = weir_port_graph(sides[0]);
    const weir_field *a = &d->sides[0].time, *b = &d->sides[1].time;
    if (a->kind != b->kind || !is_time(a->kind))
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                        "name an instant, a date or an integer of each, of the same kind",
                        "'%s' of '%s' and '%s' of '%s' are no times of one kind", a->name,
                        weir_port_type(sides[0])->name, b->name, weir_port_type(sides[1])->name);
    for (int s = 0; s < 2; s++) {
        if (!weir_port_is_collection(sides[s]))
            weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                            "declare it a collection: weir_as_collection",
                            "collections are joined, and stream %d is a plain one", s + 1);
        else if (!weir_type_same_layout(weir_port_type(sides[s]), d->spec.takes[s]))
            weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "give it a stream of those records",
                            "stream %d carries '%s', the function takes '%s'", s + 1,
                            weir_port_type(sides[s])->name, d->spec.takes[s]->name);
    }
    return !weir_graph_failed(graph);
}

/* A side as records of the type of both. */
static weir_port *lined_up(weir_port *in, description *d, unsigned s)
{
    d->sides[s].join = d;
    d->sides[s].number = s;
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = where,
                              .in = weir_port_type(in),
                              .out = &d->parts->type,
                              .flat_map = line_up,
                              .ctx = &d->sides[s] };
    return weir_stage_add(in, &stage);
}

static weir_port *reduced(weir_port *both, description *d, uint32_t key_count)
{
    uint16_t first = d->parts->first_field[WHERE];
    weir_arrange_spec by = { .struct_size = sizeof by,
                             .key = weir__fields_key(key_count),
                             .order = { .count = 2, .field = { first, (uint16_t)(first + 1) } } };
    weir_arrangement *arranged = weir_arrange_erased(both, &by);
    weir_reduce_spec reduce = { .struct_size = sizeof reduce,
                                .kind = d->spec.kind,
                                .out = &d->parts->type,
                                .reduce = pair_up,
                                .ctx = d };
    weir_port *pairs = NULL;
    d->windows = (weir__windows){ weir__asof_touch, weir__asof_read, d->parts };
    if (arranged && weir_port_depth(both) > 1)
        pairs = weir__reduce_windows(arranged, &reduce, &d->windows);
    else if (arranged)
        pairs = weir__asof_add(arranged, d->parts, d->spec.kind);
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = d->spec.kind,
                              .in = &d->parts->type,
                              .out = d->spec.out,
                              .flat_map = call,
                              .ctx = d };
    return pairs ? weir_stage_add(pairs, &stage) : NULL;
}

weir_port *weir_asof_join_erased(weir_port *const sides[2], const weir_asof_join_spec *given)
{
    weir_key keys[2];
    weir_port *both[2];
    if (!sides[0] || !sides[1])
        return NULL;
    weir_graph *graph = weir_port_graph(sides[0]);
    description *d = weir_graph_alloc(graph, sizeof *d);
    weir_struct_copy(&d->spec, sizeof d->spec, given);
    for (int s = 0; s < 2; s++) {
        int time = weir__fields_resolve(sides[s], d->spec.keys[s], d->spec.times[s], &keys[s],
                                        where);
        if (time < 0)
            return NULL;
        d->sides[s].time = weir_port_type(sides[s])->fields[time];
        d->sides[s].key = weir__fields_of(graph, weir_port_type(sides[s]), &keys[s], -1);
    }
    if (!weir__join_check(sides, keys, where) || !check(sides, d))
        return NULL;
    const weir_type *types[] = { &d->sides[0].key->type, weir__asof_place_type(),
                                 weir_port_type(sides[0]), weir_port_type(sides[1]) };
    d->parts = weir__parts_of(graph, types, 4, where);
    if (!d->parts)
        return NULL;
    for (unsigned s = 0; s < 2; s++)
        both[s] = lined_up(sides[s], d, s);
    weir_port *all = weir_port_concat(both, 2);
    return all ? reduced(all, d, keys[0].count) : NULL;
}
