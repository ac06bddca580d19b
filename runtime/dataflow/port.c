/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams while they are wired: where their records come from (links), and what is said about them
 * (type, collection, key, scope). A concat, an exchange and the crossing of a scope are properties
 * of links; a pass node appears only when a stage has to hang from one.
 */
#include <string.h>

#include "base/assert.h"
#include "dataflow/description.h"

weir_port *weir__port_create(weir_graph *graph, const weir_type *type, weir_scope *scope)
{
    weir_port *port = weir_graph_alloc(graph, sizeof *port);
    port->graph = graph;
    port->type = type;
    port->scope = scope;
    return port;
}

static weir_port *copy(const weir_port *port)
{
    weir_port *p = weir_graph_alloc(port->graph, sizeof *p);
    *p = *port;
    p->links = weir_graph_alloc(port->graph, port->link_count * sizeof *p->links);
    memcpy(p->links, port->links, port->link_count * sizeof *p->links);
    return p;
}

/* A port that comes straight out of `point`. */
static weir_port *of_point(const weir_port *like, weir__point *point)
{
    weir_port *p = weir_graph_alloc(like->graph, sizeof *p);
    *p = *like;
    p->links = weir_graph_alloc(like->graph, sizeof *p->links);
    p->links[0].point = point;
    p->link_count = 1;
    p->outside = NULL;
    return p;
}

weir__point *weir__port_point(weir_port *port)
{
    if (port->link_count == 1 && !port->links[0].moves && !port->links[0].routed)
        return port->links[0].point;
    weir_node *pass = weir__pass_add(port->graph, port->type, port->scope, port->collection,
                                     &port->unique_key);
    weir__port_connect(port, pass, 0, &(weir__routing){ .route = WEIR_LOCAL });
    return &pass->points[0];
}

void weir__port_connect(weir_port *port, weir_node *to, uint32_t input,
                        const weir__routing *routing)
{
    weir_graph *graph = port->graph;
    for (uint32_t i = 0; i < port->link_count; i++) {
        weir__link *link = &port->links[i];
        if (link->routed && routing->route != WEIR_LOCAL) {
            /* routed twice: the first leg ends at a pass node */
            weir__point *point = weir__port_point(port);
            weir__port_connect(of_point(port, point), to, input, routing);
            return;
        }
    }
    for (uint32_t i = 0; i < port->link_count; i++) {
        weir__link *link = &port->links[i];
        weir__point *from = link->point;
        weir__edge *edge = weir_graph_alloc(graph, sizeof *edge);
        edge->id = graph->edges.count;
        edge->from = from;
        edge->to = to;
        edge->input = input;
        edge->moves = link->moves;
        edge->summary = link->moves ? link->summary : weir_summary_identity(to->depth);
        edge->routing = link->routed ? link->routing : *routing;
        if (from->edge_count == from->edge_capacity) {
            uint32_t capacity = from->edge_capacity ? from->edge_capacity * 2 : 4;
            weir__edge **edges = weir_graph_alloc(graph, capacity * sizeof(weir__edge *));
            if (from->edge_count)
                memcpy(edges, from->edges, from->edge_count * sizeof(weir__edge *));
            from->edges = edges;
            from->edge_capacity = capacity;
        }
        from->edges[from->edge_count++] = edge;
        weir__list_add(graph, &graph->edges, edge);
    }
}

weir_graph *weir_port_graph(const weir_port *port) { return port ? port->graph : NULL; }
const weir_type *weir_port_type(const weir_port *port) { return port ? port->type : NULL; }
bool weir_port_is_collection(const weir_port *port) { return port && port->collection; }
unsigned weir_port_depth(const weir_port *port)
{
    return port ? weir__scope_depth(port->scope) : 1;
}

const weir_key *weir_port_unique_key(const weir_port *port)
{
    static const weir_key none;
    return port ? &port->unique_key : &none;
}

weir_scope *weir_port_scope(const weir_port *port) { return port ? port->scope : NULL; }

static bool is_same_link(const weir__link *a, const weir__link *b)
{
    if (a->point != b->point || a->moves != b->moves || a->routed != b->routed)
        return false;
    if (a->moves && (a->summary.keep != b->summary.keep || a->summary.depth != b->summary.depth ||
                     memcmp(a->summary.add, b->summary.add, sizeof a->summary.add) != 0))
        return false;
    const weir__routing *x = &a->routing, *y = &b->routing;
    return !a->routed || (x->route == y->route && x->fn == y->fn && x->ctx == y->ctx &&
                          x->key.count == y->key.count &&
                          memcmp(x->key.field, y->key.field,
                                 x->key.count * sizeof *x->key.field) == 0);
}

