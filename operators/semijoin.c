/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/semijoin.h. The other side is reduced to its keys, each once, and joined with:
 * a record of a type made here, which has the key's fields and nothing else. Outside of scopes a
 * table has them, and nothing else of the other side is kept; in a scope they are a reduce of what
 * may have been arranged outside of it.
 */
#include <weir/operators/semijoin.h>

#include <string.h>

#include <weir/operators/arrange.h>
#include <weir/operators/collection.h>
#include <weir/operators/reduce.h>
#include <weir/operators/threshold.h>

#include "fields.h"
#include "join.h"

/* ---- the keys of a collection ---- */

static weir_status put_key(const void *key, const weir_values *values, weir_builder *out,
                           const void *ctx)
{
    const weir__fields *k = ctx;
    int64_t count = 0;
    for (size_t i = 0; i < values->count; i++)
        if (__builtin_add_overflow(count, values->counts[i], &count))
            return WEIR_OVERFLOWED;
    if (count > 0)
        weir__fields_copy(k, key, weir_builder_next(out, k->type.size));
    return WEIR_OK;
}

/* Those whose records' counts add up to more than 0. */
static weir_port *keys_of(weir_port *side, const weir_key *key)
{
    const weir_type *type = weir_port_type(side);
    weir__fields *k = weir__fields_of(weir_port_graph(side), type, key, -1);
    bool is_whole = key->count == type->field_count;
    for (uint32_t i = 0; i < key->count; i++)
        is_whole = is_whole && key->field[i] == i;
    if (weir_port_depth(side) == 1)
        return weir_distinct_erased(is_whole ? side : weir__fields_map(side, k, "keys"));
    weir_arrange_spec by = { .struct_size = sizeof by, .key = *key };
    weir_reduce_spec reduce = { .struct_size = sizeof reduce,
                                .kind = "keys",
                                .out = &k->type,
                                .reduce = put_key,
                                .ctx = k };
    return weir_reduce_erased(weir_arrange_erased(side, &by), &reduce);
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
    weir_port *there = keys_of(sides[1], &keys[1]);
    weir_key all = weir__fields_key(keys[1].count);
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
