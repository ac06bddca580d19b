/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the answer to who holds a frontier back. Written for people's questions: it looks for all
 * paths to the port anew each time.
 */
#include <weir/memory.h>

#include "base/assert.h"
#include "progress/state.h"

/* The ways from each slot to the port asked about, as antichains of summaries. */
typedef struct ways {
    weir_summary *items;
    uint32_t count, capacity;
    bool is_pending;
} ways;

typedef struct search {
    const weir__topology *topology;
    ways *ways;
    uint32_t *pending, pending_count;
} search;

static bool add_way(ways *w, const weir_summary *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->count; i++)
        if (weir_summary_less_equal(&w->items[i], s))
            return false;
    for (uint32_t i = 0; i < w->count; i++)
        if (!weir_summary_less_equal(s, &w->items[i]))
            w->items[kept++] = w->items[i];
    w->count = kept;
    if (w->count == w->capacity) {
        uint32_t capacity = w->capacity ? 2 * w->capacity : 2;
        w->items = weir_realloc_must(w->items, w->capacity * sizeof *w->items,
                                     capacity * sizeof *w->items);
        w->capacity = capacity;
    }
    w->items[w->count++] = *s;
    return true;
}

static void found(search *s, uint32_t slot, const weir_summary *summary)
{
    if (!add_way(&s->ways[slot], summary) || s->ways[slot].is_pending)
        return;
    s->ways[slot].is_pending = true;
    s->pending[s->pending_count++] = slot;
}

/* Ends: along a cycle only what is added grows, and antichains of such summaries are finite. */
static void find_ways(search *s, uint32_t target)
{
    const weir__links *in = &s->topology->in;
    weir_summary identity = weir_summary_identity(s->topology->slots[target].depth), way;
    found(s, target, &identity);
    while (s->pending_count > 0) {
        uint32_t slot = s->pending[--s->pending_count];
        s->ways[slot].is_pending = false;
        for (uint32_t i = in->first[slot]; i < in->first[slot + 1]; i++)
            for (uint32_t k = 0; k < s->ways[slot].count; k++)
                if (weir_summary_follow(&in->links[i].summary, &s->ways[slot].items[k], &way))
                    found(s, in->slot[i], &way);
    }
}

typedef struct question {
    const weir__topology *topology;
    const ways *ways;
    const weir_frontier *frontier;
    weir__outstanding_fn *fn;
    void *ctx;
} question;

/* Whether a count at this slot and time arrives as an element of the frontier. */
static bool arrives(const question *q, uint32_t slot, const weir_time *time)
{
    const ways *w = &q->ways[slot];
    weir_time image;
    for (uint32_t k = 0; k < w->count; k++)
        if (weir_summary_apply(&w->items[k], time, &image) &&
            weir_frontier_less_equal(q->frontier, &image) &&
            !weir_frontier_less_than(q->frontier, &image))
            return true;
    return false;
}

static void ask(const weir__outstanding *o, void *ctx)
{
    const question *q = ctx;
    const weir__links *routes = &q->topology->routes;
    weir_time image;
    if (o->count <= 0)
        return;
    for (uint32_t i = routes->first[o->port]; i < routes->first[o->port + 1]; i++)
        if (weir_summary_apply(&routes->links[i].summary, &o->time, &image) &&
            arrives(q, routes->slot[i], &image)) {
            q->fn(o, q->ctx);
            return;
        }
}

void weir__tracker_holders(const weir__tracker *t, uint32_t port, weir__outstanding_fn *fn,
                           void *ctx)
{
    uint32_t n = t->topology->slot_count;
    search s = { .topology = t->topology,
                 .ways = weir_alloc_must(n * sizeof *s.ways),
                 .pending = weir__numbers(n) };
    question q = { t->topology, s.ways, weir__tracker_frontier(t, port), fn, ctx };
    for (uint32_t i = 0; i < n; i++)
        s.ways[i] = (ways){ 0 };
    find_ways(&s, t->topology->slot_of[port]);
    weir__tracker_each(t, ask, &q);
    for (uint32_t i = 0; i < n; i++)
        weir_free(s.ways[i].items, s.ways[i].capacity * sizeof *s.ways[i].items);
    weir_free(s.ways, n * sizeof *s.ways);
    weir__numbers_free(s.pending, n);
}
