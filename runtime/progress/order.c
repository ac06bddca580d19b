/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the order of vertices: Tarjan's components (1972), found without recursion, once for the
 * whole graph and then, coordinate by coordinate, within each component for the arcs that add
 * nothing so far.
 */
#include "progress/order.h"

#include <string.h>

#include <weir/memory.h>

#include "progress/topology.h"

/* All arrays have one item a vertex; `sequence` holds the vertices by place. */
typedef struct work {
    weir__order *order;
    const weir__arc *arcs;
    uint32_t arc_count;
    weir__links out;
    uint32_t *sequence, *next_sequence;
    uint32_t *number, *low;    /* Tarjan's; number is WEIR__NONE or the order of discovery */
    uint32_t *path, *next_arc; /* the vertices being visited and where each of them stands */
    uint32_t *pending;         /* visited, component not complete */
    bool *is_pending;
} work;

/* Whether the arc counts at this level: it adds nothing to the first `level` coordinates and stays
 * within one group of the level above. */
static bool counts_at(const work *w, uint32_t from, uint32_t to, const weir_summary *summary,
                      unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        if (summary->add[i])
            return false;
    const uint32_t *above = level ? w->order->group[level - 1] : NULL;
    return !above || above[from] == above[to];
}

static void visit(work *w, uint32_t v, uint32_t found, uint32_t *depth, uint32_t *pending)
{
    w->number[v] = w->low[v] = found;
    w->next_arc[v] = w->out.first[v];
    w->path[(*depth)++] = v;
    w->pending[(*pending)++] = v;
    w->is_pending[v] = true;
}

/* The next vertex that v leads to and that was not seen; WEIR__NONE when there is none left. */
static uint32_t advance(work *w, uint32_t v, unsigned level)
{
    while (w->next_arc[v] < w->out.first[v + 1]) {
        const weir__link *link = &w->out.links[w->next_arc[v]++];
        uint32_t to = link->slot;
        if (!counts_at(w, v, to, &link->summary, level))
            continue;
        if (w->number[to] == WEIR__NONE)
            return to;
        if (w->is_pending[to] && w->number[to] < w->low[v])
            w->low[v] = w->number[to];
    }
    return WEIR__NONE;
}

/* Components come out last first: they are put into next_sequence from `end` downwards. */
static uint32_t component(work *w, uint32_t root, unsigned level, uint32_t end, uint32_t *pending)
{
    uint32_t v, begin = end;
    do {
        v = w->pending[--*pending];
        w->is_pending[v] = false;
        w->next_sequence[--begin] = v;
    } while (v != root);
    for (uint32_t i = begin; i < end; i++)
        w->order->group[level][w->next_sequence[i]] = begin;
    return begin;
}

/* Orders the vertices at places begin to end - 1, which are one group of the level above. */
static void refine(work *w, unsigned level, uint32_t begin, uint32_t end)
{
    uint32_t found = 0, depth = 0, pending = 0, left = end;
    for (uint32_t i = end; i-- > begin;) {
        if (w->number[w->sequence[i]] != WEIR__NONE)
            continue;
        visit(w, w->sequence[i], found++, &depth, &pending);
        while (depth > 0) {
            uint32_t v = w->path[depth - 1], next = advance(w, v, level);
            if (next != WEIR__NONE) {
                visit(w, next, found++, &depth, &pending);
                continue;
            }
            if (w->low[v] == w->number[v])
                left = component(w, v, level, left, &pending);
            if (--depth > 0 && w->low[v] < w->low[w->path[depth - 1]])
                w->low[w->path[depth - 1]] = w->low[v];
        }
    }
}

static void refine_all(work *w, unsigned level)
{
    uint32_t n = w->order->count;
    memset(w->number, 0xff, n * sizeof *w->number);
    for (uint32_t begin = 0, end; begin < n; begin = end) {
        const uint32_t *above = level ? w->order->group[level - 1] : NULL;
        for (end = begin + 1; end < n; end++)
            if (above && above[w->sequence[end]] != above[w->sequence[begin]])
                break;
        refine(w, level, begin, end);
    }
    uint32_t *done = w->next_sequence;
    w->next_sequence = w->sequence;
    w->sequence = done;
}

/* In a component by arcs that add nothing to the first `level` coordinates, an arc that keeps no
 * more than these lies on a cycle after which a time is not later. */
static bool advances(const work *w, unsigned level, uint32_t *bad)
{
    const uint32_t *group = w->order->group[level];
    for (uint32_t i = 0; i < w->arc_count; i++) {
        const weir__arc *arc = &w->arcs[i];
        if (arc->summary.keep <= level && group[arc->from] == group[arc->to] &&
            counts_at(w, arc->from, arc->to, &arc->summary, level)) {
            *bad = i;
            return false;
        }
    }
    return true;
}

static void work_init(work *w, weir__order *order, const weir__arc *arcs, uint32_t arc_count)
{
    uint32_t n = order->count;
    *w = (work){ .order = order, .arcs = arcs, .arc_count = arc_count };
    uint32_t **arrays[] = { &w->sequence, &w->next_sequence, &w->number, &w->low,
                            &w->path,     &w->next_arc,      &w->pending };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = weir__numbers(n);
    w->is_pending = weir_alloc_must(n + 1);
    memset(w->is_pending, 0, n + 1);
    for (uint32_t v = 0; v < n; v++)
        w->sequence[v] = v;
    weir__links_init(&w->out, n, arcs, arc_count, false);
}

static void work_fini(work *w)
{
    uint32_t n = w->order->count;
    uint32_t *arrays[] = { w->sequence, w->next_sequence, w->number, w->low,
                           w->path,     w->next_arc,      w->pending };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        weir__numbers_free(arrays[i], n);
    weir_free(w->is_pending, n + 1);
    weir__links_fini(&w->out);
}

bool weir__order_init(weir__order *order, uint32_t count, const weir__arc *arcs, uint32_t arc_count,
                      uint32_t *bad)
{
    work w;
    bool good = true;
    order->count = count;
    order->place = weir__numbers(count);
    for (unsigned level = 0; level < WEIR__LEVELS; level++)
        order->group[level] = weir__numbers(count);
    work_init(&w, order, arcs, arc_count);
    for (unsigned level = 0; level < WEIR__LEVELS && good; level++) {
        refine_all(&w, level);
        good = advances(&w, level, bad);
    }
    for (uint32_t i = 0; i < count && good; i++)
        order->place[w.sequence[i]] = i;
    work_fini(&w);
    if (!good)
        weir__order_fini(order);
    return good;
}

void weir__order_fini(weir__order *order)
{
    weir__numbers_free(order->place, order->count);
    for (unsigned level = 0; level < WEIR__LEVELS; level++)
        weir__numbers_free(order->group[level], order->count);
}
