/* SPDX-License-Identifier: Apache-2.0
 *
 * quantile and median: of a field, over the records of each key, as a collection that changes.
 *
 *     #define ANSWER(F)  F(str, page) F(u64, us)
 *     #define LATENCY(F) F(str, page) F(u64, p50) F(u64, p99)
 *     #define TYPICAL(F) F(str, page) F(f64, us)
 *     …
 *     weir_stream(latency) l = weir_quantile(answers, latency, WEIR_KEY(answer, page), us,
 *                                            0.5, 0.99);
 *     weir_stream(typical) m = weir_median(answers, typical, WEIR_KEY(answer, page), us);
 *
 * The result has the key's fields, in order, then the quantiles, and is unique by the key. A
 * quantile is a value that is there: the least one that has at least this fraction, from 0 to 1, of
 * all records at or below it; it is of the field's kind, and there are as many fields as fractions
 * (1 to 8). The median is an f64: the value in the middle, or the mean of both that are. Quantiles
 * are of numbers, dates and instants; medians of numbers. NaN is above all others. Null values are
 * left out: an optional field wants optional results, null where a key has nothing else.
 *
 * Values that are there less than 0 times, since more was taken away than there was, are left out.
 * How often values are there has to fit 64 bits, also in the middle of an epoch, or the run ends
 * with WEIR_OVERFLOWED.
 *
 * Exact when records go, in scopes of any depth. Of a plain stream each record counts +1. Outside
 * of scopes each key keeps its different values in order, about 40 bytes each, and a change costs
 * some comparisons for each doubling of their number. Inside a scope all records of a key are read
 * when something of it changes.
 */
#ifndef WEIR_OPERATORS_QUANTILE_H
#define WEIR_OPERATORS_QUANTILE_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

#define WEIR_QUANTILES_MAX 8

/* Zero means default for every field. */
typedef struct weir_quantile_spec {
    size_t struct_size;
    const weir_type *out;
    const char *const *key; /* names of fields, ended by NULL */
    const char *field;
    const double *fractions;
    unsigned count; /* of fractions; 0: the median */
} weir_quantile_spec;

/* Over records described at run time. Refuses, on the graph, a key or a field that the records
 * lack, a field of another kind, fractions that are none, and a result of another shape. */
WEIR_API weir_port *weir_quantile_erased(weir_port *in, const weir_quantile_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_quantile(stream, OUT, WEIR_KEY(IN, …), field, fractions…) */
#define weir_quantile(s, OUT, K, column, ...)                                                      \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_quantile(" #s ", " #OUT ", " #K ", " #column    \
                                             ", ...): the key names a record that the stream does "\
                                             "not carry");                                         \
        _Static_assert(WEIR_QUANTILES_FIT_(OUT, K, __typeof__((s).fields->column)),                \
                       "weir_quantile(" #s ", " #OUT ", " #K ", " #column ", ...): " #OUT          \
                       " must have the kinds of the key, in order, then that of the field for "    \
                       "each fraction");                                                           \
        (weir_stream(OUT)){ .port = weir_quantile_erased((s).port, &(weir_quantile_spec){          \
                                .struct_size = sizeof(weir_quantile_spec),                         \
                                .out = OUT##_type(),                                               \
                                .key = WEIR_KEY_NAMES_(K),                                         \
                                .field = WEIR_NAME_IN_(s, column),                                 \
                                .fractions = (const double[]){ __VA_ARGS__ },                      \
                                .count = sizeof((const double[]){ __VA_ARGS__ }) /                 \
                                         sizeof(double) }) };                                      \
    })
#define WEIR_QUANTILES_FIT_(OUT, K, T)                                                             \
    (WEIR_RESULT_FITS_(OUT, K, T) || WEIR_RESULT_FITS_(OUT, K, T, T) ||                            \
     WEIR_RESULT_FITS_(OUT, K, T, T, T) || WEIR_RESULT_FITS_(OUT, K, T, T, T, T) ||                \
     WEIR_RESULT_FITS_(OUT, K, T, T, T, T, T) || WEIR_RESULT_FITS_(OUT, K, T, T, T, T, T, T) ||    \
     WEIR_RESULT_FITS_(OUT, K, T, T, T, T, T, T, T) ||                                             \
     WEIR_RESULT_FITS_(OUT, K, T, T, T, T, T, T, T, T))

#define weir_median(s, OUT, K, column)                                                             \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_median(" #s ", " #OUT ", " #K ", " #column      \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        _Static_assert(WEIR_RESULT_FITS_(OUT, K, weir_tag_f64) ||                                  \
                           WEIR_RESULT_FITS_(OUT, K, weir_tag_opt_f64),                            \
                       "weir_median(" #s ", " #OUT ", " #K ", " #column "): " #OUT                 \
                       " must have the kinds of the key, in order, then one f64");                 \
        (weir_stream(OUT)){ .port = weir_quantile_erased((s).port, &(weir_quantile_spec){          \
                                .struct_size = sizeof(weir_quantile_spec),                         \
                                .out = OUT##_type(),                                               \
                                .key = WEIR_KEY_NAMES_(K),                                         \
                                .field = WEIR_NAME_IN_(s, column) }) };                            \
    })
#endif

#endif
