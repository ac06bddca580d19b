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

/* Whether a count at this slot and time arrives as an element of the frontier. */
static bool holds(const ways *w, const weir_time *time, const weir_frontier *frontier)
{
    weir_time image;
    for (uint32_t k = 0; k < w->count; k++)
        if (weir_summary_apply(&w->items[k], time, &image) &&
            weir_frontier_less_equal(frontier, &image) &&
            !weir_frontier_less_than(frontier, &image))
            return true;
    return false;
}

void weir__tracker_holders(const weir__tracker *t, uint32_t port, weir__outstanding_fn *fn,
                           void *ctx)
{
    const weir_frontier *frontier = weir__tracker_frontier(t, port);
    uint32_t n = t->topology->slot_count;
    search s = { .topology = t->topology,
                 .ways = weir_alloc_must(n * sizeof *s.ways),
                 .pending = weir__numbers(n) };
    for (uint32_t i = 0; i < n; i++)
        s.ways[i] = (ways){ 0 };
    find_ways(&s, t->topology->slot_of[port]);
    for (uint32_t i = 0; i < n; i++) {
        const weir__counts *counts = &t->counts[i];
        for (uint32_t k = counts->begin; k < counts->end; k++) {
            const weir__count *c = &counts->items[k];
            weir__outstanding o = { .port = t->topology->at_place[c->origin],
                                    .at = t->topology->slots[i].port,
                                    .time = c->time,
                                    .count = c->count };
            if (c->count > 0 && holds(&s.ways[i], &c->time, frontier))
                fn(&o, ctx);
        }
        weir_free(s.ways[i].items, s.ways[i].capacity * sizeof *s.ways[i].items);
    }
    weir_free(s.ways, n * sizeof *s.ways);
    weir__numbers_free(s.pending, n);
}
