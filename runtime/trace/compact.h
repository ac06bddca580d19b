/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trace may forget: times that no reader at or after `since` can tell apart become one.
 */
#ifndef WEIR_TRACE_COMPACT_H
#define WEIR_TRACE_COMPACT_H

#include <weir/frontier.h>

/* At depth 1. */
static inline uint64_t weir__compact_epoch(const weir_frontier *since, uint64_t epoch)
{
    return since->count && epoch < since->one.at[0] ? since->one.at[0] : epoch;
}

/* Moves a time to the meet over all f of since of its join with f: at depth 1 the later of the two.
 * An empty since leaves it where it is: nobody asks. */
static inline void weir__compact_time(const weir_frontier *since, uint64_t *coords)
{
    if (since->depth == 1) {
        coords[0] = weir__compact_epoch(since, coords[0]);
        return;
    }
    const weir_time *times = weir_frontier_times(since);
    uint64_t moved[WEIR_TIME_COORDS];
    for (uint32_t f = 0; f < since->count; f++) {
        uint32_t same = 0;
        while (same < since->depth && times[f].at[same] <= coords[same])
            same++;
        if (same == since->depth)
            return; /* it may be asked for itself */
    }
    for (uint32_t f = 0; f < since->count; f++)
        for (uint32_t i = 0; i < since->depth; i++) {
            uint64_t joined = times[f].at[i] > coords[i] ? times[f].at[i] : coords[i];
            moved[i] = f > 0 && moved[i] < joined ? moved[i] : joined;
        }
    for (uint32_t i = 0; i < since->depth && since->count; i++)
        coords[i] = moved[i];
}

#endif
