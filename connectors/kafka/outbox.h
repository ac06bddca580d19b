/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node that writes has under way: messages that the writer has not taken yet, epochs with
 * messages that are not acknowledged, and the one capability that says so. The node is complete
 * at an epoch when the broker has acknowledged all that the epoch has written.
 *
 *      add ──→ messages ── pump: write ──→ writer ── pump: reports ──→ epoch ──→ capability
 */
#ifndef WEIR_KAFKA_OUTBOX_H
#define WEIR_KAFKA_OUTBOX_H

#include <weir/codec.h>
#include <weir/observe.h>

#include "kafka/broker.h"
#include "kafka/link.h"

/* An epoch with something to do. */
typedef struct weir__kafka_open_epoch {
    uint64_t epoch;
    uint64_t messages; /* without a report */
    uint32_t holds;
} weir__kafka_open_epoch;

/* A header of a message that waits: its value lies in outbox->bytes. */
typedef struct weir__kafka_draft_header {
    const char *name; /* static */
    size_t at, len;
} weir__kafka_draft_header;

enum { WEIR__KAFKA_HEADERS_MAX = 4 };

/* A message that waits: offsets and lengths in outbox->bytes. */
typedef struct weir__kafka_draft {
    uint64_t epoch;
    size_t key_at, key_len, value_at, value_len;
    bool has_key, has_value;
    int32_t partition; /* -1: by key */
    uint32_t header_count;
    weir__kafka_draft_header headers[WEIR__KAFKA_HEADERS_MAX];
} weir__kafka_draft;

typedef struct weir__kafka_outbox_spec {
    weir_kafka_broker *broker;
    const weir__kafka_settings *settings;
    const char *topic;
    weir__kafka_told *told;
    size_t message_bytes_max;
    bool forgiving; /* what cannot be written is dropped, whatever the reason: dead letters */
    bool stop;      /* a record that is refused ends the run */
} weir__kafka_outbox_spec;

typedef struct weir__kafka_outbox {
    weir__kafka_outbox_spec spec;
    weir__kafka_writer *writer;
    bool ready;    /* the topic is known to be there */
    bool asked, broken, failed;
    weir__kafka_link link;
    weir__kafka_notice notice;
    uint64_t ask_ns, missing_since_ns; /* 0: not set */

    weir_bytes_out bytes;              /* of the messages that wait */
    weir__kafka_draft *messages;       /* those from `first` on */
    size_t first, count, capacity;

    weir__kafka_open_epoch *epochs;    /* ascending */
    size_t epoch_count, epoch_capacity;
    weir_cap cap;
    int64_t charged;
    weir_metric *messages_metric, *bytes_metric, *refused_metric, *pending_metric, *epoch_metric;
} weir__kafka_outbox;

enum { WEIR__KAFKA_OUTBOX_MESSAGES = 256, WEIR__KAFKA_OUTBOX_BYTES = 1 << 20 };

weir_status weir__kafka_outbox_open(weir__kafka_outbox *outbox, weir_step *step,
                                    const weir__kafka_outbox_spec *spec, weir_error *error);
void weir__kafka_outbox_close(weir__kafka_outbox *outbox);

/* Reports, troubles, answers; then writes what waits. False while there is no room for more: then
 * nothing may be added, and the node is called again when there is. */
bool weir__kafka_outbox_pump(weir__kafka_outbox *outbox, weir_step *step);
/* Whether so much has been added that it should be written before more is. */
static inline bool weir__kafka_outbox_is_full(const weir__kafka_outbox *outbox)
{
    return outbox->count >= WEIR__KAFKA_OUTBOX_MESSAGES ||
           outbox->bytes.len >= WEIR__KAFKA_OUTBOX_BYTES;
}
/* Adds a message whose bytes were put behind outbox->bytes; refuses one that is too long. */
void weir__kafka_outbox_add(weir__kafka_outbox *outbox, weir_step *step,
                            const weir__kafka_draft *draft);
/* A record that cannot be a message: counted, said, or the end of the run. */
void weir__kafka_outbox_refuse(weir__kafka_outbox *outbox, weir_step *step, weir_status status,
                               const char *why);

/* Keeps an epoch open: called with a current batch at or before it. unhold ends it. */
void weir__kafka_outbox_hold(weir__kafka_outbox *outbox, weir_step *step, uint64_t epoch);
void weir__kafka_outbox_unhold(weir__kafka_outbox *outbox, uint64_t epoch);
/* Moves the capability to the first open epoch, and tells the metrics. At the end of a step;
 * frontier: of the node's input. */
void weir__kafka_outbox_settle(weir__kafka_outbox *outbox, weir_step *step,
                               const weir_frontier *frontier);

#endif
