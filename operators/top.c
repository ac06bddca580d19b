/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/top.h. The work is done in top_node.c.
 */
#include <weir/operators/top.h>

#include "top_node.h"

weir_port *weir__top(weir_port *in, const char *const *key, uint64_t count, weir_order order)
{
    weir_error error;
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    const weir_type *type = weir_port_type(in);
    if (count == 0 || order.count == 0) {
        weir_graph_fail(graph, WEIR_INVALID, "top",
                        "say how many, and in which order: 10, WEIR_DESC(record, field)",
                        count == 0 ? "the first 0 records of a key are none"
                                   : "there are no first records without an order");
        return NULL;
    }
    struct weir_arrange_options options = { .struct_size = sizeof options, .order = order };
    weir__top_spec spec = { .kind = "top",
                            .in = weir__arrange(in, key, &options),
                            .order = { .type = type,
                                       .descending = order.descending,
                                       .wanted = count < INT64_MAX ? count : INT64_MAX },
                            .out = type };
    if (!spec.in || weir_order_resolve(type, &order, &spec.order.key, &error) != WEIR_OK)
        return NULL; /* the arrangement has refused it */
    spec.result_key = *weir_arrangement_key(spec.in);
    return weir__top_add(&spec);
}
