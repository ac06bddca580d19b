/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns propagation for times of any depth: a frontier is an antichain, a link may add and drop
 * coordinates.
 *
 * The same two ways as in total.c. Outside loops a slot pulls the antichain of its own counts and
 * of its predecessors' frontiers. Within a loop the elements of frontiers take the place of single
 * values: each that has lost its support is withdrawn, then what is new is settled, both in the
 * order of order.h, in which whatever leads to an element comes before it, through loops within
 * loops as well.
 */
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "base/planted.h"
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

/* weir_summary_apply for a link: the coordinates beyond a time's depth are 0, so all of them can be
 * treated alike. */
static inline bool apply(const weir__link *link, const weir_time *t, weir_time *image)
{
    bool wrapped = false;
    for (unsigned i = 0; i < WEIR_TIME_COORDS; i++) {
        uint64_t kept = i < link->summary.keep ? t->at[i] : 0;
        image->at[i] = kept + link->summary.add[i];
        wrapped |= image->at[i] < kept;
    }
    return !wrapped;
}

/* The rest is what frontier.c does, short where there is one element: the usual case by far. */
static inline weir_time *first(weir_frontier *f)
{
    return f->capacity && f->depth > 1 ? f->more : &f->one;
}

static inline void set(weir_frontier *to, const weir_frontier *from)
{
    if (WEIR_UNLIKELY(from->count > 1)) {
        weir_frontier_set(to, from);
        return;
    }
    to->depth = from->depth;
    to->count = from->count;
    *first(to) = *weir_frontier_times(from);
}

static inline bool same(const weir_frontier *a, const weir_frontier *b)
{
    if (a->count != b->count)
        return false;
    return a->count == 1 ? weir_time_equal(weir_frontier_times(a), weir_frontier_times(b), a->depth)
                         : weir_frontier_equal(a, b);
}

static inline bool insert(weir_frontier *f, const weir_time *t)
{
    if (f->count == 1) {
        weir_time *one = first(f);
        if (weir_time_less_equal(one, t, f->depth))
            return false;
        if (weir_time_less_equal(t, one, f->depth)) {
            *one = *t;
            return true;
        }
    }
    return weir_frontier_insert(f, t);
}

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
    weir_time *elements = first(f);
    elements[find(f, time)] = elements[f->count - 1];
    f->count--;
}

/* ---- pulling ---- */

