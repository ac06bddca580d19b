/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of captured events: msgpack arrays that begin with what they are.
 *
 *     [0, version, parts, depth, collection, record, [[name, kind, optional, scale], …]]
 *     [1, times, diffs, [record, …]]   times: one for all, or one for each; diffs: nil, or one each
 *     [2, times]                       of the frontier; none: the last event of the part
 *
 * Times are flat: depth numbers each. Records are msgpack maps by field name, each in a bin.
 */
#ifndef WEIR_OPERATORS_CAPTURED_EVENT_H
#define WEIR_OPERATORS_CAPTURED_EVENT_H

#include <weir/codec.h>
#include <weir/frontier.h>
#include <weir/operators/replay.h>

enum { WEIR__EVENT_STREAM, WEIR__EVENT_BATCH, WEIR__EVENT_PROGRESS };

typedef struct weir__captured_form {
    const weir_type *type;
    unsigned parts, depth;
    bool collection;
} weir__captured_form;

/* Append an event's payload to out. */
weir_status weir__event_put_stream(weir_bytes_out *out, const weir__captured_form *form);
weir_status weir__event_put_batch(weir_bytes_out *out, const weir_batch *batch,
                                  weir_error *error);
weir_status weir__event_put_progress(weir_bytes_out *out, const weir_frontier *frontier);

/* Called for each record of a batch: its time, its diff, and its msgpack. */
typedef weir_status weir__event_record_fn(const weir_time *t, int64_t diff, const weir_str *record,
                                          void *ctx);

typedef struct weir__event_sink {
    weir__event_record_fn *record;
    weir_frontier *frontier; /* set by a progress event */
    void *ctx;
} weir__event_sink;

/* Which event a payload is, or -1. */
int weir__event_kind(const weir_str *payload);
/* Checks a first event against what is replayed: *parts is set. */
weir_status weir__event_get_stream(const weir_str *payload, const weir__captured_form *expected,
                                   unsigned *parts, weir_error *error);
/* Reads a batch or a progress event of times with `depth` coordinates. */
weir_status weir__event_get(const weir_str *payload, unsigned depth, const weir__event_sink *sink,
                            weir_error *error);

#endif
