/* SPDX-License-Identifier: Apache-2.0
 *
 * count_distinct: how many different values of a field the records of each key have.
 *
 *     #define VISIT(F)    F(str, page) F(u64, user) F(instant, at)
 *     #define VISITORS(F) F(str, page) F(i64, users)
 *     …
 *     weir_stream(visitors) v = weir_count_distinct(visits, visitors, WEIR_KEY(visit, page), user);
 *
 * The result has the key's fields, in order, then the count, and is unique by them. A value counts
 * as long as the diffs of its records add up to more than 0; null is a value, too: filter it away
 * where it should not count. Exact when records go, in scopes of any depth, at each time. The key
 * has at most 7 fields.
 */
#ifndef WEIR_OPERATORS_COUNT_DISTINCT_H
#define WEIR_OPERATORS_COUNT_DISTINCT_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Names of key fields end with NULL. Refuse, on the graph, a key or a field that the records lack,
 * a key of 8 fields, and a result of another shape. */
WEIR_API weir_port *weir__count_distinct(weir_port *in, const weir_type *out,
                                         const char *const *key, const char *field);
/* The same over records described at run time; field is an index. */
WEIR_API weir_port *weir_count_distinct_erased(weir_port *in, const weir_key *key, uint16_t field,
                                               const weir_type *out);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_count_distinct(s, OUT, K, field)                                                      \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_count_distinct(" #s ", " #OUT ", " #K ", "      \
                                             #field "): the key names a record that the stream "   \
                                             "does not carry");                                    \
        _Static_assert(WEIR_RESULT_FITS_(OUT, K, weir_tag_i64),                                    \
                       "weir_count_distinct(" #s ", " #OUT ", " #K ", " #field "): " #OUT          \
                       " must have the kinds of the key, in order, then one i64");                 \
        (weir_stream(OUT)){ .port = weir__count_distinct((s).port, OUT##_type(),                   \
                                                         WEIR_KEY_NAMES_(K),                       \
                                                         WEIR_NAME_IN_(s, field)) };               \
    })
#endif

#endif
