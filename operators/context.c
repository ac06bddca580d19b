/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/context.h.
 */
#include <string.h>

#include <weir/operators/context.h>

weir_port *weir__stage_with_context(weir_port *in, const weir_stage_spec *spec,
                                    const void *options, size_t size, bool has_ctx)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    if (!has_ctx) {
        weir_graph_fail(graph, WEIR_INVALID, spec->name, "give .init, or .ctx",
                        "a function that takes a context has none");
        return NULL;
    }
    weir_stage_spec own = *spec;
    own.ctx = memcpy(weir_graph_alloc(graph, size), options, size);
    return weir_stage_add(in, &own);
}
