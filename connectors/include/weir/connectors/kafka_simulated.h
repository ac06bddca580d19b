/* SPDX-License-Identifier: Apache-2.0
 *
 * A Kafka of memory alone, for tests: topics and partitions that keep everything, no clock, no
 * threads, no chance. Hand it to sources and sinks as .broker. Faults are switched on and off by
 * the test. Every function may be called from any thread, also while a dataflow runs.
 */
#ifndef WEIR_CONNECTORS_KAFKA_SIMULATED_H
#define WEIR_CONNECTORS_KAFKA_SIMULATED_H

#include <weir/connectors/kafka.h>

WEIR_BEGIN_DECLS

typedef struct weir_kafka_header {
    const char *name;
    const char *value;
    size_t value_len;
} weir_kafka_header;

/* A message as it is written or read. key or value NULL: none. What is read is valid until the
 * broker is destroyed. */
typedef struct weir_kafka_record {
    const char *key, *value;
    size_t key_len, value_len;
    int32_t partition;     /* written with -1: by the key's hash, or 0 without one */
    int64_t offset;        /* read only */
    int64_t timestamp_ms;
    const weir_kafka_header *headers;
    size_t header_count;
} weir_kafka_record;

WEIR_API weir_kafka_broker *weir_kafka_simulated_create(void);
/* After every runtime that used it. */
WEIR_API void weir_kafka_simulated_destroy(weir_kafka_broker *broker);

/* Makes the topic, or gives it more partitions. */
WEIR_API void weir_kafka_simulated_topic(weir_kafka_broker *broker, const char *topic,
                                         int32_t partitions);
/* Appends; the topic must exist. Returns the offset. */
WEIR_API int64_t weir_kafka_simulated_write(weir_kafka_broker *broker, const char *topic,
                                            const weir_kafka_record *record);
/* The offset that the partition's next record will have: how many it has had. */
WEIR_API int64_t weir_kafka_simulated_end(weir_kafka_broker *broker, const char *topic,
                                          int32_t partition);
/* False if the partition has no record of that offset (any more). */
WEIR_API bool weir_kafka_simulated_read(weir_kafka_broker *broker, const char *topic,
                                        int32_t partition, int64_t offset,
                                        weir_kafka_record *record);

/* ---- faults: each lasts until it is taken back ---- */

/* The broker cannot be reached: nothing is fetched, written, acknowledged or answered. */
WEIR_API void weir_kafka_simulated_away(weir_kafka_broker *broker, bool away);
/* What is written to the topic is refused with this status (WEIR_OK: no more): WEIR_DENIED,
 * WEIR_TOO_LARGE and WEIR_BAD_DATA are told to the writer, WEIR_UNAVAILABLE is tried again. */
WEIR_API void weir_kafka_simulated_refuse(weir_kafka_broker *broker, const char *topic,
                                          weir_status status);
/* Nobody may read the topic or look at it. */
WEIR_API void weir_kafka_simulated_deny(weir_kafka_broker *broker, const char *topic, bool denied);
/* Written messages are kept, but not acknowledged. */
WEIR_API void weir_kafka_simulated_hold_reports(weir_kafka_broker *broker, bool held);
/* How many messages a writer may have unacknowledged before it is told to wait; 0: no limit. */
WEIR_API void weir_kafka_simulated_window(weir_kafka_broker *broker, size_t messages);
/* Retention: forgets the partition's records before offset. */
WEIR_API void weir_kafka_simulated_forget(weir_kafka_broker *broker, const char *topic,
                                          int32_t partition, int64_t offset);

WEIR_END_DECLS
#endif
