/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix_sum: of the records of each key, in the order of a field, the sum of another field over
 * all that come up to there: a running total that stays right when records come and go anywhere.
 *
 *     #define ENTRY(F)   F(str, account) F(date, day) F(i64, cents)
 *     #define BALANCE(F) F(str, account) F(date, day) F(i64, cents)
 *     …
 *     weir_stream(balance) b = weir_prefix_sum(entries, balance, WEIR_KEY(entry, account),
 *                                              day, cents);
 *
 * The result has the key's fields, in order, then the field that orders, then the sum: one record
 * for each different value of the field that orders, unique by the key and it. Sums have the kinds
 * that those of weir_sum have, null until there is something that is not. Null orders first. The
 * field that is summed may be the one that orders, or one of the key. A sum that its kind cannot
 * hold ends the run with WEIR_OVERFLOWED. Of a plain stream each record counts +1; one that went
 * before it came takes its value away.
 *
 * In scopes of any depth. When something of a key changes, its records from there on are read,
 * whose sums are others now, in several steps if they are many; inside a scope all of them are,
 * and summed anew for each time that has to be looked at, in one step of the worker. The key has at
 * most 7 fields.
 */
#ifndef WEIR_OPERATORS_PREFIX_SUM_H
#define WEIR_OPERATORS_PREFIX_SUM_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Over records described at run time. */
typedef struct weir_prefix_sum_spec {
    size_t struct_size;
    const weir_type *out;
    const char *const *key; /* names of fields, ended by NULL */
    const char *by, *field; /* orders; is summed */
} weir_prefix_sum_spec;

/* Refuses, on the graph, fields that the records lack, one that is no number, a key of 8 fields,
 * and a result of another shape. */
WEIR_API weir_port *weir_prefix_sum_erased(weir_port *in, const weir_prefix_sum_spec *spec);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_prefix_sum(s, OUT, K, order_, sum_)                                                   \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_prefix_sum(" #s ", " #OUT ", " #K ", " #order_  \
                                             ", " #sum_ "): the key names a record that the "      \
                                             "stream does not carry");                             \
        _Static_assert(WEIR_PREFIX_FITS_(s, OUT, K, order_, weir_tag_i64) ||                       \
                           WEIR_PREFIX_FITS_(s, OUT, K, order_, weir_tag_u64) ||                   \
                           WEIR_PREFIX_FITS_(s, OUT, K, order_, weir_tag_f64) ||                   \
                           WEIR_PREFIX_FITS_(s, OUT, K, order_, weir_tag_opt_i64) ||               \
                           WEIR_PREFIX_FITS_(s, OUT, K, order_, weir_tag_opt_u64) ||               \
                           WEIR_PREFIX_FITS_(s, OUT, K, order_, weir_tag_opt_f64) ||               \
                           WEIR_PREFIX_FITS_(s, OUT, K, order_, __typeof__((s).fields->sum_)),     \
                       "weir_prefix_sum(" #s ", " #OUT ", " #K ", " #order_ ", " #sum_ "): " #OUT  \
                       " must have the kinds of the key, in order, then that of the field that "   \
                       "orders, then one i64, u64, f64 or decimal");                               \
        (weir_stream(OUT)){ .port = weir_prefix_sum_erased((s).port, &(weir_prefix_sum_spec){      \
                                .struct_size = sizeof(weir_prefix_sum_spec),                       \
                                .out = OUT##_type(),                                               \
                                .key = WEIR_KEY_NAMES_(K),                                         \
                                .by = WEIR_NAME_IN_(s, order_),                                    \
                                .field = WEIR_NAME_IN_(s, sum_) }) };                              \
    })
#define WEIR_PREFIX_FITS_(s, OUT, K, order_, T)                                                    \
    WEIR_RESULT_FITS_(OUT, K, __typeof__((s).fields->order_), T)
#endif

#endif
