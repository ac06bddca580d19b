/* SPDX-License-Identifier: Apache-2.0
 *
 * A queue of times: what waits for each of some times, in lexicographic order. Most that comes is
 * for a late time, most that leaves is of an early one: both ends are cheap. What waits for a time,
 * and what becomes of it, belongs to the operator.
 */
#ifndef WEIR_OPERATORS_TIMES_H
#define WEIR_OPERATORS_TIMES_H

#include <weir/frontier.h>

/* Entries begin with their weir_time, and may be moved in memory. */
typedef struct weir__times {
    unsigned depth;
    size_t size; /* of an entry */
    char *entries;
    uint32_t first, count, capacity; /* count of them from `first` on */
} weir__times;

static inline void weir__times_init(weir__times *times, unsigned depth, size_t size)
{
    *times = (weir__times){ .depth = depth, .size = size };
}
/* Frees the queue; what its entries own is the caller's. */
void weir__times_fini(weir__times *times);

/* The i-th in their order. Valid, like all entries given out, until one is added or taken. */
static inline void *weir__times_at(const weir__times *times, uint32_t i)
{
    return times->entries + (times->first + i) * times->size;
}
static inline const weir_time *weir__times_time(const weir__times *times, uint32_t i)
{
    return weir__times_at(times, i);
}
/* The entry of a time; NULL: there is none. */
void *weir__times_find(const weir__times *times, const weir_time *time);
/* Adds an entry, zeroed but for its time, of a time that has none. */
void *weir__times_add(weir__times *times, const weir_time *time);

/* Is given an entry that leaves; it must not add or take any. */
typedef void weir__times_fn(void *entry, void *ctx);
/* Entries whose time is not at or after the frontier leave, in their order. With one coordinate
 * they are the first ones: what stays is not looked at. */
void weir__times_take(weir__times *times, const weir_frontier *frontier, weir__times_fn *fn,
                      void *ctx);
/* All entries leave. */
static inline void weir__times_clear(weir__times *times)
{
    times->first = times->count = 0;
}
/* The first one leaves. */
static inline void weir__times_drop_first(weir__times *times)
{
    times->first = --times->count > 0 ? times->first + 1 : 0;
}

#endif
