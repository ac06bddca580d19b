/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/iterate.h. A variable is its start and what comes round; what goes round is
 * the next value less the start, which is there in round 0 only.
 */
#include <weir/operators/iterate.h>

#include <string.h>

#include <weir/operators/collection.h>

struct weir_variable {
    weir_feedback *feedback;
    weir_port *start; /* in the scope; NULL: empty */
    weir_port *value;
};

weir_variable *weir__variable(weir_graph *graph, weir_scope *scope, const weir_type *type,
                              weir_port *start, const struct weir_variable_options *given)
{
    struct weir_variable_options options = { 0 };
    weir_struct_copy(&options, sizeof options, given);
    if (!graph || weir_graph_failed(graph))
        return NULL;
    if (start && !weir_port_is_collection(start)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, "iterate",
                        "declare it a collection: weir_as_collection",
                        "collections are repeated, and this is a plain stream");
        return NULL;
    }
    weir_variable *v = weir_graph_alloc(graph, sizeof *v);
    v->start = start ? weir_port_enter(start, scope) : NULL;
    if (weir_graph_failed(graph))
        return NULL;
    v->feedback = weir_feedback_add(graph, scope, type, 1);
    if (options.limit)
        weir_feedback_set_limit(v->feedback, options.limit);
    weir_port *round = weir_feedback_port(v->feedback);
    v->value = start ? weir_port_concat((weir_port *[]){ v->start, round }, 2) : round;
    return v;
}

weir_port *weir__variable_value(const weir_variable *v)
{
    return v ? v->value : NULL;
}

void weir__variable_set(weir_variable *v, weir_port *next)
{
    if (!v || !next)
        return;
    weir_port *less = v->start ? weir__negate(v->start) : NULL;
    weir_feedback_connect(v->feedback,
                          less ? weir_port_concat((weir_port *[]){ next, less }, 2) : next);
}
