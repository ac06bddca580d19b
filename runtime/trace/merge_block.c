/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the part of merging that most keys take: a block of them is put in order by their hashes
 * first, which needs no branch, and then written column by column. What does not fit is left to
 * merge.c: values with several updates, keys of several runs whose times do not become one, keys
 * with more than there is fuel for.
 */
#include "trace/compact.h"
#include "trace/merge_block.h"

enum {
    BLOCK_MIN = 4,
    GROUP_MAX = 32, /* values of a key that several runs have */
};

/* ---- order ---- */

/* What comes next in a lane: the greatest hash if there is nothing left. */
typedef struct ahead {
    uint64_t hash;
    const uint64_t *at;
    uint32_t lane;
} ahead;

static inline ahead lesser(ahead a, ahead b)
{
    bool less = b.hash < a.hash;
    a.hash = less ? b.hash : a.hash;
    a.at = less ? b.at : a.at;
    a.lane = less ? b.lane : a.lane;
    return a;
}

/* Which lane comes next is as good as random: without branches, and all that the next choice needs
 * is in registers where there are few lanes. A key that has the greatest hash is left to merge.c.
 * Stops before keys of one hash unless their times become one. */
static inline __attribute__((always_inline)) void choose_of(const weir__merge *m, weir__block *b,
                                                            uint32_t most, const uint32_t lanes)
{
    enum { FETCHED = 32 };
    const uint64_t *hashes[WEIR__MERGE_FEW];
    ahead first[WEIR__MERGE_FEW], least;
    uint32_t left[WEIR__MERGE_FEW], n = 0;
    uint64_t last = UINT64_MAX;
    for (uint32_t i = 0; i < lanes; i++) {
        const weir__lane *l = &m->lanes[i < m->count ? i : 0];
        left[i] = i < m->count ? l->keys.end - l->keys.at : 0;
        hashes[i] = l->run->hashes;
        first[i] = (ahead){ UINT64_MAX, hashes[i] + l->keys.at, i };
        if (left[i] > 0)
            first[i].hash = *first[i].at;
    }
    for (;; n++) {
        least = first[0];
        for (uint32_t i = 1; i < lanes; i++)
            least = lesser(least, first[i]);
        bool again = least.hash == last;
        last = least.hash;
        if (n == most || last == UINT64_MAX || (again && !m->settles))
            break;
        b->hash[n] = last;
        b->lane[n] = (uint8_t)least.lane;
        b->key[n] = (uint32_t)(least.at - hashes[least.lane]);
        __builtin_prefetch(least.at + FETCHED);
        uint64_t next = WEIR_LIKELY(--left[least.lane] > 0) ? least.at[1] : UINT64_MAX;
        for (uint32_t i = 0; i < lanes; i++) {
            bool is_it = least.lane == i;
            first[i].hash = is_it ? next : first[i].hash;
            first[i].at = is_it ? least.at + 1 : first[i].at;
        }
    }
    while (n > 0 && b->hash[n - 1] == last)
        n--; /* there is more of that hash */
    b->count = n;
}

static void choose(const weir__merge *m, weir__block *b, uint32_t most)
{
    if (m->count <= 2)
        choose_of(m, b, most, 2);
    else if (m->count <= 4)
        choose_of(m, b, most, 4);
    else if (m->count <= WEIR__MERGE_FEW && !m->settles)
        choose_of(m, b, most, WEIR__MERGE_FEW);
    else
        weir__merge_sort_keys(m, b, most);
}

/* ---- any records, any times ---- */

/* The updates of a value that has one only in one lane. */
static inline void put_value(weir__merge *m, const weir_trace_run *run, uint32_t value)
{
    uint32_t update = weir__run_updates(run, value).at;
    const uint64_t *from = weir__run_coords(run, update);
    uint64_t coords[WEIR_TIME_COORDS]; /* as many as there are: copied whole it would stall */
    for (uint32_t i = 0; i < run->shape->depth; i++)
        coords[i] = from[i];
    weir__compact_time(&m->since, coords);
    weir__writer_put_rest(&m->writer,
                          weir__packed_at(run->rests, &run->shape->rests, value, run));
    weir__writer_put_update(&m->writer, coords, weir__run_diff(run, update));
}

/* Whether all values of a key have one update. */
static inline bool is_plain(const weir_trace_run *run, weir__range values)
{
    return !run->update_at ||
           run->update_at[values.end] - run->update_at[values.at] == values.end - values.at;
}

/* Returns how many keys it has written; takes their updates off `left`. */
static uint32_t put_records(weir__merge *m, const weir__block *b, size_t *left)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (i + 1 < b->count && b->hash[i + 1] == b->hash[i]) {
            uint32_t taken = m->settles ? weir__merge_group(m, b, i, left) : 0;
            if (taken == 0)
                return i;
            i += taken - 1;
            continue;
        }
        weir__lane *l = &m->lanes[b->lane[i]];
        const weir_trace_run *run = l->run;
        uint32_t key = b->key[i];
        weir__range values = weir__run_values(run, key);
        if (values.end - values.at > *left || !is_plain(run, values))
            return i;
        l->keys.at = key + 1;
        weir__writer_put_key(&m->writer, b->hash[i],
                             weir__packed_at(run->keys, &run->shape->keys, key, run));
        for (uint32_t value = values.at; value < values.end; value++)
            put_value(m, run, value);
        *left -= values.end - values.at;
    }
    return b->count;
}

