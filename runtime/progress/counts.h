/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the counts of pointstamps at one slot: a small array in the order of (time, origin), times
 * lexicographic, origin being the place of the port the count belongs to. What was counted at a
 * removed port thus stays apart from the slot's own: the rule on holding back needs to know who
 * comes first.
 */
#ifndef WEIR_PROGRESS_COUNTS_H
#define WEIR_PROGRESS_COUNTS_H

#include <weir/time.h>

typedef struct weir__count {
    weir_time time;
    int64_t count;
    uint32_t origin;
} weir__count;

/* A zeroed one is valid and empty. Items that became 0 stay until they are at an end or in the way,
 * so that counts that come and go, and times that pass by, move nothing. */
typedef struct weir__counts {
    weir__count *items; /* begin to end - 1; neither end is 0 */
    uint32_t begin, end, capacity;
    uint32_t zeros;
} weir__counts;

void weir__counts_fini(weir__counts *counts);
/* Returns the count after adding diff (not 0). The second is for depth 1. */
int64_t weir__counts_add(weir__counts *counts, unsigned depth, const weir_time *time,
                         uint32_t origin, int64_t diff);
int64_t weir__counts_add_1(weir__counts *counts, uint64_t time, uint32_t origin, int64_t diff);

/* The first positive count; NULL if there is none. */
static inline const weir__count *weir__counts_first(const weir__counts *counts)
{
    for (uint32_t i = counts->begin; i < counts->end; i++)
        if (WEIR_LIKELY(counts->items[i].count > 0))
            return &counts->items[i];
    return NULL;
}

#endif
