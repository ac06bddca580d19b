/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers of keys: which are set is with the key's entry; a queue has them in order of time. What
 * was cancelled stays in the queue until its time, and is passed over then.
 */
#ifndef WEIR_OPERATORS_TIMERS_H
#define WEIR_OPERATORS_TIMERS_H

#include "keyed.h"

typedef struct weir__timer {
    int64_t when;
    weir__entry *entry;
} weir__timer;

typedef struct weir__timer_queue {
    weir__timer *heap; /* the least `when` first */
    size_t count, capacity;
    weir_account *account;
} weir__timer_queue;

void weir__timer_queue_init(weir__timer_queue *queue, weir_account *account);
void weir__timer_queue_fini(weir__timer_queue *queue);
/* Sets a timer, once however often it is set for one instant. */
void weir__timer_set(weir__timer_queue *queue, weir__entry *entry, int64_t when);
void weir__timer_cancel(weir__entry *entry, int64_t when);
void weir__timer_cancel_all(weir__entry *entry);
/* Takes the first timer at or before `until` out, which is not set any more then. Entries that only
 * the queue kept are handed to `blank`. False: there is none. */
typedef void weir__blank_fn(weir__entry *entry, void *ctx);
bool weir__timer_due(weir__timer_queue *queue, int64_t until, weir__timer *timer,
                     weir__blank_fn *blank, void *ctx);
/* When the first one is due; INT64_MAX: there is none. It may have been cancelled. */
static inline int64_t weir__timer_first(const weir__timer_queue *queue)
{
    return queue->count ? queue->heap[0].when : INT64_MAX;
}

#endif
