/* SPDX-License-Identifier: Apache-2.0
 *
 * Describing stages: stateless operators that hang in the tree below a node's output.
 */
#include <string.h>

#include "dataflow/description.h"

static bool check(weir_port *in, const weir_stage_spec *spec)
{
    weir_graph *graph = in->graph;
    const char *kind = spec->kind ? spec->kind : "stage";
    const char *where = spec->name ? spec->name : kind;
    unsigned functions = !!spec->map + !!spec->filter + !!spec->flat_map + !!spec->inspect +
                         spec->negate;
    if (functions != 1) {
        weir_graph_fail(graph, WEIR_INVALID, where, "set exactly one function of the stage",
                        "a stage with %u functions", functions);
        return false;
    }
    if (!weir__graph_check_type(graph, spec->in, where) ||
        !weir__graph_check_type(graph, spec->out, where))
        return false;
    if (!weir_type_same_layout(in->type, spec->in)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "connect a stream of those records",
                        "the stream carries '%s', the function takes '%s'", in->type->name,
                        spec->in->name);
        return false;
    }
    bool changes_type = spec->map || spec->flat_map;
    if (!changes_type && !weir_type_same_layout(spec->in, spec->out)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "let in and out be the same type",
                        "a %s cannot make '%s' of '%s'", kind, spec->out->name,
                        spec->in->name);
        return false;
    }
    if (spec->negate && !in->collection) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "use weir_port_as_collection first",
                        "only a collection can be negated");
        return false;
    }
    return true;
}

weir_port *weir_stage_add(weir_port *in, const weir_stage_spec *given)
{
    if (!in || weir_graph_failed(in->graph))
        return NULL;
    weir_graph *graph = in->graph;
    weir_stage_spec own = { 0 }, *spec = &own;
    weir_struct_copy(spec, sizeof own, given);
    if (!check(in, spec))
        return NULL;
    weir__point *at = weir__port_point(in);
    weir__stage *stage = weir_graph_alloc(graph, sizeof *stage);
    stage->spec = *spec;
    stage->spec.kind = weir_graph_text(graph, spec->kind ? spec->kind : "stage");
    stage->id = graph->stages.count;
    stage->collection = in->collection;
    stage->name = weir__graph_name(graph, stage->spec.kind, spec->name);
    stage->point.node = at->node;
    stage->point.output = at->output;
    stage->point.stage = stage;
    weir__list_add(graph, &graph->stages, stage);
    if (at->stage_count == at->stage_capacity) {
        uint32_t capacity = at->stage_capacity ? at->stage_capacity * 2 : 4;
        weir__stage **stages = weir_graph_alloc(graph, capacity * sizeof(weir__stage *));
        if (at->stage_count)
            memcpy(stages, at->stages, at->stage_count * sizeof(weir__stage *));
        at->stages = stages;
        at->stage_capacity = capacity;
    }
    at->stages[at->stage_count++] = stage;
    weir_port *out = weir__port_create(graph, spec->out, in->scope);
    out->collection = in->collection;
    if (spec->keeps_key || spec->filter || spec->inspect || spec->negate)
        out->unique_key = in->unique_key;
    out->links = weir_graph_alloc(graph, sizeof *out->links);
    out->links[0].point = &stage->point;
    out->link_count = 1;
    return out;
}
