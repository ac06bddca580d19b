/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/branch_when.h.
 */
#include <weir/node.h>
#include <weir/operators/branch_when.h>

/* What the graph knows; a function's pointer is no object's. */
typedef struct description {
    weir_when_fn *fn;
} description;

static weir_status when_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)step;
    (void)error;
    *made = ctx;
    return WEIR_OK;
}

static void divide(weir_step *step, const description *d, const weir_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        weir_time t = weir_batch_time(batch, i);
        weir_builder *out = weir_step_output(step, d->fn(t) ? 0 : 1, &t);
        weir_builder_set_diff(out, weir_batch_diff(batch, i));
        weir_builder_copy(out, batch, i);
    }
}

static void when_step(weir_step *step, void *ctx)
{
    const description *d = ctx;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        if (batch->times)
            divide(step, d, batch);
        else
            weir_step_send(step, d->fn(batch->time) ? 0 : 1, batch, NULL);
    }
}

void weir_branch_when_erased(weir_port *in, weir_when_fn *fn, weir_port **yes, weir_port **no)
{
    *yes = *no = NULL;
    if (!in)
        return;
    weir_graph *graph = weir_port_graph(in);
    description *d = weir_graph_alloc(graph, sizeof *d);
    d->fn = fn;
    weir_node_input input = { .type = weir_port_type(in), .takes_diffs = true };
    weir_node_output output = { .type = weir_port_type(in),
                                .collection = weir_port_is_collection(in),
                                .unique_key = *weir_port_unique_key(in) };
    weir_node_output outputs[] = { output, output };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "branch_when", .input_count = 1,
        .output_count = 2, .inputs = &input, .outputs = outputs, .deterministic = true, .ctx = d,
        .init = when_init, .step = when_step }, &in);
    *yes = weir_node_output_port(node, 0);
    *no = weir_node_output_port(node, 1);
}
