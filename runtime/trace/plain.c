/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns plain updates of builders (build.h): noting, sorting and writing them, and making records of
 * them again when that is no longer all there is. Only what lies in a core's cache is sorted
 * elsewhere, so a large builder takes 24 bytes an update and no more.
 */
#include "trace/plain.h"

#include "base/wide.h"
#include "trace/digits.h"

enum {
    HASHED = 256, /* keys at once */
    PART_BITS = 12,
    PART_DIGITS = 1 << PART_BITS,
    AHEAD = 3, /* places of a digit that are asked for before they are moved to */
};

static weir__plain *plain_of(const weir_trace_builder *b)
{
    return (weir__plain *)(void *)b->entries.data;
}

/* ---- as they come ---- */

/* The ones that lie together and differ by their diffs alone become one, such as the lines of an
 * order. A sum that would leave the range is left to be made at the end. */
static void note(weir_trace_builder *b, const weir_updates *u, size_t from, const uint64_t *hashes,
                 size_t count)
{
    const weir_type *type = b->shape->type;
    const weir__pack *rests = &b->shape->rests;
    const weir__rank *rank = rests->rank_count > 0 ? rests->ranks : NULL;
    const char *field = (const char *)u->records + from * type->size + (rank ? rank->record : 0);
    weir__plain *last = b->count > 0 ? &plain_of(b)[b->count - 1] : NULL, *to = plain_of(b);
    to += b->count;
    for (size_t i = 0; i < count; i++, field += type->size) {
        weir__plain p = { .hash = hashes[i],
                          .word = rank ? weir__rank_word(rank, field) : 0,
                          .diff = u->diffs ? u->diffs[from + i] : 1 };
        int64_t sum;
        if (last && last->hash == p.hash && last->word == p.word &&
            !__builtin_add_overflow(last->diff, p.diff, &sum)) {
            last->diff = sum;
            continue;
        }
        b->low = p.hash < b->low ? p.hash : b->low;
        b->high = p.hash > b->high ? p.hash : b->high;
        *to = p;
        last = to++;
    }
    b->count = (uint32_t)(to - plain_of(b));
}

bool weir__plain_add(weir_trace_builder *b, const weir_updates *u)
{
    const weir_shape *shape = b->shape;
    uint64_t hashes[HASHED];
    if (!weir__column_add(&b->entries, u->count * sizeof(weir__plain)))
        return false;
    if (b->count == 0) {
        b->low = UINT64_MAX;
        b->high = 0;
    }
    if (u->hashes)
        note(b, u, 0, u->hashes, u->count);
    for (size_t from = 0; !u->hashes && from < u->count; from += HASHED) {
        size_t count = u->count - from < HASHED ? u->count - from : HASHED;
        const char *records = (const char *)u->records + from * shape->type->size;
        weir_key_hash_column(shape->type, &shape->key, records, count, shape->seed, hashes);
        note(b, u, from, hashes, count);
    }
    b->entries.used = b->count * sizeof(weir__plain);
    return true;
}

bool weir__plain_leave(weir_trace_builder *b)
{
    const weir_shape *shape = b->shape;
    const weir__plain *p = plain_of(b);
    const weir__rank *rank = shape->rests.rank_count > 0 ? shape->rests.ranks : NULL;
    size_t size = shape->type->size, count = b->count;
    b->records.used = b->hashes.used = b->diffs.used = 0;
    char *records = weir__column_add(&b->records, count * size);
    uint64_t *hashes = weir__column_add(&b->hashes, count * 8);
    int64_t *diffs = weir__column_add(&b->diffs, count * 8);
    if (count > 0 && (!records || !hashes || !diffs))
        return false;
    if (count > 0)
        memset(records, 0, count * size);
    for (size_t i = 0; i < count; i++) {
        char *record = records + i * size;
        weir_key_unhash(shape->type, &shape->key, p[i].hash, shape->seed, record);
        if (rank)
            weir__rank_field(rank, p[i].word, record + rank->record);
        hashes[i] = p[i].hash;
        diffs[i] = p[i].diff;
    }
    b->plain = false;
    b->diffs_vary = count > 0;
    return true;
}

