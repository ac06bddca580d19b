/* SPDX-License-Identifier: Apache-2.0
 *
 * Kafka: topics as streams, streams to topics. Partitions are assigned by hand: the dataflow's
 * worker p mod workers reads partition p, and no consumer group has a say in it. At least once:
 * every run reads from .start on, whatever earlier ones have read, and what is written is complete
 * when the broker has acknowledged it.
 *
 * Every program that has one of these gets two options of its own, --brokers and --kafka:
 *     --brokers HOST:PORT,…        default localhost:9092; .brokers of an operator overrides it
 *     --kafka KEY=VALUE            any setting of librdkafka, as often as wanted
 *     --kafka KEY=@FILE            the value is what the file holds, less the end of its last line
 *     --kafka KEY=env:NAME         the value is that of the environment variable
 * A setting that librdkafka refuses is refused when the graph is built. Values are never logged.
 *
 * Errors: a broker that is away is waited for, with a warning now and then; a record that cannot
 * be read or written is counted, told to the log and, if one is named, to the dead-letter topic;
 * a topic that does not exist, access that is denied, and what nobody can repair end the run.
 */
#ifndef WEIR_CONNECTORS_KAFKA_H
#define WEIR_CONNECTORS_KAFKA_H

#include <limits.h>

#include <weir/codec.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Where to find topics other than by librdkafka: see weir/connectors/kafka_simulated.h. */
typedef struct weir_kafka_broker weir_kafka_broker;

typedef enum weir_kafka_start {
    WEIR_KAFKA_EARLIEST,  /* the oldest record that is kept */
    WEIR_KAFKA_LATEST,    /* what is written from now on */
    WEIR_KAFKA_OFFSET,    /* .start_at in every partition; moved into what the partition holds */
    WEIR_KAFKA_TIMESTAMP  /* the first record at or after .start_at, in milliseconds since 1970 */
} weir_kafka_start;

typedef enum weir_kafka_on_error {
    WEIR_KAFKA_GO_ON,     /* count it, say it, take the next record */
    WEIR_KAFKA_STOP       /* end the run with WEIR_BAD_DATA or what the broker said */
} weir_kafka_on_error;

#define WEIR_KAFKA_NEVER UINT_MAX

/* Zero means default for every field. Borrowed for the call; lists of names end with NULL. */
typedef struct weir_kafka_source_options {
    size_t struct_size;
    const char *topic;             /* required */
    const char *name;              /* of the node; default derived from its place */
    const char *brokers;
    const char *const *settings;   /* "KEY=VALUE" as in --kafka, which overrides them */
    weir_kafka_broker *broker;     /* default: librdkafka. Must outlive the runtime */

    weir_kafka_start start;
    int64_t start_at;
    bool until_end;                /* end with the last record that was there at the start */
    /* How often to look for new partitions, which are read from their beginning: default 30 000,
     * or WEIR_KAFKA_NEVER. */
    unsigned discover_ms;

    weir_codec codec;              /* of the value */
    /* Microseconds that 1 means where an instant of the value is a number: 1000 where producers
     * write milliseconds. Default 1. */
    int64_t instant_unit;
    /* Fields that the value does not fill; those that are left are its fields. Optional ones of
     * these are null where the message has no such thing. */
    const char *key_field;         /* a str or bytes takes the key as it is, others its text */
    const char *partition_field;   /* i32, i64, u32 or u64 */
    const char *offset_field;      /* i64 or u64 */
    const char *timestamp_field;   /* instant, or i64 of milliseconds since 1970 */
    /* "FIELD" or "FIELD=HEADER", each a str or bytes. */
    const char *const *header_fields;
    /* A flag, set for a message without a value; fields of the value are zero then. Without it
     * such messages are counted and skipped. */
    const char *tombstone_field;

    /* Topic for records that cannot be decoded: their key and value as they are, with the headers
     * weir-reason, weir-topic, weir-partition and weir-offset. */
    const char *dead_letter;
    weir_kafka_on_error on_error;

    /* What each worker fetches ahead, about: values and what librdkafka keeps of each message, but
     * not keys. Default 64 MiB. */
    size_t queue_bytes;
    size_t message_bytes_max;      /* longer ones count as undecodable; default 4 MiB */
} weir_kafka_source_options;

/* A stream of the topic's records. NULL after an error, which sticks to the graph. */
WEIR_API weir_port *weir_kafka_source_add(weir_graph *graph, const weir_type *type,
                                          const weir_kafka_source_options *options);

