/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/unary.h.
 */
#include <string.h>

#include <weir/operators/unary.h>

weir_port *weir__node(const weir_node_form *form, const struct weir_node_options *given)
{
    struct weir_node_options options = { 0 };
    weir_struct_copy(&options, sizeof options, given);
    weir_graph *graph = NULL;
    for (unsigned i = 0; i < form->in_count; i++)
        graph = graph ? graph : weir_port_graph(form->ins[i]);
    if (!graph)
        return NULL;
    weir_node_input inputs[2] = { 0 };
    for (unsigned i = 0; i < form->in_count; i++)
        inputs[i] = (weir_node_input){ .type = weir_port_type(form->ins[i]),
                                       .interest = options.interest,
                                       .takes_diffs = options.takes_diffs };
    weir_node_output output = { .type = form->out, .collection = options.collection };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = form->kind, .name = options.name,
        .input_count = form->in_count, .output_count = 1, .inputs = inputs, .outputs = &output,
        .deterministic = options.deterministic, .state_kind = options.state_kind,
        .ctx = options.ctx, .init = options.init, .step = form->step, .fini = options.fini },
        form->ins);
    return weir_node_output_port(node, 0);
}
