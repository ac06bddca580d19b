/* SPDX-License-Identifier: Apache-2.0
 *
 * From a finished description to what workers need: checks of the whole graph, the topology of its
 * ports, the capabilities that exist at the start, the fingerprint by which processes compare.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/planted.h"
#include "dataflow/description.h"

static int by_name(const void *a, const void *b)
{
    return strcmp((*(weir_node *const *)a)->name, (*(weir_node *const *)b)->name);
}

static void check_names(weir_graph *graph)
{
    uint32_t count = graph->nodes.count;
    weir_node **sorted = weir_graph_alloc(graph, (count + 1) * sizeof(weir_node *));
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = weir__graph_node(graph, i);
    qsort(sorted, count, sizeof(weir_node *), by_name);
    for (uint32_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            weir_graph_fail(graph, WEIR_EXISTS, sorted[i]->name, "give each its own .name",
                            "two operators are called '%s'", sorted[i]->name);
}

static int by_stage_name(const void *a, const void *b)
{
    const weir__stage *x = *(weir__stage *const *)a, *y = *(weir__stage *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static bool is_stage_name(weir__stage *const *sorted, uint32_t count, const char *name)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(sorted[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && strcmp(sorted[low]->name, name) == 0;
}

/* One function may be used by several stages: the second is called NAME-2, and so on. */
static void number_stages(weir_graph *graph)
{
    uint32_t count = graph->stages.count;
    size_t size = (count + 1) * sizeof(weir__stage *);
    weir__stage **sorted = weir_graph_alloc(graph, size);
    const char **names = weir_graph_alloc(graph, (count + 1) * sizeof *names);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = graph->stages.items[i];
    qsort(sorted, count, sizeof(weir__stage *), by_stage_name);
    for (uint32_t i = 0, number = 1; i < count; i++) {
        names[i] = sorted[i]->name;
        if (i == 0 || strcmp(sorted[i - 1]->name, sorted[i]->name) != 0) {
            number = 1;
            continue;
        }
        size_t room = strlen(sorted[i]->name) + 12;
        char *text = weir_graph_alloc(graph, room);
        do
            snprintf(text, room, "%s-%u", sorted[i]->name, ++number);
        while (is_stage_name(sorted, count, text));
        names[i] = text;
    }
    for (uint32_t i = 0; i < count; i++)
        sorted[i]->name = names[i];
}

static void check_feedbacks(weir_graph *graph)
{
    for (uint32_t i = 0; i < graph->feedbacks.count; i++) {
        const weir_feedback *feedback = graph->feedbacks.items[i];
        if (!feedback->connected)
            weir_graph_fail(graph, WEIR_INVALID, feedback->pass->name,
                            "call weir_feedback_connect", "a feedback was never connected");
    }
}

/* Whether no time of an output comes from an input: then its outputs have a time of their own. */
static bool begins_time(const weir_node *node)
{
    const weir_node_spec *spec = &node->spec;
    if (!spec->initial_capabilities || !spec->summaries)
        return spec->input_count == 0;
    for (unsigned i = 0; i < spec->input_count * spec->output_count; i++)
        if (spec->summaries[i].depth)
            return false;
    return true;
}

/* Sources that follow the epoch clock and sources whose times are the caller's must not meet. */
static void check_clocks(weir_graph *graph)
{
    enum { CLOCK = 1, MANUAL = 2 };
    uint8_t *from = weir_graph_alloc(graph, graph->nodes.count + 1);
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_node *node = weir__graph_node(graph, i);
        if (begins_time(node) && !node->spec.at_start)
            from[i] = node->spec.follows_clock ? CLOCK : MANUAL;
    }
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t e = 0; e < graph->edges.count; e++) {
            const weir__edge *edge = graph->edges.items[e];
            if (begins_time(edge->to))
                continue;
            uint8_t both = from[edge->to->id] | from[edge->from->node->id];
            changed = changed || both != from[edge->to->id];
            from[edge->to->id] = both;
            if (both == (CLOCK | MANUAL)) {
                weir_graph_fail(graph, WEIR_INVALID, edge->to->name,
                                "open the input without .manual, or feed the other from it",
                                "a manual input meets a source that follows the epoch clock");
                return;
            }
        }
    }
}

