/* SPDX-License-Identifier: Apache-2.0
 *
 * Matching: every pair of an update in one run and an update in another that have the same key.
 * What joins are made of: a run that comes along one side's stream is matched with all runs of the
 * other side that were delivered before.
 *
 * A matcher belongs to one thread, and yields at any point: what it makes comes in blocks.
 */
#ifndef WEIR_MATCH_H
#define WEIR_MATCH_H

#include <weir/trace.h>

WEIR_BEGIN_DECLS

/* Pairs, of side 0 and side 1. The diff of a pair is the product, its time the least at or after
 * both. */
typedef struct weir_matches {
    size_t count;
    const void *const *records[2]; /* whole records of the shapes' types */
    const int64_t *diffs;          /* NULL: all 1 */
    const uint64_t *times;         /* count × depth coordinates; NULL: all at `time` */
    weir_time time;
} weir_matches;

typedef struct weir_matcher weir_matcher;

/* Of two shapes whose keys have the same kinds, in order, and whose seeds are the same. Times have
 * this depth, at least that of the shapes: theirs are read with zeros behind. NULL: no memory. */
WEIR_API weir_matcher *weir_matcher_create(weir_shape *const shapes[2], unsigned depth);
WEIR_API void weir_matcher_destroy(weir_matcher *matcher);
/* Promises, before anything is started, that `others` will always have what was started of their
 * side until then, merged or not, and nothing else. So the matcher can note which keys a side has.
 */
WEIR_API void weir_matcher_see_all(weir_matcher *matcher);
/* Begins to match a run of this side (0 or 1) with those of the other. Keeps references until all
 * is matched. Nothing else may be under way. */
WEIR_API void weir_matcher_start(weir_matcher *matcher, unsigned side, weir_trace_run *run,
                                 weir_trace_runs *others);
/* Whether something was started that weir_matcher_next has not come to the end of. */
WEIR_API bool weir_matcher_is_busy(const weir_matcher *matcher);
/* The next pairs, at most 256, valid until the next call; their strings as long as the runs. There
 * may be none in a block, since the work of a call is bounded. NULL: there are no more, or (then
 * *status is OVERFLOWED) the product of two diffs left the range. */
WEIR_API const weir_matches *weir_matcher_next(weir_matcher *matcher, weir_status *status);
/* Gives up what was started. */
WEIR_API void weir_matcher_stop(weir_matcher *matcher);
/* The run of this side that the pairs last given are of. No reference. */
WEIR_API weir_trace_run *weir_matcher_run(const weir_matcher *matcher, unsigned side);

WEIR_END_DECLS
#endif
