/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes of operators that are made on purpose: what runtime/base/planted.h is for the runtime,
 * whose list goes on here.
 */
#ifndef WEIR_OPERATORS_PLANTED_H
#define WEIR_OPERATORS_PLANTED_H

#ifdef WEIR_HAS_PLANTED
#include <stdbool.h>

enum weir__planted_operator {
    WEIR__NOTIFIED_EARLY = 41, /* a time is told before it is complete */
    WEIR__RECLOCK_KEEPS,       /* of what reclock lets through, what came last stays */
    WEIR__TIMER_LOST,          /* of a key's timers the first one is not called */
    WEIR__CAPTURE_SKIPS,       /* of several batches that wait the first is not captured */
    WEIR__REPLAY_SKIPS,        /* what a captured batch takes away is not replayed */
};
extern int weir__planted;
extern bool weir__planted_met[];
#define WEIR_PLANTED(mistake) \
    (weir__planted_met[WEIR__##mistake] = true, weir__planted == WEIR__##mistake)
#else
#define WEIR_PLANTED(mistake) 0
#endif

#endif
