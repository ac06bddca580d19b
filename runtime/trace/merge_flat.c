/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the writing of keys that are their hashes, with values of a few integers (words.h), where
 * all updates come to be at one time: values are copied as they lie, and of a key that several runs
 * have they are put in order by their words.
 */
#include "trace/merge_block.h"
#include "trace/sort_words.h"
#include "trace/words.h"

enum {
    GROUP_BITS = 8,
    GROUP_MAX = 1 << GROUP_BITS, /* values of a key that several runs have */
    INSERTION_MAX = 24,
    ASKED = 16 /* keys of a lane ahead: its columns are more than a processor follows by itself */
};

/* What is read of a lane. */
typedef struct leaf {
    const uint32_t *value_at;
    const char *rests;
    const int64_t *diffs;
    int64_t diff;
} leaf;

/* A value of a key that several lanes have. */
typedef struct member {
    weir__words words;
    int64_t diff;
    const char *rest;
} member;

typedef struct group {
    uint32_t count;
    member members[GROUP_MAX], spare[GROUP_MAX / 2];
} group;

/* The same where a word has room for the number of its value: a tenth less of all time in tpch's
 * q17, by sorting without branches. */
typedef struct numbered {
    uint32_t count;
    uint64_t words[GROUP_MAX], spare[GROUP_MAX];
    int64_t diffs[GROUP_MAX];
    const char *rests[GROUP_MAX];
} numbered;

/* What is written, with its counts at hand. */
typedef struct pen {
    weir__writer *writer;
    const weir__pack *pack;
    char *rests;
    int64_t *diffs, diff;
    size_t size; /* of a value */
    uint32_t keys, values;
    bool diffs_vary;
    bool has_room; /* in a value's word, for its number */
} pen;

static void open_pen(pen *p, weir__merge *m)
{
    weir_trace_run *run = m->writer.run;
    const weir__pack *pack = &run->shape->rests;
    bool has_room = pack->word_count == 1 && pack->ranks[pack->rank_count - 1].shift >= GROUP_BITS;
    *p = (pen){ .writer = &m->writer,
                .pack = pack,
                .rests = run->rests,
                .diffs = run->diffs,
                .diff = run->diff,
                .size = pack->type.size,
                .keys = run->key_count,
                .values = run->value_count,
                .diffs_vary = m->writer.diffs_vary,
                .has_room = has_room };
}

static void note_counts(const pen *p)
{
    weir_trace_run *run = p->writer->run;
    run->key_count = p->keys;
    run->value_count = run->update_count = p->values;
}

static __attribute__((noinline)) void begin_diffs(pen *p)
{
    note_counts(p);
    weir__writer_begin_diffs(p->writer);
    p->diffs_vary = true;
}

static __attribute__((noinline)) void begin_values(pen *p)
{
    note_counts(p);
    weir__writer_begin_values(p->writer);
}

static inline void put_key(pen *p, uint64_t hash)
{
    weir_trace_run *run = p->writer->run;
    weir__writer_put_stretch(p->writer, hash, p->keys);
    if (WEIR_UNLIKELY(!p->writer->values_vary && p->values != p->keys))
        begin_values(p);
    if (p->writer->values_vary)
        run->value_at[p->keys] = p->values;
    run->hashes[p->keys++] = hash;
}

static inline void put_value(pen *p, const char *rest, int64_t diff)
{
    if (WEIR_UNLIKELY(!p->diffs_vary && diff != p->diff))
        begin_diffs(p);
    if (p->diffs_vary)
        p->diffs[p->values] = diff;
    weir__copy_small(p->rests + p->values * p->size, rest, p->size);
    p->values++;
}

static inline weir__range values_of(const leaf *l, uint32_t key)
{
    return (weir__range){ l->value_at ? l->value_at[key] : key,
                          l->value_at ? l->value_at[key + 1] : key + 1 };
}

static inline int64_t diff_of(const leaf *l, uint32_t value)
{
    return l->diffs ? l->diffs[value] : l->diff;
}