/* A topic as a collection: of each key the newest record, that of the greatest offset, until a
 * message without a value removes it, as a compacted topic and weir_kafka_sink of a collection have
 * them. The key is one field, which the message's key fills (.key_field is that), and messages of
 * one key lie in one partition. A record that has one str beside the key takes the value as it is,
 * raw, unless .codec says otherwise. .tombstone_field must not be set. The result's unique key is
 * the key. names is the field's, and NULL. */
WEIR_API weir_port *weir_kafka_table_add(weir_graph *graph, const weir_type *type,
                                         const char *const *names,
                                         const weir_kafka_source_options *options);

typedef struct weir_kafka_sink_options {
    size_t struct_size;
    const char *topic;             /* required */
    const char *name;
    const char *brokers;
    const char *const *settings;
    weir_kafka_broker *broker;

    /* A collection is written as upserts by key: when an epoch is complete, a message with the
     * newest record of each key that changed, or without a value if the key is gone. A plain
     * stream is appended as it comes; with a key its messages have one, too. */
    const char *const *key;        /* fields; default: the collection's unique key */
    /* Of a collection, write every change instead: the value has two more fields, `time` (the
     * epoch, u64) and `diff` (i64). */
    bool changes;
    /* Upserts: each changed key at most this often. From four ticks of the epoch clock on (20 ms),
     * where the dataflow has no view, no other sink and nothing published, epochs last a tick:
     * fewer changes on the way, and probes move on once a tick. */
    unsigned every_ms;

    weir_codec codec;              /* of the value, which has all fields */
    weir_codec key_codec;          /* of the key's fields */
    const char *partition_field;   /* an integer; default: librdkafka's choice by key */
    weir_kafka_on_error on_error;  /* for records that are refused: too long, not encodable */
    size_t message_bytes_max;      /* default 4 MiB; the broker has a limit of its own */
} weir_kafka_sink_options;

/* Writes a stream to a topic. A run that starts again knows nothing of what an earlier one wrote,
 * and begins anew: upserts of counts go back to small numbers and grow again, keys that it does not
 * make keep their last message, without a tombstone, and what a plain stream or .changes appends is
 * appended again. Give each run a topic of its own where readers must not see that.
 * The result is a stream without records whose frontier says what the broker has acknowledged:
 * probe it, or leave it. NULL after an error. */
WEIR_API weir_port *weir_kafka_sink_add(weir_port *port, const weir_kafka_sink_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* The typed calls: T is a record (weir/record.h), s a stream.
 *     weir_stream(line) lines = weir_kafka_source(g, line, .topic = "lines");
 *     weir_stream(word_count) table = weir_kafka_table(g, word_count, WEIR_KEY(word_count, word),
 *                                                      .topic = "word-counts");
 *     weir_kafka_sink(counts, .topic = "word-counts");
 *     weir_kafka_sink_by(hits, WEIR_KEY(hit, page), .topic = "hits"); */
#define weir_kafka_source(g, T, ...)                                                               \
    ((weir_stream(T)){                                                                             \
        .port = weir_kafka_source_add(                                                             \
            g, T##_type(),                                                                         \
            &(weir_kafka_source_options){ .struct_size = sizeof(weir_kafka_source_options),        \
                                          __VA_ARGS__ }) })
/* weir_kafka_table(g, T, WEIR_KEY(T, field), .topic = "…", options…) */
#define weir_kafka_table(g, T, K, ...)                                                             \
    (WEIR_CHECK_(WEIR_SAME_(WEIR_KEY_RECORD_(K), T),                                               \
                 "weir_kafka_table(" #g ", " #T ", " #K "): the key names another record"),        \
     (weir_stream(T)){                                                                             \
         .port = weir_kafka_table_add(                                                             \
             g, T##_type(), WEIR_KEY_NAMES_(K),                                                    \
             &(weir_kafka_source_options){ .struct_size = sizeof(weir_kafka_source_options),       \
                                           __VA_ARGS__ }) })
#define weir_kafka_sink(s, ...)                                                                    \
    weir_kafka_sink_add(                                                                           \
        (s).port, &(weir_kafka_sink_options){ .struct_size = sizeof(weir_kafka_sink_options),      \
                                              __VA_ARGS__ })
#define weir_kafka_sink_by(s, K, ...)                                                              \
    (WEIR_CHECK_(WEIR_KEY_FITS_(s, K),                                                             \
                 "weir_kafka_sink_by(" #s ", " #K                                                  \
                 "): the key names a record that the stream does not carry"),                      \
     weir_kafka_sink_add(                                                                          \
         (s).port, &(weir_kafka_sink_options){ .struct_size = sizeof(weir_kafka_sink_options),     \
                                               .key = WEIR_KEY_NAMES_(K),                          \
                                               __VA_ARGS__ }))
#endif

#endif
