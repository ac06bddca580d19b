/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator that works on a key when its times are complete keeps until then: runs that have
 * come, keys that are to be looked at again, and for each of these times the right to send.
 */
#ifndef WEIR_OPERATORS_PENDING_H
#define WEIR_OPERATORS_PENDING_H

#include <weir/node.h>
#include <weir/table.h>
#include <weir/trace.h>

#include "times.h"
#include "window.h"

/* A key that is to be looked at again at these times: a value of the table. */
typedef struct weir__pending_key {
    uint64_t hash;
    uint32_t refs; /* by entries below */
    bool due;      /* one of its times is complete */
    weir_frontier times;
    weir__window *window; /* what has changed of it at these times; NULL: nobody has said */
} weir__pending_key;

enum { WEIR__PENDING_OUTPUTS = 2 };

typedef struct weir__pending_time {
    weir_time time;
    weir_cap caps[WEIR__PENDING_OUTPUTS]; /* of the outputs that are sent to */
    weir_trace_run **runs;
    weir__pending_key **keys; /* that have the time, or had it */
    uint32_t run_count, run_capacity, key_count, key_capacity;
} weir__pending_time;

typedef struct weir__pending {
    unsigned depth, outputs;
    weir_table *table; /* by the key of `type` */
    weir__times waits; /* of weir__pending_time */
    weir__times ready; /* between take and done */
    weir_frontier since; /* how far traces that are read have been told to forget */
    weir_account *account;
} weir__pending;

typedef struct weir__pending_spec {
    const weir_type *type;
    const weir_key *key;
    unsigned depth;
    unsigned outputs; /* bit o: the right to send at output o is kept; one bit at least */
} weir__pending_spec;

/* The i-th of the times that are ready. */
static inline weir__pending_time *weir__pending_ready(const weir__pending *p, uint32_t i)
{
    return weir__times_at(&p->ready, i);
}

weir_status weir__pending_init(weir__pending *p, weir_step *step, const weir__pending_spec *spec,
                               weir_error *error);
void weir__pending_fini(weir__pending *p);

/* A run that came with the current batch, at the batch's time. Keeps a reference. */
void weir__pending_add_run(weir__pending *p, weir_step *step, weir_trace_run *run,
                           const weir_time *time);
/* Takes the references of runs that have come at input 0: delivered to the reader, and added. */
void weir__pending_take_runs(weir__pending *p, weir_step *step, weir_trace_reader *reader);
/* Makes ready what has a time that is not at or after the frontier: its runs, and its keys become
 * due. False: there is nothing. What was ready before is done. */
bool weir__pending_take(weir__pending *p, const weir_frontier *frontier);
/* What is pending of the key of this record, NULL: nothing. */
weir__pending_key *weir__pending_find(const weir__pending *p, const void *record);
/* From now on these times, and no others, are pending of it: each at or after a time that is ready
 * or waits. False: no memory. *known is what find said, and then what it would say. */
bool weir__pending_set(weir__pending *p, weir_step *step, const void *record,
                       weir__pending_key **known, const weir_frontier *times);
/* What has changed of a key, of which something is pending, at these times. */
void weir__pending_keep_window(weir__pending_key *key, const weir__window *window);
/* Nothing is ready: what is complete, before the frontier, is asked for no more of the traces;
 * `own` may be NULL. */
void weir__pending_advance(weir__pending *p, const weir_frontier *frontier, weir_trace_reader *in,
                           weir_trace_reader *own);
/* What was ready is worked off: runs, references to keys and capabilities go. */
void weir__pending_done(weir__pending *p, weir_step *step);

#endif
