/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the sorting of a builder's updates: by the leading bits of their hashes first, then what is
 * equal there by comparison.
 */
#include "trace/build.h"

enum { INSERTION_MAX = 8, FEW = 64, RADIX_MIN = 128, RADIX_BITS = 8, DIGITS = 1 << RADIX_BITS };

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

static void one_pass(const weir__sorted *from, weir__sorted *to, size_t n, uint64_t low,
                     unsigned shift)
{
    uint32_t starts[DIGITS] = { 0 }, sum = 0;
    for (size_t i = 0; i < n; i++)
        starts[(from[i].hash - low) >> shift & (DIGITS - 1)]++;
    for (size_t d = 0; d < DIGITS; d++) {
        uint32_t count = starts[d];
        starts[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[starts[(from[i].hash - low) >> shift & (DIGITS - 1)]++] = from[i];
}

/* By as many of the leading bits in which the hashes differ as leave about one update to each
 * value of them. NULL: no memory. */
static weir__sorted *radix_sort(weir_trace_builder *b, weir__sorted *e, weir__sorted *spare,
                                size_t n)
{
    uint64_t low = e[0].hash, high = low;
    for (size_t i = 1; i < n; i++) {
        low = e[i].hash < low ? e[i].hash : low;
        high = e[i].hash > high ? e[i].hash : high;
    }
    unsigned passes = 1, shift = 0;
    while (n >> (RADIX_BITS * passes))
        passes++;
    while ((high - low) >> shift >> (RADIX_BITS * passes))
        shift++;
    for (unsigned pass = 0; pass < passes; pass++) {
        one_pass(e, spare, n, low, shift + RADIX_BITS * pass);
        weir__sorted *swap = e;
        e = spare;
        spare = swap;
    }
    for (size_t first = 0, end; first < n; first = end) {
        uint64_t digits = (e[first].hash - low) >> shift;
        for (end = first + 1; end < n && (e[end].hash - low) >> shift == digits; end++)
            ;
        if (end - first > 1 && !sort(b, e + first, end - first))
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
