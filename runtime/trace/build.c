/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns builders: updates are noted as they come, then sorted by hash, key, value and time, added
 * up, and written as a run.
 */
#include "trace/heap.h"
#include "trace/run.h"

/* One update while it is sorted. */
typedef struct entry {
    uint64_t hash;
    uint32_t index;
} entry;

struct weir_trace_builder {
    weir_shape *shape;
    weir_account *account;
    size_t charged;
    uint32_t count;
    weir__column records, hashes, times, diffs, entries, spare;
    weir__heap heap;
};

weir_trace_builder *weir_trace_builder_create(weir_shape *shape, weir_account *account)
{
    weir_trace_builder *b = weir_alloc_zero(sizeof *b);
    if (!b)
        return NULL;
    b->shape = weir_shape_retain(shape);
    b->account = account;
    return b;
}

static void charge(weir_trace_builder *b)
{
    size_t bytes = b->records.capacity + b->hashes.capacity + b->times.capacity +
                   b->diffs.capacity + b->entries.capacity + b->spare.capacity + b->heap.bytes;
    if (b->account && bytes != b->charged)
        weir_account_add(b->account, (int64_t)bytes - (int64_t)b->charged);
    b->charged = bytes;
}

void weir_trace_builder_destroy(weir_trace_builder *b)
{
    if (!b)
        return;
    weir__column *const columns[] = { &b->records, &b->hashes,  &b->times,
                                      &b->diffs,   &b->entries, &b->spare };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        weir__column_free(columns[i]);
    weir__heap_clear(&b->heap);
    charge(b);
    weir_shape_release(b->shape);
    weir_free(b, sizeof *b);
}

size_t weir_trace_builder_count(const weir_trace_builder *b)
{
    return b->count;
}

static void cut(weir_trace_builder *b, uint32_t count)
{
    b->count = count;
    b->records.used = (size_t)count * b->shape->type->size;
    b->hashes.used = b->times.used = b->diffs.used = (size_t)count * 8;
}

static bool copy_strings(weir_trace_builder *b, char *record)
{
    size_t size = weir_record_heap_size(b->shape->type, record);
    if (size == 0)
        return true;
    char *room = weir__heap_alloc(&b->heap, size);
    if (room)
        weir_record_move_strings(b->shape->type, record, room);
    return room;
}

weir_status weir_trace_builder_add(weir_trace_builder *b, const weir_updates *u)
{
    const weir_type *type = b->shape->type;
    uint32_t before = b->count;
    if (u->count == 0)
        return WEIR_OK;
    if (u->count > UINT32_MAX / 2 - b->count)
        return WEIR_NO_MEMORY;
    char *records = weir__column_add(&b->records, u->count * type->size);
    uint64_t *hashes = weir__column_add(&b->hashes, u->count * 8);
    uint64_t *times = weir__column_add(&b->times, u->count * 8);
    int64_t *diffs = weir__column_add(&b->diffs, u->count * 8);
    bool ok = records && hashes && times && diffs;
    if (ok) {
        memcpy(records, u->records, u->count * type->size);
        if (u->hashes)
            memcpy(hashes, u->hashes, u->count * 8);
        else
            weir_key_hash_column(type, &b->shape->key, u->records, u->count, b->shape->seed,
                                 hashes);
    }
    for (size_t i = 0; ok && i < u->count; i++) {
        times[i] = u->times ? u->times[i] : u->time;
        diffs[i] = u->diffs ? u->diffs[i] : 1;
        ok = !type->has_strings || copy_strings(b, records + i * type->size);
    }
    cut(b, ok ? before + (uint32_t)u->count : before);
    charge(b);
    return ok ? WEIR_OK : WEIR_NO_MEMORY;
}

/* ---- sorting ---- */

static const char *record_at(const weir_trace_builder *b, uint32_t index)
{
    return b->records.data + (size_t)index * b->shape->type->size;
}
static uint64_t time_at(const weir_trace_builder *b, uint32_t index)
{
    return ((const uint64_t *)(const void *)b->times.data)[index];
}

static int compare_keys(const weir_trace_builder *b, const entry *x, const entry *y)
{
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (b->shape->bijective)
        return 0;
    return weir_key_compare(b->shape->type, &b->shape->key, record_at(b, x->index),
                            record_at(b, y->index));
}

/* Of updates of one key: all fields are as good as the remaining ones. */
static int compare_values(const weir_trace_builder *b, const entry *x, const entry *y)
{
    if (b->shape->rests.type.size == 0)
        return 0;
    return weir_record_compare(b->shape->type, record_at(b, x->index), record_at(b, y->index));
}

static int compare(const weir_trace_builder *b, const entry *x, const entry *y)
{
    int order = compare_keys(b, x, y);
    if (order == 0)
        order = compare_values(b, x, y);
    if (order != 0)
        return order;
    uint64_t tx = time_at(b, x->index), ty = time_at(b, y->index);
    return (tx > ty) - (tx < ty);
}

