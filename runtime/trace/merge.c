/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the merging of runs into one, and the compaction of one alone: an update at a time, so that
 * it can stop anywhere; a value at a time where times are not in a total order, since what is
 * forgotten changes their places. Most keys go in blocks (merge_block.c). Which runs are merged,
 * and when, is the spine's.
 */
#include "trace/merge.h"

#include <string.h>

#include "base/planted.h"
#include "trace/compact.h"
#include "trace/segment.h"

/* Bytes for the fuel of an update: of a file that is checked; moved when all is written. */
enum { CHECKED_AN_UPDATE = 64, MOVED_AN_UPDATE = 64 };

/* What the result has at most. A column that is not needed in the end is left out then. */
static weir__room room_of(const weir__merge *m)
{
    const weir_trace_run *first = m->lanes[0].run;
    uint32_t depth = first->shape->depth;
    weir__room e = { .first_hash = UINT64_MAX, .values_vary = m->count > 1, .waits = true };
    for (uint32_t i = 0; i < m->count; i++) {
        const weir_trace_run *run = m->lanes[i].run;
        uint64_t low = weir__run_hash(run, 0), high = weir__run_hash(run, run->key_count - 1);
        e.first_hash = low < e.first_hash ? low : e.first_hash;
        e.last_hash = high > e.last_hash ? high : e.last_hash;
        e.keys += run->key_count;
        e.values += run->value_count;
        e.updates += run->update_count;
        e.heap += run->heap_used;
        e.values_vary |= run->value_at != NULL;
        e.updates_vary |= run->update_at || m->count > 1;
        e.times_vary |= run->times || !weir_time_equal(&run->meet, &first->meet, depth);
        e.diffs_vary |= m->count > 1 || run->diffs || run->update_at;
    }
    return e;
}

bool weir__merge_init(weir__merge *m, weir_trace_run *const *runs, uint32_t count,
                      const weir_frontier *since)
{
    *m = (weir__merge){ .count = count };
    for (uint32_t i = 0; i < count; i++)
        m->lanes[i] = (weir__lane){ .run = runs[i], .keys = { 0, runs[i]->key_count } };
    if (count > 2 && WEIR_PLANTED(MERGE_LOSES))
        m->lanes[count - 1].keys.end = 0;
    weir__room room = room_of(m);
    if (!weir__writer_init(&m->writer, runs[0]->shape, &room))
        return false;
    m->reserved = m->writer.run->size;
    m->checking = runs[0]->shape->store ? 0 : count;
    weir_frontier_set(&m->since, since);
    if (since->count == 1 && WEIR_PLANTED(SINCE_BEYOND))
        m->since.one.at[0]++;
    weir__merge_blocks_init(m, runs);
    return true;
}

void weir__merge_fini(weir__merge *m)
{
    weir__writer_fini(&m->writer);
    weir__column_free(&m->moved);
    weir_frontier_fini(&m->since);
}

bool weir__merge_finish(weir__merge *m, weir_trace_run **run)
{
    *run = m->failed ? NULL : weir__writer_take(&m->writer);
    if (*run && !weir__segment_seal(*run)) {
        weir_trace_run_release(*run);
        *run = NULL;
        m->failed = true;
    }
    bool ok = !m->failed;
    weir__merge_fini(m);
    return ok;
}

/* Before a file is read through, it is held against its checksums, some blocks at a time. True: all
 * are as they should be. */
static bool check(weir__merge *m, size_t *fuel)
{
    uint64_t blocks = *fuel * CHECKED_AN_UPDATE / WEIR__SEGMENT_BLOCK + 1;
    const weir__store *store = m->lanes[0].run->shape->store;
    while (m->checking < m->count &&
           weir__segment_check(m->lanes[m->checking].run, &m->checked, blocks) &&
           !weir__store_error(store)) {
        m->checking++;
        m->checked = 0;
    }
    m->failed = weir__store_error(store) != NULL;
    return m->checking == m->count;
}

static inline bool left(weir__range range)
{
    return range.at < range.end;
}

/* The lanes of a mask, one after the other. */
static inline uint32_t next_lane(uint32_t *mask)
{
    uint32_t lane = (uint32_t)__builtin_ctz(*mask);
    *mask &= *mask - 1;
    return lane;
}

static weir__packed key_of(const weir_trace_run *run, uint32_t key)
{
    weir__packed packed = { run->keys ? weir__run_key(run, key) : NULL, run->heap };
    return packed;
}

static weir__packed rest_of(const weir_trace_run *run, uint32_t value)
{
    weir__packed packed = { run->rests ? weir__run_rest(run, value) : NULL, run->heap };
    return packed;
}

