/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators that keep a trace have in common: how they merge it, and how they end the run when
 * it cannot be kept.
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

/* Fuel at each level of merging: for an update that was appended, the first ones of a step more so
 * that small runs become few at once; for keys that were looked up, since each run costs them
 * something; where nothing else is to be done, some ten microseconds. */
static inline size_t weir__merge_fuel(const weir_step *step, size_t appended, size_t looked)
{
    enum { AN_UPDATE = 3, FEW = 1024, OF_FEW = 5, A_LOOKUP = 2, IDLE = 512 };
    size_t few = appended < FEW ? appended : FEW;
    return AN_UPDATE * appended + OF_FEW * few + A_LOOKUP * looked +
           (weir_step_is_idle(step) ? IDLE : 0);
}

/* Merges, for whoever reads the trace; what is left to do is done when there is nothing else. */
static inline void weir__trace_merge(weir_step *step, weir_trace *trace, size_t appended,
                                     size_t looked)
{
    if (weir_trace_work(trace, weir__merge_fuel(step, appended, looked)))
        weir_step_when_idle(step);
}

#endif