/* Always inline, or gcc takes it for a function without effect. */
static inline __attribute__((always_inline)) void ask(const leaf *l, uint32_t key, uint32_t value,
                                                      size_t size)
{
    if (l->value_at)
        __builtin_prefetch(l->value_at + key + ASKED);
    __builtin_prefetch(l->rests + (value + ASKED) * size);
    if (l->diffs)
        __builtin_prefetch(l->diffs + value + ASKED);
}

/* ---- a key of several lanes ---- */

static void insertion_sort(member *all, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        member moving = all[i];
        uint32_t at = i;
        for (; at > 0 && weir__words_less(moving.words, all[at - 1].words); at--)
            all[at] = all[at - 1];
        all[at] = moving;
    }
}

/* By merging; spare has room for half of them. */
static void sort(member *all, member *spare, uint32_t count)
{
    if (count <= INSERTION_MAX) {
        insertion_sort(all, count);
        return;
    }
    uint32_t half = count / 2, left = 0, right = half, out = 0;
    sort(all, spare, half);
    sort(all + half, spare, count - half);
    memcpy(spare, all, half * sizeof *all);
    while (left < half && right < count) {
        bool is_right = weir__words_less(all[right].words, spare[left].words);
        all[out++] = is_right ? all[right] : spare[left];
        right += is_right;
        left += !is_right;
    }
    memcpy(all + out, spare + left, (half - left) * sizeof *all);
}

/* Takes the values of the key that the block has from its i-th on. Returns of how many lanes; 0:
 * there are too many of them. */
static uint32_t gather(const pen *p, const leaf *leaves, const weir__block *b, uint32_t i, group *g)
{
    uint32_t taken = 0;
    g->count = 0;
    for (; i + taken < b->count && b->hash[i + taken] == b->hash[i]; taken++) {
        const leaf *l = &leaves[b->lane[i + taken]];
        weir__range values = values_of(l, b->key[i + taken]);
        if (values.end - values.at > GROUP_MAX - g->count)
            return 0;
        ask(l, b->key[i + taken], values.end, p->size);
        for (uint32_t value = values.at; value < values.end; value++) {
            const char *rest = l->rests + value * p->size;
            g->members[g->count++] =
                (member){ weir__words_of_packed(p->pack, rest), diff_of(l, value), rest };
        }
    }
    return taken;
}

/* Adds up those that are one, which may come to 0. False: a sum leaves the range. */
static bool add_up(group *g)
{
    member *out = g->members;
    for (uint32_t i = 1; i < g->count; i++) {
        const member *next = &g->members[i];
        if (!weir__words_equal(next->words, out->words))
            *++out = *next;
        else if (__builtin_add_overflow(out->diff, next->diff, &out->diff))
            return false;
    }
    g->count = (uint32_t)(out - g->members) + 1;
    return true;
}

/* Returns how many of the block it took; 0: it is left to merge.c. */
static uint32_t put_group(pen *p, const leaf *leaves, const weir__block *b, uint32_t i,
                          size_t *left)
{
    group g;
    uint32_t taken = gather(p, leaves, b, i, &g), updates = g.count;
    if (taken == 0 || updates > *left)
        return 0;
    sort(g.members, g.spare, g.count);
    if (!add_up(&g))
        return 0;
    *left -= updates;
    bool any = false;
    for (uint32_t k = 0; k < g.count; k++) {
        const member *one = &g.members[k];
        if (one->diff == 0)
            continue;
        if (!any)
            put_key(p, b->hash[i]);
        any = true;
        put_value(p, one->rest, one->diff);
    }
    return taken;
}

/* ---- the same by numbers ---- */

