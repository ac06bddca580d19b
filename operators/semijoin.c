/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/semijoin.h. The other side is reduced to its keys, each once, and joined with:
 * a record of a type made here, which has the key's fields and nothing else.
 */
#include <weir/operators/semijoin.h>

#include <string.h>

#include <weir/operators/arrange.h>
#include <weir/operators/collection.h>
#include <weir/operators/reduce.h>

#include "join.h"

/* ---- the keys of a collection ---- */

typedef struct keys_of {
    const weir_type *from;
    weir_key key;
    weir_type type;
    weir_field fields[WEIR_KEY_FIELDS_MAX];
} keys_of;

static uint32_t align_of(weir_kind kind)
{
    if (kind == WEIR_KIND_str || kind == WEIR_KIND_bytes)
        return _Alignof(weir_str);
    return kind == WEIR_KIND_decimal ? _Alignof(weir_decimal) : (uint32_t)weir_kind_size(kind);
}

static uint32_t align_up(uint32_t at, uint32_t align)
{
    return (at + align - 1) / align * align;
}

static keys_of *describe(weir_graph *graph, const weir_type *from, const weir_key *key)
{
    keys_of *k = weir_graph_alloc(graph, sizeof *k);
    uint32_t at = 0, most = 1;
    k->from = from;
    k->key = *key;
    for (uint32_t i = 0; i < key->count; i++) {
        weir_field *f = &k->fields[i];
        *f = from->fields[key->field[i]];
        uint32_t align = align_of(f->kind);
        at = align_up(at, align);
        f->set_offset = f->optional ? at : 0;
        f->offset = f->optional ? at + align : at;
        at = f->offset + (uint32_t)weir_kind_size(f->kind);
        most = align > most ? align : most;
        k->type.has_strings |= f->kind == WEIR_KIND_str || f->kind == WEIR_KIND_bytes;
    }
    k->type.struct_size = sizeof k->type;
    k->type.name = "key";
    k->type.size = align_up(at, most);
    k->type.align = most;
    k->type.field_count = key->count;
    k->type.fields = k->fields;
    return k;
}

/* A key is there as long as one of its records is. */
static weir_status put_key(const void *key, const weir_values *values, weir_builder *out,
                           const void *ctx)
{
    const keys_of *k = ctx;
    size_t i = 0;
    while (i < values->count && values->counts[i] <= 0)
        i++;
    if (i == values->count)
        return WEIR_OK;
    char *to = memset(weir_builder_next(out, k->type.size), 0, k->type.size);
    for (uint32_t f = 0; f < k->key.count; f++) {
        const weir_field *in = &k->from->fields[k->key.field[f]], *is = &k->fields[f];
        memcpy(to + is->offset, (const char *)key + in->offset, weir_kind_size(is->kind));
        if (is->optional)
            to[is->set_offset] = ((const char *)key)[in->set_offset];
    }
    return WEIR_OK;
}

/* ---- semijoin ---- */

static void put_record(const weir_matches *pairs, weir_builder *out, void *ctx)
{
    const weir_type *type = ctx;
    for (size_t i = 0; i < pairs->count; i++) {
        out->from = i;
        memcpy(weir_builder_next(out, type->size), pairs->records[0][i], type->size);
    }
}

weir_port *weir_semijoin_erased(weir_port *const sides[2], const weir_key keys[2])
{
    if (!sides[0] || !sides[1] || !weir__join_check(sides, keys, "semijoin"))
        return NULL;
    const weir_type *type = weir_port_type(sides[0]);
    keys_of *k = describe(weir_port_graph(sides[1]), weir_port_type(sides[1]), &keys[1]);
    weir_arrange_spec by = { .struct_size = sizeof by, .key = keys[1] };
    weir_reduce_spec reduce = { .kind = "keys", .out = &k->type, .reduce = put_key, .ctx = k };
    weir_port *there = weir_reduce_erased(weir_arrange_erased(sides[1], &by), &reduce);
    weir_key all = { .count = keys[1].count };
    for (uint32_t i = 0; i < all.count; i++)
        all.field[i] = (uint16_t)i;
    weir_join_spec join = { .struct_size = sizeof join,
                            .out = type,
                            .kernel = put_record,
                            .ctx = (void *)(uintptr_t)type };
    weir_port *found = weir_join_erased((weir_port *const[2]){ sides[0], there },
                                        (const weir_key[2]){ keys[0], all }, &join);
    const weir_key *unique = weir_port_unique_key(sides[0]);
    return found && unique->count > 0 ? weir_port_with_key(found, unique) : found;
}

weir_port *weir_antijoin_erased(weir_port *const sides[2], const weir_key keys[2])
{
    weir_port *found = weir_semijoin_erased(sides, keys);
    if (!found)
        return NULL;
    weir_port *both[2] = { sides[0], weir__negate(found) };
    weir_port *rest = weir_port_concat(both, 2);
    const weir_key *unique = weir_port_unique_key(sides[0]);
    return rest && unique->count > 0 ? weir_port_with_key(rest, unique) : rest;
}

weir_port *weir__semijoin(weir_port *const sides[2], const char *const *const names[2])
{
    weir_key keys[2];
    return weir__join_keys(sides, names, "semijoin", keys) ? weir_semijoin_erased(sides, keys)
                                                           : NULL;
}

weir_port *weir__antijoin(weir_port *const sides[2], const char *const *const names[2])
{
    weir_key keys[2];
    return weir__join_keys(sides, names, "antijoin", keys) ? weir_antijoin_erased(sides, keys)
                                                           : NULL;
}
