/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/prefix_sum.h. The fields that matter are arranged by the key; groups lie in
 * the order of the field that orders. In a scope a reduce goes through all of a group; outside of
 * scopes prefix_node.c goes on from the first change.
 */
#include <weir/operators/prefix_sum.h>

#include <string.h>

#include <weir/operators/reduce.h>

#include "prefix_node.h"
#include "tally.h"

static const char *const where = "prefix_sum";

typedef weir__prefix description;

static bool is_float(weir_kind kind)
{
    return kind == WEIR_KIND_f64 || kind == WEIR_KIND_f32;
}

/* ---- in a scope ---- */

static weir_status sum_group(const description *d, const weir_values *values,
                             weir__prefix_sum *s, weir_builder *out)
{
    weir_key by = { .count = 1, .field = { (uint16_t)d->key_count } };
    for (size_t i = 0; i < values->count;) {
        size_t first = i;
        __extension__ __int128 there = 0;
        for (; i < values->count && weir_key_equal(&d->some->type, &by, values->records[first],
                                                   values->records[i]);
             i++) {
            there += values->counts[i];
            if (!weir__prefix_add(d, s, values->records[i], values->counts[i]))
                return WEIR_NO_MEMORY;
        }
        if (there <= 0)
            continue;
        char *record = weir_builder_next(out, d->out->size);
        if (!weir__prefix_write(d, s, values->records[first], record))
            return WEIR_OVERFLOWED;
    }
    return WEIR_OK;
}

static weir_status reduce(const void *key, const weir_values *values, weir_builder *out,
                          const void *ctx)
{
    weir__prefix_sum s;
    (void)key;
    memset(&s, 0, sizeof s);
    weir_status status = sum_group(ctx, values, &s, out);
    weir__exact_fini(&s.exact);
    return status;
}

/* ---- building ---- */

static bool holds(const weir_field *field, const weir_field *result)
{
    if (result->optional != field->optional)
        return false;
    if (is_float(field->kind))
        return result->kind == WEIR_KIND_f64;
    if (field->kind == WEIR_KIND_decimal)
        return result->kind == WEIR_KIND_decimal && result->scale == field->scale;
    return result->kind == WEIR_KIND_i64 || result->kind == WEIR_KIND_u64;
}

static bool check(weir_port *in, const description *d, const weir_key *key)
{
    const weir_type *type = weir_port_type(in), *out = d->out;
    const weir_field *field = &d->some->fields[d->key_count + 1];
    weir_graph *graph = weir_port_graph(in);
    bool is_number = weir__word_has(field->kind) && field->kind != WEIR_KIND_date &&
                     field->kind != WEIR_KIND_instant;
    if (is_number && weir__result_fits(type, key, out, 1) &&
        holds(field, &out->fields[d->key_count + 1]))
        return true;
    weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                    is_number ? "give it the kinds of the key's fields, in order, that of the "
                                "field that orders, then one of the sum's, optional if the field "
                                "is"
                              : "name an integer, a float or a decimal",
                    is_number ? "record '%s' cannot hold prefix sums of '%s' of '%s' by this key"
                              : "record '%s' is no result: field '%s' of '%s' is no number",
                    out->name, field->name, type->name);
    return false;
}

weir_port *weir_prefix_sum_erased(weir_port *in, const weir_prefix_sum_spec *given)
{
    weir_prefix_sum_spec spec = { 0 };
    weir_key key, ordered;
    weir_struct_copy(&spec, sizeof spec, given);
    int by = weir__fields_resolve(in, spec.key, spec.by, &key, where);
    int field = by < 0 ? -1 : weir__fields_resolve(in, spec.key, spec.field, &ordered, where);
    if (field < 0)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    if (key.count == WEIR_KEY_FIELDS_MAX) {
        weir_graph_fail(graph, WEIR_INVALID, where, "name 1 to 7 fields of the record",
                        "a key of %u fields", key.count);
        return NULL;
    }
    ordered.field[ordered.count++] = (uint16_t)by;
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ .kind = where,
                        .some = weir__fields_of(graph, weir_port_type(in), &ordered, field),
                        .out = spec.out,
                        .key_count = key.count,
                        .is_float = is_float(weir_port_type(in)->fields[field].kind) };
    if (!check(in, d, &ordered))
        return NULL;
    weir_port *some = weir__fields_map(weir_port_as_collection(in), d->some, where);
    weir_arrange_spec arranged = { .struct_size = sizeof arranged,
                                   .key = weir__fields_key(key.count) };
    weir_reduce_spec reduced = { .struct_size = sizeof reduced, .kind = where, .out = d->out,
                                 .reduce = reduce, .ctx = d };
    weir_arrangement *by_key = weir_arrange_erased(some, &arranged);
    weir_port *made = NULL;
    if (by_key)
        made = weir_port_depth(some) > 1 ? weir_reduce_erased(by_key, &reduced)
                                         : weir__prefix_add_node(by_key, d);
    weir_key unique = weir__fields_key(ordered.count);
    return made ? weir_port_with_key(made, &unique) : NULL;
}
