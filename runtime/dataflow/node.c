/* SPDX-License-Identifier: Apache-2.0
 *
 * Describing nodes, pass nodes and probes.
 */
#include <string.h>

#include "dataflow/description.h"

static const void *copied(weir_graph *graph, const void *items, size_t size)
{
    return items && size ? memcpy(weir_graph_alloc(graph, size), items, size) : NULL;
}

static bool check_input(weir_graph *graph, const weir_node_spec *spec, unsigned i,
                        weir_port *port)
{
    const weir_node_input *input = &spec->inputs[i];
    const char *where = spec->name ? spec->name : spec->kind;
    if (!port) { /* of a call that failed, or forgotten */
        weir_graph_fail(graph, WEIR_INVALID, where, "connect every input",
                        "input %u has no stream", i);
        return false;
    }
    if (!weir__graph_owns(graph, port, where) ||
        !weir__graph_check_type(graph, input->type, where))
        return false;
    if (!weir_type_same_layout(port->type, input->type)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "connect a stream of those records",
                        "input %u takes '%s', the stream carries '%s'", i, input->type->name,
                        port->type->name);
        return false;
    }
    if (port->collection && !input->takes_diffs) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where,
                        "declare takes_diffs on the input and heed the diffs of its batches",
                        "input %u does not take the changes of a collection", i);
        return false;
    }
    if (input->combines && (input->route != WEIR_BY_KEY || !input->takes_diffs)) {
        weir_graph_fail(graph, WEIR_INVALID, where, "route it by a key and declare takes_diffs",
                        "input %u combines records, but has no key to do it by, or takes no diffs",
                        i);
        return false;
    }
    if (input->route == WEIR_BY_KEY &&
        !weir__graph_check_key(graph, input->type, &input->key, where))
        return false;
    if (input->route == WEIR_BY_FUNCTION && (!input->route_fn || port->collection)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "exchange by a key",
                        "a function that names a worker is for plain streams, and must be given");
        return false;
    }
    return true;
}

/* Times at a node all have the depth of its scope. */
static bool check_summaries(weir_graph *graph, const weir_node_spec *spec, unsigned depth)
{
    for (unsigned i = 0; spec->summaries && i < spec->input_count; i++)
        for (unsigned o = 0; o < spec->output_count; o++) {
            const weir_summary *s = &spec->summaries[i * spec->output_count + o];
            if (s->depth == 0 || (s->depth == depth && s->keep <= depth))
                continue;
            weir_graph_fail(graph, WEIR_INVALID, spec->name ? spec->name : spec->kind,
                            "begin with weir_summary_identity of the depth of its streams",
                            "the summary from input %u to output %u is not of times with %u "
                            "coordinates", i, o, depth);
            return false;
        }
    return true;
}

static bool check(weir_graph *graph, const weir_node_spec *spec, weir_port *const *inputs)
{
    const char *where = spec->name ? spec->name : spec->kind;
    if (!spec->step || !spec->kind || (spec->input_count && !spec->inputs) ||
        (spec->output_count && !spec->outputs) || (spec->input_count && !inputs)) {
        weir_graph_fail(graph, WEIR_INVALID, where, "fill in kind, step, inputs and outputs",
                        "the description of a node is not complete");
        return false;
    }
    for (unsigned i = 0; i < spec->input_count; i++) {
        if (!check_input(graph, spec, i, inputs[i]))
            return false;
        if (inputs[i]->scope != inputs[0]->scope) {
            weir_graph_fail(graph, WEIR_INVALID, where, "enter or leave scopes before",
                            "its inputs are in different scopes");
            return false;
        }
    }
    for (unsigned o = 0; o < spec->output_count; o++) {
        const weir_node_output *output = &spec->outputs[o];
        if (!weir__graph_check_type(graph, output->type, where) ||
            !weir__graph_check_key(graph, output->type, &output->unique_key, where))
            return false;
    }
#ifdef WEIR_NO_EVENTS
    if (spec->watches) {
        weir_graph_fail(graph, WEIR_INVALID, where, "build Weir with -DWEIR_EVENTS=ON",
                        "this library was built without events");
        return false;
    }
#endif
    if (spec->follows_clock && weir__scope_depth(spec->scope) > 1) {
        weir_graph_fail(graph, WEIR_INVALID, where, "let its stream enter the scope",
                        "a source that follows the epoch clock is outside of all scopes");
        return false;
    }
    return check_summaries(graph, spec, spec->input_count ? weir_port_depth(inputs[0]) : 1);
}

