/* SPDX-License-Identifier: Apache-2.0
 *
 * Which dataflows of a worker have something to do, now or at some moment, so that a turn costs
 * nothing for those that have not. Owned by the worker's thread.
 *
 * A dataflow is ready when a node became active, when its tracker got updates, or when a moment
 * that it waits for has come; it stays ready while sources wait for room. After its turn it rests
 * (weir__dataflow_rest): then it says when it has to run again. Beside these there are dataflows
 * with nodes that wait for a moment in which nothing else is to be done.
 */
#ifndef WEIR_DATAFLOW_AGENDA_H
#define WEIR_DATAFLOW_AGENDA_H

#include <weir/base.h>

typedef struct weir__dataflow weir__dataflow;
struct weir__context;

/* A part of every context. */
typedef struct weir__agenda {
    weir__dataflow *ready, **ready_end; /* in the order in which they became ready */
    weir__dataflow *timed;   /* those that wait for a moment */
    weir__dataflow *clocked; /* those with sources that follow the epoch clock */
    weir__dataflow *idle, **idle_end; /* those with nodes that are called when nothing else is */
    uint64_t due_ns;         /* the earliest of those moments or before it; UINT64_MAX: none */
    uint64_t follow_ns;      /* when idle dataflows follow the epoch clock; UINT64_MAX: they did */
    uint64_t epoch_followed; /* how far they did */
    uint32_t incomplete;     /* dataflows that are not complete */
    bool due_is_old;         /* due_ns may be before the earliest moment */
} weir__agenda;

/* A dataflow's place in it. */
typedef struct weir__agenda_item {
    weir__dataflow *next_ready, *next_timed, *next_clocked, *next_idle;
    uint64_t due_ns;
    bool is_ready, is_timed, is_idle;
} weir__agenda_item;

void weir__agenda_init(weir__agenda *agenda);
/* Of one that was just made: it counts as incomplete, and is ready. */
void weir__agenda_add(weir__dataflow *dataflow);
void weir__agenda_remove(weir__dataflow *dataflow);
/* Makes those ready whose moment has come by the context's now. */
void weir__agenda_wake(struct weir__context *context);
/* Takes out all that are ready: a list by item.next_ready, each still marked. */
weir__dataflow *weir__agenda_take(weir__agenda *agenda);
/* Of a dataflow that has such a node. */
void weir__agenda_add_idle(weir__dataflow *dataflow);
/* There is nothing else to do: makes the next one of those nodes active. False: there is none. */
bool weir__agenda_use_idle(weir__agenda *agenda);
/* Notes that others heard of a later epoch than some dataflows follow. */
void weir__agenda_note_epoch(struct weir__context *context);
/* The next moment at which a dataflow has something to do; UINT64_MAX: there is none. */
uint64_t weir__agenda_due_ns(struct weir__context *context);
/* Whether a node is active in a dataflow that is ready. */
bool weir__agenda_is_active(const weir__agenda *agenda);
/* Whether credits have come that one of those that wait for them has not seen. */
bool weir__agenda_has_credits(const weir__agenda *agenda);

#endif
