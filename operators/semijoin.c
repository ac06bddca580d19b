/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/semijoin.h. Of the other side only the key's fields matter: records of a type
 * made here. Outside of scopes a node has how often each key is there (semijoin_node.c); in a scope
 * keys are a reduce of what may have been arranged outside of it, and joined with.
 */
#include <weir/operators/semijoin.h>

#include <string.h>

#include <weir/operators/arrange.h>
#include <weir/operators/collection.h>
#include <weir/operators/reduce.h>

#include "fields.h"
#include "join.h"
#include "semijoin_node.h"

__extension__ typedef __int128 wide;

/* ---- the keys of a collection ---- */

static weir_status put_key(const void *key, const weir_values *values, weir_builder *out,
                           const void *ctx)
{
    const weir__fields *k = ctx;
    wide count = 0; /* which may leave 64 bits on its way */
    for (size_t i = 0; i < values->count; i++)
        count += values->counts[i];
    if (count > INT64_MAX || count < INT64_MIN)
        return WEIR_OVERFLOWED;
    if (count > 0)
        weir__fields_copy(k, key, weir_builder_next(out, k->type.size));
    return WEIR_OK;
}

/* Those whose records' counts add up to more than 0: in a scope. */
static weir_port *keys_of(weir_port *side, const weir__fields *k, const weir_key *key)
{
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

static weir_port *join_in_scope(weir_port *const sides[2], const weir__fields *k,
                                const weir_key keys[2])
{
    const weir_type *type = weir_port_type(sides[0]);
    weir_key all = weir__fields_key(keys[1].count);
    weir_join_spec join = { .struct_size = sizeof join,
                            .out = type,
                            .kernel = put_record,
                            .ctx = (void *)(uintptr_t)type };
    return weir_join_erased((weir_port *const[2]){ sides[0], keys_of(sides[1], k, &keys[1]) },
                            (const weir_key[2]){ keys[0], all }, &join);
}

/* Outside of scopes. What carries the key's fields and nothing else is not mapped to them. */
static weir_port *join_outside(weir_port *const sides[2], const weir__fields *k,
                               const weir_key keys[2])
{
    weir_arrange_spec by = { .struct_size = sizeof by, .key = keys[0] };
    weir_arrangement *with = weir_arrange_erased(sides[0], &by);
    bool is_whole = weir_type_same_layout(weir_port_type(sides[1]), &k->type);
    weir_port *there = is_whole ? sides[1] : weir__fields_map(sides[1], k, "keys");
    return with && there ? weir__semijoin_node(with,
                                               weir__fields_of(weir_port_graph(sides[0]),
                                                               weir_port_type(sides[0]), &keys[0],
                                                               -1),
                                               there)
                         : NULL;
}

weir_port *weir_semijoin_erased(weir_port *const sides[2], const weir_key keys[2])
{
    if (!sides[0] || !sides[1] || !weir__join_check(sides, keys, "semijoin"))
        return NULL;
    const weir__fields *k =
        weir__fields_of(weir_port_graph(sides[1]), weir_port_type(sides[1]), &keys[1], -1);
    weir_port *found = weir_port_depth(sides[0]) == 1 ? join_outside(sides, k, keys)
                                                      : join_in_scope(sides, k, keys);
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
