/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/history.h. Owns the times to be looked at and the sums there.
 *
 * A time is interesting if it is a seed, or the join of an interesting one with the time of any
 * update or seed. They are visited in lexicographic order, in which a join comes after what it is
 * made of. All times still to come are at or after the meet of those that wait; what lies before
 * that meet is moved up to it and summed, so that long pasts are gone through once and not again.
 */
#include <weir/history.h>

#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "base/planted.h"
#include "base/wide.h"

typedef struct updates {
    weir_history_update *at;
    size_t count, capacity;
} updates;

typedef struct times {
    weir_time *at;
    size_t count, capacity;
} times;

struct weir__history {
    updates input, output, corrections;
    times seeds; /* until the first next */
    times queue; /* from `head` on, ascending: to be visited */
    size_t head;
    times bounds; /* of updates and seeds, ascending, none at or before all that is to come */
    weir_time floor; /* the meet of the queue */
    weir_time now;
    bool started, visiting;
    weir__wide *wanted; /* by output value: what is wanted less what is there; 0 between visits */
    size_t wanted_capacity;
    uint32_t *touched; /* values whose `wanted` was written to */
    size_t touched_count, touched_capacity;
    size_t input_capacity, output_capacity; /* of the sums */
};

/* ---- storage ---- */

static void grow(void **at, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return;
    size_t wanted = 2 * *capacity > needed ? 2 * *capacity : needed + 8;
    *at = weir_realloc_must(*at, *capacity * size, wanted * size);
    *capacity = wanted;
}

static void push_update(updates *u, const weir_history_update *update)
{
    grow((void **)&u->at, &u->capacity, u->count + 1, sizeof *u->at);
    u->at[u->count++] = *update;
}

static void push_time(times *t, const weir_time *time)
{
    grow((void **)&t->at, &t->capacity, t->count + 1, sizeof *t->at);
    t->at[t->count++] = *time;
}

void weir_history_init(weir_history *h, unsigned depth)
{
    WEIR_ASSERT(depth >= 1 && depth <= WEIR_TIME_COORDS, "history: depth %u is not 1 to %d", depth,
                WEIR_TIME_COORDS);
    *h = (weir_history){ .depth = depth, .more = weir_alloc_must(sizeof *h->more) };
    *h->more = (struct weir__history){ .head = 0 };
    weir_frontier_init(&h->pending, depth);
}

static void free_sums(weir_history_sums *sums, size_t capacity)
{
    weir_free(sums->values, capacity * sizeof *sums->values);
    weir_free(sums->diffs, capacity * sizeof *sums->diffs);
}

void weir_history_fini(weir_history *h)
{
    struct weir__history *m = h->more;
    if (!m)
        return;
    updates *lists[] = { &m->input, &m->output, &m->corrections };
    times *of_times[] = { &m->seeds, &m->queue, &m->bounds };
    for (int i = 0; i < 3; i++) {
        weir_free(lists[i]->at, lists[i]->capacity * sizeof *lists[i]->at);
        weir_free(of_times[i]->at, of_times[i]->capacity * sizeof *of_times[i]->at);
    }
    weir_free(m->wanted, m->wanted_capacity * sizeof *m->wanted);
    weir_free(m->touched, m->touched_capacity * sizeof *m->touched);
    free_sums(&h->input, m->input_capacity);
    free_sums(&h->output, m->output_capacity);
    weir_free(m, sizeof *m);
    weir_frontier_fini(&h->pending);
    *h = (weir_history){ .depth = h->depth };
}

void weir_history_begin(weir_history *h)
{
    struct weir__history *m = h->more;
    m->input.count = m->output.count = m->corrections.count = 0;
    m->seeds.count = m->queue.count = m->bounds.count = m->head = 0;
    for (size_t i = 0; i < m->touched_count; i++)
        m->wanted[m->touched[i]] = 0;
    m->touched_count = 0;
    m->started = m->visiting = false;
    h->input.count = h->output.count = 0;
    h->failed = WEIR_OK;
    weir_frontier_clear(&h->pending);
}