/* The next key, and the lanes that have it. False: there is none. */
static bool open_key(weir__merge *m)
{
    weir__lane *least = NULL;
    uint64_t least_hash = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        weir__lane *l = &m->lanes[i];
        if (!left(l->keys))
            continue;
        uint64_t hash = weir__run_hash(l->run, l->keys.at);
        int order = !least ? -1 : (hash > least_hash) - (hash < least_hash);
        if (order == 0 && !l->run->shape->bijective)
            order = weir__run_compare_keys(l->run, l->keys.at, least->run, least->keys.at);
        if (order < 0) {
            least = l;
            least_hash = hash;
            m->in_key = 0;
        }
        if (order <= 0)
            m->in_key |= 1u << i;
    }
    if (!least)
        return false;
    weir__writer_key(&m->writer, least_hash, key_of(least->run, least->keys.at));
    for (uint32_t lanes = m->in_key; lanes;) {
        weir__lane *l = &m->lanes[next_lane(&lanes)];
        l->values = weir__run_values(l->run, l->keys.at++);
    }
    return true;
}

/* The lanes of the key that have its next value, and one of them. */
static weir__lane *least_value(weir__merge *m)
{
    weir__lane *least = NULL;
    for (uint32_t lanes = m->in_key; lanes;) {
        uint32_t i = next_lane(&lanes);
        weir__lane *l = &m->lanes[i];
        int order =
            !least ? -1
                   : weir__run_compare_values(l->run, l->values.at, least->run, least->values.at);
        if (order < 0) {
            least = l;
            m->in_value = 0;
        }
        if (order <= 0)
            m->in_value |= 1u << i;
    }
    return least;
}

/* The same for values that order as words do. */
static weir__lane *least_ranked(weir__merge *m, const weir__pack *rests)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t lanes = m->in_key; lanes;) {
        uint32_t i = next_lane(&lanes);
        const weir__lane *l = &m->lanes[i];
        uint64_t rank = weir__rank_word(rests->ranks, weir__run_rest(l->run, l->values.at));
        uint32_t others = rank < least ? 0 : m->in_value;
        m->in_value = rank <= least ? others | 1u << i : m->in_value;
        least = rank < least ? rank : least;
    }
    return &m->lanes[__builtin_ctz(m->in_value)];
}

/* The next value of the key. */
static void open_value(weir__merge *m)
{
    const weir__pack *rests = &m->lanes[0].run->shape->rests;
    weir__lane *least = weir__pack_is_word(rests) ? least_ranked(m, rests) : least_value(m);
    weir__writer_value(&m->writer, rest_of(least->run, least->values.at));
    for (uint32_t lanes = m->in_value; lanes;) {
        uint32_t i = next_lane(&lanes);
        weir__lane *l = &m->lanes[i];
        l->updates = weir__run_updates(l->run, l->values.at++);
        if (!left(l->values))
            m->in_key &= ~(1u << i);
    }
}

/* ---- the updates of a value, at depth 1 ---- */

static inline uint64_t time_of(const weir__merge *m, const weir__lane *l)
{
    return weir__compact_epoch(&m->since, weir__run_epoch(l->run, l->updates.at));
}

static void flush(weir__merge *m)
{
    if (m->pending && m->sum != 0)
        weir__writer_update(&m->writer, &m->time, m->sum);
    m->pending = false;
}

/* Takes the earliest update of the value. Diffs whose sum leaves the range stay two updates: the
 * reader who adds them up is told. */
static void take_update(weir__merge *m)
{
    uint32_t lanes = m->in_value, i = next_lane(&lanes);
    uint64_t time = time_of(m, &m->lanes[i]);
    while (lanes) {
        uint32_t j = next_lane(&lanes);
        uint64_t other = time_of(m, &m->lanes[j]);
        i = other < time ? j : i;
        time = other < time ? other : time;
    }
    weir__lane *l = &m->lanes[i];
    int64_t diff = weir__run_diff(l->run, l->updates.at++), sum;
    if (!left(l->updates))
        m->in_value &= ~(1u << i);
    if (m->pending && m->time == time && !__builtin_add_overflow(m->sum, diff, &sum)) {
        m->sum = sum;
        return;
    }
    flush(m);
    m->pending = true;
    m->time = time;
    m->sum = diff;
}

static void work_on_epochs(weir__merge *m)
{
    take_update(m);
    if (!m->in_value)
        flush(m);
}

/* ---- at other depths ---- */

typedef struct moved {
    uint64_t at[WEIR_TIME_COORDS]; /* as many as there are */
    int64_t diff;
} moved;

enum { INSERTION_MAX = 12 };

static inline int compare_moved(const moved *a, const moved *b, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        if (a->at[i] != b->at[i])
            return a->at[i] < b->at[i] ? -1 : 1;
    return 0;
}

static void insertion_sort(moved *all, size_t count, uint32_t depth)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_moved(&all[i - 1], &all[i], depth) <= 0)
            continue;
        moved moving = all[i];
        size_t at = i;
        for (; at > 0 && compare_moved(&all[at - 1], &moving, depth) > 0; at--)
            all[at] = all[at - 1];
        all[at] = moving;
    }
}

