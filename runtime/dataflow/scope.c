/* SPDX-License-Identifier: Apache-2.0
 *
 * Scopes, the edges that cross them, and loops.
 */
#include <string.h>

#include "base/assert.h"
#include "dataflow/description.h"

weir_scope *weir_scope_add(weir_graph *graph, weir_scope *parent, const char *name)
{
    if (!graph) /* of a stream that was refused */
        return NULL;
    if (weir__scope_depth(parent) == WEIR_TIME_COORDS) {
        weir_graph_fail(graph, WEIR_TOO_LARGE, name, "nest fewer scopes",
                        "times have at most %d coordinates", WEIR_TIME_COORDS);
        return parent;
    }
    weir_scope *scope = weir_graph_alloc(graph, sizeof *scope);
    scope->parent = parent;
    scope->name = weir_graph_text(graph, name ? name : "scope");
    scope->depth = weir__scope_depth(parent) + 1;
    return scope;
}

weir_scope *weir_region_add(weir_graph *graph, weir_scope *parent, const char *name)
{
    weir_scope *scope = weir_graph_alloc(graph, sizeof *scope);
    scope->parent = parent;
    scope->name = weir_graph_text(graph, name ? name : "region");
    scope->depth = weir__scope_depth(parent);
    return scope;
}

/* A copy of the port in another scope, each of whose links is followed by s. */
static weir_port *moved(weir_port *port, weir_scope *scope, const weir_summary *s)
{
    weir_graph *graph = port->graph;
    weir_port *p = weir_graph_alloc(graph, sizeof *p);
    *p = *port;
    p->scope = scope;
    p->outside = NULL;
    p->links = weir_graph_alloc(graph, port->link_count * sizeof *p->links);
    memcpy(p->links, port->links, port->link_count * sizeof *p->links);
    for (uint32_t i = 0; i < p->link_count; i++) {
        weir__link *link = &p->links[i];
        weir_summary both = *s;
        /* a link ends where a loop is closed, so it has one step at most */
        bool follows = !link->moves || weir_summary_follow(&link->summary, s, &both);
        WEIR_ASSERT(follows, "operator '%s': the steps of a path add up to too much",
                    weir_port_name(port));
        link->summary = both;
        /* leaving a scope keeps what it keeps as it is, but columns of times get narrower */
        link->moves = both.depth != link->point->node->depth ||
                      !weir_summary_is_identity(&both, both.depth);
    }
    return p;
}

weir_port *weir_port_enter(weir_port *port, weir_scope *scope)
{
    if (!port)
        return NULL;
    if (!scope || scope->parent != port->scope) {
        weir_graph_fail(port->graph, WEIR_INVALID, weir_port_name(port),
                        "enter one scope after the other, from the outermost",
                        "the stream is not in the scope around '%s'",
                        scope ? scope->name : "(none)");
        return NULL;
    }
    unsigned depth = weir__scope_depth(port->scope);
    weir_summary s = scope->depth > depth ? weir_summary_enter(depth)
                                          : weir_summary_identity(depth);
    weir_port *entered = moved(port, scope, &s);
    entered->outside = port;
    return entered;
}

weir_port *weir_port_leave(weir_port *port)
{
    if (!port)
        return NULL;
    if (!port->scope) {
        weir_graph_fail(port->graph, WEIR_INVALID, weir_port_name(port), NULL,
                        "a stream of the root scope cannot leave it");
        return NULL;
    }
    unsigned depth = port->scope->depth;
    weir_summary s = depth > weir__scope_depth(port->scope->parent)
                         ? weir_summary_leave(depth)
                         : weir_summary_identity(depth);
    return moved(port, port->scope->parent, &s);
}

weir_feedback *weir_feedback_add(weir_graph *graph, weir_scope *scope, const weir_type *type,
                                 uint64_t step)
{
    if (!weir__graph_check_type(graph, type, "feedback"))
        return NULL;
    if (step == 0) {
        weir_graph_fail(graph, WEIR_INVALID, "feedback", "give a step of at least 1",
                        "a loop must advance time");
        return NULL;
    }
    weir_feedback *feedback = weir_graph_alloc(graph, sizeof *feedback);
    feedback->limit = UINT64_MAX;
    feedback->pass = weir__pass_add(graph, type, scope, true, &(weir_key){ 0 });
    feedback->step = step;
    weir__list_add(graph, &graph->feedbacks, feedback);
    return feedback;
}

weir_port *weir_feedback_port(weir_feedback *feedback)
{
    return feedback ? feedback->pass->ports[0] : NULL;
}

/* Records whose last coordinate has reached the limit end here. */
static void limited_step(weir_step *step, void *state)
{
    const weir_feedback *feedback = state;
    unsigned last = feedback->pass->depth - 1;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        if (batch->time.at[last] >= feedback->limit)
            continue;
        if (!batch->times) {
            weir_step_send(step, 0, batch, NULL);
            continue;
        }
        weir_builder *out = weir_step_output(step, 0, NULL);
        for (size_t i = 0; i < batch->count; i++) {
            weir_time t = weir_batch_time(batch, i);
            if (t.at[last] >= feedback->limit)
                continue;
            weir_builder_set_time(out, &t);
            weir_builder_set_diff(out, weir_batch_diff(batch, i));
            weir_builder_copy(out, batch, i);
        }
    }
}

static weir_status limited_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

void weir_feedback_set_limit(weir_feedback *feedback, uint64_t limit)
{
    if (!feedback)
        return;
    feedback->limit = limit;
    weir_node_spec *spec = &feedback->pass->spec;
    spec->step = limited_step;
    spec->init = limited_init;
    spec->ctx = feedback;
}

void weir_feedback_set_plain(weir_feedback *feedback)
{
    if (!feedback)
        return;
    weir_node *pass = feedback->pass;
    pass->ports[0]->collection = false;
}

void weir_feedback_connect(weir_feedback *feedback, weir_port *port)
{
    if (!feedback || !port)
        return;
    weir_node *pass = feedback->pass;
    if (!weir__graph_owns(pass->graph, port, pass->name))
        return;
    if (port->collection && !pass->ports[0]->collection) {
        weir_graph_fail(port->graph, WEIR_TYPE_MISMATCH, weir_port_name(port),
                        "make it a loop of a collection",
                        "the changes of a collection cannot go round a loop of plain records");
        return;
    }
    if (feedback->connected || port->scope != pass->scope ||
        !weir_type_same_layout(port->type, pass->ports[0]->type)) {
        weir_graph_fail(port->graph, WEIR_TYPE_MISMATCH, weir_port_name(port),
                        "connect it once, with a stream of its type and scope",
                        "the feedback of '%s' does not take this stream", pass->name);
        return;
    }
    feedback->connected = true;
    weir_summary s = weir_summary_feedback(pass->depth, feedback->step);
    weir__port_connect(moved(port, port->scope, &s), pass, 0,
                       &(weir__routing){ .route = WEIR_LOCAL });
}
