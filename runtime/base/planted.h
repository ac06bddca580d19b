/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes that are made on purpose, to see whether tests find them: each a place in the library at
 * which it is done wrong if the process was started with WEIR_PLANTED=NUMBER in its environment.
 * Only builds with the CMake option WEIR_PLANTED have them; in all others the macro is 0. It stands
 * behind what else a mistake depends on: that it was asked for tells that a test can meet this one.
 */
#ifndef WEIR_BASE_PLANTED_H
#define WEIR_BASE_PLANTED_H

#ifdef WEIR_HAS_PLANTED
#include <stdbool.h>

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
    WEIR__SUM_AHEAD,         /* a process's sum has an entry of a log before an earlier one */
    WEIR__CREDIT_DOUBLED,    /* credit that another process gives back counts twice */
    WEIR__SUM_WAKES_ONE,     /* a sum of another process wakes one worker beside the first */
    WEIR__CREDITS_OF_FIRST,  /* what other workers than the first have consumed, is not told */
    WEIR__WRITE_UNWATCHED,   /* nobody waits for a full connection to take more */
    WEIR__HEARD_WRITING,     /* a process is heard of when something is written to it */
    WEIR__BEAT_OVERSLEPT,    /* a worker sleeps beyond its next heartbeat */
    WEIR__FOLD_TWICE,        /* a sum for a slow reader has an entry twice */
    WEIR__DUE_OF_LAST,       /* of several dataflows' moments, the last one in the list counts */
    WEIR__READ_AHEAD,        /* a reader of a trace sees runs that it was not delivered yet */
    WEIR__READ_BEHIND,       /* a reader does not see the run that it was delivered last */
    WEIR__SINCE_OF_ONE,      /* a trace forgets what one of its readers will not ask for */
    WEIR__SINCE_BEYOND,      /* a merge moves times one epoch beyond since */
    WEIR__MERGE_CROSSES,     /* what a reader was not delivered yet is merged with what it was */
    WEIR__MERGE_LOSES,       /* of three runs or more that are merged, the newest is left out */
    WEIR__PENDING_FORGOTTEN, /* a reduction does not come back to times that are not complete */
    WEIR__JOIN_OF_TWO,       /* a join of an interesting time with another is not visited */
    WEIR__IMPORT_UNMOVED,    /* an import shows times before the one at which it begins */
    WEIR__IMPORT_SHORT,      /* of what was there when an import begins the newest run is missing */
    WEIR__DROPPED_EARLY,     /* what a removed dataflow held is dropped before all have heard */
    WEIR__MISTAKES_OF_OPERATORS,
    WEIR__MISTAKES = 64
};
_Static_assert(WEIR__MISTAKES_OF_OPERATORS == 41,
               "those of operators/planted.h have other numbers");
extern int weir__planted;
extern bool weir__planted_met[WEIR__MISTAKES];
#define WEIR_PLANTED(mistake) \
    (weir__planted_met[WEIR__##mistake] = true, weir__planted == WEIR__##mistake)
#else
#define WEIR_PLANTED(mistake) 0
#endif

#endif
