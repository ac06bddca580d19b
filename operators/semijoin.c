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

#include "fields.h"
#include "join.h"

/* ---- the keys of a collection ---- */

/* A key is there as long as one of its records is. */
static weir_status put_key(const void *key, const weir_values *values, weir_builder *out,
                           const void *ctx)
{
    const weir__fields *k = ctx;
    if (weir_first_there_(values))
        weir__fields_copy(k, key, weir_builder_next(out, k->type.size));
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
    weir__fields *k = weir__fields_of(weir_port_graph(sides[1]), weir_port_type(sides[1]), &keys[1],
                                      -1);
    weir_arrange_spec by = { .struct_size = sizeof by, .key = keys[1] };
    weir_reduce_spec reduce = { .struct_size = sizeof reduce,
                                .kind = "keys",
                                .out = &k->type,
                                .reduce = put_key,
                                .ctx = k };
    weir_port *there = weir_reduce_erased(weir_arrange_erased(sides[1], &by), &reduce);
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
