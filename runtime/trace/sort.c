/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the sorting of a builder's updates: by the leading bits of their hashes first, then what is
 * equal there by comparison.
 */
#include "trace/build.h"

enum {
    INSERTION_MAX = 8,
    FEW = 64,
    RADIX_MIN = 64,
    FIRST_BITS = 8,
    FIRST_DIGITS = 1 << FIRST_BITS,
    PART_BITS = 12,
    PART_DIGITS = 1 << PART_BITS,
    USUAL_BITS = 10, /* of the number of updates in a part, if there are not too many parts */
    SPREAD_BITS = 2, /* digits for an update: the more, the fewer agree */
};

/* What hashes from `low` on are sorted by. */
typedef struct digits {
    uint64_t low;
    unsigned shift;
    size_t count;
} digits;

/* ---- order ---- */

int weir__builder_compare_keys(const weir_trace_builder *b, const weir__sorted *x,
                               const weir__sorted *y)
{
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (b->shape->bijective)
        return 0;
    return weir_key_compare(b->shape->type, &b->shape->key, weir__builder_record(b, x->index),
                            weir__builder_record(b, y->index));
}

int weir__builder_compare_values(const weir_trace_builder *b, const weir__sorted *x,
                                 const weir__sorted *y)
{
    return weir__pack_compare_records(&b->shape->rests, weir__builder_record(b, x->index),
                                      weir__builder_record(b, y->index));
}

int weir__builder_compare_times(const weir_trace_builder *b, const weir__sorted *x,
                                const weir__sorted *y)
{
    const uint64_t *a = weir__builder_coords(b, x->index), *c = weir__builder_coords(b, y->index);
    for (uint32_t i = 0; i < b->shape->depth; i++)
        if (a[i] != c[i])
            return a[i] < c[i] ? -1 : 1;
    return 0;
}

/* ---- by comparison ---- */

/* An update with the word that its value begins with, so that few comparisons read records. */
typedef struct ranked {
    uint64_t hash, word;
    uint32_t index;
} ranked;

static int compare(const weir_trace_builder *b, const ranked *x, const ranked *y)
{
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    weir__sorted u = { .hash = x->hash, .index = x->index };
    weir__sorted v = { .hash = y->hash, .index = y->index };
    int order = b->shape->bijective ? 0 : weir__builder_compare_keys(b, &u, &v);
    if (order == 0 && x->word != y->word)
        return x->word < y->word ? -1 : 1;
    if (order == 0)
        order = weir__builder_compare_values(b, &u, &v);
    return order ? order : weir__builder_compare_times(b, &u, &v);
}

static void insertion_sort(const weir_trace_builder *b, ranked *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        ranked moving = e[i];
        size_t at = i;
        for (; at > 0 && compare(b, &e[at - 1], &moving) > 0; at--)
            e[at] = e[at - 1];
        e[at] = moving;
    }
}

/* Merge sort; spare has room for n. */
static void merge_sort(const weir_trace_builder *b, ranked *e, ranked *spare, size_t n)
{
    if (n <= INSERTION_MAX) {
        insertion_sort(b, e, n);
        return;
    }
    size_t half = n / 2;
    merge_sort(b, e, spare, half);
    merge_sort(b, e + half, spare, n - half);
    if (compare(b, &e[half - 1], &e[half]) <= 0)
        return;
    memcpy(spare, e, half * sizeof *e);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < n)
        e[out++] = compare(b, &spare[left], &e[right]) <= 0 ? spare[left++] : e[right++];
    memcpy(e + out, spare + left, (half - left) * sizeof *e);
}

/* False: no memory. */
static bool sort(weir_trace_builder *b, weir__sorted *e, size_t n)
{
    const weir__pack *rests = &b->shape->rests;
    ranked few[2 * FEW], *all = few;
    if (n > FEW) {
        b->ranked.used = 0;
        all = weir__column_add(&b->ranked, 2 * n * sizeof *all);
        if (!all)
            return false;
    }
    for (size_t i = 0; i < n; i++) {
        const char *record = weir__builder_record(b, e[i].index);
        all[i] = (ranked){ .hash = e[i].hash, .index = e[i].index };
        if (rests->rank_count > 0)
            all[i].word = weir__rank_word(rests->ranks, record + rests->ranks->record);
    }
    merge_sort(b, all, all + n, n);
    for (size_t i = 0; i < n; i++)
        e[i] = (weir__sorted){ .hash = all[i].hash, .index = all[i].index };
    return true;
}

