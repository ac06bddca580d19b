/* SPDX-License-Identifier: Apache-2.0
 *
 * top: the first records of each key, in an order, kept up to date. With one record it is the one
 * of the minimum (WEIR_ASC) or the maximum (WEIR_DESC); these alone are weir_min and weir_max.
 *
 *     weir_stream(page_hits) best = weir_top(counts, WEIR_KEY(page_hits, country), 10,
 *                                            WEIR_DESC(page_hits, hits));
 *     weir_stream(page_hits) most = weir_top(counts, WEIR_KEY(page_hits, country), 1,
 *                                            WEIR_DESC(page_hits, hits));
 *
 * Ties go by all fields, so the result depends on the collection alone. A record that is there
 * twice is two of the first; one that is there less than 0 times, since more of it was taken away
 * than there was, is none. In scopes of any depth, at each time.
 *
 * A change costs a look at the front of the group, however many records it has. Outside of scopes
 * some hundred records more than are asked for are kept of a large group, and others are read when
 * these have gone, in whichever order. Inside a scope records are read up to those that are there
 * at all times at which something may change; where many have gone is noted, and passed over.
 */
#ifndef WEIR_OPERATORS_TOP_H
#define WEIR_OPERATORS_TOP_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Names of key fields end with NULL. Refuses, on the graph, a plain stream, a key or an order that
 * the records lack, no order, and a count of 0. */
WEIR_API weir_port *weir__top(weir_port *in, const char *const *key, uint64_t count,
                              weir_order order);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_top(s, K, count, order)                                                               \
    (WEIR_CHECK_(WEIR_KEY_FITS_(s, K), "weir_top(" #s ", " #K ", " #count ", " #order              \
                                       "): the key names a record that the stream does not "       \
                                       "carry"),                                                   \
     (__typeof__(s)){ .port = weir__top((s).port, WEIR_KEY_NAMES_(K), count, order) })
#endif

#endif
