/* SPDX-License-Identifier: Apache-2.0
 *
 * A sink as the graph describes it (sink_plan.c), shared by its workers and read-only from then on;
 * what makes messages of records (encode.c); and the node (sink.c).
 */
#ifndef WEIR_KAFKA_SINK_H
#define WEIR_KAFKA_SINK_H

#include <weir/codec.h>
#include <weir/node.h>

#include "kafka/outbox.h"

typedef struct weir__kafka_sink_plan {
    const weir_type *type;
    weir_kafka_sink_options options; /* texts belong to the graph; lists are not used */
    weir__kafka_settings settings;
    weir_kafka_broker *broker;
    bool upserts;                    /* else every record or change is a message */
    weir_key key;                    /* count 0: none */
    weir_encode_options key_encode, value_encode;
    int partition;                   /* field, or -1 */
    weir_type *value_type;           /* with .changes: the record, `time` and `diff` */
    uint32_t time_offset, diff_offset;
    weir__kafka_told told;
} weir__kafka_sink_plan;

/* ---- encode.c ---- */

/* A record to be written. */
typedef struct weir__kafka_letter {
    const void *record;
    uint64_t epoch;       /* that waits for it */
    bool gone;            /* no value */
    uint64_t time;        /* with .changes */
    int64_t diff;
} weir__kafka_letter;

/* Adds its message to the outbox, or refuses it there. scratch has room for plan->value_type. */
void weir__kafka_encode(const weir__kafka_sink_plan *plan, weir__kafka_outbox *outbox,
                        weir_step *step, const weir__kafka_letter *letter, char *scratch);

/* ---- sink.c ---- */

weir_port *weir__kafka_sink_node(weir_port *port, const weir__kafka_sink_plan *plan);

#endif
