/* SPDX-License-Identifier: Apache-2.0
 *
 * See front.h. Entries lie in an array with room on both sides: most that goes goes at its
 * beginning.
 */
#include "front.h"

#include <string.h>

/* Entries that are read beyond what it takes; room for fewer is never given back. */
enum { SPARE = 64, SMALL = 256 };
/* Values gone through in vain may be gone through again after a cut: it waits for an entry for so
 * many of them. */
enum { PASSED_AN_ENTRY = 16 };

static void free_heap(weir__front *f, weir__front_entry *entry)
{
    f->heap_bytes -= entry->heap_size;
    weir_free(entry->heap, entry->heap_size);
    entry->heap = NULL;
    entry->heap_size = 0;
}

static void drop_behind(weir__front *f, const weir__front_order *order, uint32_t kept)
{
    for (uint32_t i = kept; i < f->count; i++)
        free_heap(f, weir__front_entry_at(f, order, i));
    f->count = kept < f->count ? kept : f->count;
}

void weir__front_clear(weir__front *f, const weir__front_order *order)
{
    drop_behind(f, order, 0);
    *f = (weir__front){ .at = f->at, .capacity = f->capacity, .borrows = f->borrows };
}

void weir__front_fini(weir__front *f, const weir__front_order *order)
{
    drop_behind(f, order, 0);
    weir_free(f->at, f->capacity * weir__front_stride(order));
    *f = (weir__front){ .at = NULL };
}

size_t weir__front_bytes(const weir__front *f, const weir__front_order *order)
{
    return f->capacity * weir__front_stride(order) + f->heap_bytes;
}

int weir__front_compare(const weir__front_order *order, const void *a, const void *b)
{
    int by = weir_order_compare(order->type, &order->key, order->descending, a, b);
    return by ? by : weir_record_compare(order->type, a, b);
}

