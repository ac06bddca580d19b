/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of capabilities, for hand-written nodes that may still send at several times: what is held
 * is the least of what was inserted, and can be moved on to a frontier.
 *
 *     weir_cap_set set = { 0 };                              // in the node's state
 *     …
 *     weir_cap_set_insert(&set, step, weir_cap_retain(step, 0, NULL));
 *     …
 *     (void)weir_cap_set_downgrade(&set, step, weir_step_frontier(step, 0));
 *
 * A capability that is at or after another one of its set is given up at once: the right to send at
 * its time is in the other. All of a set are of one output. A set belongs to one node's state.
 */
#ifndef WEIR_OPERATORS_CAP_SET_H
#define WEIR_OPERATORS_CAP_SET_H

#include <weir/node.h>

WEIR_BEGIN_DECLS

/* Zeroed, it is an empty set. */
typedef struct weir_cap_set {
    uint32_t count, capacity;
    weir_cap *caps; /* no time of them is at or after another's */
} weir_cap_set;

/* Frees the set's memory, without giving up capabilities: for a node's fini. */
WEIR_API void weir_cap_set_fini(weir_cap_set *set);
/* Takes the capability over. */
WEIR_API void weir_cap_set_insert(weir_cap_set *set, weir_step *step, weir_cap cap);
/* Whether one of the set is at or before t. */
WEIR_API bool weir_cap_set_covers(const weir_cap_set *set, const weir_step *step,
                                  const weir_time *t);
/* A new capability at t, which is the caller's. WEIR_CAP_NONE: the set does not cover t. */
WEIR_API weir_cap weir_cap_set_delayed(const weir_cap_set *set, weir_step *step,
                                       const weir_time *t);
/* Holds exactly the times of the frontier from now on; nothing if it is empty. False, and nothing
 * has changed: the set does not cover one of them. */
WEIR_API bool weir_cap_set_downgrade(weir_cap_set *set, weir_step *step,
                                     const weir_frontier *frontier);
/* Gives all of them up. */
WEIR_API void weir_cap_set_clear(weir_cap_set *set, weir_step *step);

/* As weir_cap_delayed and weir_cap_downgrade, but refuse a time that is not at or after the
 * capability's (WEIR_CAP_NONE, false), where those end the process. */
WEIR_API weir_cap weir_cap_try_delayed(weir_step *step, weir_cap cap, const weir_time *t);
WEIR_API bool weir_cap_try_downgrade(weir_step *step, weir_cap cap, const weir_time *t);

WEIR_END_DECLS
#endif
