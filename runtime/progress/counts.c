/* SPDX-License-Identifier: Apache-2.0
 *
 * See counts.h.
 */
#include "progress/counts.h"

#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"

enum { HANDFUL = 8, FIRST_CAPACITY = 4 };

void weir__counts_fini(weir__counts *c)
{
    weir_free(c->items, c->capacity * sizeof *c->items);
    *c = (weir__counts){ 0 };
}

static inline bool is_at(const weir__count *c, unsigned depth, const weir__count_key *key)
{
    return c->origin == key->origin && weir_time_equal(&c->time, &key->time, depth) &&
           weir_time_equal(&c->original, &key->original, WEIR_TIME_COORDS);
}

/* Where the count is or belongs: the first item not before it. Most look-ups are near the end. */
static inline uint32_t position(const weir__counts *c, unsigned depth, const weir__count_key *key)
{
    uint32_t low = c->begin, high = c->end;
    while (high - low > HANDFUL) {
        uint32_t middle = low + (high - low) / 2;
        if (weir__count_is_before(&c->items[middle], depth, key))
            low = middle + 1;
        else
            high = middle;
    }
    while (high > low && !weir__count_is_before(&c->items[high - 1], depth, key))
        high--;
    return high;
}

static void trim(weir__counts *c)
{
    for (; c->begin < c->end && c->items[c->begin].count == 0; c->zeros--)
        c->begin++;
    for (; c->begin < c->end && c->items[c->end - 1].count == 0; c->zeros--)
        c->end--;
    if (c->begin == c->end)
        c->begin = c->end = 0;
}

/* Makes room behind the end, where there is none. True if items have moved. */
static __attribute__((noinline)) bool make_room(weir__counts *c)
{
    uint32_t kept = 0;
    if (c->begin + c->zeros > c->capacity / 2) {
        for (uint32_t i = c->begin; i < c->end; i++)
            if (c->items[i].count)
                c->items[kept++] = c->items[i];
        c->begin = c->zeros = 0;
        c->end = kept;
        return true;
    }
    uint32_t capacity = c->capacity ? 2 * c->capacity : FIRST_CAPACITY;
    c->items =
        weir_realloc_must(c->items, c->capacity * sizeof *c->items, capacity * sizeof *c->items);
    c->capacity = capacity;
    return false;
}

/* Adds to a count that is there. */
static inline int64_t add_to(weir__counts *c, weir__count *item, int64_t diff)
{
    bool was = item->count != 0;
    bool wrapped = __builtin_add_overflow(item->count, diff, &item->count);
    WEIR_ASSERT(!wrapped, "progress: a count left 64 bits");
    int64_t count = item->count;
    c->zeros += was - (count != 0);
    if (count == 0)
        trim(c);
    return count;
}

int64_t weir__counts_add(weir__counts *c, unsigned depth, const weir__count_key *key, int64_t diff)
{
    uint32_t at = position(c, depth, key);
    if (at < c->end && is_at(&c->items[at], depth, key))
        return add_to(c, &c->items[at], diff);
    if (WEIR_UNLIKELY(c->end == c->capacity) && make_room(c))
        at = position(c, depth, key);
    if (at < c->end)
        memmove(&c->items[at + 1], &c->items[at], (c->end - at) * sizeof *c->items);
    c->items[at] = (weir__count){
        .time = key->time, .count = diff, .origin = key->origin, .original = key->original
    };
    c->end++;
    return diff;
}

/* ---- one coordinate ---- */

static inline bool is_at_total(const weir__count *c, const weir__count_total *key)
{
    return c->time.at[0] == key->time && c->origin == key->origin;
}

static inline bool is_after_total(const weir__count *c, const weir__count_total *key)
{
    return c->time.at[0] != key->time ? c->time.at[0] > key->time : c->origin > key->origin;
}

/* Behind which item the count is or belongs: the last one that is not after it. */
static uint32_t position_total(const weir__counts *c, const weir__count_total *key)
{
    uint32_t low = c->begin, high = c->end;
    while (WEIR_UNLIKELY(high - low > HANDFUL)) {
        uint32_t middle = low + (high - low) / 2;
        if (is_after_total(&c->items[middle], key))
            high = middle;
        else
            low = middle + 1;
    }
    while (high > low && is_after_total(&c->items[high - 1], key))
        high--;
    return high;
}

static inline void put_total(weir__counts *c, uint32_t at, const weir__count_total *key,
                             int64_t diff)
{
    c->items[at] = (weir__count){ .time = weir_time_1(key->time), .count = diff,
                                  .origin = key->origin,
                                  .original = weir_time_1(key->original) };
    c->end++;
}

static __attribute__((noinline)) int64_t add_before_end(weir__counts *c,
                                                        const weir__count_total *key, int64_t diff)
{
    uint32_t at = position_total(c, key);
    if (at > c->begin && is_at_total(&c->items[at - 1], key))
        return add_to(c, &c->items[at - 1], diff);
    if (c->end == c->capacity && make_room(c))
        at = position_total(c, key);
    if (c->end - at > HANDFUL)
        memmove(&c->items[at + 1], &c->items[at], (c->end - at) * sizeof *c->items);
    else
        for (uint32_t i = c->end; i > at; i--)
            c->items[i] = c->items[i - 1];
    put_total(c, at, key, diff);
    return diff;
}

/* Most counts are the last one, or come behind it. */
int64_t weir__counts_add_total(weir__counts *c, const weir__count_total *key, int64_t diff)
{
    uint32_t end = c->end;
    if (end > c->begin) {
        weir__count *last = &c->items[end - 1];
        if (is_at_total(last, key))
            return add_to(c, last, diff);
        if (is_after_total(last, key))
            return add_before_end(c, key, diff);
    }
    if (WEIR_UNLIKELY(end == c->capacity) && make_room(c))
        end = c->end;
    put_total(c, end, key, diff);
    return diff;
}
