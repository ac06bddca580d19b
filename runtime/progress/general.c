/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns propagation for times of any depth: a frontier is an antichain, a link may add and drop
 * coordinates.
 *
 * The same two ways as in total.c. Outside loops a slot pulls the antichain of its own counts and of its
 * predecessors' frontiers. Within a loop the elements of frontiers take the place of single values: each
 * that has lost its support is withdrawn, then what is new is settled, both in the order of order.h, in
 * which whatever leads to an element comes before it, through loops within loops as well.
 */
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "progress/state.h"

static void slot_init(weir__general_slot *slot, unsigned depth)
{
    *slot = (weir__general_slot){ 0 };
    weir_frontier_init(&slot->own, depth);
    weir_frontier_init(&slot->before, depth);
}

void weir__general_init(weir__tracker *t)
{
    uint32_t n = t->topology->slot_count;
    weir__general *m = &t->general;
    m->slots = weir_alloc_must(n * sizeof *m->slots);
    for (uint32_t s = 0; s < n; s++)
        slot_init(&m->slots[s], t->topology->slots[s].depth);
    weir_frontier_init(&m->scratch, 1);
    m->touched = weir__numbers(n);
    m->members = weir__numbers(n);
}

void weir__general_fini(weir__tracker *t)
{
    uint32_t n = t->topology->slot_count;
    weir__general *m = &t->general;
    if (!m->slots)
        return;
    for (uint32_t s = 0; s < n; s++) {
        weir_frontier_fini(&m->slots[s].own);
        weir_frontier_fini(&m->slots[s].before);
    }
    weir_free(m->slots, n * sizeof *m->slots);
    weir_frontier_fini(&m->scratch);
    weir__numbers_free(m->touched, n);
    weir__numbers_free(m->members, n);
    weir_free(m->heap, m->heap_capacity * sizeof *m->heap);
    *m = (weir__general){ 0 };
}

/* ---- antichains ---- */

static uint32_t find(const weir_frontier *f, const weir_time *time)
{
    const weir_time *elements = weir_frontier_times(f);
    for (uint32_t i = 0; i < f->count; i++)
        if (weir_time_equal(&elements[i], time, f->depth))
            return i;
    return WEIR__NONE;
}

static bool contains(const weir_frontier *f, const weir_time *time)
{
    return find(f, time) != WEIR__NONE;
}

static void take_out(weir_frontier *f, const weir_time *time)
{
    weir_time *elements = f->capacity && f->depth > 1 ? f->more : &f->one;
    elements[find(f, time)] = elements[f->count - 1];
    f->count--;
}

/* ---- pulling ---- */

void weir__general_counted(weir__tracker *t, uint32_t slot, const weir_time *time, int64_t from,
                           int64_t to)
{
    weir__general_slot *s = &t->general.slots[slot];
    if ((from > 0) == (to > 0) || s->own_is_stale)
        return;
    if (to > 0 ? !weir_frontier_insert(&s->own, time) : !contains(&s->own, time))
        return;
    s->own_is_stale = to <= 0;
    weir__bits_add(&t->dirty, slot);
}

/* The slot's own antichain. Its counts are in lexicographic order: none precedes an earlier one. */
static const weir_frontier *own(weir__tracker *t, uint32_t slot)
{
    weir__general_slot *s = &t->general.slots[slot];
    if (WEIR_LIKELY(!s->own_is_stale))
        return &s->own;
    const weir__counts *counts = &t->counts[slot];
    weir_frontier_clear(&s->own);
    for (uint32_t i = counts->begin; i < counts->end; i++)
        if (counts->items[i].count > 0)
            weir_frontier_insert(&s->own, &counts->items[i].time);
    s->own_is_stale = false;
    return &s->own;
}

static void pull(weir__tracker *t, uint32_t slot, weir_frontier *into)
{
    const weir__links *in = &t->topology->in;
    weir_time image;
    weir_frontier_set(into, own(t, slot));
    for (uint32_t i = in->first[slot]; i < in->first[slot + 1]; i++) {
        const weir_frontier *f = &t->frontiers[in->slot[i]];
        const weir_time *elements = weir_frontier_times(f);
        for (uint32_t e = 0; e < f->count; e++)
            if (weir_summary_apply(&in->links[i].summary, &elements[e], &image))
                weir_frontier_insert(into, &image);
    }
}

/* Whether going from `was` to `now` can matter at the other end of the link: an element there may lose
 * its support, or there may be a new one. */
