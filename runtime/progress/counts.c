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

static inline bool is_before(const weir__count *item, unsigned depth, const weir_time *t,
                             uint32_t origin)
{
    for (unsigned i = 0; i < depth; i++)
        if (item->time.at[i] != t->at[i])
            return item->time.at[i] < t->at[i];
    return item->origin < origin;
}

/* Where the pair is or belongs: the first item not before it. Most look-ups are near the end. */
static inline uint32_t position(const weir__counts *c, unsigned depth, const weir_time *t,
                                uint32_t origin)
{
    uint32_t low = c->begin, high = c->end;
    while (high - low > HANDFUL) {
        uint32_t middle = low + (high - low) / 2;
        if (is_before(&c->items[middle], depth, t, origin))
            low = middle + 1;
        else
            high = middle;
    }
    while (high > low && !is_before(&c->items[high - 1], depth, t, origin))
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

static inline __attribute__((always_inline)) int64_t
add(weir__counts *c, unsigned depth, const weir_time *t, uint32_t origin, int64_t diff)
{
    uint32_t at = position(c, depth, t, origin);
    if (at < c->end && c->items[at].origin == origin &&
        weir_time_equal(&c->items[at].time, t, depth)) {
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
        at = position(c, depth, t, origin);
    if (at < c->end)
        memmove(&c->items[at + 1], &c->items[at], (c->end - at) * sizeof *c->items);
    c->items[at] = (weir__count){ .time = *t, .count = diff, .origin = origin };
    c->end++;
    return diff;
}

int64_t weir__counts_add(weir__counts *c, unsigned depth, const weir_time *t, uint32_t origin,
                         int64_t diff)
{
    return add(c, depth, t, origin, diff);
}

int64_t weir__counts_add_1(weir__counts *c, uint64_t time, uint32_t origin, int64_t diff)
{
    weir_time t = weir_time_1(time);
    return add(c, 1, &t, origin, diff);
}
