/* SPDX-License-Identifier: Apache-2.0
 *
 * Large runs that a merge has replaced: they are given back a piece at a time.
 */
#ifndef WEIR_TRACE_RETIRED_H
#define WEIR_TRACE_RETIRED_H

#include "trace/run.h"

typedef struct weir__retired_run {
    weir_trace_run *run; /* that nobody else has */
    size_t each;         /* bytes an update, when it was whole */
    size_t emptied;      /* bytes at its end without pages */
} weir__retired_run;

typedef struct weir__retired {
    weir__retired_run *runs; /* the last one is given back first */
    uint32_t count, capacity;
    int64_t credit; /* bytes that have been paid for; below 0: that went before */
    size_t bytes;  /* of all */
} weir__retired;

/* Takes the reference. A run that is small, or that somebody else has, is released. */
void weir__retired_add(weir__retired *r, weir_trace_run *run);
/* Gives back as many bytes as so many updates have, for each run that waits: the more there are the
 * sooner they go. */
void weir__retired_work(weir__retired *r, size_t updates);
/* Releases all at once. */
void weir__retired_fini(weir__retired *r);

#endif