static bool affects(const weir_frontier *was, const weir_frontier *now, const weir__link *link,
                    const weir_frontier *there)
{
    const weir_time *old = weir_frontier_times(was), *new = weir_frontier_times(now);
    weir_time image;
    for (uint32_t e = 0; e < now->count; e++)
        if (weir_summary_apply(&link->summary, &new[e], &image) &&
            !weir_frontier_less_equal(there, &image))
            return true;
    for (uint32_t e = 0; e < was->count; e++)
        if (weir_summary_apply(&link->summary, &old[e], &image) && contains(there, &image) &&
            !contains(now, &old[e]))
            return true;
    return false;
}

/* Tells of a new frontier: to the caller of propagate, and to the successors, those in begin to end - 1
 * apart. */
static void publish(weir__tracker *t, uint32_t slot, const weir_frontier *was, uint32_t begin,
                    uint32_t end)
{
    const weir__links *out = &t->topology->out;
    if (t->topology->slots[slot].reported)
        weir__bits_add(&t->changed, slot);
    for (uint32_t i = out->first[slot]; i < out->first[slot + 1]; i++) {
        uint32_t to = out->slot[i];
        if ((to < begin || to >= end) &&
            affects(was, &t->frontiers[slot], &out->links[i], &t->frontiers[to]))
            weir__bits_add(&t->dirty, to);
    }
}

/* ---- loops ---- */

/* The order of order.h, within one loop. */
static bool is_sooner(const weir__topology *topology, const weir__general_step *a,
                      const weir__general_step *b)
{
    for (unsigned i = 0; i < WEIR_TIME_COORDS; i++) {
        const uint32_t *group = topology->group[i + 1];
        if (a->time.at[i] != b->time.at[i])
            return a->time.at[i] < b->time.at[i];
        if (group[a->slot] != group[b->slot])
            return group[a->slot] < group[b->slot];
    }
    return false;
}

static void push(weir__tracker *t, uint32_t slot, const weir_time *time)
{
    weir__general *m = &t->general;
    weir__general_step step = { *time, slot };
    if (m->heap_count == m->heap_capacity) {
        uint32_t capacity = m->heap_capacity ? 2 * m->heap_capacity : 16;
        m->heap = weir_realloc_must(m->heap, m->heap_capacity * sizeof *m->heap,
                                    capacity * sizeof *m->heap);
        m->heap_capacity = capacity;
    }
    uint32_t at = m->heap_count++;
    for (; at > 0 && is_sooner(t->topology, &step, &m->heap[(at - 1) / 2]); at = (at - 1) / 2)
        m->heap[at] = m->heap[(at - 1) / 2];
    m->heap[at] = step;
}

