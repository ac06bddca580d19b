/* SPDX-License-Identifier: Apache-2.0
 *
 * min and max: the least and the greatest value of a field, over the records of each key, as a
 * collection that changes.
 *
 *     #define PRICE(F) F(u64, product) F(str, shop) F(i64, cents)
 *     #define BEST(F)  F(u64, product) F(i64, cents)
 *     …
 *     weir_stream(best) b = weir_min(prices, best, WEIR_KEY(price, product), cents);
 *
 * The result has the key's fields, in order, then one of the field's kind, and is unique by the
 * key. Any kind has an order: numbers, texts by their bytes, NaN last. Null values are left out:
 * an optional field wants an optional result, null where a key has nothing else. Of a plain stream
 * each record counts +1. The records that have the value, rather than the value, are those of
 * weir_top.
 *
 * Values that are there less than 0 times, since more was taken away than there was, are left out.
 *
 * Exact when records go, in scopes of any depth. Only the front of a group is looked at, however
 * many records the group has and in which order they go (weir/operators/top.h).
 */
#ifndef WEIR_OPERATORS_MIN_H
#define WEIR_OPERATORS_MIN_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Names of key fields end with NULL. Refuse, on the graph, a key or a field that the records lack,
 * and a result of another shape. */
WEIR_API weir_port *weir__min(weir_port *in, const weir_type *out, const char *const *key,
                              const char *field);
WEIR_API weir_port *weir__max(weir_port *in, const weir_type *out, const char *const *key,
                              const char *field);
/* The same over records described at run time; field is an index. */
WEIR_API weir_port *weir_min_erased(weir_port *in, const weir_key *key, uint16_t field,
                                    const weir_type *out);
WEIR_API weir_port *weir_max_erased(weir_port *in, const weir_key *key, uint16_t field,
                                    const weir_type *out);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_min(s, OUT, K, field) WEIR_MIN_(min, s, OUT, K, field)
#define weir_max(s, OUT, K, field) WEIR_MIN_(max, s, OUT, K, field)
#define WEIR_MIN_(which, s, OUT, K, field)                                                         \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_" #which "(" #s ", " #OUT ", " #K ", " #field   \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        _Static_assert(WEIR_RESULT_FITS_(OUT, K, __typeof__((s).fields->field)),                   \
                       "weir_" #which "(" #s ", " #OUT ", " #K ", " #field "): " #OUT              \
                       " must have the kinds of the key, in order, then that of the field");       \
        (weir_stream(OUT)){ .port = weir__##which((s).port, OUT##_type(), WEIR_KEY_NAMES_(K),      \
                                                  WEIR_NAME_IN_(s, field)) };                      \
    })
#endif

#endif
