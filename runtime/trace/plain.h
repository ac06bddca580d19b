/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain updates: where keys are their hashes, values a word or two of integers or nothing
 * (words.h), and all times equal, a builder keeps no records, but what stands for them; without
 * diffs, as long as all of these are equal and no two updates would become one.
 */
#ifndef WEIR_TRACE_PLAIN_H
#define WEIR_TRACE_PLAIN_H

#include "trace/build.h"

/* Whether records of the shape are no more than that. */
static inline bool weir__plain_fits(const weir_shape *shape)
{
    return shape->bijective && shape->rests.word_count <= WEIR__WORDS_MAX;
}

/* Notes updates, all at one time, that of the builder. False: no memory, and none was noted. */
bool weir__plain_add(weir_trace_builder *b, const weir_updates *u);
/* Makes records of what was noted: the builder is not plain any more. False: no memory. */
bool weir__plain_leave(weir_trace_builder *b);
/* Sorts them and adds them up, and says what room what is left takes. OVERFLOWED; NO_MEMORY:
 * nothing has happened. */
weir_status weir__plain_sort(weir_trace_builder *b, weir__room *room);
/* What was sorted, of which something is left. */
void weir__plain_write(const weir_trace_builder *b, weir_trace_run *run);

#endif