static weir__general_step pop(weir__tracker *t)
{
    weir__general *m = &t->general;
    weir__general_step least = m->heap[0], last = m->heap[--m->heap_count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < m->heap_count; at = child) {
        if (child + 1 < m->heap_count &&
            is_sooner(t->topology, &m->heap[child + 1], &m->heap[child]))
            child++;
        if (!is_sooner(t->topology, &m->heap[child], &last))
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = last;
    return least;
}

static void touch(weir__tracker *t, uint32_t slot)
{
    weir__general *m = &t->general;
    if (m->slots[slot].is_touched)
        return;
    m->slots[slot].is_touched = true;
    weir_frontier_set(&m->slots[slot].before, &t->frontiers[slot]);
    m->touched[m->touched_count++] = slot;
}

bool weir__general_is_preceded(const weir__tracker *t, uint32_t slot, const weir_time *time)
{
    const weir__links *in = &t->topology->in;
    unsigned depth = t->topology->slots[slot].depth;
    weir_time image;
    for (uint32_t i = in->first[slot]; i < in->first[slot + 1]; i++) {
        const weir_frontier *f = &t->frontiers[in->slot[i]];
        const weir_time *elements = weir_frontier_times(f);
        for (uint32_t e = 0; e < f->count; e++)
            if (weir_summary_apply(&in->links[i].summary, &elements[e], &image) &&
                weir_time_less_equal(&image, time, depth))
                return true;
    }
    return false;
}

static void withdraw(weir__tracker *t, uint32_t begin, uint32_t end)
{
    weir__general *m = &t->general;
    const weir__links *out = &t->topology->out;
    for (uint32_t i = 0; i < m->member_count; i++) {
        const weir_frontier *f = &t->frontiers[m->members[i]];
        for (uint32_t e = 0; e < f->count; e++)
            push(t, m->members[i], &weir_frontier_times(f)[e]);
    }
    while (m->heap_count > 0) {
        weir__general_step step = pop(t);
        weir_frontier *f = &t->frontiers[step.slot];
        weir_time image;
        if (!contains(f, &step.time) || weir_frontier_less_equal(own(t, step.slot), &step.time) ||
            weir__general_is_preceded(t, step.slot, &step.time))
            continue;
        touch(t, step.slot);
        take_out(f, &step.time);
        for (uint32_t i = out->first[step.slot]; i < out->first[step.slot + 1]; i++) {
            uint32_t to = out->slot[i];
            if (to >= begin && to < end &&
                weir_summary_apply(&out->links[i].summary, &step.time, &image) &&
                contains(&t->frontiers[to], &image))
                push(t, to, &image);
        }
    }
}

static void propose(weir__tracker *t, uint32_t slot)
{
    weir__general *m = &t->general;
    pull(t, slot, &m->scratch);
    const weir_time *elements = weir_frontier_times(&m->scratch);
    for (uint32_t e = 0; e < m->scratch.count; e++)
        if (!weir_frontier_less_equal(&t->frontiers[slot], &elements[e]))
            push(t, slot, &elements[e]);
}

static void settle(weir__tracker *t, uint32_t begin, uint32_t end)
{
    weir__general *m = &t->general;
    const weir__links *out = &t->topology->out;
    for (uint32_t i = 0; i < m->member_count; i++)
        propose(t, m->members[i]);
    for (uint32_t i = 0, count = m->touched_count; i < count; i++)
        propose(t, m->touched[i]);
    while (m->heap_count > 0) {
        weir__general_step step = pop(t);
        weir_time image;
        if (weir_frontier_less_equal(&t->frontiers[step.slot], &step.time))
            continue;
        touch(t, step.slot);
        weir_frontier_insert(&t->frontiers[step.slot], &step.time);
        for (uint32_t i = out->first[step.slot]; i < out->first[step.slot + 1]; i++) {
            uint32_t to = out->slot[i];
            if (to >= begin && to < end &&
                weir_summary_apply(&out->links[i].summary, &step.time, &image) &&
                !weir_frontier_less_equal(&t->frontiers[to], &image))
                push(t, to, &image);
        }
    }
}

static void propagate_loop(weir__tracker *t, uint32_t slot)
{
    weir__general *m = &t->general;
    uint32_t begin = t->topology->slots[slot].loop_begin, end = t->topology->slots[slot].loop_end;
    m->member_count = m->touched_count = 0;
    do
        m->members[m->member_count++] = slot;
    while (weir__bits_take(&t->dirty, end, &slot));
    withdraw(t, begin, end);
    settle(t, begin, end);
    for (uint32_t i = 0; i < m->touched_count; i++) {
        weir__general_slot *s = &m->slots[m->touched[i]];
        s->is_touched = false;
        if (!weir_frontier_equal(&s->before, &t->frontiers[m->touched[i]]))
            publish(t, m->touched[i], &s->before, begin, end);
    }
}

void weir__general_propagate(weir__tracker *t)
{
    weir__general *m = &t->general;
    uint32_t slot;
    while (weir__bits_take(&t->dirty, t->topology->slot_count, &slot)) {
        const weir__slot *s = &t->topology->slots[slot];
        if (s->loop_end > s->loop_begin) {
            propagate_loop(t, slot);
            continue;
        }
        pull(t, slot, &m->scratch);
        if (weir_frontier_equal(&m->scratch, &t->frontiers[slot]))
            continue;
        weir_frontier was = t->frontiers[slot];
        t->frontiers[slot] = m->scratch;
        m->scratch = was;
        publish(t, slot, &m->scratch, 0, 0);
    }
}

void weir__tracker_generalise(weir__tracker *t)
{
    weir__general_init(t);
    for (uint32_t s = 0; s < t->topology->slot_count; s++) {
        uint64_t value = t->total.frontier[s];
        weir_time time = weir_time_1(value);
        weir_frontier_clear(&t->frontiers[s]);
        if (value != WEIR__NEVER)
            weir_frontier_insert(&t->frontiers[s], &time);
        t->general.slots[s].own_is_stale = true;
        own(t, s);
    }
    weir__total_fini(t);
    t->is_total = false;
}
