/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes that are made on purpose, to see whether tests find them: each a place in the library at
 * which it is done wrong if the process was started with WEIR_PLANTED=NUMBER in its environment.
 * Only builds with the CMake option WEIR_PLANTED have them; in all others the macro is 0.
 */
#ifndef WEIR_BASE_PLANTED_H
#define WEIR_BASE_PLANTED_H

#ifdef WEIR_HAS_PLANTED
enum weir__planted_mistake {
    WEIR__SPLIT_SET = 1,     /* of a set of changes, what is lowered is published first */
    WEIR__SWAPPED_SETS,      /* of two sets of one sender the second is applied first */
    WEIR__PART_PUBLISHED,    /* of what is held back, what was raised is held back longer */
    WEIR__NONE_BEFORE_PARK,  /* what was held back is not published when a dataflow rests */
    WEIR__INITIAL_SHORT,     /* the initial count of an output lacks one worker */
    WEIR__LATE_FLUSH,        /* leaves are flushed when the step's changes have been published */
    WEIR__WAKE_LOST,         /* of several sleepers one is woken */
    WEIR__NO_SECOND_LOOK,    /* a worker sleeps without looking once more */
    WEIR__LOOP_HALF_ROUND,   /* a frontier goes round a loop once at most */
    WEIR__BROADCAST_ONCE,    /* what goes to all workers is counted once */
    WEIR__SUMMARY_IGNORED,   /* a batch on a feedback is counted at the new time, not moved to it */
    WEIR__CREDITS_TWICE,     /* what was consumed is given back twice */
    WEIR__ENTRY_TWICE,       /* an entry of the log in 64 is applied twice */
    WEIR__FOLD_DROPS,        /* a sum for a slow reader lacks an entry */
    WEIR__TIMER_FORGOTTEN,   /* when a timer has fired, the others of the dataflow are forgotten */
    WEIR__WAKER_DROPPED,     /* of the wakers called since the last turn one counts */
    WEIR__HOLDING_MISSED,    /* IF_HOLDING is not told while one capability is held */
    WEIR__EPOCH_DUE_MISSED,  /* a worker sleeps beyond the end of an open epoch */
    WEIR__ID_REUSED,         /* a dataflow gets the number of the one before it */
    WEIR__EARLY_DROPPED,     /* a batch for a dataflow that is not built yet is dropped */
};
extern int weir__planted;
#define WEIR_PLANTED(mistake) (weir__planted == WEIR__##mistake)
#else
#define WEIR_PLANTED(mistake) 0
#endif

#endif
