/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/inspect.h.
 */
#include <weir/operators/inspect.h>

weir_port *weir__inspect(weir_port *in, weir_inspect_fn *fn, void *ctx, const char *name)
{
    const weir_type *type = weir_port_type(in);
    return weir_stage_add(in, &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec),
                                                  .kind = "inspect", .name = name, .in = type,
                                                  .out = type, .inspect = fn, .ctx = ctx });
}
