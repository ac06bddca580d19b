/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/min.h: the key and the field alone, of which the first one by the field is
 * followed. Beside an optional field lies whether it is null, by which it is ordered first.
 */
#include <weir/operators/min.h>

#include <string.h>

#include "fields.h"
#include "tally.h"
#include "top_node.h"

typedef struct description {
    const weir__fields *some;
    weir_type type; /* these fields, and whether the last one is null */
    weir_field fields[WEIR__FIELDS_MAX + 1];
    const weir_type *out;
} description;

static void map(const void *in, void *out, size_t count, void *ctx)
{
    const description *d = ctx;
    const weir_field *last = &d->some->fields[d->some->count - 1];
    _Alignas(16) char made[WEIR_RECORD_SIZE_MAX]; /* both may be the same memory */
    for (size_t i = 0; i < count; i++) {
        memset(made, 0, d->type.size);
        weir__fields_copy(d->some, (const char *)in + i * d->some->from->size, made);
        if (last->optional)
            made[d->some->type.size] = !made[last->set_offset];
        memcpy((char *)out + i * d->type.size, made, d->type.size);
    }
}

static void make(const void *record, void *result, const void *ctx)
{
    const description *d = ctx;
    weir__fields_move(&d->type, record, d->out, result, d->some->count);
}

static void describe(description *d)
{
    const weir_type *some = &d->some->type;
    d->type = *some;
    memcpy(d->fields, d->some->fields, d->some->count * sizeof *d->fields);
    d->type.fields = d->fields;
    if (!d->fields[d->some->count - 1].optional)
        return;
    d->fields[d->type.field_count++] =
        (weir_field){ .name = "is null", .kind = WEIR_KIND_flag, .offset = some->size };
    d->type.size += d->type.align;
}

static bool check(weir_port *in, const weir_key *key, uint16_t field, const weir_type *out,
                  const char *kind)
{
    const weir_type *type = weir_port_type(in);
    weir_graph *graph = weir_port_graph(in);
    bool valid = key->count > 0 && key->count <= WEIR_KEY_FIELDS_MAX && field < type->field_count;
    for (uint32_t i = 0; valid && i < key->count; i++)
        valid = key->field[i] < type->field_count;
    if (!valid) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, kind, "name 1 to 8 fields, and one to compare",
                        "the key or the field is none of the stream's records '%s'", type->name);
        return false;
    }
    const weir_field *f = &type->fields[field], *last = &out->fields[out->field_count - 1];
    if (weir__result_fits(type, key, out, 1) && f->kind == last->kind &&
        f->optional == last->optional && f->scale == last->scale)
        return true;
    weir_graph_fail(graph, WEIR_TYPE_MISMATCH, kind,
                    "give it the kinds of the key's fields, in order, then that of the field",
                    "record '%s' cannot hold the %s of '%s' of '%s' by this key", out->name, kind,
                    f->name, type->name);
    return false;
}

static weir_port *build(weir_port *in, const weir_key *key, uint16_t field, const weir_type *out,
                        bool is_max)
{
    const char *kind = is_max ? "max" : "min";
    if (!in || !check(in, key, field, out, kind))
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    d->some = weir__fields_of(graph, weir_port_type(in), key, field);
    d->out = out;
    describe(d);
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = kind,
                              .in = d->some->from,
                              .out = &d->type,
                              .map = map,
                              .ctx = d };
    weir_port *fields = weir_stage_add(weir_port_as_collection(in), &stage);
    if (!fields)
        return NULL;
    uint16_t value = (uint16_t)key->count;
    bool nulls = d->type.field_count > d->some->count;
    weir_key by = { .count = nulls ? 2 : 1, .field = { nulls ? value + 1 : value, value } };
    uint32_t down = is_max ? 1u << (by.count - 1) : 0;
    weir_arrange_spec arranged = { .struct_size = sizeof arranged,
                                   .key = weir__fields_key(key->count),
                                   .order = by,
                                   .descending = down };
    weir__top_spec top = { .kind = kind,
                           .in = weir_arrange_erased(fields, &arranged),
                           .order = { &d->type, by, down, 1 },
                           .out = out,
                           .result_key = arranged.key,
                           .make = make,
                           .ctx = d };
    weir_port *made = weir__top_add(&top);
    return made ? weir_port_with_key(made, &arranged.key) : NULL;
}

weir_port *weir_min_erased(weir_port *in, const weir_key *key, uint16_t field,
                           const weir_type *out)
{
    return build(in, key, field, out, false);
}

weir_port *weir_max_erased(weir_port *in, const weir_key *key, uint16_t field,
                           const weir_type *out)
{
    return build(in, key, field, out, true);
}

weir_port *weir__min(weir_port *in, const weir_type *out, const char *const *names,
                     const char *name)
{
    weir_key key;
    int field = weir__fields_resolve(in, names, name, &key, "min");
    return field >= 0 ? build(in, &key, (uint16_t)field, out, false) : NULL;
}

weir_port *weir__max(weir_port *in, const weir_type *out, const char *const *names,
                     const char *name)
{
    weir_key key;
    int field = weir__fields_resolve(in, names, name, &key, "max");
    return field >= 0 ? build(in, &key, (uint16_t)field, out, true) : NULL;
}
