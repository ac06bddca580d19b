/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns propagation where every port has depth 1: a frontier is one number, a path adds to it.
 *
 * Outside loops a slot pulls: its frontier is the minimum of its own counts and of what its
 * predecessors lead to. Slots are taken from a set of bits in the order of the graph, so each is
 * computed once, after all it depends on, and a successor is marked only if what it pulled from
 * here, or can pull now, is its minimum. Within a loop it is the repair of shortest paths by
 * Ramalingam and Reps (1996): first every value that has lost its support is withdrawn, in
 * increasing order, so that nothing supports itself around the loop; then what was withdrawn or
 * lowered is settled by Dijkstra's method.
 */
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "base/planted.h"
#include "progress/state.h"

/* WEIR__NEVER stays what it is; sums of times cannot wrap (see weir__topology.total). */
static inline uint64_t plus(uint64_t time, uint64_t add)
{
    uint64_t sum = time + add;
    return WEIR_LIKELY(sum >= time) ? sum : WEIR__NEVER;
}

static uint64_t *times(uint32_t count)
{
    return weir_alloc_must(weir__lines(count * sizeof(uint64_t)));
}

static void free_times(uint64_t *array, uint32_t count)
{
    weir_free(array, weir__lines(count * sizeof(uint64_t)));
}

void weir__total_init(weir__tracker *t)
{
    uint32_t n = t->topology->slot_count;
    weir__total *m = &t->total;
    m->frontier = times(n);
    m->own = times(n);
    m->before = times(n);
    m->is_touched = weir_alloc_must(weir__lines(n));
    m->touched = weir__numbers(n);
    m->members = weir__numbers(n);
    memset(m->frontier, 0xff, n * sizeof *m->frontier);
    memset(m->own, 0xff, n * sizeof *m->own);
    memset(m->is_touched, 0, n);
}

void weir__total_fini(weir__tracker *t)
{
    uint32_t n = t->topology->slot_count;
    weir__total *m = &t->total;
    if (!m->frontier)
        return;
    free_times(m->frontier, n);
    free_times(m->own, n);
    free_times(m->before, n);
    weir_free(m->is_touched, weir__lines(n));
    weir__numbers_free(m->touched, n);
    weir__numbers_free(m->members, n);
    weir_free(m->heap, m->heap_capacity * sizeof *m->heap);
    *m = (weir__total){ 0 };
}

static inline void update(weir__tracker *t, uint32_t port, uint64_t time, int64_t diff)
{
    const weir__links *routes = &t->topology->routes;
    weir__total *m = &t->total;
    weir__count_total key = { .original = time, .origin = t->topology->order.place[port] };
    for (uint32_t i = routes->first[port], end = routes->first[port + 1]; i < end; i++) {
        uint32_t slot = routes->slot[i];
        weir__counts *counts = &t->counts[slot];
        key.time = time + routes->add[i];
        int64_t to = weir__counts_add_total(counts, &key, diff);
        t->nonzero += (uint64_t)(to != 0) - (uint64_t)(to != diff);
        if ((to - diff > 0) == (to > 0))
            continue;
        const weir__count *first = weir__counts_first(counts);
        uint64_t now = first ? first->time.at[0] : WEIR__NEVER, was = m->own[slot];
        if (now == was)
            continue;
        m->own[slot] = now;
        if (now < m->frontier[slot] || was == m->frontier[slot])
            weir__bits_add(&t->dirty, slot);
    }
}

void weir__total_update(weir__tracker *t, uint32_t port, uint64_t time, int64_t diff)
{
    update(t, port, time, diff);
}

uint32_t weir__total_apply(weir__tracker *t, const weir__changes *changes)
{
    const weir__change *e = changes->entries;
    for (uint32_t i = 0; i < changes->count; i++, e++) {
        WEIR_ASSERT(e->port < t->topology->port_count, "progress: a count at port %u of %u",
                    e->port, t->topology->port_count);
        if (WEIR_UNLIKELY(e->time.at[0] >> WEIR__TOTAL_BITS))
            return i;
        if (e->diff)
            update(t, e->port, e->time.at[0], e->diff);
    }
    return changes->count;
}

/* The frontier as others read it. */
static inline void publish(weir__tracker *t, uint32_t slot)
{
    uint64_t value = t->total.frontier[slot];
    t->frontiers[slot].count = value != WEIR__NEVER;
    t->frontiers[slot].one.at[0] = value;
    weir__tracker_list(t, slot);
}

