/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/filter.h.
 */
#include <weir/operators/filter.h>

weir_port *weir__filter(weir_port *in, const weir_type *type, weir_filter_fn *fn, const char *name)
{
    return weir_stage_add(in, &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec),
                                                  .kind = "filter", .name = name, .in = type,
                                                  .out = type, .filter = fn });
}