void weir_history_input(weir_history *h, uint32_t value, const weir_time *time, int64_t diff)
{
    WEIR_DCHECK(!h->more->started, "history: an update after the first next");
    push_update(&h->more->input, &(weir_history_update){ *time, diff, value });
}

void weir_history_output(weir_history *h, uint32_t value, const weir_time *time, int64_t diff)
{
    WEIR_DCHECK(!h->more->started, "history: an update after the first next");
    push_update(&h->more->output, &(weir_history_update){ *time, diff, value });
}

void weir_history_seed(weir_history *h, const weir_time *time)
{
    WEIR_DCHECK(!h->more->started, "history: a seed after the first next");
    push_time(&h->more->seeds, time);
}

bool weir_history_meet(const weir_history *h, weir_time *meet)
{
    const times *seeds = &h->more->seeds;
    for (size_t i = 0; i < seeds->count; i++)
        *meet = i == 0 ? seeds->at[0] : weir_time_meet(meet, &seeds->at[i], h->depth);
    return seeds->count > 0;
}

const weir_history_update *weir_history_corrections(const weir_history *h, size_t *count)
{
    *count = h->more->corrections.count;
    return h->more->corrections.at;
}

/* ---- times ---- */

/* Index of the first element, from `from` on, that is not before t. */
static size_t find(const weir_history *h, const times *list, size_t from, const weir_time *t)
{
    size_t low = from, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (weir_time_compare(&list->at[middle], t, h->depth) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(const weir_history *h, times *list, size_t from, const weir_time *t)
{
    size_t at = find(h, list, from, t);
    if (at < list->count && weir_time_equal(&list->at[at], t, h->depth))
        return;
    push_time(list, t);
    memmove(&list->at[at + 1], &list->at[at], (list->count - 1 - at) * sizeof *t);
    list->at[at] = *t;
}

/* A time to be visited, or to be left for later. */
static void await(weir_history *h, const weir_frontier *upper, const weir_time *t)
{
    if (weir_frontier_less_equal(upper, t) && !WEIR_PLANTED(PENDING_FORGOTTEN))
        weir_frontier_insert(&h->pending, t);
    else if (!weir_frontier_less_equal(upper, t))
        insert(h, &h->more->queue, h->more->head, t);
}

static void set_floor(weir_history *h)
{
    struct weir__history *m = h->more;
    m->floor = m->queue.at[m->head];
    if (h->depth == 1)
        return; /* they ascend */
    for (size_t i = m->head + 1; i < m->queue.count; i++)
        m->floor = weir_time_meet(&m->floor, &m->queue.at[i], h->depth);
}

/* A time that bounds the updates' reach. At or before the floor it is so for every time to come. */
static void add_bound(weir_history *h, const weir_time *t)
{
    struct weir__history *m = h->more;
    if (weir_time_less_equal(t, &m->floor, h->depth))
        return;
    weir_time moved = weir_time_join(t, &m->floor, h->depth);
    insert(h, &m->bounds, 0, &moved);
}

static void drop_past_bounds(weir_history *h)
{
    struct weir__history *m = h->more;
    size_t kept = 0;
    for (size_t i = 0; i < m->bounds.count; i++)
        if (!weir_time_less_equal(&m->bounds.at[i], &m->floor, h->depth))
            m->bounds.at[kept++] = m->bounds.at[i];
    m->bounds.count = kept;
}

static void start(weir_history *h, const weir_frontier *upper)
{
    struct weir__history *m = h->more;
    m->started = true;
    for (size_t i = 0; i < m->seeds.count; i++)
        await(h, upper, &m->seeds.at[i]);
    if (m->queue.count == 0)
        return;
    set_floor(h);
    for (size_t i = 0; i < m->seeds.count; i++)
        add_bound(h, &m->seeds.at[i]);
    for (size_t i = 0; i < m->input.count; i++)
        add_bound(h, &m->input.at[i].time);
    for (size_t i = 0; i < m->output.count; i++)
        add_bound(h, &m->output.at[i].time);
}

static void add_joins(weir_history *h, const weir_frontier *upper)
{
    struct weir__history *m = h->more;
    for (size_t i = 0; i < m->bounds.count; i++) {
        const weir_time *bound = &m->bounds.at[i];
        if (weir_time_less_equal(bound, &m->now, h->depth))
            continue;
        weir_time join = weir_time_join(bound, &m->now, h->depth);
        if (!weir_time_equal(&join, bound, h->depth) && WEIR_PLANTED(JOIN_OF_TWO))
            continue;
        await(h, upper, &join);
    }
    if (h->depth == 1)
        m->bounds.count = 0; /* all that come later wait by now: once is enough */
}

/* ---- sums ---- */

/* Moves updates up to the floor and merges neighbours. */
static void advance(weir_history *h, updates *list)
{
    const struct weir__history *m = h->more;
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        weir_history_update u = list->at[i];
        u.time = weir_time_join(&u.time, &m->floor, h->depth);
        weir_history_update *last = kept ? &list->at[kept - 1] : NULL;
        int64_t sum;
        if (!last || last->value != u.value || !weir_time_equal(&last->time, &u.time, h->depth))
            list->at[kept++] = u;
        else if (__builtin_add_overflow(last->diff, u.diff, &sum))
            list->at[kept++] = u; /* what all of them come to is seen when they are summed */
        else if (sum == 0)
            kept--;
        else
            last->diff = sum;
    }
    list->count = kept;
}

/* The sums at `now`. Updates of one value that do not follow each other (of an output that has been
 * corrected) give several. */
static void sum(weir_history *h, const updates *list, weir_history_sums *sums, size_t *capacity)
{
    const struct weir__history *m = h->more;
    size_t both = *capacity;
    grow((void **)&sums->values, &both, list->count, sizeof *sums->values);
    grow((void **)&sums->diffs, capacity, list->count, sizeof *sums->diffs);
    sums->count = 0;
    for (size_t i = 0; i < list->count;) {
        uint32_t value = list->at[i].value;
        weir__wide total = 0; /* in any order the same */
        for (; i < list->count && list->at[i].value == value; i++)
            if (weir_time_less_equal(&list->at[i].time, &m->now, h->depth))
                total += list->at[i].diff;
        if (total == 0)
            continue;
        sums->values[sums->count] = value;
        sums->diffs[sums->count] = (int64_t)total;
        if (sums->diffs[sums->count++] != total)
            h->failed = WEIR_OVERFLOWED;
    }
}

static void want(weir_history *h, uint32_t value, weir__wide diff)
{
    struct weir__history *m = h->more;
    size_t before = m->wanted_capacity;
    grow((void **)&m->wanted, &m->wanted_capacity, (size_t)value + 1, sizeof *m->wanted);
    if (m->wanted_capacity > before)
        memset(m->wanted + before, 0, (m->wanted_capacity - before) * sizeof *m->wanted);
    grow((void **)&m->touched, &m->touched_capacity, m->touched_count + 1, sizeof *m->touched);
    m->touched[m->touched_count++] = value;
    m->wanted[value] += diff;
}

void weir_history_want(weir_history *h, uint32_t value, int64_t diff)
{
    WEIR_DCHECK(h->more->visiting, "history: something wanted at no time");
    want(h, value, diff);
}

/* What is there goes off what is wanted; the rest are corrections, which count as output of this
 * time from now on. */
static void settle(weir_history *h)
{
    struct weir__history *m = h->more;
    for (size_t i = 0; i < h->output.count && !h->failed; i++)
        want(h, h->output.values[i], -(weir__wide)h->output.diffs[i]);
    for (size_t i = 0; i < m->touched_count; i++) {
        uint32_t value = m->touched[i];
        weir_history_update u = { m->now, (int64_t)m->wanted[value], value };
        bool fits = u.diff == m->wanted[value];
        m->wanted[value] = 0;
        if (!fits)
            h->failed = WEIR_OVERFLOWED;
        if (!fits || u.diff == 0)
            continue;
        push_update(&m->corrections, &u);
        push_update(&m->output, &u);
    }
    m->touched_count = 0;
    m->visiting = false;
}

/* The sums of both sides at `now`, which is to be visited. */
static bool visit(weir_history *h, weir_time *time)
{
    struct weir__history *m = h->more;
    sum(h, &m->input, &h->input, &m->input_capacity);
    sum(h, &m->output, &h->output, &m->output_capacity);
    m->visiting = !h->failed;
    *time = m->now;
    return m->visiting;
}

bool weir_history_alone(weir_history *h, const weir_frontier *upper, weir_time *time)
{
    struct weir__history *m = h->more;
    size_t count = 0; /* of those to be visited, as far as neighbours differ */
    for (size_t i = 0; i < m->seeds.count && count < 2; i++) {
        const weir_time *seed = &m->seeds.at[i];
        if (weir_frontier_less_equal(upper, seed) ||
            (count > 0 && weir_time_equal(seed, &m->now, h->depth)))
            continue;
        m->now = *seed;
        count++;
    }
    *time = m->now;
    return count == 1;
}

static void push_sum(weir_history_sums *sums, size_t *capacity, uint32_t value, int64_t diff)
{
    size_t both = *capacity;
    grow((void **)&sums->values, &both, sums->count + 1, sizeof *sums->values);
    grow((void **)&sums->diffs, capacity, sums->count + 1, sizeof *sums->diffs);
    sums->values[sums->count] = value;
    sums->diffs[sums->count++] = diff;
}

void weir_history_sum_input(weir_history *h, uint32_t value, int64_t diff)
{
    push_sum(&h->input, &h->more->input_capacity, value, diff);
}

void weir_history_sum_output(weir_history *h, uint32_t value, int64_t diff)
{
    push_sum(&h->output, &h->more->output_capacity, value, diff);
}

bool weir_history_visit(weir_history *h, const weir_frontier *upper, const weir_frontier *later)
{
    struct weir__history *m = h->more;
    bool waits = true;
    for (uint32_t i = 0; i < later->count && waits; i++)
        waits = weir_frontier_less_equal(upper, &weir_frontier_times(later)[i]);
    if (!waits) {
        h->input.count = h->output.count = 0;
        return false;
    }
    for (uint32_t i = 0; i < later->count; i++)
        weir_frontier_insert(&h->pending, &weir_frontier_times(later)[i]);
    for (size_t i = 0; i < m->seeds.count; i++)
        if (weir_frontier_less_equal(upper, &m->seeds.at[i]))
            weir_frontier_insert(&h->pending, &m->seeds.at[i]);
    push_time(&m->queue, &m->now);
    m->started = m->visiting = true;
    return true;
}

bool weir_history_next(weir_history *h, const weir_frontier *upper, weir_time *time)
{
    struct weir__history *m = h->more;
    if (!m->started)
        start(h, upper);
    if (m->visiting) {
        settle(h);
        m->head++;
    }
    if (h->failed || m->head == m->queue.count)
        return false;
    m->now = m->queue.at[m->head];
    add_joins(h, upper);
    set_floor(h);
    drop_past_bounds(h);
    advance(h, &m->input);
    advance(h, &m->output);
    return visit(h, time);
}

void weir_history_leave(weir_history *h)
{
    struct weir__history *m = h->more;
    for (size_t i = m->head; i < m->queue.count; i++)
        weir_frontier_insert(&h->pending, &m->queue.at[i]);
    m->head = m->queue.count;
    m->visiting = false;
}