/* ---- sorting ---- */

static inline bool is_before(const weir__plain *a, const weir__plain *b)
{
    return a->hash != b->hash ? a->hash < b->hash : a->word < b->word;
}

static inline size_t digit_of(const weir__plain *p, const weir__digits *d)
{
    return (size_t)((p->hash - d->low) >> d->shift);
}

/* How many have each digit; starts[d] is where those of d begin. */
static void count_digits(const weir__plain *p, size_t n, const weir__digits *d, uint32_t *starts)
{
    uint32_t sum = 0;
    memset(starts, 0, d->count * sizeof *starts);
    for (size_t i = 0; i < n; i++)
        starts[digit_of(&p[i], d)]++;
    for (size_t k = 0; k < d->count; k++) {
        uint32_t count = starts[k];
        starts[k] = sum;
        sum += count;
    }
}

static void insertion_sort(weir__plain *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        weir__plain moving = p[i];
        size_t at = i;
        for (; at > 0 && is_before(&moving, &p[at - 1]); at--)
            p[at] = p[at - 1];
        p[at] = moving;
    }
}

/* By comparison: few by insertion, many by merging. spare has room for n. */
static void sort_by_merging(weir__plain *p, weir__plain *spare, size_t n)
{
    enum { INSERTION_MAX = 16 };
    if (n <= INSERTION_MAX) {
        insertion_sort(p, n);
        return;
    }
    size_t half = n / 2;
    sort_by_merging(p, spare, half);
    sort_by_merging(p + half, spare, n - half);
    if (!is_before(&p[half], &p[half - 1]))
        return;
    memcpy(spare, p, half * sizeof *p);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < n)
        p[out++] = is_before(&p[right], &spare[left]) ? p[right++] : spare[left++];
    memcpy(p + out, spare + left, (half - left) * sizeof *p);
}

/* What lies in the cache: to another place by one digit, and what has the same by comparison.
 * Returns where it is then. */
static weir__plain *sort_part(weir__plain *p, weir__plain *spare, size_t n, const weir__digits *d)
{
    enum { RADIX_MIN = 64 };
    uint32_t ends[PART_DIGITS];
    if (n < RADIX_MIN) {
        sort_by_merging(p, spare, n);
        return p;
    }
    count_digits(p, n, d, ends);
    for (size_t i = 0; i < n; i++)
        spare[ends[digit_of(&p[i], d)]++] = p[i];
    for (size_t k = 0, first = 0; k < d->count; first = ends[k++])
        if (ends[k] - first > 1)
            sort_by_merging(spare + first, p, ends[k] - first);
    return spare;
}

/* Those of one digit together, where they lie: each goes to the place of the next one of its digit,
 * and the one that was there after it. */
static void put_into_parts(weir__plain *p, const weir__digits *d, uint32_t *next,
                           const uint32_t *ends)
{
    for (size_t k = 0; k < d->count; k++)
        while (next[k] < ends[k]) {
            weir__plain moving = p[next[k]];
            for (size_t to; (to = digit_of(&moving, d)) != k;) {
                weir__plain *place = &p[next[to]++], there = *place;
                *place = moving;
                __builtin_prefetch(place + AHEAD, 1);
                moving = there;
            }
            p[next[k]++] = moving;
        }
}

/* Adds n sorted ones up to `to` on, which may be where they lie. Returns how many are left; -1: a
 * sum left the range. */
static int64_t add_up(const weir__plain *p, size_t n, weir__plain *to, weir__room *room)
{
    weir__plain *out = to;
    uint64_t last = 0;
    for (size_t i = 0; i < n;) {
        weir__plain one = p[i];
        weir__wide sum = one.diff; /* in any order the same */
        while (++i < n && p[i].hash == one.hash && p[i].word == one.word)
            sum += p[i].diff;
        if (sum == 0)
            continue;
        one.diff = (int64_t)sum;
        if (sum != one.diff)
            return -1;
        room->keys += out == to || last != one.hash;
        last = one.hash;
        *out++ = one;
    }
    return out - to;
}

