/* SPDX-License-Identifier: Apache-2.0
 *
 * Notification: a hand-written node asks to be told when a time is complete, and is told in the
 * order of times, with the right to send at them.
 *
 *     static void totals_step(weir_step *step, void *state)
 *     {
 *         totals *t = state;                                // has a weir_notify, zeroed
 *         for (const weir_batch *b; (b = weir_step_take(step, 0));)
 *             for (size_t i = 0; i < b->count; i++) {
 *                 weir_time at = weir_batch_time(b, i);   // a batch may have records of several
 *                 weir_notify_at(&t->notify, step, &at);
 *                 add_up(t, &at, weir_batch_record(b, i));
 *             }
 *         for (weir_time at; weir_notify_next(&t->notify, step, &at);)
 *             total_emit((weir_out(total)){ weir_step_output(step, 0, &at) }, total_of(t, &at));
 *     }
 *     …
 *     weir_unary(readings, total, totals_step, .init = …, .interest = WEIR_IF_HOLDING);
 *
 * A time is complete when the frontiers of all inputs that are waited for have passed it. A time
 * asked for several times is told once. Of two complete times, the earlier one comes first; times
 * of which none is earlier come in the order of weir_time_compare.
 */
#ifndef WEIR_OPERATORS_NOTIFY_H
#define WEIR_OPERATORS_NOTIFY_H

#include <weir/node.h>

WEIR_BEGIN_DECLS

/* A time asked for, and the capability for it. */
typedef struct weir_notice {
    weir_time time;
    weir_cap cap;
} weir_notice;

/* Part of a node's state. Zeroed, it waits for input 0 and holds capabilities of output 0. */
typedef struct weir_notify {
    unsigned output; /* whose capabilities are held */
    unsigned inputs; /* waits for inputs 0 to inputs - 1; 0: for input 0. All need an interest */
    /* private: both lists by time, from first to count */
    struct weir_notices {
        weir_notice *notices;
        uint32_t first, count, capacity;
    } waiting, complete;
    weir_notice open; /* told last */
    bool is_open;
} weir_notify;

/* Asks for time t, at or after the current batch's (NULL: at it) or the time told last. */
WEIR_API void weir_notify_at(weir_notify *notify, weir_step *step, const weir_time *t);
/* Asks for the time of a capability of the output, and takes it over. */
WEIR_API void weir_notify_with(weir_notify *notify, weir_step *step, weir_cap cap);
/* The next complete time. Until the next call the node may send at it, and ask for later times. The
 * loop over it has to go on until it returns false, in this step or a later one. */
WEIR_API bool weir_notify_next(weir_notify *notify, weir_step *step, weir_time *t);
/* How many times were asked for and not told yet. */
WEIR_API size_t weir_notify_count(const weir_notify *notify);
/* Frees its memory, without giving up capabilities: for a node's fini. */
WEIR_API void weir_notify_fini(weir_notify *notify);

WEIR_END_DECLS
#endif
