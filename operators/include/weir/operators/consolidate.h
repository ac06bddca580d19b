/* SPDX-License-Identifier: Apache-2.0
 *
 * consolidate: sums the changes of equal records, time by time, and passes on what is left.
 *
 *     weir_stream(balance) b = weir_consolidate(changes);
 *     weir_stream(balance) c = weir_consolidate_by(changes, WEIR_KEY(balance, account));
 *
 * When a time is complete, each record whose diffs do not add up to 0 leaves once, with the sum.
 * A plain stream becomes a collection in which a record counts as often as it came. Records are
 * exchanged by all their fields (the first 8), or by the key given: the records of one key then
 * leave on one worker. A sum beyond 64 bits ends the run with WEIR_OVERFLOWED.
 */
#ifndef WEIR_OPERATORS_CONSOLIDATE_H
#define WEIR_OPERATORS_CONSOLIDATE_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Names of key fields end with NULL; NULL instead of names: all fields. Refuses, on the graph, a
 * key that the records lack. */
WEIR_API weir_port *weir__consolidate(weir_port *in, const char *const *key);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_consolidate(s) ((__typeof__(s)){ .port = weir__consolidate((s).port, NULL) })
#define weir_consolidate_by(s, K)                                                                  \
    __extension__({                                                                                \
        _Static_assert(WEIR_KEY_FITS_(s, K), "weir_consolidate_by(" #s ", " #K                     \
                                             "): the key names a record that the stream does "     \
                                             "not carry");                                         \
        (__typeof__(s)){ .port = weir__consolidate((s).port, WEIR_KEY_NAMES_(K)) };                \
    })
#endif

#endif
