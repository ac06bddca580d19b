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

/* In place of a depth: one coordinate, and no originals to compare. */
enum { TOTAL = 0 };

static inline bool is_before(const weir__count *c, unsigned depth, const weir__count_key *key)
{
    if (depth != TOTAL)
        return weir__count_is_before(c, depth, key);
    return c->time.at[0] != key->time.at[0] ? c->time.at[0] < key->time.at[0]
                                            : c->origin < key->origin;
}

static inline bool is_at(const weir__count *c, unsigned depth, const weir__count_key *key)
{
    if (depth == TOTAL)
        return c->time.at[0] == key->time.at[0] && c->origin == key->origin;
    return c->origin == key->origin && weir_time_equal(&c->time, &key->time, depth) &&
           weir_time_equal(&c->original, &key->original, WEIR_TIME_COORDS);
}

/* Where the count is or belongs: the first item not before it. Most look-ups are near the end. */
static inline uint32_t position(const weir__counts *c, unsigned depth, const weir__count_key *key)
{
    uint32_t low = c->begin, high = c->end;
    while (high - low > HANDFUL) {
        uint32_t middle = low + (high - low) / 2;
        if (is_before(&c->items[middle], depth, key))
            low = middle + 1;
        else
            high = middle;
    }
    while (high > low && !is_before(&c->items[high - 1], depth, key))
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

static inline __attribute__((always_inline)) int64_t add(weir__counts *c, unsigned depth,
                                                         const weir__count_key *key, int64_t diff)
{
    uint32_t at = position(c, depth, key);
    if (at < c->end && is_at(&c->items[at], depth, key)) {
        weir__count *item = &c->items[at];
        bool was = item->count != 0;
        bool wrapped = __builtin_add_overflow(item->count, diff, &item->count);
        WEIR_ASSERT(!wrapped, "progress: a count left 64 bits");
        int64_t count = item->count;
        c->zeros += was - (count != 0);
        if (count == 0)
            trim(c);
        return count;
    }
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

int64_t weir__counts_add(weir__counts *c, unsigned depth, const weir__count_key *key, int64_t diff)
{
    return add(c, depth, key, diff);
}

int64_t weir__counts_add_total(weir__counts *c, uint64_t time, uint32_t origin, uint64_t original,
                               int64_t diff)
{
    const weir__count_key key = { .time = weir_time_1(time), .original = weir_time_1(original),
                                  .origin = origin };
    return add(c, TOTAL, &key, diff);
}
