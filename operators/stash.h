/* SPDX-License-Identifier: Apache-2.0
 *
 * The stash: what an operator that works epoch by epoch keeps of epochs whose turn has not come.
 * Batches are kept, not copied, and for operators with an output a capability of each epoch. Times
 * are epochs.
 */
#ifndef WEIR_OPERATORS_STASH_H
#define WEIR_OPERATORS_STASH_H

#include <weir/node.h>
#include <weir/trace.h>

#include "times.h"

/* A batch, and which of its records are not done with. */
typedef struct weir__kept {
    weir_batch *batch;
    uint32_t *order; /* of its records, by time; NULL: as they lie */
    size_t done;     /* so many of them, in this order */
} weir__kept;

/* An epoch that something has come for. */
typedef struct weir__due {
    weir_time time;
    weir_cap cap; /* of output 0; WEIR_CAP_NONE in a stash without capabilities */
    uint32_t taken, count, capacity;
    weir__kept *kept; /* in the order in which they came */
} weir__due;

typedef struct weir__stash {
    bool with_caps;
    unsigned inputs; /* 0 to inputs - 1 have to have passed an epoch; 1 at first */
    size_t limit; /* records that a step may work on */
    size_t left;  /* what is left of it */
    weir__times dues;      /* of weir__due */
    weir_account *account; /* charged with what it keeps */
} weir__stash;

void weir__stash_init(weir__stash *stash, bool with_caps, weir_account *account);
/* Releases what is kept. Capabilities are the engine's business by then. */
void weir__stash_fini(weir__stash *stash);

/* Works on the records of a batch from index `from` to before `to`, all of one epoch. */
typedef void weir__piece_fn(const weir_batch *batch, size_t from, size_t to, void *ctx);

/* The epoch before which everything has come: UINT64_MAX if nothing more will come. */
static inline uint64_t weir__complete_before(const weir_step *step, unsigned input)
{
    const weir_frontier *f = weir_step_frontier(step, input);
    return weir_frontier_is_empty(f) ? UINT64_MAX : weir_frontier_times(f)[0].at[0];
}

/* Whether nothing more can come of an epoch. */
static inline bool weir__complete(const weir_step *step, unsigned input, uint64_t epoch)
{
    const weir_frontier *f = weir_step_frontier(step, input);
    return weir_frontier_is_empty(f) || weir_frontier_times(f)[0].at[0] > epoch;
}

/* There is something of this epoch, though no record: from the current batch of any input, or from
 * what there is of earlier epochs. */
void weir__stash_touch(weir__stash *stash, weir_step *step, uint64_t epoch);
/* Takes what waits at input 0: gives fn the records of the earliest epoch, if nothing before it can
 * come any more, and keeps the others. False: the step's work is used up, and there may be more:
 * then it has said weir_step_again. */
bool weir__stash_feed(weir__stash *stash, weir_step *step, weir__piece_fn *fn, void *ctx);
/* Gives fn what was kept of the earliest epoch, if nothing before it can come any more. True: the
 * epoch is complete, and fn has had all its records; weir__stash_done has to follow, in this step
 * or a later one, before anything else. False: there is nothing more to do now, or the step's work
 * is used up: then it has said weir_step_again. */
bool weir__stash_complete(weir__stash *stash, weir_step *step, weir__piece_fn *fn, void *ctx);
/* The earliest epoch there is something of, and its capability. */
static inline const weir__due *weir__stash_first(const weir__stash *stash)
{
    return stash->dues.count > 0 ? weir__times_at(&stash->dues, 0) : NULL;
}
static inline uint64_t weir__stash_epoch(const weir__stash *stash)
{
    return weir__stash_first(stash)->time.at[0];
}
/* Of a trace's past, what is before the first epoch that waits, or may still come, is asked for. */
void weir__stash_move_since(const weir__stash *stash, weir_step *step, weir_trace_reader *reader);
/* The earliest epoch is done with, and its capability goes. */
void weir__stash_done(weir__stash *stash, weir_step *step);

#endif
