/* SPDX-License-Identifier: Apache-2.0
 *
 * See times.h.
 */
#include "times.h"

#include <string.h>
#include <weir/memory.h>

void weir__times_fini(weir__times *t)
{
    weir_free(t->entries, t->capacity * t->size);
    t->entries = NULL;
    t->first = t->count = t->capacity = 0;
}

/* How many are before this time. Most often it is the last one, or after it. */
static uint32_t before(const weir__times *t, const weir_time *time)
{
    uint32_t low = 0, high = t->count;
    if (high > 0 && weir_time_compare(weir__times_time(t, high - 1), time, t->depth) < 0)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (weir_time_compare(weir__times_time(t, middle), time, t->depth) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void *weir__times_find(const weir__times *t, const weir_time *time)
{
    uint32_t at = before(t, time);
    bool is_there = at < t->count && weir_time_equal(weir__times_time(t, at), time, t->depth);
    return is_there ? weir__times_at(t, at) : NULL;
}

/* Room for one more at the end: there where others have left, or in more memory. */
static void reserve(weir__times *t)
{
    if (t->first + t->count < t->capacity)
        return;
    if (t->first > t->count) {
        memcpy(t->entries, t->entries + t->first * t->size, t->count * t->size);
        t->first = 0;
        return;
    }
    uint32_t capacity = 2 * t->capacity + 4;
    t->entries = weir_realloc_must(t->entries, t->capacity * t->size, capacity * t->size);
    t->capacity = capacity;
}

void *weir__times_add(weir__times *t, const weir_time *time)
{
    uint32_t at = before(t, time);
    reserve(t);
    char *place = weir__times_at(t, at);
    memmove(place + t->size, place, (t->count++ - at) * t->size);
    memset(place, 0, t->size);
    memcpy(place, time, sizeof *time);
    return place;
}

void weir__times_take(weir__times *t, const weir_frontier *frontier, weir__times_fn *fn, void *ctx)
{
    if (t->depth == 1) {
        for (; t->count > 0 && !weir_frontier_less_equal(frontier, weir__times_time(t, 0));
             weir__times_drop_first(t))
            fn(weir__times_at(t, 0), ctx);
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        if (!weir_frontier_less_equal(frontier, weir__times_time(t, i)))
            fn(weir__times_at(t, i), ctx);
        else if (i != kept++)
            memcpy(weir__times_at(t, kept - 1), weir__times_at(t, i), t->size);
    }
    t->count = kept;
}
