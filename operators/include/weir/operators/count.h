/* SPDX-License-Identifier: Apache-2.0
 *
 * count: how many records there are of each key, as a collection that changes.
 *
 *     #define WORD_COUNT(F) F(str, word) F(i64, count)
 *     WEIR_RECORD(word_count, WORD_COUNT)
 *     …
 *     weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
 *
 * The result has the key's fields, in order, then the count. When an epoch is complete, each key
 * whose count changed in it gives its old result with diff -1 (if it was not 0) and its new one
 * with diff +1 (if it is not 0); a key that falls to 0 is forgotten. Of a collection the diffs are
 * summed. Records are exchanged by the key; the result's unique key is the key. A sum beyond 64
 * bits ends the run with WEIR_OVERFLOWED: that of a whole epoch, so it does not matter which of its
 * records comes first. In a scope it is the same at each time, as a reduce.
 */
#ifndef WEIR_OPERATORS_COUNT_H
#define WEIR_OPERATORS_COUNT_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Names of key fields end with NULL. Refuses, on the graph, a key that the records lack, and a
 * result of another shape. */
WEIR_API weir_port *weir__count(weir_port *in, const weir_type *out, const char *const *key);
/* The same over records described at run time. */
WEIR_API weir_port *weir_count_erased(weir_port *in, const weir_key *key, const weir_type *out);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_count(s, OUT, K)                                                                      \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_count(" #s ", " #OUT ", " #K                    \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        _Static_assert(WEIR_RESULT_FITS_(OUT, K, weir_tag_i64),                                    \
                       "weir_count(" #s ", " #OUT ", " #K "): " #OUT                               \
                       " must have the kinds of the key, in order, then one i64");                 \
        (weir_stream(OUT)){ .port = weir__count((s).port, OUT##_type(), WEIR_KEY_NAMES_(K)) };     \
    })
#endif

#endif
