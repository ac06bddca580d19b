/* SPDX-License-Identifier: Apache-2.0
 *
 * See keep.h.
 */
#include "keep.h"

static weir_status init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    weir_trace_reader_spec spec = { .owner = weir_step_name(step) };
    *state = weir_trace_reader_open(weir_arrangement_trace(ctx, step), &spec);
    if (!*state)
        bench_fail("no memory for a reader");
    return WEIR_OK;
}

static void keep(weir_step *step, void *state)
{
    weir_trace_reader *reader = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        const weir_run_ref *refs = batch->records;
        for (size_t i = 0; i < batch->count; i++)
            weir_trace_reader_deliver(reader, refs[i].number);
    }
    const weir_frontier *frontier = weir_step_frontier(step, 0);
    if (!weir_frontier_is_empty(frontier))
        weir_trace_reader_advance(reader, frontier);
}

static void fini(void *state)
{
    weir_trace_reader_close(state);
}

void bench_keep_add(weir_port *rows, bench_case *c)
{
    weir_arrange_spec by_key = { .struct_size = sizeof by_key, .key = { .count = 1 } };
    weir_arrangement *arranged = weir_arrange_erased(rows, &by_key);
    weir_port *runs = weir_arrangement_port(arranged);
    weir_node_input input = { .type = weir_run_ref_type(), .interest = WEIR_ALWAYS };
    weir_node_output output = { .type = number_type() };
    c->probe = weir_probe_add(weir_node_output_port(weir_node_add(weir_port_graph(rows),
        &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "keep",
                           .input_count = 1, .output_count = 1, .inputs = &input,
                           .outputs = &output, .ctx = arranged, .init = init, .step = keep,
                           .fini = fini }, &runs), 0), "kept");
}