static void insertion_sort(const weir_trace_builder *b, entry *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        entry moving = e[i];
        size_t at = i;
        for (; at > 0 && compare(b, &e[at - 1], &moving) > 0; at--)
            e[at] = e[at - 1];
        e[at] = moving;
    }
}

/* Merge sort; spare has room for n. */
static void sort(const weir_trace_builder *b, entry *e, entry *spare, size_t n)
{
    if (n <= 8) {
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

enum { RADIX_MIN = 256, RADIX_BITS = 8, RADIX_PASSES = 3 };

/* By the leading 24 bits in which the hashes differ; what is equal there is compared after. */
static void radix_sort(const weir_trace_builder *b, entry *e, entry *spare, size_t n)
{
    uint64_t low = e[0].hash, high = low;
    for (size_t i = 1; i < n; i++) {
        low = e[i].hash < low ? e[i].hash : low;
        high = e[i].hash > high ? e[i].hash : high;
    }
    unsigned shift = 0;
    while ((high - low) >> shift >> (RADIX_BITS * RADIX_PASSES))
        shift++;
    entry *from = e, *to = spare;
    for (unsigned pass = 0; pass < RADIX_PASSES; pass++) {
        size_t starts[1 << RADIX_BITS] = { 0 }, sum = 0;
        unsigned at = shift + RADIX_BITS * pass;
        for (size_t i = 0; i < n; i++)
            starts[(from[i].hash - low) >> at & 0xff]++;
        for (size_t d = 0; d < 1 << RADIX_BITS; d++) {
            size_t count = starts[d];
            starts[d] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[starts[(from[i].hash - low) >> at & 0xff]++] = from[i];
        entry *swap = from;
        from = to;
        to = swap;
    }
    memcpy(e, spare, n * sizeof *e); /* an odd number of passes ends in spare */
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n; end++)
            if ((e[end].hash - low) >> shift != (e[first].hash - low) >> shift)
                break;
        sort(b, e + first, spare, end - first);
    }
}

static entry *sorted(weir_trace_builder *b)
{
    b->entries.used = b->spare.used = 0;
    entry *e = weir__column_add(&b->entries, b->count * sizeof *e);
    entry *spare = weir__column_add(&b->spare, b->count * sizeof *e);
    if (!e || !spare)
        return NULL;
    const uint64_t *hashes = (const uint64_t *)(const void *)b->hashes.data;
    for (uint32_t i = 0; i < b->count; i++)
        e[i] = (entry){ hashes[i], i };
    if (b->count < RADIX_MIN)
        sort(b, e, spare, b->count);
    else
        radix_sort(b, e, spare, b->count);
    return e;
}

/* ---- writing ---- */

/* A packed form of each of the current key and value. */
typedef struct room {
    _Alignas(16) char key[WEIR_RECORD_SIZE_MAX];
    _Alignas(16) char rest[WEIR_RECORD_SIZE_MAX];
} room;

static void announce(const weir_trace_builder *b, weir__writer *w, room *r, const entry *e,
                     const entry *last)
{
    const weir_shape *shape = b->shape;
    const char *record = record_at(b, e->index);
    bool new_key = !last || compare_keys(b, last, e) != 0;
    if (new_key && !shape->bijective) {
        memset(r->key, 0, shape->keys.type.size);
        weir__pack_from_record(&shape->keys, r->key, record);
    }
    if (new_key)
        weir__writer_key(w, e->hash, (weir__packed){ r->key, NULL });
    if (new_key || compare_values(b, last, e) != 0) {
        memset(r->rest, 0, shape->rests.type.size);
        weir__pack_from_record(&shape->rests, r->rest, record);
        weir__writer_value(w, (weir__packed){ r->rest, NULL });
    }
}

static weir_status write_all(const weir_trace_builder *b, const entry *e, weir__writer *w)
{
    const int64_t *diffs = (const int64_t *)(const void *)b->diffs.data;
    const entry *last = NULL;
    room r;
    for (uint32_t i = 0; i < b->count;) {
        int64_t sum = 0;
        uint32_t first = i;
        announce(b, w, &r, &e[first], last);
        do {
            if (__builtin_add_overflow(sum, diffs[e[i].index], &sum))
                return WEIR_OVERFLOWED;
        } while (++i < b->count && compare(b, &e[first], &e[i]) == 0);
        if (sum != 0)
            weir__writer_update(w, time_at(b, e[first].index), sum);
        last = &e[first];
    }
    return WEIR_OK;
}

weir_status weir_trace_builder_build(weir_trace_builder *b, weir_trace_run **run)
{
    weir__writer w;
    *run = NULL;
    if (b->count == 0)
        return WEIR_OK;
    const entry *e = sorted(b);
    if (!e || !weir__writer_init(&w, b->shape))
        return WEIR_NO_MEMORY;
    weir_status status = write_all(b, e, &w);
    if (status != WEIR_OK)
        weir__writer_fini(&w);
    else if (!weir__writer_finish(&w, run))
        status = WEIR_NO_MEMORY;
    if (status == WEIR_OK) {
        cut(b, 0);
        weir__heap_clear(&b->heap);
    }
    charge(b);
    return status;
}
