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
        weir_step_fail(step, status,
                       "no memory for a trace of %zu updates: give the process more, let it keep "
                       "large parts on disk (state_dir, --state), or less be under way "
                       "(budget_bytes, --budget)", updates);
}

/* Fuel at each level of merging: for an update that was appended, the first ones of a step more so
 * that small runs become few at once, and those of large batches, which take long anyway, so that
 * few of these go along with a large merge; for keys that were looked up, since each run costs them
 * something. */
static inline weir_merge_work weir__merge_work_of(const weir_step *step, size_t appended,
                                                  size_t looked)
{
    enum { AN_UPDATE = 3, FEW = 1024, OF_FEW = 5, MANY = 32 << 10, OF_MANY = 3, A_LOOKUP = 2 };
    size_t few = appended < FEW ? appended : FEW;
    size_t many = appended > MANY ? appended - MANY : 0;
    return (weir_merge_work){ .fuel = AN_UPDATE * appended + OF_FEW * few + OF_MANY * many +
                                      A_LOOKUP * looked,
                              .looked = looked,
                              .idle = weir_step_is_idle(step),
                              .now_ns = weir_step_now_ns(step) };
}

/* There is more to merge: when there is nothing else, or not before some moment. */
static inline void weir__merge_later(weir_step *step, const weir_merge_work *work)
{
    if (work->again_ns > work->now_ns)
        weir_step_at_ns(step, work->again_ns);
    else
        weir_step_when_idle(step);
}

/* Merges, for whoever reads the trace; what is left to do is done when there is nothing else. */
static inline void weir__trace_merge(weir_step *step, weir_trace *trace, size_t appended,
                                     size_t looked)
{
    weir_merge_work work = weir__merge_work_of(step, appended, looked);
    if (weir_trace_work_at(trace, &work))
        weir__merge_later(step, &work);
}

#endif
