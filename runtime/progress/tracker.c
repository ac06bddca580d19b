/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the tracker's life, its counts, and the rule on holding back. Propagation is total.c's and
 * general.c's; who holds a frontier back is found in holders.c.
 */
#include "progress/tracker.h"

#include <weir/memory.h>

#include "base/assert.h"
#include "progress/state.h"

weir__tracker *weir__tracker_create(const weir__topology *topology, const weir__change *initial,
                                    size_t count)
{
    weir__tracker *t = weir_alloc_must(sizeof *t);
    uint32_t n = topology->slot_count, changed;
    *t = (weir__tracker){ .topology = topology, .is_total = topology->total };
    t->counts = weir_alloc_must(n * sizeof *t->counts);
    t->frontiers = weir_alloc_must(n * sizeof *t->frontiers);
    for (uint32_t s = 0; s < n; s++) {
        t->counts[s] = (weir__counts){ 0 };
        weir_frontier_init(&t->frontiers[s], topology->slots[s].depth);
    }
    weir__bits_init(&t->dirty, n);
    weir__bits_init(&t->changed, n);
    t->list = weir__numbers(n);
    if (t->is_total)
        weir__total_init(t);
    else
        weir__general_init(t);
    for (size_t i = 0; i < count; i++)
        weir__tracker_update(t, initial[i].port, &initial[i].time, initial[i].diff);
    weir__tracker_propagate(t, &changed);
    return t;
}

void weir__tracker_destroy(weir__tracker *t)
{
    if (!t)
        return;
    uint32_t n = t->topology->slot_count;
    for (uint32_t s = 0; s < n; s++) {
        weir__counts_fini(&t->counts[s]);
        weir_frontier_fini(&t->frontiers[s]);
    }
    weir_free(t->counts, n * sizeof *t->counts);
    weir_free(t->frontiers, n * sizeof *t->frontiers);
    weir__bits_fini(&t->dirty);
    weir__bits_fini(&t->changed);
    weir__numbers_free(t->list, n);
    weir__total_fini(t);
    weir__general_fini(t);
    weir_free(t, sizeof *t);
}

static void count(weir__tracker *t, uint32_t slot, const weir_time *time, uint32_t origin,
                  int64_t diff)
{
    unsigned depth = t->topology->slots[slot].depth;
    int64_t to = weir__counts_add(&t->counts[slot], depth, time, origin, diff);
    t->nonzero += (to != 0) - (to != diff);
    if (t->is_total)
        weir__total_counted(t, slot, to - diff, to);
    else
        weir__general_counted(t, slot, time, to - diff, to);
}

void weir__tracker_update(weir__tracker *t, uint32_t port, const weir_time *time, int64_t diff)
{
    const weir__links *routes = &t->topology->routes;
    WEIR_ASSERT(port < t->topology->port_count, "progress: a count at port %u of %u", port,
                t->topology->port_count);
    if (diff == 0)
        return;
    if (t->is_total && WEIR_UNLIKELY(time->at[0] >> WEIR__TOTAL_BITS))
        weir__tracker_generalise(t);
    uint32_t origin = t->topology->order.place[port];
    for (uint32_t i = routes->first[port]; i < routes->first[port + 1]; i++) {
        weir_time image;
        if (t->is_total)
            image = weir_time_1(time->at[0] + routes->add[i]);
        else if (!weir_summary_apply(&routes->links[i].summary, time, &image))
            continue;
        count(t, routes->slot[i], &image, origin, diff);
    }
}

void weir__tracker_apply(weir__tracker *t, const weir__changes *changes)
{
    for (uint32_t i = 0; i < changes->count; i++)
        weir__tracker_update(t, changes->entries[i].port, &changes->entries[i].time,
                             changes->entries[i].diff);
}

const uint32_t *weir__tracker_propagate(weir__tracker *t, uint32_t *count_changed)
{
    uint32_t slot, n = 0;
    if (t->is_total)
        weir__total_propagate(t);
    else
        weir__general_propagate(t);
    while (weir__bits_take(&t->changed, t->topology->slot_count, &slot))
        t->list[n++] = t->topology->slots[slot].port;
    *count_changed = n;
    return t->list;
}

