/* SPDX-License-Identifier: Apache-2.0
 *
 * rebalance: records go to the workers in turn, so that each gets as many.
 *
 *     weir_stream(line) evenly = weir_rebalance(lines);
 *
 * For plain streams whose records come unevenly and do not belong to a worker: in front of costly
 * stages. Which worker gets which record is not the same in every run.
 */
#ifndef WEIR_OPERATORS_REBALANCE_H
#define WEIR_OPERATORS_REBALANCE_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Refuses, on the graph, a collection. */
WEIR_API weir_port *weir_rebalance_erased(weir_port *in);

WEIR_END_DECLS

#define weir_rebalance(s) ((__typeof__(s)){ .port = weir_rebalance_erased((s).port) })

#endif
