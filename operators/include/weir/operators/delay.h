/* SPDX-License-Identifier: Apache-2.0
 *
 * delay: records go on at later times, which a function names.
 *
 *     static weir_time to_hour(const reading *r, weir_time now)
 *     {
 *         now.at[0] = (now.at[0] / 3600 + 1) * 3600;
 *         return now;
 *     }
 *     WEIR_DELAY(to_hour, reading)
 *     …
 *     weir_stream(reading) by_hour = weir_delay(readings, to_hour);
 *
 *     static weir_time next(weir_time now) { now.at[0]++; return now; }
 *     weir_stream(reading) later = weir_delay_batch(readings, next);     // for whole batches
 *
 *     static uint64_t weight(const edge *e) { return e->weight; }
 *     WEIR_ENTER_AT(weight, edge)
 *     weir_stream(edge) inside = weir_enter_at(edges, rounds, weight); // at (epoch, weight)
 *
 * The times are at or after the records' own; an earlier one ends the run with WEIR_INVALID.
 * Nothing is held back: a record is sent on at once, at its new time. Diffs stay as they are.
 */
#ifndef WEIR_OPERATORS_DELAY_H
#define WEIR_OPERATORS_DELAY_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Names the new time of each of the batch's records: times[i], which is its own time before. */
typedef void weir_delay_fn(const weir_batch *batch, weir_time *times);
/* Refuses, on the graph, records of another layout than the function takes. */
WEIR_API weir_port *weir_delay_erased(weir_port *in, const weir_type *type, weir_delay_fn *fn,
                                      const char *name);
/* The new time of records at time `now`. */
typedef weir_time weir_delay_batch_fn(weir_time now);
WEIR_API weir_port *weir__delay_batch(weir_port *in, weir_delay_batch_fn *fn, const char *name);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_delay(s, fn)                                                                          \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_delay_in_##fn),                                             \
                 "weir_delay(" #s ", " #fn "): the stream does not carry the records " #fn         \
                 " takes"),                                                                        \
     (__typeof__(s)){ .port = weir_delay_erased((s).port, weir_delay_type_##fn(),                  \
                                                weir_delay_kernel_##fn, NULL) })
#define weir_delay_batch(s, fn)                                                                    \
    ((__typeof__(s)){ .port = weir__delay_batch((s).port, fn, NULL) })
#define weir_enter_at(s, scope, fn)                                                                \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_enter_at_in_##fn),                                          \
                 "weir_enter_at(" #s ", " #scope ", " #fn                                          \
                 "): the stream does not carry the records " #fn " takes"),                        \
     (__typeof__(s)){ .port = weir_delay_erased(weir_port_enter((s).port, scope),                  \
                                                weir_enter_at_type_##fn(),                         \
                                                weir_enter_at_kernel_##fn, NULL) })

/* Registers fn, weir_time fn(const T *, weir_time now), for weir_delay. */
#define WEIR_DELAY(fn, T)                                                                          \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), weir_time(*)(const T *, weir_time)),                \
                   "WEIR_DELAY(" #fn ", " #T "): " #fn " must be weir_time (const " #T             \
                   " *, weir_time now)");                                                          \
    WEIR_DELAY_KERNEL_(delay, fn, T,                                                               \
                       weir_times_[weir_i_] = fn(&weir_from_[weir_i_], weir_times_[weir_i_]))
/* Registers fn, uint64_t fn(const T *), for weir_enter_at. */
#define WEIR_ENTER_AT(fn, T)                                                                       \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), uint64_t (*)(const T *)),                           \
                   "WEIR_ENTER_AT(" #fn ", " #T "): " #fn " must be uint64_t (const " #T " *)");   \
    WEIR_DELAY_KERNEL_(enter_at, fn, T,                                                            \
                       weir_times_[weir_i_].at[weir_batch_->depth - 1] =                           \
                           fn(&weir_from_[weir_i_]))
#define WEIR_DELAY_KERNEL_(op, fn, T, assign)                                                      \
    typedef T weir_##op##_in_##fn;                                                                 \
    WEIR_UNUSED static inline const weir_type *weir_##op##_type_##fn(void)                         \
    {                                                                                              \
        return T##_type();                                                                         \
    }                                                                                              \
    static void weir_##op##_kernel_##fn(const weir_batch *weir_batch_, weir_time *weir_times_)     \
    {                                                                                              \
        const T *weir_from_ = weir_batch_->records;                                                \
        for (size_t weir_i_ = 0; weir_i_ < weir_batch_->count; weir_i_++)                          \
            assign;                                                                                \
    }
#endif

#endif
