/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the removal of ports nobody asks about. A vertex x is removed by linking each of its
 * predecessors with each of its successors by the composed summary; what was counted at x is
 * counted at the successors, through x's summaries. All paths from x go on through a successor, so
 * every frontier that remains is what it was, to the element. (One exception, to the safe side: a
 * coordinate that would overflow at x and that is dropped behind it no longer stops the path.)
 *
 * Limits: the number of arcs does not grow; a count ends up at a handful of places; and x has no
 * cycle of its own that could lead to times not after its own (a loop around the whole scope of x).
 */
#include "progress/topology.h"

#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"

enum { ROUTES_MAX = 4 };

/* An arc in the lists of both its ends. A removed arc has from == WEIR__NONE and waits in the free
 * list. */
typedef struct edge {
    uint32_t from, to;
    weir_summary summary;
    uint32_t next_out, prev_out, next_in, prev_in;
} edge;

typedef struct vertex {
    uint32_t first_out, first_in; /* edges */
    uint32_t outs, ins;
    uint32_t routes_begin, routes_end; /* once removed: of `found` below */
    bool is_routed_to;                 /* some removed vertex counts here */
    bool is_queued, has_loop;
} vertex;

typedef struct work {
    weir__contraction *c;
    vertex *vertices;
    edge *edges;
    uint32_t edge_count, edge_capacity, free_edge;
    uint32_t *queue; /* a ring of c->count vertices */
    uint32_t queue_begin, queue_count;
    uint32_t *removal; /* the removed vertices, first removed first */
    uint32_t removals;
    weir__arc *found; /* where each removed vertex leads, as of its removal */
    uint32_t found_count, found_capacity;
} work;

static void append(weir__arc **array, uint32_t *count, uint32_t *capacity, const weir__arc *arc)
{
    if (*count == *capacity) {
        uint32_t wanted = *capacity ? 2 * *capacity : 16;
        *array = weir_realloc_must(*array, *capacity * sizeof **array, wanted * sizeof **array);
        *capacity = wanted;
    }
    (*array)[(*count)++] = *arc;
}

static void unlink_edge(work *w, uint32_t e)
{
    edge *x = &w->edges[e];
    vertex *from = &w->vertices[x->from], *to = &w->vertices[x->to];
    *(x->prev_out == WEIR__NONE ? &from->first_out : &w->edges[x->prev_out].next_out) = x->next_out;
    *(x->prev_in == WEIR__NONE ? &to->first_in : &w->edges[x->prev_in].next_in) = x->next_in;
    if (x->next_out != WEIR__NONE)
        w->edges[x->next_out].prev_out = x->prev_out;
    if (x->next_in != WEIR__NONE)
        w->edges[x->next_in].prev_in = x->prev_in;
    from->outs--;
    to->ins--;
    x->from = WEIR__NONE;
    x->next_out = w->free_edge;
    w->free_edge = e;
}

static uint32_t new_edge(work *w)
{
    uint32_t e = w->free_edge;
    if (e != WEIR__NONE) {
        w->free_edge = w->edges[e].next_out;
        return e;
    }
    if (w->edge_count == w->edge_capacity) {
        uint32_t wanted = w->edge_capacity ? 2 * w->edge_capacity : 16;
        w->edges = weir_realloc_must(w->edges, w->edge_capacity * sizeof *w->edges,
                                     wanted * sizeof *w->edges);
        w->edge_capacity = wanted;
    }
    return w->edge_count++;
}

/* Whether an edge between the two already says as much; drops those that `arc` makes superfluous.
 * Looks through the shorter of the two lists, so that a vertex of many arcs costs nothing. */
static bool is_covered(work *w, const weir__arc *arc)
{
    bool by_out = w->vertices[arc->from].outs <= w->vertices[arc->to].ins;
    uint32_t e = by_out ? w->vertices[arc->from].first_out : w->vertices[arc->to].first_in, next;
    for (; e != WEIR__NONE; e = next) {
        const edge *x = &w->edges[e];
        next = by_out ? x->next_out : x->next_in;
        if (x->from != arc->from || x->to != arc->to)
            continue;
        if (weir_summary_less_equal(&x->summary, &arc->summary))
            return true;
        if (weir_summary_less_equal(&arc->summary, &x->summary))
            unlink_edge(w, e);
    }
    return false;
}

static void link_edge(work *w, const weir__arc *arc)
{
    /* A cycle back to the vertex itself that keeps every coordinate leads to times after its own,
     * and all that follows from them follows from the vertex's own time. */
    if (arc->from == arc->to && arc->summary.keep == arc->summary.depth)
        return;
    if (is_covered(w, arc))
        return;
    uint32_t e = new_edge(w);
    edge *x = &w->edges[e];
    vertex *from = &w->vertices[arc->from], *to = &w->vertices[arc->to];
    *x = (edge){ .from = arc->from,
                 .to = arc->to,
                 .summary = arc->summary,
                 .next_out = from->first_out,
                 .prev_out = WEIR__NONE,
                 .next_in = to->first_in,
                 .prev_in = WEIR__NONE };
    if (x->next_out != WEIR__NONE)
        w->edges[x->next_out].prev_out = e;
    if (x->next_in != WEIR__NONE)
        w->edges[x->next_in].prev_in = e;
    from->first_out = to->first_in = e;
    from->outs++;
    to->ins++;
    from->has_loop |= arc->from == arc->to;
}

static bool is_removable(const work *w, uint32_t v)
{
    const vertex *x = &w->vertices[v];
    if (w->c->kept[v] || w->c->removed[v] || x->has_loop)
        return false;
    if (x->outs > (x->is_routed_to ? 1 : ROUTES_MAX))
        return false;
    return (uint64_t)x->outs * x->ins <= (uint64_t)x->outs + x->ins;
}