/* Merge sort: what the lanes have is in order for the most part. */
static void sort(moved *all, moved *spare, size_t count, uint32_t depth)
{
    if (count <= INSERTION_MAX) {
        insertion_sort(all, count, depth);
        return;
    }
    size_t half = count / 2;
    sort(all, spare, half, depth);
    sort(all + half, spare, count - half, depth);
    if (compare_moved(&all[half - 1], &all[half], depth) <= 0)
        return;
    memcpy(spare, all, half * sizeof *all);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < count)
        all[out++] = compare_moved(&spare[left], &all[right], depth) <= 0 ? spare[left++]
                                                                          : all[right++];
    memcpy(all + out, spare + left, (half - left) * sizeof *all);
}

/* All updates of the value, each at the time it is moved to; and room for as many behind. NULL: no
 * memory. */
static moved *gather(weir__merge *m, size_t *count)
{
    uint32_t depth = m->since.depth;
    *count = 0;
    for (uint32_t lanes = m->in_value; lanes;) {
        const weir__lane *l = &m->lanes[next_lane(&lanes)];
        *count += l->updates.end - l->updates.at;
    }
    m->moved.used = 0;
    moved *all = weir__column_add(&m->moved, 2 * *count * sizeof *all), *to = all;
    while (m->in_value && all) {
        weir__lane *l = &m->lanes[next_lane(&m->in_value)];
        for (; left(l->updates); l->updates.at++, to++) {
            const uint64_t *coords = weir__run_coords(l->run, l->updates.at);
            for (uint32_t i = 0; i < depth; i++)
                to->at[i] = coords[i];
            to->diff = weir__run_diff(l->run, l->updates.at);
            weir__compact_time(&m->since, to->at);
        }
    }
    return all;
}

/* A value that has one update. */
static void work_on_one(weir__merge *m)
{
    weir__lane *l = &m->lanes[next_lane(&m->in_value)];
    const uint64_t *from = weir__run_coords(l->run, l->updates.at);
    uint64_t coords[WEIR_TIME_COORDS];
    for (uint32_t i = 0; i < m->since.depth; i++)
        coords[i] = from[i];
    weir__compact_time(&m->since, coords);
    weir__writer_update(&m->writer, coords, weir__run_diff(l->run, l->updates.at++));
}

/* Returns how many updates it took. */
static size_t work_on_value(weir__merge *m)
{
    uint32_t depth = m->since.depth;
    const weir__lane *first_lane = &m->lanes[__builtin_ctz(m->in_value)];
    if ((m->in_value & (m->in_value - 1)) == 0 &&
        first_lane->updates.end - first_lane->updates.at == 1) {
        work_on_one(m);
        return 1;
    }
    size_t count;
    moved *all = gather(m, &count);
    if (!all) {
        m->failed = true;
        return 1;
    }
    sort(all, all + count, count, depth);
    for (size_t i = 0; i < count;) {
        int64_t sum = all[i].diff, more;
        size_t first = i++;
        for (; i < count && compare_moved(&all[first], &all[i], depth) == 0 &&
               !__builtin_add_overflow(sum, all[i].diff, &more);
             i++)
            sum = more;
        if (sum != 0)
            weir__writer_update(&m->writer, all[first].at, sum);
    }
    return count;
}

/* ---- work ---- */

/* All is written. */
static bool end(weir__merge *m, size_t *fuel)
{
    size_t most = SIZE_MAX / MOVED_AN_UPDATE;
    size_t all = (*fuel < most ? *fuel : most) * MOVED_AN_UPDATE, bytes = all;
    m->written = true;
    bool ended = weir__writer_end(&m->writer, &bytes);
    *fuel -= (all - bytes) / MOVED_AN_UPDATE;
    return ended;
}

bool weir__merge_work(weir__merge *m, size_t *fuel)
{
    if (WEIR_UNLIKELY(m->checking < m->count) && !check(m, fuel))
        return m->failed;
    bool epochs = m->since.depth == 1;
    size_t paid = m->debt < *fuel ? m->debt : *fuel;
    m->debt -= paid;
    *fuel -= paid;
    while (*fuel > 0 && !m->failed) {
        if (m->written)
            return end(m, fuel);
        if (!m->in_value && !m->in_key) {
            *fuel -= weir__merge_blocks(m, *fuel);
            if (*fuel == 0)
                break;
        }
        if (!m->in_value) {
            if (!m->in_key && !open_key(m))
                return end(m, fuel);
            open_value(m);
        }
        size_t done = 1;
        if (epochs)
            work_on_epochs(m);
        else
            done = work_on_value(m);
        m->debt = done > *fuel ? done - *fuel : 0;
        *fuel -= done - m->debt;
    }
    return m->failed;
}
