/* SPDX-License-Identifier: Apache-2.0
 *
 * How operators that keep a trace end the run when it cannot be kept: one text for all of them.
 */
#ifndef WEIR_OPERATORS_TRACE_FAILED_H
#define WEIR_OPERATORS_TRACE_FAILED_H

#include <weir/node.h>
#include <weir/trace.h>

static inline void weir__trace_failed(weir_step *step, weir_status status, size_t updates)
{
    if (status == WEIR_OVERFLOWED)
        weir_step_fail(step, WEIR_OVERFLOWED,
                       "the diffs of a record in one epoch add up to more than 64 bits hold");
    else
        weir_step_fail(step, status, "no memory for a trace of %zu updates", updates);
}

/* Ends the run if a file of the trace is damaged: what weir_trace_error says. */
static inline void weir__trace_check(weir_step *step, const weir_error *error)
{
    if (WEIR_UNLIKELY(error != NULL))
        weir_step_fail(step, error->status, "%s", error->what);
}

/* Merges, for whoever reads the trace: true if there is more to do. What is found to be damaged
 * ends the run, also when the one who appended to the trace is gone. */
static inline bool weir__trace_merge(weir_step *step, weir_trace *trace, size_t fuel)
{
    bool more = weir_trace_work(trace, fuel);
    weir__trace_check(step, weir_trace_error(trace));
    return more;
}

#endif