static weir_node *add(weir_graph *graph, const weir_node_spec *spec, weir_scope *scope)
{
    weir_node *node = weir_graph_alloc(graph, sizeof *node);
    unsigned inputs = spec->input_count, outputs = spec->output_count;
    node->graph = graph;
    node->id = graph->nodes.count;
    graph->watches |= spec->watches;
    node->scope = scope;
    node->depth = weir__scope_depth(scope);
    node->spec = *spec;
    node->spec.inputs = copied(graph, spec->inputs, inputs * sizeof *spec->inputs);
    node->spec.outputs = copied(graph, spec->outputs, outputs * sizeof *spec->outputs);
    node->spec.summaries = copied(graph, spec->summaries,
                                  (size_t)inputs * outputs * sizeof *spec->summaries);
    node->spec.kind = weir_graph_text(graph, spec->kind);
    node->spec.initial_capabilities = spec->initial_capabilities || spec->follows_clock;
    node->name = weir__graph_name(graph, spec->kind, spec->name);
    node->points = weir_graph_alloc(graph, (outputs ? outputs : 1) * sizeof *node->points);
    node->ports = weir_graph_alloc(graph, (outputs ? outputs : 1) * sizeof *node->ports);
    for (unsigned o = 0; o < outputs; o++) {
        node->points[o].node = node;
        node->points[o].output = o;
        weir_port *port = weir__port_create(graph, spec->outputs[o].type, scope);
        port->collection = spec->outputs[o].collection;
        port->unique_key = spec->outputs[o].unique_key;
        port->links = weir_graph_alloc(graph, sizeof *port->links);
        port->links[0].point = &node->points[o];
        port->link_count = 1;
        node->ports[o] = port;
    }
    weir__list_add(graph, &graph->nodes, node);
    return node;
}

weir_node *weir_node_add(weir_graph *graph, const weir_node_spec *given, weir_port *const *inputs)
{
    weir_node_spec own = { 0 }, *spec = &own;
    weir_struct_copy(spec, sizeof own, given);
    if (weir_graph_failed(graph) || !check(graph, spec, inputs))
        return NULL;
    weir_node *node = add(graph, spec, spec->input_count ? inputs[0]->scope : spec->scope);
    for (unsigned i = 0; i < spec->input_count; i++) {
        const weir_node_input *input = &spec->inputs[i];
        weir__routing routing = { input->route, input->key, input->route_fn, input->route_ctx };
        weir__port_connect(inputs[i], node, i, &routing);
    }
    return node;
}

weir_port *weir_node_output_port(weir_node *node, unsigned output)
{
    return node && output < node->spec.output_count ? node->ports[output] : NULL;
}

const char *weir_node_name(const weir_node *node)
{
    return node ? node->name : "?";
}

/* What it sends may come back to itself at once, round a loop: that is for the next step. */
static void pass_step(weir_step *step, void *state)
{
    (void)state;
    const weir_batch *batch;
    size_t waiting = weir_step_waiting(step, 0);
    for (; waiting > 0 && (batch = weir_step_take(step, 0)); waiting--)
        weir_step_send(step, 0, batch, NULL);
}

weir_node *weir__pass_add(weir_graph *graph, const weir_type *type, weir_scope *scope,
                          bool collection, const weir_key *unique_key)
{
    weir_node_input input = { .type = type, .takes_diffs = true };
    weir_node_output output = { .type = type, .collection = collection,
                                .unique_key = *unique_key };
    weir_node_spec spec = { .struct_size = sizeof spec, .kind = "pass", .input_count = 1,
                            .output_count = 1, .inputs = &input, .outputs = &output,
                            .deterministic = true, .step = pass_step };
    weir_node *node = add(graph, &spec, scope);
    return node;
}

weir_probe *weir_probe_add(weir_port *port, const char *name)
{
    if (!port || weir_graph_failed(port->graph))
        return NULL;
    weir_graph *graph = port->graph;
    weir_probe *probe = weir_graph_alloc(graph, sizeof *probe);
    probe->graph = graph;
    probe->port = port;
    probe->depth = weir_port_depth(port);
    probe->name = weir__graph_name(graph, "probe", name);
    weir__list_add(graph, &graph->probes, probe);
    return probe;
}