/* The least that the counts of the slot and its predecessors' frontiers say. */
static inline uint64_t pull(const weir__tracker *t, uint32_t slot)
{
    const weir__links *in = &t->topology->in;
    const uint64_t *frontier = t->total.frontier;
    uint64_t value = t->total.own[slot];
    for (uint32_t i = in->first[slot], end = in->first[slot + 1]; i < end; i++) {
        uint64_t through = plus(frontier[in->slot[i]], in->add[i]);
        value = through < value ? through : value;
    }
    return value;
}

/* Marks the successors for which this change can matter, those before `end` apart. The slot behind
 * this one is not marked but returned: whoever goes through slots in order takes it next. */
static inline uint32_t mark(weir__tracker *t, uint32_t slot, uint64_t was, uint32_t end)
{
    const weir__links *out = &t->topology->out;
    const uint64_t *frontier = t->total.frontier;
    uint64_t now = frontier[slot];
    uint32_t next = WEIR__NONE;
    for (uint32_t i = out->first[slot], last = out->first[slot + 1]; i < last; i++) {
        uint32_t to = out->slot[i];
        uint64_t value = frontier[to], add = out->add[i];
        if (to < end || (plus(now, add) >= value && plus(was, add) != value))
            continue;
        if (to == slot + 1)
            next = to;
        else
            weir__bits_add(&t->dirty, to);
    }
    return next;
}

/* ---- loops ---- */

/* Up to so many slots a loop is computed anew, in rounds over all of it: two as a rule, since
 * places are in the order of what adds nothing. */
enum { SMALL = 32 };

static void compute_small(weir__tracker *t, uint32_t begin, uint32_t end)
{
    uint64_t *frontier = t->total.frontier;
    for (uint32_t slot = begin; slot < end; slot++) {
        t->total.before[slot] = frontier[slot];
        frontier[slot] = WEIR__NEVER;
    }
    for (bool again = true; again; again = again && !WEIR_PLANTED(LOOP_HALF_ROUND)) {
        again = false;
        for (uint32_t slot = begin; slot < end; slot++) {
            uint64_t value = pull(t, slot);
            again |= value < frontier[slot];
            frontier[slot] = value;
        }
    }
}

static inline bool is_sooner(weir__total_step a, weir__total_step b)
{
    return a.time != b.time ? a.time < b.time : a.slot < b.slot;
}

static void push(weir__total *m, uint64_t time, uint32_t slot)
{
    weir__total_step step = { time, slot };
    if (m->heap_count == m->heap_capacity) {
        uint32_t capacity = m->heap_capacity ? 2 * m->heap_capacity : 16;
        m->heap = weir_realloc_must(m->heap, m->heap_capacity * sizeof *m->heap,
                                    capacity * sizeof *m->heap);
        m->heap_capacity = capacity;
    }
    uint32_t at = m->heap_count++;
    for (; at > 0 && is_sooner(step, m->heap[(at - 1) / 2]); at = (at - 1) / 2)
        m->heap[at] = m->heap[(at - 1) / 2];
    m->heap[at] = step;
}