/* A count of the slot went from `from` to `to`. */
static void counted(weir__tracker *t, uint32_t slot, const weir_time *time, int64_t from,
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

/* Whether the port has an earlier route to the same slot that leads to the same time: the
 * pointstamp is counted there once. */
static bool is_repeated(const weir__links *routes, uint32_t begin, uint32_t i,
                        const weir_time *time, const weir_time *image)
{
    weir_time other;
    for (uint32_t k = begin; k < i; k++)
        if (routes->slot[k] == routes->slot[i] && apply(&routes->links[k], time, &other) &&
            weir_time_equal(&other, image, WEIR_TIME_COORDS))
            return true;
    return false;
}

void weir__general_update(weir__tracker *t, uint32_t port, const weir_time *time, int64_t diff)
{
    const weir__links *routes = &t->topology->routes;
    weir__count_key key = { .original = *time, .origin = t->topology->order.place[port] };
    for (uint32_t begin = routes->first[port], i = begin; i < routes->first[port + 1]; i++) {
        uint32_t slot = routes->slot[i];
        if (!apply(&routes->links[i], time, &key.time) ||
            is_repeated(routes, begin, i, time, &key.time))
            continue;
        int64_t to = weir__counts_add(&t->counts[slot], t->topology->slots[slot].depth, &key, diff);
        t->nonzero += (uint64_t)(to != 0) - (uint64_t)(to != diff);
        counted(t, slot, &key.time, to - diff, to);
    }
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

/* Adds to the antichain what the slot's predecessors lead to; whether that is anything new. It may
 * be the frontier of one of them, the slot itself: then not all of what is new may have been
 * seen. */
static inline bool pull(const weir__tracker *t, uint32_t slot, weir_frontier *into)
{
    const weir__links *in = &t->topology->in;
    bool any = false;
    weir_time image;
    for (uint32_t i = in->first[slot], end = in->first[slot + 1]; i < end; i++) {
        const weir_frontier *f = &t->frontiers[in->slot[i]];
        for (uint32_t e = 0; e < f->count; e++)
            if (apply(&in->links[i], &weir_frontier_times(f)[e], &image))
                any |= insert(into, &image);
    }
    return any;
}

static inline void exchange(weir_frontier *a, weir_frontier *b)
{
    weir_frontier was = *a;
    *a = *b;
    *b = was;
}

/* Whether going from `was` to `now` can matter at the other end of the link: an element there may
 * lose its support, or there may be a new one. */
static bool affects(const weir_frontier *was, const weir_frontier *now, const weir__link *link,
                    const weir_frontier *there)
{
    const weir_time *old = weir_frontier_times(was), *new = weir_frontier_times(now);
    weir_time image;
    for (uint32_t e = 0; e < now->count; e++)
        if (apply(link, &new[e], &image) && !weir_frontier_less_equal(there, &image))
            return true;
    for (uint32_t e = 0; e < was->count; e++)
        if (apply(link, &old[e], &image) && contains(there, &image) && !contains(now, &old[e]))
            return true;
    return false;
}

/* Tells of a new frontier: to the caller of propagate, and to the successors, those before `end`
 * apart. */
static void publish(weir__tracker *t, uint32_t slot, const weir_frontier *was, uint32_t end)
{
    const weir__links *out = &t->topology->out;
    weir__tracker_list(t, slot);
    for (uint32_t i = out->first[slot]; i < out->first[slot + 1]; i++) {
        uint32_t to = out->slot[i];
        if (to >= end && affects(was, &t->frontiers[slot], &out->links[i], &t->frontiers[to]))
            weir__bits_add(&t->dirty, to);
    }
}

/* ---- loops ---- */

/* Up to so many slots a loop is computed anew, in rounds over all of it, until nothing is new. */
enum { SMALL = 32 };

static void compute_small(weir__tracker *t, uint32_t begin, uint32_t end)
{
    weir__general_slot *slots = t->general.slots;
    for (uint32_t slot = begin; slot < end; slot++) {
        exchange(&slots[slot].before, &t->frontiers[slot]);
        set(&t->frontiers[slot], own(t, slot));
        slots[slot].is_touched = true;
    }
    for (bool again = true; again; again = again && !WEIR_PLANTED(LOOP_HALF_ROUND)) {
        again = false;
        for (uint32_t slot = begin; slot < end; slot++)
            again |= pull(t, slot, &t->frontiers[slot]);
    }
}

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
    set(&m->slots[slot].before, &t->frontiers[slot]);
    m->touched[m->touched_count++] = slot;
}

/* Some element at a predecessor arrives at or before the time. */
static bool is_supported(const weir__tracker *t, uint32_t slot, const weir_time *time)
{
    const weir__links *in = &t->topology->in;
    unsigned depth = t->topology->slots[slot].depth;
    weir_time image;
    for (uint32_t i = in->first[slot]; i < in->first[slot + 1]; i++) {
        const weir_frontier *f = &t->frontiers[in->slot[i]];
        const weir_time *elements = weir_frontier_times(f);
        for (uint32_t e = 0; e < f->count; e++)
            if (apply(&in->links[i], &elements[e], &image) &&
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
            is_supported(t, step.slot, &step.time))
            continue;
        touch(t, step.slot);
        take_out(f, &step.time);
        for (uint32_t i = out->first[step.slot]; i < out->first[step.slot + 1]; i++) {
            uint32_t to = out->slot[i];
            if (to >= begin && to < end && apply(&out->links[i], &step.time, &image) &&
                contains(&t->frontiers[to], &image))
                push(t, to, &image);
        }
    }
}

static void propose(weir__tracker *t, uint32_t slot)
{
    weir__general *m = &t->general;
    set(&m->scratch, own(t, slot));
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
            if (to >= begin && to < end && apply(&out->links[i], &step.time, &image) &&
                !weir_frontier_less_equal(&t->frontiers[to], &image))
                push(t, to, &image);
        }
    }
}

static void compute_large(weir__tracker *t, uint32_t begin, uint32_t end)
{
    weir__general *m = &t->general;
    m->touched_count = 0;
    withdraw(t, begin, end);
    settle(t, begin, end);
}

static void propagate_loop(weir__tracker *t, uint32_t slot)
{
    weir__general *m = &t->general;
    uint32_t begin = t->topology->slots[slot].loop_begin, end = t->topology->slots[slot].loop_end;
    m->member_count = 0;
    do
        m->members[m->member_count++] = slot;
    while (weir__bits_take(&t->dirty, end, &slot));
    if (end - begin <= SMALL)
        compute_small(t, begin, end);
    else
        compute_large(t, begin, end);
    for (slot = begin; slot < end; slot++) {
        weir__general_slot *s = &m->slots[slot];
        if (s->is_touched && !same(&s->before, &t->frontiers[slot]))
            publish(t, slot, &s->before, end);
        s->is_touched = false;
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
        set(&m->scratch, own(t, slot));
        pull(t, slot, &m->scratch);
        if (same(&m->scratch, &t->frontiers[slot]))
            continue;
        exchange(&m->scratch, &t->frontiers[slot]);
        publish(t, slot, &m->scratch, 0);
    }
}

/* ---- holding back ---- */

static bool is_first_at(const weir__tracker *t, uint32_t slot, const weir__count_key *key)
{
    const weir__counts *counts = &t->counts[slot];
    unsigned depth = t->topology->slots[slot].depth;
    for (uint32_t i = counts->begin; i < counts->end; i++) {
        const weir__count *c = &counts->items[i];
        if (!weir__count_is_before(c, depth, key))
            break;
        if (c->count > 0 && weir_time_less_equal(&c->time, &key->time, depth))
            return false;
    }
    return !is_supported(t, slot, &key->time);
}

bool weir__general_is_first(const weir__tracker *t, uint32_t port, const weir_time *time)
{
    const weir__links *routes = &t->topology->routes;
    weir__count_key key = { .original = *time, .origin = t->topology->order.place[port] };
    for (uint32_t i = routes->first[port]; i < routes->first[port + 1]; i++)
        if (t->topology->slots[routes->slot[i]].matters &&
            apply(&routes->links[i], time, &key.time) && is_first_at(t, routes->slot[i], &key))
            return true;
    return false;
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
