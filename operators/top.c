/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/top.h. A reduce over groups in that order.
 */
#include <weir/operators/top.h>

#include <string.h>

#include <weir/operators/reduce.h>

typedef struct description {
    uint64_t count;
} description;

static weir_status first_ones(const void *key, const weir_values *values, weir_builder *out,
                              const void *ctx)
{
    const description *what = ctx;
    uint64_t left = what->count;
    (void)key;
    for (size_t i = 0; i < values->count && left > 0; i++) {
        if (values->counts[i] < 0)
            continue;
        uint64_t there = (uint64_t)values->counts[i], taken = there < left ? there : left;
        weir_builder_set_diff(out, (int64_t)taken);
        memcpy(weir_builder_next(out, out->type->size), values->records[i], out->type->size);
        left -= taken;
    }
    return WEIR_OK;
}

weir_port *weir__top(weir_port *in, const char *const *key, uint64_t count, weir_order order)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    if (count == 0 || order.count == 0) {
        weir_graph_fail(graph, WEIR_INVALID, "top",
                        "say how many, and in which order: 10, WEIR_DESC(record, field)",
                        count == 0 ? "the first 0 records of a key are none"
                                   : "there are no first records without an order");
        return NULL;
    }
    weir_arrangement *ordered = weir__arrange(
        in, key,
        &(struct weir_arrange_options){ .struct_size = sizeof(struct weir_arrange_options),
                                        .order = order });
    description *what = weir_graph_alloc(graph, sizeof *what);
    what->count = count < INT64_MAX ? count : INT64_MAX;
    return weir_reduce_erased(ordered,
                              &(weir_reduce_spec){ .struct_size = sizeof(weir_reduce_spec),
                                                   .kind = "top",
                                                   .out = weir_port_type(in),
                                                   .reduce = first_ones,
                                                   .ctx = what,
                                                   .result_key = *weir_arrangement_key(ordered) });
}
