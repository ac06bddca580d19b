/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/collection.h.
 */
#include <weir/operators/collection.h>

weir_port *weir__negate(weir_port *in)
{
    const weir_type *type = weir_port_type(in);
    return weir_stage_add(in, &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec),
                                                  .kind = "negate", .in = type, .out = type,
                                                  .negate = true });
}
