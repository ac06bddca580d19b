/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the sorting of a builder's updates: by the leading bits of their hashes first, then what is
 * equal there by comparison; and what the updates of one record come to.
 */
#include "trace/build.h"

#include "base/wide.h"
#include "trace/digits.h"

enum {
    INSERTION_MAX = 16,
    RADIX_MIN = 64,
    PART_BITS = 12,
    PART_DIGITS = 1 << PART_BITS,
    AHEAD = 16, /* what is added up is asked for before */
};

/* ---- order ---- */

/* Of updates with one hash and one word. */
static int compare_records(const weir_trace_builder *b, const weir__sorted *x,
                           const weir__sorted *y)
{
    return weir__pack_compare_records(&b->shape->rests, weir__builder_record(b, x->index),
                                      weir__builder_record(b, y->index));
}

/* Of updates with one hash. */
static int compare_keys(const weir_trace_builder *b, const weir__sorted *x, const weir__sorted *y)
{
    if (b->shape->bijective)
        return 0;
    return weir_key_compare(b->shape->type, &b->shape->key, weir__builder_record(b, x->index),
                            weir__builder_record(b, y->index));
}

static inline int compare(const weir_trace_builder *b, const weir__sorted *x, const weir__sorted *y)
{
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    int order = compare_keys(b, x, y);
    if (order == 0 && x->word != y->word)
        return x->word < y->word ? -1 : 1;
    if (order == 0)
        order = compare_records(b, x, y);
    return order ? order : weir__builder_compare_times(b, x, y);
}

static void insertion_sort(const weir_trace_builder *b, weir__sorted *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        weir__sorted moving = e[i];
        size_t at = i;
        for (; at > 0 && compare(b, &e[at - 1], &moving) > 0; at--)
            e[at] = e[at - 1];
        e[at] = moving;
    }
}

/* By comparison: few by insertion, many by merging. spare has room for n. */
static void sort(const weir_trace_builder *b, weir__sorted *e, weir__sorted *spare, size_t n)
{
    if (n <= INSERTION_MAX) {
        insertion_sort(b, e, n);
        return;
    }
    size_t half = n / 2;
    sort(b, e, spare, half);
    sort(b, e + half, spare, n - half);
    if (compare(b, &e[half - 1], &e[half]) <= 0)
        return;
    memcpy(spare, e, half * sizeof *e);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < n)
        e[out++] = compare(b, &spare[left], &e[right]) <= 0 ? spare[left++] : e[right++];
    memcpy(e + out, spare + left, (half - left) * sizeof *e);
}

/* ---- by digits ---- */

static inline size_t digit_of(const weir__sorted *e, uint64_t low, unsigned shift)
{
    return (size_t)((e->hash - low) >> shift);
}