/* ---- by digits ---- */

static unsigned bits_of(uint64_t x)
{
    return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

static inline size_t digit_of(const weir__sorted *e, uint64_t low, unsigned shift)
{
    return (size_t)((e->hash - low) >> shift);
}

/* By what is left of the hashes above `shift`: ends[d] becomes the end of those of digit d. */
static void scatter(const weir__sorted *from, weir__sorted *to, size_t n, const digits *d,
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

/* For hashes from low on that differ in so many bits: as many of these as are wanted. */
static digits digits_for(uint64_t low, unsigned bits, unsigned wanted, unsigned most)
{
    unsigned taken = wanted < most ? wanted : most;
    taken = taken < bits ? taken : bits;
    return (digits){ .low = low, .shift = bits - taken, .count = (size_t)1 << taken };
}

static digits digits_of_part(uint64_t low, unsigned bits, size_t n)
{
    return digits_for(low, bits, bits_of(n) + SPREAD_BITS, PART_BITS);
}

/* From one place to another, by one digit, and what has the same by comparison. False: no
 * memory. */
static bool sort_part(weir_trace_builder *b, const weir__sorted *from, weir__sorted *to, size_t n,
                      const digits *d)
{
    uint32_t ends[PART_DIGITS];
    if (n < RADIX_MIN) {
        memcpy(to, from, n * sizeof *to);
        return sort(b, to, n);
    }
    scatter(from, to, n, d, ends);
    for (size_t first = 0, end; first < n; first = end) {
        size_t digit = digit_of(&to[first], d->low, d->shift);
        for (end = first + 1; end < n && digit_of(&to[end], d->low, d->shift) == digit; end++)
            ;
        if (end - first > 1 && !sort(b, to + first, end - first))
            return false;
    }
    return true;
}

/* Many are put into parts by the leading bits first, so that each part lies in the cache. Returns
 * where they are: e or spare. NULL: no memory. */
static weir__sorted *radix_sort(weir_trace_builder *b, weir__sorted *e, weir__sorted *spare,
                                size_t n)
{
    uint64_t low = e[0].hash, high = low;
    uint32_t ends[FIRST_DIGITS];
    for (size_t i = 1; i < n; i++) {
        low = e[i].hash < low ? e[i].hash : low;
        high = e[i].hash > high ? e[i].hash : high;
    }
    unsigned bits = bits_of(high - low);
    digits one = digits_of_part(low, bits, n);
    if (n <= PART_DIGITS || one.shift == 0)
        return sort_part(b, e, spare, n, &one) ? spare : NULL;
    digits first = digits_for(low, bits, bits_of(n) - USUAL_BITS, FIRST_BITS);
    scatter(e, spare, n, &first, ends);
    for (size_t k = 0, at = 0; k < first.count; at = ends[k++]) {
        uint64_t from = low + ((uint64_t)k << first.shift);
        digits rest = digits_of_part(from, first.shift, ends[k] - at);
        if (!sort_part(b, spare + at, e + at, ends[k] - at, &rest))
            return NULL;
    }
    return e;
}

weir__sorted *weir__builder_sort(weir_trace_builder *b)
{
    size_t bytes = b->count * sizeof(weir__sorted);
    b->entries.used = b->spare.used = 0;
    weir__sorted *e = weir__column_add(&b->entries, bytes);
    weir__sorted *spare = weir__column_add(&b->spare, bytes);
    if (!e || !spare)
        return NULL;
    const uint64_t *hashes = (const uint64_t *)(const void *)b->hashes.data;
    for (uint32_t i = 0; i < b->count; i++)
        e[i] = (weir__sorted){ .hash = hashes[i], .index = i };
    if (b->count < RADIX_MIN)
        return sort(b, e, b->count) ? e : NULL;
    weir__sorted *sorted = radix_sort(b, e, spare, b->count);
    if (sorted == spare) {
        weir__column swap = b->entries;
        b->entries = b->spare;
        b->spare = swap;
    }
    return sorted;
}