static void enqueue(work *w, uint32_t v)
{
    if (w->vertices[v].is_queued || w->c->kept[v] || w->c->removed[v])
        return;
    w->vertices[v].is_queued = true;
    w->queue[(w->queue_begin + w->queue_count++) % w->c->count] = v;
}

static void bypass(work *w, uint32_t v)
{
    for (uint32_t a = w->vertices[v].first_in; a != WEIR__NONE; a = w->edges[a].next_in)
        for (uint32_t b = w->vertices[v].first_out; b != WEIR__NONE; b = w->edges[b].next_out) {
            weir__arc arc = { .from = w->edges[a].from, .to = w->edges[b].to };
            if (weir_summary_follow(&w->edges[a].summary, &w->edges[b].summary, &arc.summary))
                link_edge(w, &arc);
        }
}

static void remove_vertex(work *w, uint32_t v)
{
    vertex *x = &w->vertices[v];
    bypass(w, v);
    w->c->removed[v] = true;
    w->removal[w->removals++] = v;
    x->routes_begin = w->found_count;
    while (x->first_out != WEIR__NONE) {
        const edge *e = &w->edges[x->first_out];
        weir__arc arc = { v, e->to, e->summary };
        append(&w->found, &w->found_count, &w->found_capacity, &arc);
        w->vertices[e->to].is_routed_to = true;
        enqueue(w, e->to);
        unlink_edge(w, x->first_out);
    }
    x->routes_end = w->found_count;
    while (x->first_in != WEIR__NONE) {
        enqueue(w, w->edges[x->first_in].from);
        unlink_edge(w, x->first_in);
    }
}

/* Adds to the routes of the vertex whose routes start at `begin`, as an antichain for each
 * target. */
static void add_route(weir__contraction *c, uint32_t begin, const weir__arc *route)
{
    for (uint32_t i = begin; i < c->route_count; i++) {
        weir__arc *r = &c->routes[i];
        if (r->to != route->to)
            continue;
        if (weir_summary_less_equal(&r->summary, &route->summary))
            return;
        if (weir_summary_less_equal(&route->summary, &r->summary))
            *r-- = c->routes[--c->route_count], i--;
    }
    append(&c->routes, &c->route_count, &c->route_capacity, route);
}

/* A vertex found its routes among those that remained then. The last one removed leads only to
 * vertices that remain now; each of the others to such ones or to vertices resolved before it. */
static void resolve(work *w)
{
    weir__contraction *c = w->c;
    for (uint32_t i = w->removals; i-- > 0;) {
        vertex *x = &w->vertices[w->removal[i]];
        uint32_t begin = c->route_count;
        for (uint32_t f = x->routes_begin; f < x->routes_end; f++) {
            const weir__arc first = w->found[f];
            const vertex *via = &w->vertices[first.to];
            if (!c->removed[first.to]) {
                add_route(c, begin, &first);
                continue;
            }
            for (uint32_t r = via->routes_begin; r < via->routes_end; r++) {
                weir__arc route = { .from = first.from, .to = c->routes[r].to };
                if (weir_summary_follow(&first.summary, &c->routes[r].summary, &route.summary))
                    add_route(c, begin, &route);
            }
        }
        x->routes_begin = begin;
        x->routes_end = c->route_count;
    }
}

static void work_init(work *w, weir__contraction *c)
{
    *w = (work){ .c = c, .free_edge = WEIR__NONE };
    w->vertices = weir_alloc_must((c->count + 1) * sizeof *w->vertices);
    w->queue = weir_alloc_must((c->count + 1) * sizeof *w->queue);
    w->removal = weir_alloc_must((c->count + 1) * sizeof *w->removal);
    for (uint32_t v = 0; v < c->count; v++) {
        w->vertices[v] = (vertex){ .first_out = WEIR__NONE, .first_in = WEIR__NONE };
        c->removed[v] = !c->keep_all && !c->useful[v];
    }
    for (uint32_t i = 0; i < c->arc_count; i++)
        if (!c->removed[c->arcs[i].from] && !c->removed[c->arcs[i].to])
            link_edge(w, &c->arcs[i]);
}

static void work_fini(work *w)
{
    weir_free(w->vertices, (w->c->count + 1) * sizeof *w->vertices);
    weir_free(w->queue, (w->c->count + 1) * sizeof *w->queue);
    weir_free(w->removal, (w->c->count + 1) * sizeof *w->removal);
    weir_free(w->edges, w->edge_capacity * sizeof *w->edges);
    weir_free(w->found, w->found_capacity * sizeof *w->found);
}

void weir__contract(weir__contraction *c)
{
    work w;
    c->removed = weir_alloc_must(c->count + 1);
    work_init(&w, c);
    for (uint32_t i = c->count; i-- > 0 && !c->keep_all;)
        enqueue(&w, c->at_place[i]);
    while (w.queue_count > 0) {
        uint32_t v = w.queue[w.queue_begin];
        w.queue_begin = (w.queue_begin + 1) % c->count;
        w.queue_count--;
        w.vertices[v].is_queued = false;
        if (is_removable(&w, v))
            remove_vertex(&w, v);
    }
    resolve(&w);
    for (uint32_t e = 0; e < w.edge_count; e++)
        if (w.edges[e].from != WEIR__NONE) {
            weir__arc arc = { w.edges[e].from, w.edges[e].to, w.edges[e].summary };
            append(&c->left, &c->left_count, &c->left_capacity, &arc);
        }
    work_fini(&w);
}

void weir__contraction_fini(weir__contraction *c)
{
    weir_free(c->removed, c->count + 1);
    weir_free(c->left, c->left_capacity * sizeof *c->left);
    weir_free(c->routes, c->route_capacity * sizeof *c->routes);
}