/* ---- words, at one time ----
 *
 * Written by merge_flat.c, even with sizes known to the compiler, arrange-max takes 3 to 8 % more.
 */

typedef struct word {
    uint64_t rest;
    int64_t diff;
} word;

/* What is read of a lane. */
typedef struct words {
    const uint32_t *value_at;
    const uint64_t *rests;
    const int64_t *diffs;
    int64_t diff;
} words;

/* What is written, with its counts at hand. */
typedef struct sheet {
    weir__writer *writer;
    uint64_t *rests;
    int64_t *diffs, diff;
    uint32_t keys, values;
    bool diffs_vary;
} sheet;

static void open_sheet(sheet *s, weir__merge *m)
{
    weir_trace_run *run = m->writer.run;
    *s = (sheet){ .writer = &m->writer, .rests = (uint64_t *)(void *)run->rests,
                  .diffs = run->diffs, .diff = run->diff, .keys = run->key_count,
                  .values = run->value_count, .diffs_vary = m->writer.diffs_vary };
}

static void note_counts(const sheet *s)
{
    weir_trace_run *run = s->writer->run;
    run->key_count = s->keys;
    run->value_count = run->update_count = s->values;
}

static __attribute__((noinline)) void begin_diffs(sheet *s)
{
    note_counts(s);
    weir__writer_begin_diffs(s->writer);
    s->diffs_vary = true;
}

static __attribute__((noinline)) void begin_values(sheet *s)
{
    note_counts(s);
    weir__writer_begin_values(s->writer);
}

static inline void put_hash(sheet *s, uint64_t hash)
{
    weir_trace_run *run = s->writer->run;
    weir__writer_put_stretch(s->writer, hash, s->keys);
    if (WEIR_UNLIKELY(!s->writer->values_vary && s->values != s->keys))
        begin_values(s);
    if (s->writer->values_vary)
        run->value_at[s->keys] = s->values;
    run->hashes[s->keys++] = hash;
}

static inline void put_word(sheet *s, word w)
{
    if (WEIR_UNLIKELY(!s->diffs_vary && w.diff != s->diff))
        begin_diffs(s);
    if (s->diffs_vary)
        s->diffs[s->values] = w.diff;
    if (s->rests)
        s->rests[s->values] = w.rest;
    s->values++;
}

static inline word word_at(const words *l, uint32_t value)
{
    return (word){ l->rests ? l->rests[value] : 0, l->diffs ? l->diffs[value] : l->diff };
}

static inline weir__range values_at(const words *l, uint32_t key)
{
    return (weir__range){ l->value_at ? l->value_at[key] : key,
                          l->value_at ? l->value_at[key + 1] : key + 1 };
}

/* Asks for what comes some keys later in a lane: there are more columns at hand than the processor
 * would follow by itself. Always inline, or gcc takes it for a function without effect. */
static inline __attribute__((always_inline)) void ask_lane(const words *l, uint32_t key,
                                                           uint32_t value)
{
    enum { ASKED = 16 };
    if (l->value_at)
        __builtin_prefetch(l->value_at + key + ASKED);
    if (l->rests)
        __builtin_prefetch(l->rests + value + ASKED);
    if (l->diffs)
        __builtin_prefetch(l->diffs + value + ASKED);
}

/* Puts a value where it belongs; the sum of two that are one may be 0. False: it leaves the range,
 * or there is no room. */
static bool insert(word *group, uint32_t *count, word w, uint64_t flip)
{
    uint32_t at = *count;
    while (at > 0 && (group[at - 1].rest ^ flip) > (w.rest ^ flip))
        at--;
    if (at > 0 && group[at - 1].rest == w.rest)
        return !__builtin_add_overflow(group[at - 1].diff, w.diff, &group[at - 1].diff);
    if (*count == GROUP_MAX)
        return false;
    for (uint32_t i = (*count)++; i > at; i--)
        group[i] = group[i - 1];
    group[at] = w;
    return true;
}

/* A key that several lanes have, from the block's i-th on. Returns how many of the block it took;
 * 0: it is left to merge.c. */
