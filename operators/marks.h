/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks: how far time has come, for operators with timers. By event time, the greatest instant that
 * a field of the records has shown, from every worker to all of them, at the epochs of the records.
 * By the clock, the machine's instant when a timer of the worker was due. What an operator keeps of
 * the marks it was given is here, too.
 */
#ifndef WEIR_OPERATORS_MARKS_H
#define WEIR_OPERATORS_MARKS_H

#include "stash.h"

/* Records of the stream of marks: one i64 of microseconds. */
const weir_type *weir__mark_type(void);

/* A node that passes the stream on and measures it: *in becomes what it passes on. field: index of
 * an instant; lateness_us is taken off. The result goes to all workers. */
weir_port *weir__marks_by_event(weir_port **in, unsigned field, int64_t lateness_us);

/* What the node with timers and the clock of one worker tell each other: one thread. */
typedef struct weir__clock {
    weir_waker *waker;
    int64_t due_us; /* when the first timer is due; INT64_MAX: there is none */
    bool ended;     /* no timer will be set any more */
} weir__clock;

/* A source that makes a mark when a timer is due; *clocks has one for each worker. */
weir_port *weir__marks_by_clock(weir_graph *graph, weir__clock **clocks);
/* From now on the first timer is due then. */
void weir__clock_set(weir__clock *clock, int64_t due_us);
void weir__clock_end(weir__clock *clock);

/* The marks of epochs that are not complete, and how far time has come by those that are. */
typedef struct weir__marks {
    weir__times epochs; /* each with the greatest instant it has shown */
    int64_t now;        /* INT64_MIN at first */
    int64_t told;       /* the greatest instant of all marks: it will be `now` */
} weir__marks;

void weir__marks_init(weir__marks *marks);
void weir__marks_fini(weir__marks *marks);
/* Takes what waits at input 1, and touches their epochs. */
void weir__marks_take(weir__marks *marks, weir_step *step, weir__stash *stash);
/* The epochs up to this one are complete. */
void weir__marks_use(weir__marks *marks, uint64_t epoch);
/* A timer is due then. What a mark has been made for already is not asked for again, however long
 * the mark's epoch is open. */
static inline void weir__marks_ask(const weir__marks *marks, weir__clock *clock, int64_t due_us)
{
    if (due_us > marks->told)
        weir__clock_set(clock, due_us);
}

#endif
