/* SPDX-License-Identifier: Apache-2.0
 *
 * A source as the graph describes it (source_plan.c), shared by its workers and read-only from then
 * on; what decodes messages on one worker (decode.c); and the node (source.c).
 */
#ifndef WEIR_KAFKA_SOURCE_H
#define WEIR_KAFKA_SOURCE_H

#include <weir/codec.h>
#include <weir/node.h>
#include <weir/record.h>

#include "kafka/broker.h"
#include "kafka/link.h"

enum { WEIR__KAFKA_NO_FIELD = -1 };

typedef struct weir__kafka_header_field {
    int field;
    const char *header;
} weir__kafka_header_field;

typedef struct weir__kafka_source_plan {
    const weir_type *type;
    weir_kafka_source_options options; /* texts belong to the graph; lists are not used */
    weir__kafka_settings settings;
    weir_kafka_broker *broker;
    weir_codec codec;                  /* of the value; never WEIR_CODEC_DEFAULT */
    bool value_is_empty;               /* no field comes from the value */
    weir_field_set skip;               /* fields that do not come from it */
    int key, partition, offset, timestamp, tombstone;
    weir__kafka_header_field *headers;
    uint32_t header_count;
    weir__kafka_told told, dead_told; /* of the source, and of the sink of dead letters */
} weir__kafka_source_plan;

/* A record that could not be decoded, on its way to the dead-letter topic. */
#define WEIR__KAFKA_DEAD(F)                                                                        \
    F(str, reason) F(opt_bytes, key) F(opt_bytes, value) F(i32, partition) F(i64, offset)
WEIR_RECORD(weir__kafka_dead, WEIR__KAFKA_DEAD)

/* ---- decode.c: one worker's ---- */

typedef struct weir__kafka_decode {
    const weir__kafka_source_plan *plan;
    weir_decoder *decoder; /* NULL: no field comes from the value */
} weir__kafka_decode;

weir_status weir__kafka_decode_open(weir__kafka_decode *decode,
                                    const weir__kafka_source_plan *plan, weir_error *error);
void weir__kafka_decode_close(weir__kafka_decode *decode);

/* A message to decode, and where to. */
typedef struct weir__kafka_decode_job {
    const weir__kafka_lot *lot;
    uint32_t message;
    weir_builder *builder; /* whose batch the record leaves in */
    void *record;
    bool borrows;          /* set: strings of the record are in the lot's memory */
} weir__kafka_decode_job;

/* Nothing is no value; nor are no bytes, unless they are a string. */
static inline bool weir__kafka_has_value(const weir__kafka_source_plan *plan,
                                         const weir__kafka_message *message)
{
    return message->value && (message->value_len > 0 || plan->codec == WEIR_CODEC_RAW);
}
/* Fills the record. A message without a value leaves its fields zero. */
weir_status weir__kafka_decode_one(weir__kafka_decode *decode, weir__kafka_decode_job *job,
                                   weir_error *error);

/* ---- source.c ---- */

weir_node *weir__kafka_source_node(weir_graph *graph, const weir__kafka_source_plan *plan);

/* ---- dead_letter.c ---- */

/* Writes them to the plan's dead-letter topic. */
void weir__kafka_dead_letter_node(weir_port *dead, const weir__kafka_source_plan *plan);

#endif