bool weir_port_is_same(const weir_port *a, const weir_port *b)
{
    if (!a || !b || a->graph != b->graph || a->scope != b->scope ||
        a->link_count != b->link_count || a->collection != b->collection ||
        !weir_type_same_layout(a->type, b->type))
        return false;
    for (uint32_t i = 0; i < a->link_count; i++)
        if (!is_same_link(&a->links[i], &b->links[i]))
            return false;
    return true;
}

weir_port *weir_port_outside(const weir_port *port)
{
    if (!port || !port->outside)
        return NULL;
    weir_port *p = copy(port->outside);
    p->collection = port->collection;
    p->unique_key = port->unique_key;
    return p;
}

const char *weir_port_name(const weir_port *port)
{
    if (!port || !port->link_count)
        return "?";
    const weir__point *point = port->links[0].point;
    return point->stage ? point->stage->name : point->node->name;
}

weir_port *weir_port_set_name(weir_port *port, const char *name)
{
    if (!port)
        return NULL;
    if (port->link_count != 1 || !name || !*name) {
        weir_graph_fail(port->graph, WEIR_INVALID, weir_port_name(port),
                        "name the operators whose streams were brought together",
                        "a name needs a stream that comes out of one operator");
        return port;
    }
    weir__point *point = port->links[0].point;
    const char **slot = point->stage ? &point->stage->name : &point->node->name;
    *slot = weir_graph_text(port->graph, name);
    return port;
}

weir_port *weir_port_as_collection(weir_port *port)
{
    if (!port)
        return NULL;
    weir_port *p = copy(port);
    p->collection = true;
    return p;
}

weir_port *weir_port_with_key(weir_port *port, const weir_key *key)
{
    if (!port || !weir__graph_check_key(port->graph, port->type, key, weir_port_name(port)))
        return NULL;
    weir_port *p = copy(port);
    p->unique_key = *key;
    return p;
}

weir_port *weir_port_concat(weir_port *const *ports, size_t count)
{
    weir_port *first = count ? ports[0] : NULL, *p;
    size_t links = 0;
    for (size_t i = 0; i < count; i++) {
        if (!ports[i] || !first || !weir__graph_owns(first->graph, ports[i], "concat"))
            return NULL;
        if (!weir_type_same_layout(first->type, ports[i]->type) ||
            first->scope != ports[i]->scope) {
            weir_graph_fail(first->graph, WEIR_TYPE_MISMATCH, weir_port_name(ports[i]),
                            "concat takes streams of one record type in one scope",
                            "concat of '%s' and '%s': their records or scopes differ",
                            first->type->name, ports[i]->type->name);
            return NULL;
        }
        links += ports[i]->link_count;
    }
    if (!first)
        return NULL;
    p = weir__port_create(first->graph, first->type, first->scope);
    p->links = weir_graph_alloc(first->graph, links * sizeof *p->links);
    for (size_t i = 0; i < count; i++) {
        memcpy(p->links + p->link_count, ports[i]->links,
               ports[i]->link_count * sizeof *p->links);
        p->link_count += ports[i]->link_count;
        p->collection = p->collection || ports[i]->collection;
    }
    return p;
}

static weir_port *routed(weir_port *port, const weir__routing *routing)
{
    weir_port *p = port;
    for (uint32_t i = 0; i < port->link_count; i++)
        if (port->links[i].routed)
            p = of_point(port, weir__port_point(port));
    p = copy(p);
    p->outside = NULL;
    for (uint32_t i = 0; i < p->link_count; i++) {
        p->links[i].routed = true;
        p->links[i].routing = *routing;
    }
    return p;
}

weir_port *weir_port_by_key(weir_port *port, const weir_key *key)
{
    if (!port || !weir__graph_check_key(port->graph, port->type, key, weir_port_name(port)))
        return NULL;
    return routed(port, &(weir__routing){ .route = WEIR_BY_KEY, .key = *key });
}

weir_port *weir_port_by_function(weir_port *port, weir_route_fn *fn, void *ctx)
{
    if (!port)
        return NULL;
    if (!fn) {
        weir_graph_fail(port->graph, WEIR_INVALID, weir_port_name(port), "give it",
                        "there is no function that names a worker");
        return NULL;
    }
    if (port->collection) {
        weir_graph_fail(port->graph, WEIR_TYPE_MISMATCH, weir_port_name(port),
                        "exchange a collection by a key",
                        "a function that names a worker is for plain streams only");
        return NULL;
    }
    return routed(port, &(weir__routing){ .route = WEIR_BY_FUNCTION, .fn = fn, .ctx = ctx });
}

weir_port *weir_port_to_all(weir_port *port)
{
    return port ? routed(port, &(weir__routing){ .route = WEIR_TO_ALL }) : NULL;
}
