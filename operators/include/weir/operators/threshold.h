/* SPDX-License-Identifier: Apache-2.0
 *
 * distinct and threshold: how often a record is to be in a collection, given how often it is.
 *
 *     weir_stream(edge) once = weir_distinct(edges);
 *
 *     static int64_t at_least_two(const edge *e, int64_t count) { return count >= 2; }
 *     WEIR_THRESHOLD(at_least_two, edge)
 *     …
 *     weir_stream(edge) often = weir_threshold(edges, at_least_two);
 *
 * distinct has each record once whose diffs add up to more than 0, the others not at all. The
 * function of a threshold gets a record and that sum, and says how often the record is to be there;
 * it is not called for 0, which gives none. Of a plain stream each record counts +1.
 *
 * When an epoch (in a scope: a time) is complete, each record for which the answer changed gives
 * the difference. The result of distinct is unique by all fields, in scopes, too, if there are no
 * more than 8; that of a threshold has no unique key.
 *
 * Records are exchanged and kept by all their fields, or by the first 8 of them. Of records with
 * more fields, those that are alike in the first 8 are one group on one worker, and a change of one
 * of them reads the whole group: fields in which records differ most belong among the first 8.
 */
#ifndef WEIR_OPERATORS_THRESHOLD_H
#define WEIR_OPERATORS_THRESHOLD_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

typedef int64_t weir_threshold_fn(const void *record, int64_t count);

/* Over records described at run time. Refuses, on the graph, other records than `type`. kind is
 * what metrics group by. */
WEIR_API weir_port *weir_threshold_erased(weir_port *in, const weir_type *type,
                                          weir_threshold_fn *fn, const char *kind);
WEIR_API weir_port *weir_distinct_erased(weir_port *in);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_distinct(s) ((__typeof__(s)){ .port = weir_distinct_erased((s).port) })
#define weir_threshold(s, fn)                                                                      \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_threshold_in_##fn),                                         \
                 "weir_threshold(" #s ", " #fn "): the stream does not carry the records " #fn     \
                 " takes"),                                                                        \
     weir_threshold_add_##fn((s).port))

/* Registers fn, int64_t fn(const T *, int64_t), for weir_threshold. */
#define WEIR_THRESHOLD(fn, T)                                                                      \
    _Static_assert(WEIR_SAME_(__typeof__(&fn), int64_t (*)(const T *, int64_t)),                   \
                   "WEIR_THRESHOLD(" #fn ", " #T "): " #fn " must be int64_t (const " #T           \
                   " *, int64_t)");                                                                \
    typedef T weir_threshold_in_##fn;                                                              \
    static int64_t weir_threshold_of_##fn(const void *weir_record_, int64_t weir_count_)           \
    {                                                                                              \
        return fn(weir_record_, weir_count_);                                                      \
    }                                                                                              \
    WEIR_UNUSED static inline weir_stream(T) weir_threshold_add_##fn(weir_port *weir_in_)          \
    {                                                                                              \
        return (weir_stream(T)){                                                                   \
            .port = weir_threshold_erased(weir_in_, T##_type(), weir_threshold_of_##fn, #fn)       \
        };                                                                                         \
    }
#endif

#endif