const weir_frontier *weir__tracker_frontier(const weir__tracker *t, uint32_t port)
{
    WEIR_ASSERT(port <= t->topology->port_count && weir__topology_is_tracked(t->topology, port),
                "progress: the frontier of port %u, for which no interest was declared", port);
    return &t->frontiers[t->topology->slot_of[port]];
}

bool weir__tracker_is_empty(const weir__tracker *t)
{
    return t->nonzero == 0;
}

/* ---- holding back ---- */

/* Another pointstamp of the slot that is counted as before this one: at an earlier time, or at the same
 * one for a port that is earlier in the order. Any fixed order of ports would do: what matters is that
 * two lowered counts never wait for each other. */
static bool is_preceded_here(const weir__tracker *t, uint32_t slot, const weir_time *time,
                             uint32_t origin)
{
    const weir__counts *counts = &t->counts[slot];
    unsigned depth = t->topology->slots[slot].depth;
    for (uint32_t i = counts->begin; i < counts->end; i++) {
        const weir__count *c = &counts->items[i];
        int order = weir_time_compare(&c->time, time, depth);
        if (order > 0 || (order == 0 && c->origin >= origin))
            return false;
        if (c->count > 0 && weir_time_less_equal(&c->time, time, depth))
            return true;
    }
    return false;
}

static bool is_preceded(const weir__tracker *t, uint32_t slot, const weir_time *time,
                        uint32_t origin)
{
    if (is_preceded_here(t, slot, time, origin))
        return true;
    return t->is_total ? weir__total_is_preceded(t, slot, time->at[0])
                       : weir__general_is_preceded(t, slot, time);
}

bool weir__tracker_must_publish(const weir__tracker *t, const weir__changes *sum)
{
    const weir__links *routes = &t->topology->routes;
    for (uint32_t i = 0; i < sum->count; i++) {
        const weir__change *e = &sum->entries[i];
        if (e->diff >= 0 || !t->topology->matters[e->port])
            continue;
        for (uint32_t r = routes->first[e->port]; r < routes->first[e->port + 1]; r++) {
            weir_time image;
            if (t->topology->slots[routes->slot[r]].matters &&
                weir_summary_apply(&routes->links[r].summary, &e->time, &image) &&
                !is_preceded(t, routes->slot[r], &image, t->topology->order.place[e->port]))
                return true;
        }
    }
    return false;
}

/* ---- reports ---- */

void weir__tracker_each(const weir__tracker *t, weir__outstanding_fn *fn, void *ctx)
{
    for (uint32_t s = 0; s < t->topology->slot_count; s++)
        for (uint32_t i = t->counts[s].begin; i < t->counts[s].end; i++) {
            const weir__count *c = &t->counts[s].items[i];
            weir__outstanding o = { .port = t->topology->at_place[c->origin],
                                    .at = t->topology->slots[s].port,
                                    .time = c->time,
                                    .count = c->count };
            if (c->count != 0)
                fn(&o, ctx);
        }
}

static size_t frontier_bytes(const weir_frontier *f)
{
    return f->capacity * sizeof *f->more;
}

size_t weir__tracker_bytes(const weir__tracker *t)
{
    uint32_t n = t->topology->slot_count;
    size_t bytes = sizeof *t + n * (sizeof *t->counts + sizeof *t->frontiers) +
                   (n + 1) * sizeof *t->list + weir__bits_bytes(&t->dirty) +
                   weir__bits_bytes(&t->changed);
    for (uint32_t s = 0; s < n; s++)
        bytes +=
            t->counts[s].capacity * sizeof *t->counts[s].items + frontier_bytes(&t->frontiers[s]);
    if (t->is_total)
        return bytes + n * (3 * sizeof(uint64_t) + 1) + 2 * (n + 1) * sizeof(uint32_t) +
               t->total.heap_capacity * sizeof *t->total.heap;
    for (uint32_t s = 0; s < n; s++)
        bytes += sizeof *t->general.slots + frontier_bytes(&t->general.slots[s].own) +
                 frontier_bytes(&t->general.slots[s].before);
    return bytes + frontier_bytes(&t->general.scratch) + 2 * (n + 1) * sizeof(uint32_t) +
           t->general.heap_capacity * sizeof *t->general.heap;
}