/* The parts, each of which is left where the ones before it end. */
static weir_status sort_parts(weir_trace_builder *b, const weir__digits *first, weir__room *room)
{
    weir__plain *p = plain_of(b);
    uint32_t next[WEIR__FIRST_DIGITS], ends[WEIR__FIRST_DIGITS];
    size_t left = 0, most = 0;
    count_digits(p, b->count, first, next);
    for (size_t k = 0; k < first->count; k++) {
        ends[k] = k + 1 < first->count ? next[k + 1] : b->count;
        most = ends[k] - next[k] > most ? ends[k] - next[k] : most;
    }
    b->spare.used = 0;
    weir__plain *spare = weir__column_add(&b->spare, most * sizeof *spare);
    if (!spare)
        return WEIR_NO_MEMORY;
    put_into_parts(p, first, next, ends);
    for (size_t k = 0, at = 0; k < first->count; at = ends[k++]) {
        size_t n = ends[k] - at;
        uint64_t low = first->low + ((uint64_t)k << first->shift);
        weir__digits rest = weir__digits_for(low, first->shift, weir__bits_of(n), PART_BITS);
        int64_t sums = add_up(sort_part(p + at, spare, n, &rest), n, p + left, room);
        if (sums < 0)
            return WEIR_OVERFLOWED;
        left += (size_t)sums;
    }
    b->count = (uint32_t)left;
    return WEIR_OK;
}

static weir_status sort(weir_trace_builder *b, weir__room *room)
{
    unsigned bits = weir__bits_of(b->high - b->low);
    if (b->count > PART_DIGITS && bits > PART_BITS) {
        weir__digits first = weir__first_digits(b->low, bits, b->count);
        return sort_parts(b, &first, room);
    }
    b->spare.used = 0;
    weir__plain *p = plain_of(b), *spare = weir__column_add(&b->spare, b->count * sizeof *p);
    if (!spare)
        return WEIR_NO_MEMORY;
    weir__digits one = weir__digits_for(b->low, bits, weir__bits_of(b->count), PART_BITS);
    int64_t left = add_up(sort_part(p, spare, b->count, &one), b->count, p, room);
    if (left < 0)
        return WEIR_OVERFLOWED;
    b->count = (uint32_t)left;
    return WEIR_OK;
}

weir_status weir__plain_sort(weir_trace_builder *b, weir__room *room)
{
    weir_status status = sort(b, room);
    const weir__plain *p = plain_of(b);
    b->entries.used = b->count * sizeof *p;
    if (status != WEIR_OK || b->count == 0)
        return status;
    for (uint32_t i = 1; i < b->count && !room->diffs_vary; i++)
        room->diffs_vary = p[i].diff != p[0].diff;
    room->updates = room->values = b->count;
    room->values_vary = room->values != room->keys;
    room->first_hash = p[0].hash;
    room->last_hash = p[b->count - 1].hash;
    return WEIR_OK;
}

/* ---- writing ---- */

void weir__plain_write(const weir_trace_builder *b, weir_trace_run *run)
{
    const weir__plain *p = plain_of(b);
    const weir__pack *rests = &b->shape->rests;
    size_t size = rests->type.size;
    char *rest = run->rests;
    for (uint32_t i = 0; i < b->count; i++) {
        if (i == 0 || p[i].hash != p[i - 1].hash) {
            if (run->value_at)
                run->value_at[run->key_count] = i;
            run->hashes[run->key_count++] = p[i].hash;
        }
        if (rest)
            weir__rank_field(rests->ranks, p[i].word, rest + i * size);
        if (run->diffs)
            run->diffs[i] = p[i].diff;
    }
    if (run->value_at)
        run->value_at[run->key_count] = b->count;
    run->value_count = run->update_count = b->count;
    run->diff = p[0].diff;
    run->meet = run->join = b->time;
}