static uint32_t gather_numbered(const pen *p, const leaf *leaves, const weir__block *b, uint32_t i,
                                numbered *g)
{
    uint32_t taken = 0, n = 0;
    for (; i + taken < b->count && b->hash[i + taken] == b->hash[i]; taken++) {
        const leaf *l = &leaves[b->lane[i + taken]];
        weir__range values = values_of(l, b->key[i + taken]);
        if (values.end - values.at > GROUP_MAX - n)
            return 0;
        ask(l, b->key[i + taken], values.end, p->size);
        for (uint32_t value = values.at; value < values.end; value++, n++) {
            g->rests[n] = l->rests + value * p->size;
            g->words[n] = weir__words_of_packed(p->pack, g->rests[n]).at[0] | n;
            g->diffs[n] = diff_of(l, value);
        }
    }
    g->count = n;
    return taken;
}

static bool add_up_numbered(numbered *g)
{
    uint32_t out = 0;
    for (uint32_t i = 1; i < g->count; i++) {
        int64_t *sum = &g->diffs[g->words[out] % GROUP_MAX];
        if (g->words[i] >> GROUP_BITS != g->words[out] >> GROUP_BITS)
            g->words[++out] = g->words[i];
        else if (__builtin_add_overflow(*sum, g->diffs[g->words[i] % GROUP_MAX], sum))
            return false;
    }
    g->count = out + 1;
    return true;
}

static uint32_t put_numbered(pen *p, const leaf *leaves, const weir__block *b, uint32_t i,
                             size_t *left)
{
    numbered g;
    uint32_t taken = gather_numbered(p, leaves, b, i, &g), updates = g.count;
    if (taken == 0 || updates > *left)
        return 0;
    weir__sort_words(g.words, g.spare, g.count);
    if (!add_up_numbered(&g))
        return 0;
    *left -= updates;
    bool any = false;
    for (uint32_t k = 0; k < g.count; k++) {
        uint64_t number = g.words[k] % GROUP_MAX;
        if (g.diffs[number] == 0)
            continue;
        if (!any)
            put_key(p, b->hash[i]);
        any = true;
        put_value(p, g.rests[number], g.diffs[number]);
    }
    return taken;
}

/* ---- all of it ---- */

/* The time of all, and a diff that most have, before the first update. */
static void begin_run(weir__merge *m, const leaf *first, uint32_t key)
{
    weir_trace_run *run = m->writer.run;
    run->diff = diff_of(first, values_of(first, key).at);
    for (uint32_t i = 0; i < run->shape->depth; i++)
        run->meet.at[i] = run->join.at[i] = m->settled.at[i];
}

uint32_t weir__merge_flat(weir__merge *m, const weir__block *b, size_t *left)
{
    leaf leaves[WEIR__MERGE_MAX];
    pen p;
    uint32_t i = 0;
    for (uint32_t k = 0; k < m->count; k++) {
        const weir_trace_run *run = m->lanes[k].run;
        leaves[k] = (leaf){ run->value_at, run->rests, run->diffs, run->diff };
    }
    if (m->writer.run->update_count == 0)
        begin_run(m, &leaves[b->lane[0]], b->key[0]);
    open_pen(&p, m);
    while (i < b->count) {
        if (i + 1 < b->count && b->hash[i + 1] == b->hash[i]) {
            uint32_t taken = p.has_room ? put_numbered(&p, leaves, b, i, left)
                                        : put_group(&p, leaves, b, i, left);
            if (taken == 0)
                break;
            for (; taken > 0; taken--, i++)
                m->lanes[b->lane[i]].keys.at = b->key[i] + 1;
            continue;
        }
        const leaf *l = &leaves[b->lane[i]];
        weir__range values = values_of(l, b->key[i]);
        if (values.end - values.at > *left)
            break;
        *left -= values.end - values.at;
        ask(l, b->key[i], values.end, p.size);
        put_key(&p, b->hash[i]);
        for (uint32_t value = values.at; value < values.end; value++)
            put_value(&p, l->rests + value * p.size, diff_of(l, value));
        m->lanes[b->lane[i]].keys.at = b->key[i] + 1;
        i++;
    }
    note_counts(&p);
    return i;
}
