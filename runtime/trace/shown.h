/* SPDX-License-Identifier: Apache-2.0
 *
 * What others may read of a trace and its readers while its own thread works: numbers that are
 * stored whole, and frontiers that are read again when they have changed on the way.
 */
#ifndef WEIR_TRACE_SHOWN_H
#define WEIR_TRACE_SHOWN_H

#include <pthread.h>

#include <weir/trace.h>

enum { WEIR__SHOWN_TIMES = 4 }; /* of a frontier: of the others only that they are there */

typedef struct weir__shown_frontier {
    uint64_t changes; /* odd: it is being written */
    uint64_t count, depth;
    uint64_t at[WEIR__SHOWN_TIMES * WEIR_TIME_COORDS];
} weir__shown_frontier;

/* In a reader. */
typedef struct weir__shown_hold {
    struct weir__shown_hold *next;
    const char *owner;
    uint64_t opened_ns, delivered;
    weir__shown_frontier since;
} weir__shown_hold;

/* In a trace that is shown; lists are changed and walked under the lock of the registry. */
typedef struct weir__shown {
    weir_traces *traces;
    struct weir__shown *next;
    weir__shown_hold *holds;
    weir_trace_place place;
    uint64_t updates, bytes, runs, appended, disk_bytes;
    weir__shown_frontier since;
} weir__shown;

void weir__shown_set_frontier(weir__shown_frontier *to, const weir_frontier *from);
static inline void weir__shown_set(uint64_t *to, uint64_t value)
{
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
}
void weir__shown_add_hold(weir__shown *shown, weir__shown_hold *hold);
void weir__shown_remove_hold(weir__shown *shown, weir__shown_hold *hold);
/* NULL: no memory. */
weir__shown *weir__shown_create(weir_traces *traces, const weir_trace_place *place);
/* NULL is ignored. */
void weir__shown_destroy(weir__shown *shown);

#endif
