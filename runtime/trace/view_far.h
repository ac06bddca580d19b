/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a reader of several processes: view_far.c comes to its time, view_far_read.c reads.
 */
#ifndef WEIR_TRACE_VIEW_FAR_H
#define WEIR_TRACE_VIEW_FAR_H

#include "trace/view_page.h"

/* A page of another process's rows, and what of it was not passed on yet. */
typedef struct weir__far_page {
    weir_batch *rows; /* NULL: none */
    size_t next;
    bool ended; /* there are no more behind it */
} weir__far_page;

/* A key as the body of a question, and as it was given. */
typedef struct weir__far_key {
    char *bytes;
    size_t size;
    const void *record;
} weir__far_key;

struct weir__far {
    const weir__asker *asker;
    uint64_t number;     /* of this reader, in the other processes */
    unsigned first, end; /* processes that it reads */
    uint64_t since;
    uint64_t wait_ns; /* for the answer to what is asked now */
    weir_error error; /* status not OK: another process could not be asked */
    bool passes;      /* the error is what one call was answered: the next one may be made */
    /* of a scan that ended within a page: where, and whose page it is */
    weir__far_page rest;
    unsigned rest_of;
    weir_view_place rest_place;
    size_t size;
    bool *opened; /* by process: asked to open, so to be told that it is closed */
    weir__question questions[]; /* one a process */
};

static inline bool weir__far_is_ours(const weir__far *far, unsigned process)
{
    return process == far->asker->process;
}

/* Begins a question to another process; key NULL: it has no body. */
void weir__far_begin(weir__far *far, unsigned process, const weir__ask *ask,
                     const weir__far_key *key);
/* Waits for its answer, of whatever status; not OK: there is none. */
weir_status weir__far_finish(weir__far *far, unsigned process);
/* The same for a page, whose rows become `into`; the status of either. */
weir_status weir__far_finish_page(weir_view_reader *reader, unsigned process,
                                  weir__far_page *into);
void weir__far_drop_page(weir__far_page *page);
/* Before each call that asks: forgets what only the one before was answered. */
weir_status weir__far_begin_call(weir__far *far);
/* What a process has answered cannot be: the reader is of no use any more. */
weir_status weir__far_refuse(weir__far *far, unsigned process);

#endif
