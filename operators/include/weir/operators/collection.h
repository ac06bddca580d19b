/* SPDX-License-Identifier: Apache-2.0
 *
 * What turns streams into collections and back: a plain stream whose records are declared to be
 * changes of +1, and the changes of a collection with their signs turned.
 *
 *     weir_stream(order) all = weir_as_collection(orders);
 *     weir_stream(order) open = weir_concat(all, weir_negate(weir_as_collection(shipped)));
 */
#ifndef WEIR_OPERATORS_COLLECTION_H
#define WEIR_OPERATORS_COLLECTION_H

#include <weir/graph.h>
#include <weir/record.h>

WEIR_BEGIN_DECLS

/* Refuses, on the graph, a plain stream. */
WEIR_API weir_port *weir__negate(weir_port *in);

WEIR_END_DECLS

/* The plain stream's records, each +1. Costs nothing. Of a collection, the collection. */
#define weir_as_collection(s) ((__typeof__(s)){ .port = weir_port_as_collection((s).port) })
/* The collection with every diff's sign turned; keeps the unique key. A stage. A diff of INT64_MIN
 * ends the run with WEIR_OVERFLOWED. */
#define weir_negate(s) ((__typeof__(s)){ .port = weir__negate((s).port) })

#endif
