/* SPDX-License-Identifier: Apache-2.0
 *
 * capture_events, replay: a stream as a stream of events, its records and its progress, to be kept
 * anywhere; and the stream again out of its events, at the same times, also with another number of
 * workers.
 *
 *     weir_stream(weir_captured_event) e = weir_capture_events(orders);
 *     weir_file_event_sink(e, .path = "orders.events");             // weir/connectors/file.h
 *     …
 *     weir_stream(weir_captured_event) e = weir_file_event_source(g, .path = "orders.events");
 *     weir_stream(order) orders = weir_replay(e, order);
 *
 * In memory events are kept by weir_capture, and come back by weir_captured_stream. On a Kafka
 * topic they are records like any other: .partition_field = "part" keeps those of a part in order.
 *
 * Each worker that captured makes one part: first what the stream is, then its batches and moves of
 * its frontier in order, last the empty frontier. Every event has a number and a checksum. Replay
 * wants each part whole: it passes over events that come twice, and ends the run with WEIR_BAD_DATA
 * at a number that is missing, a wrong checksum, or a part without a last event (unless the runtime
 * was told to stop); with WEIR_TYPE_MISMATCH if other records were captured.
 *
 * Replayed times are those of the capture, as of a manual input. Times of a scope are replayed in a
 * scope: let the events enter it.
 */
#ifndef WEIR_OPERATORS_REPLAY_H
#define WEIR_OPERATORS_REPLAY_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* The format of events: what replay accepts. */
#define WEIR_CAPTURE_VERSION 1

/* Events of a stream, plain or collection. Their own times do not matter. */
WEIR_API weir_port *weir_capture_events_erased(weir_port *in, const char *name);
/* A stream of `type`, which is a collection if one was captured: collection has to say so. */
WEIR_API weir_port *weir_replay_erased(weir_port *events, const weir_type *type, bool collection);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* part: the worker that captured; number: 0, 1, … in each part; checksum: of all other fields. */
#define WEIR_CAPTURED_EVENT(F) F(u32, part) F(u64, number) F(u64, checksum) F(bytes, payload)
WEIR_RECORD(weir_captured_event, WEIR_CAPTURED_EVENT)

/* The checksum that an event must have. */
WEIR_API uint64_t weir_captured_event_checksum(const weir_captured_event *event);

#define weir_capture_events(s)                                                                     \
    ((weir_stream(weir_captured_event)){ .port = weir_capture_events_erased((s).port, NULL) })
#define weir_replay(events, T)                                                                     \
    (WEIR_CHECK_(WEIR_CARRIES_(events, weir_captured_event),                                       \
                 "weir_replay(" #events ", " #T "): the stream does not carry captured events"),   \
     (weir_stream(T)){ .port = weir_replay_erased((events).port, T##_type(), false) })
/* Of a captured collection. */
#define weir_replay_collection(events, T)                                                          \
    (WEIR_CHECK_(WEIR_CARRIES_(events, weir_captured_event),                                       \
                 "weir_replay_collection(" #events ", " #T                                         \
                 "): the stream does not carry captured events"),                                  \
     (weir_stream(T)){ .port = weir_replay_erased((events).port, T##_type(), true) })
#endif

#endif
