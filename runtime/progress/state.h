/* SPDX-License-Identifier: Apache-2.0
 *
 * What a tracker is made of, for the files that implement it: tracker.c has the counts and the
 * calls, total.c propagates where times are single numbers, general.c everywhere else.
 */
#ifndef WEIR_PROGRESS_STATE_H
#define WEIR_PROGRESS_STATE_H

#include "progress/bits.h"
#include "progress/counts.h"
#include "progress/topology.h"
#include "progress/tracker.h"

/* Of total.c: a frontier is one number. Nothing outstanding is WEIR__NEVER, a time that the total
 * mode does not have. All arrays have one item a slot. */
#define WEIR__NEVER UINT64_MAX

typedef struct weir__total_step {
    uint64_t time;
    uint32_t slot;
} weir__total_step;

typedef struct weir__total {
    uint64_t *frontier, *own; /* own: the least of the slot's counts, as of now */
    uint64_t *before;         /* what the frontier was, for the slots in `touched` */
    bool *is_touched;
    uint32_t *touched, *members;
    uint32_t touched_count, member_count;
    weir__total_step *heap;
    uint32_t heap_count, heap_capacity;
} weir__total;

typedef struct weir__general_step {
    weir_time time;
    uint32_t slot;
} weir__general_step;

typedef struct weir__general_slot {
    weir_frontier own;    /* the minimal ones of the slot's counts, unless stale */
    weir_frontier before; /* what the frontier was, if touched */
    bool own_is_stale, is_touched;
} weir__general_slot;

typedef struct weir__general {
    weir__general_slot *slots;
    weir_frontier scratch;
    uint32_t *touched, *members;
    uint32_t touched_count, member_count;
    weir__general_step *heap;
    uint32_t heap_count, heap_capacity;
} weir__general;

struct weir__tracker {
    const weir__topology *topology;
    bool is_total;
    uint64_t nonzero;         /* counts that are not 0 */
    weir__counts *counts;     /* of the slots */
    weir_frontier *frontiers; /* of the slots; in total mode only of those that are reported */
    weir__bits dirty;         /* slots whose frontier may have to change */
    uint32_t *list;           /* the ports answered by the last propagation */
    uint32_t list_count;
    weir__total total;
    weir__general general;
};

/* Counts at the port's slots, and marks those where that can matter. */
void weir__total_update(weir__tracker *tracker, uint32_t port, uint64_t time, int64_t diff);
/* The same of each entry, up to the first time that a single number cannot say: where it stops. */
uint32_t weir__total_apply(weir__tracker *tracker, const weir__changes *changes);
void weir__general_update(weir__tracker *tracker, uint32_t port, const weir_time *time,
                          int64_t diff);
/* These append to the list, in the order of slots. */
void weir__total_propagate(weir__tracker *tracker);
void weir__general_propagate(weir__tracker *tracker);
/* Whether no other pointstamp precedes this one, of the port at this place, at one of its slots
 * from which a frontier with interest follows: see weir__tracker_must_publish. */
bool weir__total_is_first(const weir__tracker *tracker, uint32_t port, uint64_t time);
bool weir__general_is_first(const weir__tracker *tracker, uint32_t port, const weir_time *time);

static inline void weir__tracker_list(weir__tracker *tracker, uint32_t slot)
{
    if (tracker->topology->slots[slot].reported)
        tracker->list[tracker->list_count++] = tracker->topology->slots[slot].port;
}

void weir__total_init(weir__tracker *tracker);
void weir__total_fini(weir__tracker *tracker);
void weir__general_init(weir__tracker *tracker);
void weir__general_fini(weir__tracker *tracker);
/* From total to general mode, for times beyond what a single number with WEIR__NEVER can say. What
 * was marked stays marked. */
void weir__tracker_generalise(weir__tracker *tracker);

#endif
