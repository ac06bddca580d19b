/* SPDX-License-Identifier: Apache-2.0
 *
 * captured_stream: what weir_capture has collected, as a stream.
 *
 *     weir_stream(order) again = weir_captured_stream(g, order, seen);
 *
 * The records that are there when a worker begins leave at time 0, each with its diff, those of one
 * list in its order, from one worker. The times that they were captured with are not kept: for
 * that, capture the stream's events (weir/operators/replay.h).
 */
#ifndef WEIR_OPERATORS_CAPTURED_STREAM_H
#define WEIR_OPERATORS_CAPTURED_STREAM_H

#include <weir/operators/capture.h>

WEIR_BEGIN_DECLS

/* captured has to outlive the runtime. A collection if a diff is not 1: collection has to say so.
 * Refuses, on the graph, a weir_captured without a stream or with other records. */
WEIR_API weir_port *weir_captured_stream_erased(weir_graph *graph, const weir_type *type,
                                                const weir_captured *captured, bool collection);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

#define weir_captured_stream(g, T, captured)                                                       \
    ((weir_stream(T)){ .port = weir_captured_stream_erased(g, T##_type(), captured, false) })
#define weir_captured_collection(g, T, captured)                                                   \
    ((weir_stream(T)){ .port = weir_captured_stream_erased(g, T##_type(), captured, true) })
#endif

#endif
