/* SPDX-License-Identifier: Apache-2.0
 *
 * sum and average: of a field, over the records of each key, as a collection that changes.
 *
 *     #define SALE(F)    F(i64, minute) F(str, product) F(i64, cents)
 *     #define REVENUE(F) F(i64, minute) F(str, product) F(i64, cents)
 *     #define PRICE(F)   F(str, product) F(f64, cents)
 *     …
 *     weir_stream(revenue) r = weir_sum(s, revenue, WEIR_KEY(sale, minute, product), cents);
 *     weir_stream(price)   p = weir_average(s, price, WEIR_KEY(sale, product), cents);
 *
 * The result has the key's fields, in order, then the sum: i64 or u64 of integers, f64 of floats, a
 * decimal of the same scale of decimals; or the average, always f64. Null values are left out: an
 * optional field wants an optional result, null where a key has nothing else.
 *
 * When an epoch is complete, each key whose result changed in it gives its old one with diff -1 and
 * its new one with diff +1; a key of which no record is left is forgotten. Diffs count: a record of
 * diff -2 takes its value away twice. Integers and decimals are summed in 256 bits, floats exactly
 * and rounded once, so no result depends on the order in which records came. A sum that its kind
 * cannot hold when an epoch is complete, whatever it was on the way there, and a number of records
 * beyond 64 bits end the run with WEIR_OVERFLOWED. Records are exchanged by the key; the result's
 * unique key is the key. In a scope, where times have no one order, the records of a key are summed
 * anew whenever one of them has changed.
 */
#ifndef WEIR_OPERATORS_SUM_H
#define WEIR_OPERATORS_SUM_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Names of key fields end with NULL. Refuse, on the graph, a key or a field that the records lack,
 * a field that is no number, and a result of another shape. */
WEIR_API weir_port *weir__sum(weir_port *in, const weir_type *out, const char *const *key,
                              const char *field);
WEIR_API weir_port *weir__average(weir_port *in, const weir_type *out, const char *const *key,
                                  const char *field);
/* The same over records described at run time; field is an index. */
WEIR_API weir_port *weir_sum_erased(weir_port *in, const weir_key *key, uint16_t field,
                                    const weir_type *out);
WEIR_API weir_port *weir_average_erased(weir_port *in, const weir_key *key, uint16_t field,
                                        const weir_type *out);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_sum(s, OUT, K, field)                                                                 \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_sum(" #s ", " #OUT ", " #K ", " #field          \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        _Static_assert(WEIR_RESULT_FITS_(OUT, K, weir_tag_i64) ||                                  \
                           WEIR_RESULT_FITS_(OUT, K, weir_tag_u64) ||                              \
                           WEIR_RESULT_FITS_(OUT, K, weir_tag_f64) ||                              \
                           WEIR_RESULT_FITS_(OUT, K, weir_tag_opt_i64) ||                          \
                           WEIR_RESULT_FITS_(OUT, K, weir_tag_opt_u64) ||                          \
                           WEIR_RESULT_FITS_(OUT, K, weir_tag_opt_f64) ||                          \
                           WEIR_RESULT_FITS_(OUT, K, __typeof__((s).fields->field)),               \
                       "weir_sum(" #s ", " #OUT ", " #K ", " #field "): " #OUT                     \
                       " must have the kinds of the key, in order, then one i64, u64, f64 or "     \
                       "decimal");                                                                 \
        (weir_stream(OUT)){ .port = weir__sum((s).port, OUT##_type(), WEIR_KEY_NAMES_(K),          \
                                              WEIR_NAME_IN_(s, field)) };                          \
    })
#define weir_average(s, OUT, K, field)                                                             \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_average(" #s ", " #OUT ", " #K ", " #field      \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        _Static_assert(WEIR_RESULT_FITS_(OUT, K, weir_tag_f64) ||                                  \
                           WEIR_RESULT_FITS_(OUT, K, weir_tag_opt_f64),                            \
                       "weir_average(" #s ", " #OUT ", " #K ", " #field "): " #OUT                 \
                       " must have the kinds of the key, in order, then one f64");                 \
        (weir_stream(OUT)){ .port = weir__average((s).port, OUT##_type(), WEIR_KEY_NAMES_(K),      \
                                                  WEIR_NAME_IN_(s, field)) };                      \
    })
#endif

#endif
