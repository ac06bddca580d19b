/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a spine, for the traces that have one.
 */
#ifndef WEIR_TRACE_SPINE_H
#define WEIR_TRACE_SPINE_H

#include "trace/merge.h"
#include "trace/retired.h"

/* Neighbours that are not busy and about as large, the last one of them before `end`: so many, the
 * largest, all. What is counted for the newest runs is carried on when another one comes. */
typedef struct weir__neighbours {
    uint32_t end, count, largest;
    uint64_t sum;
} weir__neighbours;

/* What is known of a run of the spine, and its part in a merge. */
typedef struct weir__level {
    uint64_t first, end; /* numbers of the runs that it is made of */
    weir__merge *merge;  /* of this run and those after it; NULL: none */
    uint32_t updates;
    bool busy;      /* it is in a merge */
    bool shrinks;   /* a quarter of its updates at least would go if its times became one */
} weir__level;

struct weir_spine {
    weir_shape *shape;
    weir_account *account;
    weir_frontier since;
    weir_hold *holds;
    uint32_t count, capacity;
    weir_trace_run **runs; /* from the oldest to the newest */
    weir__level *levels;
    uint64_t appended;     /* the next run's number */
    weir_trace_runs *list; /* NULL: to be made anew */
    uint64_t version;      /* grows when the runs change */
    uint64_t updates;      /* of all runs */
    uint64_t came, looked; /* updates that were appended, keys that were looked up, of late */
    uint32_t similar;      /* how many neighbours are merged: more where the latter are few, */
    uint32_t eager;        /* but not while so many holds want few runs */
    size_t bytes, charged;
    uint32_t merges;       /* under way */
    bool changed;          /* other than by a run at its end: all of it is looked at for merges */
    bool advanced;         /* since is: runs that shrink are looked at */
    uint32_t shrinking;    /* how many these are */
    weir__neighbours last; /* if nothing has changed */
    uint32_t seen;         /* how many runs could be merged when it was looked at */
    weir__merge *spare;
    weir__retired retired;
    bool stuck;            /* a merge had no memory or no file, or lost it: it is tried again */
    bool fueled;           /* the call has fuel */
    bool due;              /* one may be started, when there is fuel for it */
    uint64_t now_ns;       /* of the call; 0: it is not known */
    uint64_t retry_ns;     /* when stuck: none as large as these is started before */
    uint64_t retry_updates;
    uint64_t waits;        /* bytes that wait in memory for the disk, as the store has been told */
};

/* Room for one more run. */
bool weir__spine_reserve(weir_spine *spine);
/* Drops all runs: numbers and since stay. */
void weir__spine_drop(weir_spine *spine);
/* How many of the first runs are made of runs below this number only. */
uint32_t weir__spine_below(const weir_spine *spine, uint64_t number);
/* The first `count` runs as a list. NULL: no memory. */
weir_trace_runs *weir__spine_list(weir_spine *spine, uint32_t count);
weir_trace_runs *weir__runs_list(weir_trace_run *const *runs, uint32_t count);
/* The antichain of the joins of a time of each. */
void weir__frontier_raise(weir_frontier *f, const weir_frontier *by);

#endif