static weir__total_step pop(weir__total *m)
{
    weir__total_step least = m->heap[0], last = m->heap[--m->heap_count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < m->heap_count; at = child) {
        if (child + 1 < m->heap_count && is_sooner(m->heap[child + 1], m->heap[child]))
            child++;
        if (!is_sooner(m->heap[child], last))
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = last;
    return least;
}

static void touch(weir__total *m, uint32_t slot)
{
    if (m->is_touched[slot])
        return;
    m->is_touched[slot] = true;
    m->before[slot] = m->frontier[slot];
    m->touched[m->touched_count++] = slot;
}

/* Withdraws, least first, each value that neither the slot's counts nor a predecessor supports.
 * What could support a value comes before it in this order, hence has been withdrawn or stays. */
static void withdraw(weir__tracker *t, uint32_t begin, uint32_t end)
{
    weir__total *m = &t->total;
    const weir__links *out = &t->topology->out;
    for (uint32_t i = 0; i < m->member_count; i++)
        if (m->frontier[m->members[i]] != WEIR__NEVER)
            push(m, m->frontier[m->members[i]], m->members[i]);
    while (m->heap_count > 0) {
        uint32_t slot = pop(m).slot;
        uint64_t was = m->frontier[slot];
        if (was == WEIR__NEVER || pull(t, slot) <= was)
            continue;
        touch(m, slot);
        m->frontier[slot] = WEIR__NEVER;
        for (uint32_t i = out->first[slot]; i < out->first[slot + 1]; i++) {
            uint32_t to = out->slot[i];
            if (to >= begin && to < end && plus(was, out->add[i]) == m->frontier[to])
                push(m, m->frontier[to], to);
        }
    }
}

static void propose(weir__tracker *t, uint32_t slot)
{
    uint64_t value = pull(t, slot);
    if (value < t->total.frontier[slot])
        push(&t->total, value, slot);
}

static void settle(weir__tracker *t, uint32_t begin, uint32_t end)
{
    weir__total *m = &t->total;
    const weir__links *out = &t->topology->out;
    for (uint32_t i = 0; i < m->member_count; i++)
        propose(t, m->members[i]);
    for (uint32_t i = 0, count = m->touched_count; i < count; i++)
        propose(t, m->touched[i]);
    while (m->heap_count > 0) {
        weir__total_step step = pop(m);
        if (step.time >= m->frontier[step.slot])
            continue;
        touch(m, step.slot);
        m->frontier[step.slot] = step.time;
        for (uint32_t i = out->first[step.slot]; i < out->first[step.slot + 1]; i++) {
            uint32_t to = out->slot[i];
            uint64_t value = plus(step.time, out->add[i]);
            if (to >= begin && to < end && value < m->frontier[to])
                push(m, value, to);
        }
    }
}

static void compute_large(weir__tracker *t, uint32_t begin, uint32_t end)
{
    weir__total *m = &t->total;
    m->touched_count = 0;
    withdraw(t, begin, end);
    settle(t, begin, end);
}

static void propagate_loop(weir__tracker *t, uint32_t slot)
{
    weir__total *m = &t->total;
    uint32_t begin = t->topology->slots[slot].loop_begin, end = t->topology->slots[slot].loop_end;
    bool is_small = end - begin <= SMALL;
    m->member_count = 0;
    do
        m->members[m->member_count++] = slot;
    while (weir__bits_take(&t->dirty, end, &slot));
    if (is_small)
        compute_small(t, begin, end);
    else
        compute_large(t, begin, end);
    for (slot = begin; slot < end; slot++) {
        if (!is_small && !m->is_touched[slot])
            continue;
        m->is_touched[slot] = false;
        if (m->before[slot] == m->frontier[slot])
            continue;
        publish(t, slot);
        uint32_t next = mark(t, slot, m->before[slot], end);
        if (next != WEIR__NONE)
            weir__bits_add(&t->dirty, next);
    }
}

void weir__total_propagate(weir__tracker *t)
{
    const weir__slot *slots = t->topology->slots;
    uint64_t *frontier = t->total.frontier;
    uint32_t slot;
    while (weir__bits_take(&t->dirty, t->topology->slot_count, &slot)) {
        if (WEIR_UNLIKELY(slots[slot].loop_end > slots[slot].loop_begin)) {
            propagate_loop(t, slot);
            continue;
        }
        uint32_t next;
        do {
            uint64_t was = frontier[slot], now = pull(t, slot);
            next = WEIR__NONE;
            if (now != was) {
                frontier[slot] = now;
                publish(t, slot);
                next = mark(t, slot, was, 0);
            }
            slot = next;
        } while (next != WEIR__NONE && slots[next].loop_end == slots[next].loop_begin);
        if (next != WEIR__NONE)
            weir__bits_add(&t->dirty, next);
    }
}

/* ---- holding back ---- */

static bool is_first_at(const weir__tracker *t, uint32_t slot, uint64_t time, uint32_t origin)
{
    const weir__links *in = &t->topology->in;
    const uint64_t *frontier = t->total.frontier;
    const weir__count *first = weir__counts_first(&t->counts[slot]);
    if (first &&
        (first->time.at[0] < time || (first->time.at[0] == time && first->origin < origin)))
        return false;
    for (uint32_t i = in->first[slot]; i < in->first[slot + 1]; i++)
        if (plus(frontier[in->slot[i]], in->add[i]) <= time)
            return false;
    return true;
}

bool weir__total_is_first(const weir__tracker *t, uint32_t port, uint64_t time)
{
    const weir__links *routes = &t->topology->routes;
    uint32_t origin = t->topology->order.place[port];
    for (uint32_t i = routes->first[port]; i < routes->first[port + 1]; i++)
        if (t->topology->slots[routes->slot[i]].matters &&
            is_first_at(t, routes->slot[i], time + routes->add[i], origin))
            return true;
    return false;
}
