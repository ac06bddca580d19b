/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the counts of pointstamps at one slot: a small array in the order of (time, origin,
 * original). time: as it arrives at the slot; origin: the place of the port that the count belongs
 * to; original: the time there. Two pointstamps are never added up, not even where removed ports
 * count at one slot and one time. If they were, one's -1, heard of early, could cancel another's +1
 * that is still outstanding.
 */
#ifndef WEIR_PROGRESS_COUNTS_H
#define WEIR_PROGRESS_COUNTS_H

#include <weir/time.h>

typedef struct weir__count {
    weir_time time;
    int64_t count;
    uint32_t origin;
    weir_time original; /* differs from time only where a route does something */
} weir__count;

/* Which pointstamp is meant. */
typedef struct weir__count_key {
    weir_time time, original;
    uint32_t origin;
} weir__count_key;

/* A zeroed one is valid and empty. Items that became 0 stay until they are at an end or in the
 * way, so that counts that come and go, and times that pass by, move nothing. */
typedef struct weir__counts {
    weir__count *items; /* begin to end - 1; neither end is 0 */
    uint32_t begin, end, capacity;
    uint32_t zeros;
} weir__counts;

void weir__counts_fini(weir__counts *counts);
/* Whether the count comes before that of the key. Times are lexicographic, at the slot's depth. */
static inline bool weir__count_is_before(const weir__count *c, unsigned depth,
                                         const weir__count_key *key)
{
    for (unsigned i = 0; i < depth; i++)
        if (c->time.at[i] != key->time.at[i])
            return c->time.at[i] < key->time.at[i];
    if (WEIR_LIKELY(c->origin != key->origin))
        return c->origin < key->origin;
    return weir_time_compare(&c->original, &key->original, WEIR_TIME_COORDS) < 0;
}

/* Returns the count after adding diff (not 0). */
int64_t weir__counts_add(weir__counts *counts, unsigned depth, const weir__count_key *key,
                         int64_t diff);
/* The same where every port has depth 1: there the original time follows from time and origin, and
 * none of them goes through memory as a whole. */
typedef struct weir__count_total {
    uint64_t time, original;
    uint32_t origin;
} weir__count_total;

int64_t weir__counts_add_total(weir__counts *counts, const weir__count_total *key, int64_t diff);

/* The first positive count; NULL if there is none. */
static inline const weir__count *weir__counts_first(const weir__counts *counts)
{
    for (uint32_t i = counts->begin; i < counts->end; i++)
        if (WEIR_LIKELY(counts->items[i].count > 0))
            return &counts->items[i];
    return NULL;
}

#endif
