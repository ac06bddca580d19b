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
    t->counts = weir_alloc_must(weir__lines(n * sizeof *t->counts));
    t->frontiers = weir_alloc_must(weir__lines(n * sizeof *t->frontiers));
    for (uint32_t s = 0; s < n; s++) {
        t->counts[s] = (weir__counts){ 0 };
        weir_frontier_init(&t->frontiers[s], topology->slots[s].depth);
    }
    weir__bits_init(&t->dirty, n);
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
    weir_free(t->counts, weir__lines(n * sizeof *t->counts));
    weir_free(t->frontiers, weir__lines(n * sizeof *t->frontiers));
    weir__bits_fini(&t->dirty);
    weir__numbers_free(t->list, n);
    weir__total_fini(t);
    weir__general_fini(t);
    weir_free(t, sizeof *t);
}

void weir__tracker_update(weir__tracker *t, uint32_t port, const weir_time *time, int64_t diff)
{
    WEIR_ASSERT(port < t->topology->port_count, "progress: a count at port %u of %u", port,
                t->topology->port_count);
    if (diff == 0)
        return;
    if (t->is_total && WEIR_UNLIKELY(time->at[0] >> WEIR__TOTAL_BITS))
        weir__tracker_generalise(t);
    if (t->is_total)
        weir__total_update(t, port, time->at[0], diff);
    else
        weir__general_update(t, port, time, diff);
}

void weir__tracker_apply(weir__tracker *t, const weir__changes *changes)
{
    uint32_t i = t->is_total ? weir__total_apply(t, changes) : 0;
    for (; i < changes->count; i++)
        weir__tracker_update(t, changes->entries[i].port, &changes->entries[i].time,
                             changes->entries[i].diff);
}

const uint32_t *weir__tracker_propagate(weir__tracker *t, uint32_t *count)
{
    t->list_count = 0;
    if (t->is_total)
        weir__total_propagate(t);
    else
        weir__general_propagate(t);
    *count = t->list_count;
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

/* Where ports were removed, several of them count at one slot, and which of two counts there
 * comes first is decided by the order of counts.h, which follows that of the graph. Any fixed
 * one would do: two lowered counts may never wait for each other, that is all. */
bool weir__tracker_must_publish(const weir__tracker *t, const weir__changes *sum)
{
    for (uint32_t i = 0; i < sum->count; i++) {
        const weir__change *e = &sum->entries[i];
        if (e->diff < 0 && (t->is_total ? weir__total_is_first(t, e->port, e->time.at[0])
                                        : weir__general_is_first(t, e->port, &e->time)))
            return true;
    }
    return false;
}

/* ---- reports ---- */

/* A count of a removed port is at each place its routes lead to: the first of them speaks for
 * all. */
static bool is_first_place(const weir__tracker *t, uint32_t slot, const weir__count *c)
{
    const weir__links *routes = &t->topology->routes;
    uint32_t port = t->topology->at_place[c->origin], i = routes->first[port];
    weir_time image;
    while (!weir_summary_apply(&routes->links[i].summary, &c->original, &image))
        i++;
    return routes->slot[i] == slot && weir_time_equal(&image, &c->time, WEIR_TIME_COORDS);
}

void weir__tracker_each(const weir__tracker *t, weir__outstanding_fn *fn, void *ctx)
{
    for (uint32_t s = 0; s < t->topology->slot_count; s++)
        for (uint32_t i = t->counts[s].begin; i < t->counts[s].end; i++) {
            const weir__count *c = &t->counts[s].items[i];
            weir__outstanding o = { t->topology->at_place[c->origin], c->original, c->count };
            if (c->count != 0 && is_first_place(t, s, c))
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
    size_t numbers = weir__lines((n + 1) * sizeof *t->list);
    size_t bytes = sizeof *t + weir__lines(n * sizeof *t->counts) +
                   weir__lines(n * sizeof *t->frontiers) + numbers + weir__bits_bytes(&t->dirty);
    for (uint32_t s = 0; s < n; s++)
        bytes +=
            t->counts[s].capacity * sizeof *t->counts[s].items + frontier_bytes(&t->frontiers[s]);
    if (t->is_total)
        return bytes + 3 * weir__lines(n * sizeof(uint64_t)) + weir__lines(n) + 2 * numbers +
               t->total.heap_capacity * sizeof *t->total.heap;
    for (uint32_t s = 0; s < n; s++)
        bytes += sizeof *t->general.slots + frontier_bytes(&t->general.slots[s].own) +
                 frontier_bytes(&t->general.slots[s].before);
    return bytes + frontier_bytes(&t->general.scratch) + 2 * numbers +
           t->general.heap_capacity * sizeof *t->general.heap;
}
