/* SPDX-License-Identifier: Apache-2.0
 *
 * The incremental logic of a reduction, over integers: one key's input and output as updates
 * (value's index, time, diff), partially ordered times, and the question at which times the output
 * has to be corrected, and how. Whoever asks knows the values and the function; this knows neither.
 *
 *     weir_history_begin(h);
 *     weir_history_input(h, value, &time, diff);      all that the key has had so far,
 *     weir_history_output(h, value, &time, diff);     by growing value; all that was put out for it
 *     weir_history_seed(h, &time);                    times of what is new, what is still pending
 *     for (weir_time at; weir_history_next(h, &upper, &at);)
 *         for (size_t i = 0; i < h->input.count; i++)
 *             …  weir_history_want(h, result, 1);
 *
 * Then weir_history_corrections are the changes that make the output at every time not at or after
 * `upper` what was wanted there, and h->pending the earliest times at or after it to be seeded
 * again, once upper has passed them.
 *
 * Invariant: at a time that is not at or after any pending time, the output is right. So seeds may
 * be left out which are at or after others, and earlier updates may have been moved up to any time
 * at which they count the same for all that is not yet past.
 *
 * Pure, belongs to one thread. Memory is kept for the next key.
 */
#ifndef WEIR_HISTORY_H
#define WEIR_HISTORY_H

#include <weir/frontier.h>

WEIR_BEGIN_DECLS

typedef struct weir_history_update {
    weir_time time;
    int64_t diff;
    uint32_t value;
} weir_history_update;

/* What is there at one time: values whose diffs add up to something. Those of the input by growing
 * value, each once. */
typedef struct weir_history_sums {
    size_t count;
    uint32_t *values;
    int64_t *diffs;
} weir_history_sums;

/* Read input, output and pending; the rest is private. */
typedef struct weir_history {
    unsigned depth;
    weir_history_sums input, output; /* at the time that next has given */
    weir_frontier pending;
    weir_status failed; /* OVERFLOWED: a sum of diffs left 64 bits; next returns false then */
    struct weir__history *more;
} weir_history;

WEIR_API void weir_history_init(weir_history *history, unsigned depth);
WEIR_API void weir_history_fini(weir_history *history);

/* Starts with another key. */
WEIR_API void weir_history_begin(weir_history *history);
/* An update of the input, of the output. Before the first next. */
WEIR_API void weir_history_input(weir_history *history, uint32_t value, const weir_time *time,
                                 int64_t diff);
WEIR_API void weir_history_output(weir_history *history, uint32_t value, const weir_time *time,
                                  int64_t diff);
/* A time from which on the output may be wrong. */
WEIR_API void weir_history_seed(weir_history *history, const weir_time *time);
/* The greatest time at or before all seeds so far: at none that is not at or after it is anything
 * looked at. False: there are none. */
WEIR_API bool weir_history_meet(const weir_history *history, weir_time *meet);

/* Most often one time is to be looked at, and all that follows from it waits. Then sums will do, in
 * place of updates: if all seeds that are not at or after upper are one time, `alone` gives it. The
 * sums there are given then, the input's by growing value, and of the updates that are not at or
 * before it the times, joined with it, of which the least are enough. visit goes to the time, as
 * next does; the next next ends. False: one of these times would have to be looked at, too; then
 * updates have to be given after all, and none of this has happened. */
WEIR_API bool weir_history_alone(weir_history *history, const weir_frontier *upper,
                                 weir_time *time);
WEIR_API void weir_history_sum_input(weir_history *history, uint32_t value, int64_t diff);
WEIR_API void weir_history_sum_output(weir_history *history, uint32_t value, int64_t diff);
WEIR_API bool weir_history_visit(weir_history *history, const weir_frontier *upper,
                                 const weir_frontier *later);

/* Goes to the next time, in a linear extension of their order, at which the output has to be looked
 * at; false: there is none. upper is the same in all calls for a key. */
WEIR_API bool weir_history_next(weir_history *history, const weir_frontier *upper,
                                weir_time *time);
/* Ends before next has, at the time that it has given: this one and those still to come are
 * pending, too. */
WEIR_API void weir_history_leave(weir_history *history);
/* So often the value is to be in the output at this time; calls for one value add up. */
WEIR_API void weir_history_want(weir_history *history, uint32_t value, int64_t diff);
/* After next was false: what to put out. Valid until the next begin. */
WEIR_API const weir_history_update *weir_history_corrections(const weir_history *history,
                                                             size_t *count);

WEIR_END_DECLS
#endif
