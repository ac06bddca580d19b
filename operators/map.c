/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/map.h.
 */
#include <weir/operators/map.h>

weir_port *weir__map(weir_port *in, const weir_type *from, const weir_type *to, weir_map_fn *fn,
                     const char *name)
{
    return weir_stage_add(in, &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec),
                                                  .kind = "map", .name = name, .in = from,
                                                  .out = to, .map = fn });
}