/* Index of the first entry that is not before the record. */
static uint32_t find(const weir__front *f, const weir__front_order *order, const void *record)
{
    uint32_t low = 0, high = f->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const void *there = weir__front_record(weir__front_entry_at(f, order, middle));
        if (weir__front_compare(order, there, record) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room for an entry at i: by moving what lies before it, if there is room and it is less. */
static weir__front_entry *make_room(weir__front *f, const weir__front_order *order, uint32_t i)
{
    size_t stride = weir__front_stride(order);
    if (f->first > 0 && i <= f->count / 2) {
        char *from = f->at + f->first * stride;
        memmove(from - stride, from, i * stride);
        f->first--;
        f->count++;
        return weir__front_entry_at(f, order, i);
    }
    if (f->first + f->count == f->capacity && f->first > f->capacity / 2) {
        memmove(f->at, f->at + f->first * stride, f->count * stride);
        f->first = 0;
    } else if (f->first + f->count == f->capacity) {
        uint32_t capacity = 2 * f->capacity + 4;
        f->at = weir_realloc_must(f->at, f->capacity * stride, capacity * stride);
        f->capacity = capacity;
    }
    char *to = f->at + (f->first + i) * stride;
    memmove(to + stride, to, (f->count - i) * stride);
    f->count++;
    return (weir__front_entry *)(void *)to;
}

static void copy_strings(weir__front *f, weir__front_entry *entry, const weir_type *type)
{
    void *record = entry + 1;
    entry->heap_size = type->has_strings ? weir_record_heap_size(type, record) : 0;
    if (entry->heap_size == 0)
        return;
    entry->heap = weir_alloc_must(entry->heap_size);
    weir_record_move_strings(type, record, entry->heap);
    f->heap_bytes += entry->heap_size;
}

static void insert(weir__front *f, const weir__front_order *order, uint32_t i, const void *record)
{
    weir__front_entry *entry = make_room(f, order, i);
    *entry = (weir__front_entry){ .count = 0 };
    memcpy(entry + 1, record, order->type->size);
    if (!f->borrows)
        copy_strings(f, entry, order->type);
}

static void erase(weir__front *f, const weir__front_order *order, uint32_t i)
{
    size_t stride = weir__front_stride(order);
    char *at = f->at + (f->first + i) * stride;
    free_heap(f, weir__front_entry_at(f, order, i));
    if (i < f->count / 2) {
        memmove(f->at + (f->first + 1) * stride, f->at + f->first * stride, i * stride);
        f->first++;
    } else {
        memmove(at, at + stride, (f->count - i - 1) * stride);
    }
    f->count--;
}

weir_status weir__front_change(weir__front *f, const weir__front_order *order,
                               const void *record, int64_t diff, bool *behind)
{
    uint32_t i = find(f, order, record);
    *behind = i == f->count && !f->all;
    if (*behind)
        return WEIR_OK;
    bool is_there =
        i < f->count &&
        weir__front_compare(order, weir__front_record(weir__front_entry_at(f, order, i)),
                            record) == 0;
    if (!is_there)
        insert(f, order, i, record);
    weir__front_entry *entry = weir__front_entry_at(f, order, i);
    if (__builtin_add_overflow(entry->count, diff, &entry->count))
        return WEIR_OVERFLOWED;
    if (entry->count == 0 && (f->all || i + 1 < f->count))
        erase(f, order, i);
    return WEIR_OK;
}

/* How many of those that are wanted it does not have, and the entries of those that it has. */
static uint64_t missing(const weir__front *f, const weir__front_order *order, uint32_t *entries)
{
    uint64_t left = order->wanted;
    uint32_t i = 0;
    for (; i < f->count && left > 0; i++) {
        int64_t count = weir__front_entry_at(f, order, i)->count;
        if (count > 0)
            left -= (uint64_t)count < left ? (uint64_t)count : left;
    }
    *entries = i;
    return left;
}

bool weir__front_suffices(const weir__front *f, const weir__front_order *order, uint32_t *entries)
{
    return missing(f, order, entries) == 0 || f->all;
}

/* Before the first value behind what is known. */
static void go_on(weir__front *f, const weir__front_order *order, weir_cursor *cursor,
                  uint64_t *looked)
{
    if (f->count == 0)
        return;
    const weir__front_entry *last = weir__front_entry_at(f, order, f->count - 1);
    *looked += weir_cursor_seek_value(cursor, weir__front_record(last));
    if (last->count == 0)
        erase(f, order, f->count - 1);
}

weir_status weir__front_fill(weir__front *f, const weir__front_order *order, weir_cursor *cursor,
                             const weir_time *time, uint64_t *looked)
{
    uint32_t entries;
    uint64_t left = missing(f, order, &entries), spare = 0;
    go_on(f, order, cursor, looked);
    size_t ahead = weir_cursor_ahead(cursor);
    while (left > 0 || spare > 0) {
        int64_t sum;
        f->all = !weir_cursor_next_value(cursor);
        if (f->all)
            break;
        if (!weir_cursor_sum(cursor, time, &sum))
            return WEIR_OVERFLOWED;
        f->passed += sum == 0;
        if (sum == 0)
            continue;
        insert(f, order, f->count, weir_cursor_record(cursor));
        weir__front_entry_at(f, order, f->count - 1)->count = sum;
        if (left == 0)
            spare--;
        else if (sum > 0) {
            left -= (uint64_t)sum < left ? (uint64_t)sum : left;
            spare = left == 0 && !f->borrows ? SPARE + f->count / 2 : 0;
        }
    }
    *looked += ahead - weir_cursor_ahead(cursor);
    return WEIR_OK;
}

static void shrink(weir__front *f, const weir__front_order *order)
{
    size_t stride = weir__front_stride(order);
    if (f->capacity <= SMALL || f->count > f->capacity / 4)
        return;
    uint32_t capacity = 2 * f->count > SMALL ? 2 * f->count : SMALL;
    char *at = weir_alloc_must(capacity * stride);
    memcpy(at, f->at + f->first * stride, f->count * stride);
    weir_free(f->at, f->capacity * stride);
    f->at = at;
    f->capacity = capacity;
    f->first = 0;
}

void weir__front_cut(weir__front *f, const weir__front_order *order)
{
    uint32_t needed;
    (void)missing(f, order, &needed);
    uint64_t kept = 2 * (uint64_t)needed + 2 * SPARE;
    if (f->count > 2 * kept + f->passed / PASSED_AN_ENTRY) {
        drop_behind(f, order, (uint32_t)kept);
        f->all = false;
        f->passed = 0;
    }
    shrink(f, order);
}