static void add_ports(weir_graph *graph, weir__topology_builder *builder)
{
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        weir_node *node = weir__graph_node(graph, i);
        for (unsigned k = 0; k < node->spec.input_count; k++) {
            const weir_node_input *input = &node->spec.inputs[k];
            uint32_t id = weir__topology_add_port(builder, &(weir__port_spec){
                .name = node->name, .depth = node->depth, .is_input = true,
                .watched = input->settles, .interest = (weir__interest)input->interest });
            if (k == 0)
                node->first_input = id;
        }
        for (unsigned o = 0; o < node->spec.output_count; o++) {
            uint32_t id = weir__topology_add_port(builder, &(weir__port_spec){
                .name = node->name, .depth = node->depth });
            if (o == 0)
                node->first_output = id;
        }
    }
}

static void add_edges(weir_graph *graph, weir__topology_builder *builder)
{
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_node *node = weir__graph_node(graph, i);
        for (unsigned k = 0; k < node->spec.input_count; k++)
            for (unsigned o = 0; o < node->spec.output_count; o++) {
                weir_summary s = weir_summary_identity(node->depth);
                if (node->spec.summaries)
                    s = node->spec.summaries[k * node->spec.output_count + o];
                if (s.depth)
                    weir__topology_add_edge(builder, node->first_input + k,
                                            node->first_output + o, &s);
            }
    }
    for (uint32_t e = 0; e < graph->edges.count; e++) {
        const weir__edge *edge = graph->edges.items[e];
        weir__topology_add_edge(builder, edge->from->node->first_output + edge->from->output,
                                edge->to->first_input + edge->input, &edge->summary);
    }
    for (uint32_t i = 0; i < graph->probes.count; i++) {
        weir_probe *probe = graph->probes.items[i];
        probe->topology_port = weir__topology_add_port(builder, &(weir__port_spec){
            .name = probe->name, .depth = probe->depth, .is_input = true, .watched = true });
        for (uint32_t k = 0; k < probe->port->link_count; k++) {
            const weir__link *link = &probe->port->links[k];
            weir_summary s = link->moves ? link->summary : weir_summary_identity(probe->depth);
            weir__topology_add_edge(builder, link->point->node->first_output + link->point->output,
                                    probe->topology_port, &s);
        }
    }
}

static void initial_capabilities(weir_graph *graph)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->nodes.count; i++)
        count += weir__graph_node(graph, i)->spec.output_count;
    graph->initial = weir_graph_alloc(graph, (count + 1) * sizeof *graph->initial);
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_node *node = weir__graph_node(graph, i);
        for (unsigned o = 0; node->spec.initial_capabilities && o < node->spec.output_count; o++)
            graph->initial[graph->initial_count++] =
                (weir__change){ .port = node->first_output + o,
                                .diff = graph->workers - WEIR_PLANTED(INITIAL_SHORT) };
    }
}

static void fingerprint(weir_graph *graph)
{
    uint64_t h = graph->nodes.count;
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_node *node = weir__graph_node(graph, i);
        weir_str name = weir_str_of(node->name), kind = weir_str_of(node->spec.kind);
        h = weir__hash_str(&kind, weir__hash_str(&name, h));
    }
    for (uint32_t e = 0; e < graph->edges.count; e++) {
        const weir__edge *edge = graph->edges.items[e];
        uint64_t parts[4] = { edge->from->node->id, edge->from->output, edge->to->id,
                              edge->input };
        weir_str bytes = weir_str_view((const char *)parts, sizeof parts);
        h = weir__hash_str(&bytes, h);
    }
    graph->fingerprint = h;
}

weir_status weir__plan_make(weir_graph *graph, weir_error *error)
{
    if (!weir_graph_failed(graph))
        check_names(graph);
    if (!weir_graph_failed(graph))
        number_stages(graph);
    if (!weir_graph_failed(graph))
        check_feedbacks(graph);
    if (!weir_graph_failed(graph))
        check_clocks(graph);
    if (!weir_graph_failed(graph)) {
        weir__topology_builder *builder = weir__topology_builder_create();
        add_ports(graph, builder);
        add_edges(graph, builder);
        weir_error problem = { 0 };
        if (weir__topology_finish(builder, 0, &graph->topology, &problem) != WEIR_OK)
            graph->error = problem;
        weir__topology_builder_destroy(builder);
    }
    if (weir_graph_failed(graph)) {
        if (error)
            *error = graph->error;
        return graph->error.status;
    }
    initial_capabilities(graph);
    graph->port_count = weir__topology_port_count(graph->topology);
    graph->input_owner = weir_graph_alloc(graph,
                                          (graph->port_count + 1) * sizeof *graph->input_owner);
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        weir_node *node = weir__graph_node(graph, i);
        for (unsigned k = 0; k < node->spec.input_count; k++)
            graph->input_owner[node->first_input + k] = node;
    }
    fingerprint(graph);
    return WEIR_OK;
}
