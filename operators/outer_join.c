/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/outer_join.h: a join, and for each side that is kept whole, what an antijoin
 * leaves of it.
 */
#include <weir/operators/outer_join.h>

#include <string.h>

#include <weir/operators/semijoin.h>

#include "join.h"

static const char *const where = "outer_join";

/* What is alone on a side. */
static weir_port *alone(weir_port *const sides[2], const weir_key keys[2], unsigned side,
                        const weir_outer_join_spec *spec)
{
    weir_port *const turned[2] = { sides[side], sides[1 - side] };
    const weir_key by[2] = { keys[side], keys[1 - side] };
    weir_stage_spec stage = { .struct_size = sizeof stage,
                              .kind = "outer_join",
                              .in = weir_port_type(sides[side]),
                              .out = spec->join.out,
                              .flat_map = spec->alone[side],
                              .ctx = spec->join.ctx };
    return weir_stage_add(weir_antijoin_erased(turned, by), &stage);
}

weir_port *weir_outer_join_erased(weir_port *const sides[2], const weir_key keys[2],
                                  const weir_outer_join_spec *given)
{
    weir_outer_join_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    weir_port *parts[3];
    size_t count = 0;
    parts[count++] = weir_join_erased(sides, keys, &spec.join);
    for (unsigned side = 0; parts[0] && side < 2; side++)
        if (spec.alone[side])
            parts[count++] = alone(sides, keys, side, &spec);
    return parts[0] ? weir_port_concat(parts, count) : NULL;
}

weir_port *weir__outer_join(weir_port *const sides[2], const char *const *const names[2],
                            const weir_outer_join_spec *spec)
{
    weir_key keys[2];
    return weir__join_keys(sides, names, where, keys) ? weir_outer_join_erased(sides, keys, spec)
                                                      : NULL;
}
