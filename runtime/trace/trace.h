/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of traces and their readers.
 */
#ifndef WEIR_TRACE_TRACE_H
#define WEIR_TRACE_TRACE_H

#include "trace/shown.h"
#include "trace/spine.h"

/* Runs as an import's readers see them: those with times before its floor stand for others. */
typedef struct weir__moved {
    weir_trace_run **runs; /* instead of those of the spine */
    weir_trace_run **of;   /* what they were made of; both with references */
    uint32_t count, capacity;
    uint64_t version; /* of the spine, when they were made; 0: never */
    bool same;        /* none had to be moved */
} weir__moved;

typedef struct weir__import {
    weir_trace *base;
    weir_time floor;
    bool begun, moves;     /* the floor is later than the beginning of time */
    weir_trace_runs *past; /* what there was; NULL once all readers have been delivered it */
    uint64_t *numbers;     /* the last one that each of them stands for */
    uint32_t count, behind; /* readers that are not through with it */
    weir__moved moved;
    weir_trace_run *last;  /* that was given out by deliver */
    weir_account *account; /* of times that are moved: all else is the base's */
    size_t charged;
} weir__import;

struct weir_trace {
    uint32_t refs;
    bool since_changed; /* a reader has moved since the spine's since was */
    weir_spine *spine;  /* an import's is that of its base, as are its readers */
    char *name;
    weir__import *import; /* NULL: it is none */
    weir__shown *shown;   /* NULL: it is not */
    weir_trace_reader *readers;
    /* Runs that were not delivered to all readers yet, as they were appended: from number
     * pending_first on, at pending[pending_at] */
    weir_trace_run **pending;
    uint64_t pending_first;
    uint32_t pending_at, pending_count, pending_capacity;
    uint64_t pending_bytes, watched_bytes;
    bool crowded; /* more than are watched for */
    void (*watch)(void *ctx);
    void *watch_ctx;
};

struct weir_trace_reader {
    weir_trace *trace;
    weir__import *import; /* whose runs it sees; NULL: the trace's */
    weir_trace *keeps;    /* the import's trace */
    weir_trace_reader *next;
    weir_hold hold; /* at the trace's depth */
    uint64_t delivered; /* below the hold's through while it is delivered an import's past */
    char *owner;
    unsigned depth;
    weir__shown_hold shown;
};

static inline weir_trace *weir__trace_base(weir_trace *trace)
{
    return trace->import ? trace->import->base : trace;
}

/* ---- import.c ---- */
void weir__import_destroy(weir__import *import);
void weir__import_leave_account(weir__import *import);
/* A reader that begins, and that is through with the past or ends before. */
void weir__import_enter(weir__import *import);
void weir__import_leave(weir__import *import);
static inline bool weir__import_is_past(const weir__import *import, uint64_t delivered)
{
    return import->count > 0 && delivered <= import->numbers[import->count - 1];
}
/* The run of the past that is delivered as this number. */
weir_trace_run *weir__import_deliver(const weir__import *import, uint64_t number);
/* The run as it is seen: no reference, valid until the next call. */
weir_trace_run *weir__import_see(weir__import *import, weir_trace_run *run);
/* What was delivered so far, as it is seen. */
size_t weir__import_runs(weir__import *import, const weir_trace_reader *reader,
                         weir_trace_run *const **runs);
/* The same as a list. NULL: no memory. */
weir_trace_runs *weir__import_list(weir__import *import, const weir_trace_reader *reader);

/* ---- run.c ---- */
/* A run with the same updates at times that are at or after this one: itself, with another
 * reference, or one that shares its columns. */
weir_trace_run *weir__run_moved(weir_trace_run *run, const weir_time *to);

#endif