/* By what is left of the hashes above `shift`: ends[d] becomes the end of those of digit d. */
static void scatter(const weir__sorted *from, weir__sorted *to, size_t n, const weir__digits *d,
                    uint32_t *ends)
{
    uint32_t sum = 0;
    memset(ends, 0, d->count * sizeof *ends);
    for (size_t i = 0; i < n; i++)
        ends[digit_of(&from[i], d->low, d->shift)]++;
    for (size_t k = 0; k < d->count; k++) {
        uint32_t count = ends[k];
        ends[k] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[ends[digit_of(&from[i], d->low, d->shift)]++] = from[i];
}

/* From one place to another, by one digit, and what has the same by comparison. */
static void sort_part(const weir_trace_builder *b, weir__sorted *from, weir__sorted *to, size_t n,
                      const weir__digits *d)
{
    uint32_t ends[PART_DIGITS];
    if (n < RADIX_MIN) {
        memcpy(to, from, n * sizeof *to);
        sort(b, to, from, n);
        return;
    }
    scatter(from, to, n, d, ends);
    for (size_t k = 0, first = 0; k < d->count; first = ends[k++])
        if (ends[k] - first > 1)
            sort(b, to + first, from, ends[k] - first);
}

/* ---- adding up ---- */

static inline uint32_t news_of(const weir_trace_builder *b, const weir__sorted *last,
                               const weir__sorted *e)
{
    if (last->hash != e->hash || compare_keys(b, last, e) != 0)
        return WEIR__NEW_KEY | WEIR__NEW_VALUE;
    if (last->word != e->word || compare_records(b, last, e) != 0)
        return WEIR__NEW_VALUE;
    return 0;
}

/* What adding an update up will read, but for its entry. */
static inline void ask(const weir_trace_builder *b, const weir__sorted *e)
{
    __builtin_prefetch(weir__builder_record(b, e->index));
    if (b->diffs_vary)
        __builtin_prefetch((const int64_t *)(const void *)b->diffs.data + e->index);
}

/* Adds up n sorted updates of `entries`, from place `at` on: those of a key are all among them.
 * What is left follows what was left before. */
static weir_status add_up(weir_trace_builder *b, size_t at, size_t n, weir__room *room)
{
    weir__sorted *all = (weir__sorted *)(void *)b->entries.data, *e = all + at;
    int64_t *sums = weir__builder_sums(b);
    uint32_t news = WEIR__NEW_KEY | WEIR__NEW_VALUE; /* since the last one that is left */
    for (size_t i = 0; i < n;) {
        weir__sorted first = e[i];
        weir__wide sum = weir__builder_diff(b, first.index); /* in any order the same */
        uint32_t next = 0;
        ask(b, &e[i + AHEAD < n ? i + AHEAD : n - 1]);
        while (++i < n && (next = news_of(b, &first, &e[i])) == 0 &&
               weir__builder_compare_times(b, &first, &e[i]) == 0)
            sum += weir__builder_diff(b, e[i].index);
        if (sum == 0) {
            news |= next;
            continue;
        }
        first.news = news;
        sums[room->updates] = (int64_t)sum;
        if (sum != (int64_t)sum)
            return WEIR_OVERFLOWED;
        room->keys += news >> 1;
        room->values += news & WEIR__NEW_VALUE;
        room->diffs_vary |= sum != sums[0];
        room->times_vary |= b->times_vary && room->updates > 0 &&
                            weir__builder_compare_times(b, &all[0], &first) != 0;
        all[room->updates++] = first;
        news = next;
    }
    return WEIR_OK;
}

/* ---- all of it ---- */

/* The entries, between the least and the greatest hash. NULL: no memory. */
static weir__sorted *make_entries(weir_trace_builder *b, uint64_t *low, uint64_t *high)
{
    const weir__pack *rests = &b->shape->rests;
    const weir__rank *rank = rests->rank_count > 0 ? rests->ranks : NULL;
    const uint64_t *hashes = (const uint64_t *)(const void *)b->hashes.data;
    size_t bytes = b->count * sizeof(weir__sorted);
    b->entries.used = b->spare.used = 0;
    weir__sorted *e = weir__column_add(&b->entries, bytes);
    if (!e || !weir__column_add(&b->spare, bytes))
        return NULL;
    *low = *high = hashes[0];
    for (uint32_t i = 0; i < b->count; i++) {
        const char *record = weir__builder_record(b, i);
        e[i] = (weir__sorted){ .hash = hashes[i],
                               .word = rank ? weir__rank_word(rank, record + rank->record) : 0,
                               .index = i };
        *low = hashes[i] < *low ? hashes[i] : *low;
        *high = hashes[i] > *high ? hashes[i] : *high;
    }
    return e;
}

static void swap_entries(weir_trace_builder *b)
{
    weir__column entries = b->entries;
    b->entries = b->spare;
    b->spare = entries;
}

/* Many are put into parts by the leading bits first, so that each part lies in the cache until it
 * is added up: there, since what is left of it takes less than it did. */
static weir_status sort_parts(weir_trace_builder *b, uint64_t low, unsigned bits, weir__room *room)
{
    weir__sorted *e = (weir__sorted *)(void *)b->entries.data;
    weir__sorted *spare = (weir__sorted *)(void *)b->spare.data;
    uint32_t ends[WEIR__FIRST_DIGITS];
    weir_status status = WEIR_OK;
    weir__digits first = weir__first_digits(low, bits, b->count);
    scatter(e, spare, b->count, &first, ends);
    for (size_t k = 0, at = 0; k < first.count && !status; at = ends[k++]) {
        size_t n = ends[k] - at;
        uint64_t from = low + ((uint64_t)k << first.shift);
        weir__digits rest = weir__digits_for(from, first.shift, weir__bits_of(n), PART_BITS);
        sort_part(b, spare + at, e + at, n, &rest);
        status = add_up(b, at, n, room);
    }
    return status;
}

weir_status weir__builder_sort(weir_trace_builder *b, weir__room *room)
{
    weir_status status;
    uint64_t low, high;
    weir__sorted *e = make_entries(b, &low, &high);
    if (!e)
        return WEIR_NO_MEMORY;
    unsigned bits = weir__bits_of(high - low);
    if (b->count <= PART_DIGITS || bits <= PART_BITS) {
        weir__digits one = weir__digits_for(low, bits, weir__bits_of(b->count), PART_BITS);
        sort_part(b, e, (weir__sorted *)(void *)b->spare.data, b->count, &one);
        swap_entries(b);
        status = add_up(b, 0, b->count, room);
    } else {
        status = sort_parts(b, low, bits, room);
    }
    e = (weir__sorted *)(void *)b->entries.data;
    room->first_hash = e[0].hash;
    room->last_hash = room->updates > 0 ? e[room->updates - 1].hash : 0;
    room->values_vary = room->values != room->keys;
    room->updates_vary = room->updates != room->values;
    return status;
}
