/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/identifiers.h. Each record asks for its first number. Of those that ask for
 * one number the one with the fewest attempts gets it, of several the least; the others ask for
 * their next one, too, a round later.
 */
#include <weir/operators/identifiers.h>

#include <string.h>

#include <weir/operators/iterate.h>
#include <weir/operators/reduce.h>
#include <weir/operators/threshold.h>
#include <weir/record.h>

#include "fields.h"
#include "parts.h"

static const char *const where = "identifiers";

/* What a record asks for, and whether it gets it. */
#define ATTEMPT(F) F(u64, id) F(u64, attempts) F(flag, succeeds)
WEIR_RECORD(attempt, ATTEMPT)

enum { ASKS, RECORD }; /* parts */

typedef struct description {
    const weir__parts *parts;
    const weir_type *in, *out;
} description;

static uint64_t id_of(const description *d, const void *record, uint64_t attempts)
{
    /* an odd number: a record asks for all numbers before it asks for one again */
    return weir_record_hash(d->in, record, 0) + attempts * 0x9e3779b97f4a7c15;
}

static void ask_first(const weir_batch *in, weir_builder *out, void *ctx)
{
    const description *d = ctx;
    for (size_t i = 0; i < in->count; i++) {
        const void *record = weir_batch_record(in, i);
        out->from = i;
        char *to = memset(weir_builder_next(out, d->parts->type.size), 0, d->parts->type.size);
        ((attempt *)weir__part(d->parts, ASKS, to))->id = id_of(d, record, 0);
        memcpy(weir__part(d->parts, RECORD, to), record, d->in->size);
    }
}

/* Of those that ask for one number, in their order. */
static weir_status decide(const void *key, const weir_values *values, weir_builder *out,
                          const void *ctx)
{
    const description *d = ctx;
    bool is_free = true;
    (void)key;
    for (size_t i = 0; i < values->count; i++) {
        if (values->counts[i] <= 0)
            continue;
        char *to = weir_builder_next(out, d->parts->type.size);
        memcpy(to, values->records[i], d->parts->type.size);
        ((attempt *)weir__part(d->parts, ASKS, to))->succeeds = is_free;
        is_free = false;
    }
    return WEIR_OK;
}

/* The next attempts of those that have failed. */
static void ask_again(const weir_batch *in, weir_builder *out, void *ctx)
{
    const description *d = ctx;
    for (size_t i = 0; i < in->count; i++) {
        const void *record = weir_batch_record(in, i);
        const attempt *a = weir__part_read(d->parts, ASKS, record);
        if (a->succeeds)
            continue;
        out->from = i;
        char *to = memcpy(weir_builder_next(out, d->parts->type.size), record,
                          d->parts->type.size);
        uint64_t attempts = a->attempts + 1;
        *(attempt *)weir__part(d->parts, ASKS, to) = (attempt){
            id_of(d, weir__part_read(d->parts, RECORD, record), attempts), attempts, false
        };
    }
}

static void number(const weir_batch *in, weir_builder *out, void *ctx)
{
    const description *d = ctx;
    uint32_t last = d->out->field_count - 1;
    for (size_t i = 0; i < in->count; i++) {
        const void *record = weir_batch_record(in, i);
        const attempt *a = weir__part_read(d->parts, ASKS, record);
        if (!a->succeeds)
            continue;
        out->from = i;
        char *to = weir_builder_next(out, d->out->size);
        weir__fields_move(d->in, weir__part_read(d->parts, RECORD, record), d->out, to, last);
        memcpy(to + d->out->fields[last].offset, &a->id, sizeof a->id);
    }
}

/* ---- building ---- */

static bool fits(const weir_type *in, const weir_type *out)
{
    if (out->field_count != in->field_count + 1)
        return false;
    for (uint32_t i = 0; i < in->field_count; i++)
        if (in->fields[i].kind != out->fields[i].kind ||
            in->fields[i].optional != out->fields[i].optional ||
            in->fields[i].scale != out->fields[i].scale)
            return false;
    const weir_field *last = &out->fields[in->field_count];
    return last->kind == WEIR_KIND_u64 && !last->optional;
}

static weir_port *stage(weir_port *in, const weir_type *out, weir_flat_map_fn *fn, description *d)
{
    weir_stage_spec spec = { .struct_size = sizeof spec, .kind = where, .out = out,
                             .flat_map = fn, .ctx = d };
    if (!in)
        return NULL;
    spec.in = weir_port_type(in);
    return weir_stage_add(in, &spec);
}

weir_port *weir_identifiers_erased(weir_port *in, const weir_type *out)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    const weir_type *type = weir_port_type(in);
    if (!fits(type, out)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                        "give it the kinds of the record's fields, in order, then one u64",
                        "record '%s' cannot hold records '%s' and a number", out->name, type->name);
        return NULL;
    }
    description *d = weir_graph_alloc(graph, sizeof *d);
    const weir_type *types[] = { attempt_type(), type };
    *d = (description){ weir__parts_of(graph, types, 2, where), type, out };
    weir_port *first = d->parts ? stage(weir_distinct_erased(in), &d->parts->type, ask_first, d)
                                : NULL;
    if (!first)
        return NULL;
    weir_scope *rounds = weir_scope_add(graph, weir_port_scope(in), where);
    struct weir_variable_options options = { .struct_size = sizeof options };
    weir_variable *v = weir__variable(graph, rounds, &d->parts->type, NULL, &options);
    weir_arrange_spec by_id = { .struct_size = sizeof by_id, .key = weir__fields_key(1) };
    weir_reduce_spec decided = { .struct_size = sizeof decided, .kind = where,
                                 .out = &d->parts->type, .reduce = decide, .ctx = d };
    weir_port *asked[2] = { weir_port_enter(first, rounds), weir__variable_value(v) };
    weir_port *all = asked[0] && asked[1] ? weir_port_concat(asked, 2) : NULL;
    all = all ? weir_reduce_erased(weir_arrange_erased(all, &by_id), &decided) : NULL;
    if (!all)
        return NULL;
    weir__variable_set(v, stage(all, &d->parts->type, ask_again, d));
    weir_key unique = { .count = 1, .field = { (uint16_t)type->field_count } };
    return weir_port_with_key(stage(weir_port_leave(all), out, number, d), &unique);
}
