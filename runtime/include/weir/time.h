/* SPDX-License-Identifier: Apache-2.0
 *
 * Logical times: 1 to WEIR_TIME_COORDS unsigned coordinates under the product order; the depth of
 * a time belongs to its scope and is passed beside it. Summaries say how a time changes along an
 * edge or through a node. Pure values; any thread.
 */
#ifndef WEIR_TIME_H
#define WEIR_TIME_H

#include <weir/base.h>

WEIR_BEGIN_DECLS

#define WEIR_TIME_COORDS 4

/* A time. Coordinates at and beyond the scope's depth are 0. */
typedef struct weir_time {
    uint64_t at[WEIR_TIME_COORDS];
} weir_time;

static inline weir_time weir_time_1(uint64_t epoch)
{
    weir_time t = { { epoch, 0, 0, 0 } };
    return t;
}

/* a <= b in the product order: every coordinate of a is at most b's. */
static inline bool weir_time_less_equal(const weir_time *a, const weir_time *b, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        if (a->at[i] > b->at[i])
            return false;
    return true;
}

static inline bool weir_time_equal(const weir_time *a, const weir_time *b, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        if (a->at[i] != b->at[i])
            return false;
    return true;
}

static inline bool weir_time_less_than(const weir_time *a, const weir_time *b, unsigned depth)
{
    return weir_time_less_equal(a, b, depth) && !weir_time_equal(a, b, depth);
}

/* Lexicographic order, a linear extension of the product order: -1, 0 or 1. For sorting only. */
WEIR_API int weir_time_compare(const weir_time *a, const weir_time *b, unsigned depth);
/* The least time at or after both (per-coordinate maximum), the greatest at or before both. */
WEIR_API weir_time weir_time_join(const weir_time *a, const weir_time *b, unsigned depth);
WEIR_API weir_time weir_time_meet(const weir_time *a, const weir_time *b, unsigned depth);
/* "5" at depth 1, "(5, 2)" at depth 2. Writes at most size bytes, always ended. Returns text. */
WEIR_API const char *weir_time_text(const weir_time *t, unsigned depth, char *text, size_t size);

/* How a time changes along a path: the first `keep` coordinates stay, then add[i] is added to each
 * of the `depth` coordinates of the result (one that was not kept starts from 0). Closed under
 * composition. A result that would overflow does not exist. */
typedef struct weir_summary {
    uint8_t keep;
    uint8_t depth;
    uint64_t add[WEIR_TIME_COORDS];
} weir_summary;

/* Leaves a time of this depth as it is. */
WEIR_API weir_summary weir_summary_identity(unsigned depth);
/* From depth to depth + 1 (the new coordinate is 0); from depth to depth - 1. */
WEIR_API weir_summary weir_summary_enter(unsigned depth);
WEIR_API weir_summary weir_summary_leave(unsigned depth);
/* Adds step (at least 1) to the last coordinate: what an edge that closes a loop does. */
WEIR_API weir_summary weir_summary_feedback(unsigned depth, uint64_t step);
/* Applies s to t. False, and *result untouched, if a coordinate would overflow. */
WEIR_API bool weir_summary_apply(const weir_summary *s, const weir_time *t, weir_time *result);
/* first, then second. False if a sum overflows: nothing that finite can follow that path. */
WEIR_API bool weir_summary_follow(const weir_summary *first, const weir_summary *second,
                                  weir_summary *result);
/* a's result is at or before b's for every time of the right depth. Both have one depth. */
WEIR_API bool weir_summary_less_equal(const weir_summary *a, const weir_summary *b);
WEIR_API bool weir_summary_is_identity(const weir_summary *s, unsigned depth);

WEIR_END_DECLS
#endif