static uint32_t put_group(sheet *s, const words *lanes, const weir__block *b, uint32_t i,
                          size_t *left)
{
    word group[GROUP_MAX];
    uint32_t count = 0, taken = 0;
    size_t updates = 0;
    const weir__pack *rests = &s->writer->run->shape->rests;
    const uint64_t flip = rests->rank_count > 0 ? rests->ranks->flip : 0;
    for (; i + taken < b->count && b->hash[i + taken] == b->hash[i]; taken++) {
        const words *l = &lanes[b->lane[i + taken]];
        weir__range values = values_at(l, b->key[i + taken]);
        updates += values.end - values.at;
        if (updates > *left)
            return 0;
        ask_lane(l, b->key[i + taken], values.end);
        for (uint32_t value = values.at; value < values.end; value++)
            if (!insert(group, &count, word_at(l, value), flip))
                return 0;
    }
    *left -= updates;
    bool any = false;
    for (uint32_t k = 0; k < count; k++) {
        if (group[k].diff == 0)
            continue;
        if (!any)
            put_hash(s, b->hash[i]);
        any = true;
        put_word(s, group[k]);
    }
    return taken;
}

/* The time of all, and a diff that most have, before the first update. */
static void begin_run(weir__merge *m, const words *first, uint32_t value)
{
    weir_trace_run *run = m->writer.run;
    run->diff = word_at(first, value).diff;
    for (uint32_t i = 0; i < run->shape->depth; i++)
        run->meet.at[i] = run->join.at[i] = m->settled.at[i];
}

/* As put_records. */
static uint32_t put_words(weir__merge *m, const weir__block *b, size_t *left)
{
    words lanes[WEIR__MERGE_MAX];
    sheet s;
    uint32_t i = 0;
    for (uint32_t k = 0; k < m->count; k++) {
        const weir_trace_run *run = m->lanes[k].run;
        lanes[k] = (words){ run->value_at, (const uint64_t *)(const void *)run->rests, run->diffs,
                            run->diff };
    }
    if (m->writer.run->update_count == 0)
        begin_run(m, &lanes[b->lane[0]], values_at(&lanes[b->lane[0]], b->key[0]).at);
    open_sheet(&s, m);
    while (i < b->count) {
        if (i + 1 < b->count && b->hash[i + 1] == b->hash[i]) {
            uint32_t taken = put_group(&s, lanes, b, i, left);
            if (taken == 0)
                break;
            for (; taken > 0; taken--, i++)
                m->lanes[b->lane[i]].keys.at = b->key[i] + 1;
            continue;
        }
        const words *l = &lanes[b->lane[i]];
        weir__range values = values_at(l, b->key[i]);
        if (values.end - values.at > *left)
            break;
        *left -= values.end - values.at;
        ask_lane(l, b->key[i], values.end);
        put_hash(&s, b->hash[i]);
        for (uint32_t value = values.at; value < values.end; value++)
            put_word(&s, word_at(l, value));
        m->lanes[b->lane[i]].keys.at = b->key[i] + 1;
        i++;
    }
    note_counts(&s);
    return i;
}

/* ---- what a merge is ---- */

bool weir__merge_settles(weir_trace_run *const *runs, uint32_t count, const weir_frontier *since,
                         weir_time *at)
{
    uint32_t depth = runs[0]->shape->depth;
    for (uint32_t i = 0; i < count; i++) {
        weir_time meet = runs[i]->meet, join = runs[i]->join;
        weir__compact_time(since, meet.at);
        weir__compact_time(since, join.at);
        if (i == 0)
            *at = meet;
        if (!weir_time_equal(&meet, at, depth) || !weir_time_equal(&join, at, depth))
            return false;
    }
    return true;
}

void weir__merge_blocks_init(weir__merge *m, weir_trace_run *const *runs)
{
    const weir_shape *shape = m->lanes[0].run->shape;
    const weir__pack *rests = &shape->rests;
    bool is_word = rests->type.size == 8 && weir__pack_is_word(rests);
    m->block = BLOCK_MIN;
    m->settles = weir__merge_settles(runs, m->count, &m->since, &m->settled);
    for (uint32_t i = 0; i < m->count; i++)
        m->settles &= !runs[i]->update_at;
    m->words = shape->bijective && (rests->type.size == 0 || is_word) && m->settles;
    m->flat = shape->bijective && rests->word_count <= WEIR__WORDS_MAX && m->settles && !m->words;
}

size_t weir__merge_blocks(weir__merge *m, size_t most)
{
    weir__block b;
    size_t left = most;
    const weir_trace_run *run = m->writer.run;
    m->words &= run->update_count == run->value_count; /* else a sum has left the range */
    m->flat &= run->update_count == run->value_count;
    while (left > 0) {
        uint32_t wanted = m->block < left ? m->block : (uint32_t)left, taken = 0;
        weir__writer_feed(&m->writer);
        choose(m, &b, wanted);
        if (b.count > 0)
            taken = m->words  ? put_words(m, &b, &left)
                    : m->flat ? weir__merge_flat(m, &b, &left)
                              : put_records(m, &b, &left);
        m->block = 2 * taken > BLOCK_MIN ? 2 * taken : BLOCK_MIN;
        m->block = m->block < WEIR__BLOCK_MAX ? m->block : WEIR__BLOCK_MAX;
        if (taken == 0 || taken < b.count)
            break;
    }
    return most - left;
}
