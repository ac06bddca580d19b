/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of commands: to build a dataflow, to remove one, entries of sequencers, barriers. There
 * is one order, given by the process that has worker 0; every worker takes all of it, between two
 * turns, at its own pace.
 *
 *   weir__order_request   any thread: asks whoever gives the order (weir__order_submit)
 *   weir__order_append    makes it the next command of the order in this process
 *   weir__commands_take   a worker's thread: does what it has not done yet (commands.c)
 *
 * In one process request is append, under the order's lock. Between processes what is requested
 * waits for the process's first worker (cluster_order.c), travels to the process of worker 0, is
 * appended there and sent on, and every other process appends what it gets, in the order in which
 * it comes.
 */
#ifndef WEIR_WORKER_ORDER_H
#define WEIR_WORKER_ORDER_H

#include <pthread.h>

#include <weir/dataflow.h>
#include <weir/sequencer.h>

typedef enum weir__command_kind {
    WEIR__BUILD,
    WEIR__REMOVE,
    WEIR__DROP, /* of a dataflow whose REMOVE all workers of all processes have done */
    WEIR__ENTRY,
    WEIR__BARRIER
} weir__command_kind;

typedef struct weir__command weir__command;
struct weir__command {
    weir__command *next;
    weir__command_kind kind;
    uint32_t left; /* atomic: workers of the process that have not done it; the last one frees it */
    uint64_t place;
    weir_dataflow *dataflow;   /* a reference; of BUILD, or else NULL if it is gone */
    uint32_t id;               /* of REMOVE and DROP, whose dataflow may be gone; in a cluster */
    weir_sequencer *sequencer; /* of ENTRY */
    size_t size;
    _Alignas(16) char data[]; /* of ENTRY; of REMOVE: a weir_error, if that is why */
};

typedef struct weir__command_list {
    weir__command *first, *last;
} weir__command_list;

typedef struct weir__order {
    pthread_mutex_t lock;
    uint64_t count; /* commands appended: atomic */
    uint32_t next_id;
    uint32_t programs; /* workers whose worker_main may still ask for something: atomic */
    bool closed;       /* a worker has ended, having done all there was: atomic */
    /* in a cluster: what this process has requested, and what of it has no place yet */
    weir__command_list requests, asked;
    uint32_t pending; /* in both: atomic */
} weir__order;

/* Zeroed but for kind and size. */
weir__command *weir__command_create(weir__command_kind kind, size_t size);
/* Drops its references, too. */
void weir__command_destroy(weir__command *command);

/* These take the command over, whatever they return. request refuses when the runtime is asked to
 * end (CLOSED); submit does not: for what the runtime itself asks for. Either goes on to append,
 * which refuses when all is over. */
weir_status weir__order_request(weir_runtime *runtime, weir__command *command, weir_error *error);
weir_status weir__order_submit(weir_runtime *runtime, weir__command *command, weir_error *error);
weir_status weir__order_append(weir_runtime *runtime, weir__command *command, weir_error *error);

/* ---- in a cluster, by the first worker ---- */
/* Takes the oldest request, if it can have its place: of a REMOVE the dataflow must have its own.
 * NULL: there is none. */
weir__command *weir__order_take_request(weir_runtime *runtime);
/* Process 0 was asked for it. */
void weir__order_asked(weir_runtime *runtime, weir__command *command);
/* The oldest of those; it gets its place now, or never will. NULL: there is none. */
weir__command *weir__order_answered(weir_runtime *runtime);
/* It has it. */
void weir__order_placed(weir_runtime *runtime);
/* Whether requests wait for the first worker. */
bool weir__order_has_requests(const weir_runtime *runtime);
/* Of what this process has requested, something has no place yet. */
bool weir__order_is_pending(const weir_runtime *runtime);
/* All workers of the process have nothing left to do, having done all of `*count` commands, and
 * nothing is pending. */
bool weir__order_is_idle(const weir_runtime *runtime, uint64_t *count);
/* Nothing is appended any more, unless there is more than `count` or something is pending: then
 * false. UINT64_MAX: in any case. What was requested fails. */
bool weir__order_close(weir_runtime *runtime, uint64_t count);

/* ---- by each worker ---- */
/* The next command that this worker has not done; NULL: there is none. */
weir__command *weir__order_peek(weir_worker *worker);
/* It is done. True: by all workers of the process; the caller destroys it. */
bool weir__order_advance(weir_worker *worker, weir__command *command);
bool weir__order_has_more(const weir_worker *worker);
/* A worker's worker_main has returned. */
void weir__order_end_program(weir_runtime *runtime);
/* This worker has nothing left to do. True: nobody will ask for more, so it may end. */
bool weir__order_end(weir_worker *worker);
/* The workers have gone: what they did not do is forgotten. */
void weir__order_drain(weir_runtime *runtime);

#endif
