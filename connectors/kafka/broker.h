/* SPDX-License-Identifier: Apache-2.0
 *
 * The seam: all that sources and sinks know of a broker. Implemented on librdkafka (rdkafka.h)
 * and by a log in memory (simulated.c). Nothing here waits: what takes time is asked for, and
 * `wake` is called when there is something to see. Readers and writers belong to one worker's
 * thread.
 *
 *      operator            reader or writer                 broker
 *      step ── fetch ────→ what has arrived ←──────────────── …
 *           ── take_answer→ answer         ←── ask ─────────→ …
 *           ←──── wake (any thread) ───────────────────────── …
 */
#ifndef WEIR_KAFKA_BROKER_H
#define WEIR_KAFKA_BROKER_H

#include <weir/batch.h>
#include <weir/connectors/kafka.h>
#include <weir/connectors/kafka_simulated.h>

#include "kafka/settings.h"

/* What to do about something that went wrong. */
typedef enum weir__kafka_class {
    WEIR__KAFKA_RETRY, /* it is being tried again where it happened; say so now and then */
    WEIR__KAFKA_SKIP,  /* this record is lost for the run */
    WEIR__KAFKA_RESET, /* of a reader: `partition` stopped at `offset`, which is not there */
    WEIR__KAFKA_FATAL  /* the run ends */
} weir__kafka_class;

typedef struct weir__kafka_trouble {
    weir__kafka_class class;
    weir_status status;
    int32_t partition; /* -1: not of one partition */
    int64_t offset;
    char text[320];
} weir__kafka_trouble;

/* ---- reading ---- */

/* A fetched message. Points into memory that its lot keeps alive. */
typedef struct weir__kafka_message {
    const char *key, *value; /* NULL: none */
    uint32_t key_len, value_len;
    int32_t partition;
    bool end;                /* no message: what there is now ends at offset */
    int64_t offset, timestamp_ms;
    void *native;            /* the broker's own; NULL once let go of */
} weir__kafka_message;

/* Messages fetched together, and a pin on their memory. The fetcher has one reference. */
typedef struct weir__kafka_lot weir__kafka_lot;
struct weir__kafka_lot {
    weir_pin pin;            /* the first member */
    uint32_t count;
    weir__kafka_message *messages;
    /* Lets go of one message that nothing points into, before the lot itself is let go of. */
    void (*let_go)(weir__kafka_lot *lot, uint32_t i);
    /* The value of the message's last header of that name; false if it has none. */
    bool (*header)(const weir__kafka_lot *lot, uint32_t i, const char *name,
                   weir_kafka_header *header);
};

/* A question about a topic. `first` is the lowest partition asked about, and then every stride-th.
 * end: also where each of them ends now. only >= 0: about that partition alone. */
typedef struct weir__kafka_question {
    int32_t first, stride, only;
    weir_kafka_start start;
    int64_t start_at;
    bool end;
} weir__kafka_question;

typedef struct weir__kafka_place {
    int32_t partition;
    int64_t start;           /* an offset, moved into what there is */
    int64_t end;             /* if asked for */
} weir__kafka_place;

typedef struct weir__kafka_answer {
    bool failed;             /* then only trouble is set */
    weir__kafka_trouble trouble;
    weir__kafka_question question;
    int32_t partitions;      /* that the topic has */
    uint32_t place_count;
    weir__kafka_place *places; /* freed by weir__kafka_answer_fini */
} weir__kafka_answer;

void weir__kafka_answer_fini(weir__kafka_answer *answer);

typedef struct weir__kafka_reader weir__kafka_reader;
typedef struct weir__kafka_reader_ops {
    /* Up to max messages, or NULL: then wake is called when there are some. */
    weir__kafka_lot *(*fetch)(weir__kafka_reader *reader, uint32_t max);
    /* Reads the partition from this offset on; anew if it is read already. */
    void (*start)(weir__kafka_reader *reader, int32_t partition, int64_t offset);
    /* One question at a time; its answer comes by answered. */
    void (*ask)(weir__kafka_reader *reader, const weir__kafka_question *question);
    bool (*answered)(weir__kafka_reader *reader, weir__kafka_answer *answer);
    /* What has gone wrong since the last call, if anything. */
    bool (*trouble)(weir__kafka_reader *reader, weir__kafka_trouble *trouble);
    /* Where the partition ended when last heard of, or -1. */
    int64_t (*end)(weir__kafka_reader *reader, int32_t partition);
    /* Bytes fetched ahead. */
    size_t (*queued)(weir__kafka_reader *reader);
    /* No call after it, no wake either. Lots may outlive it. */
    void (*close)(weir__kafka_reader *reader);
} weir__kafka_reader_ops;
struct weir__kafka_reader {
    const weir__kafka_reader_ops *ops;
};

/* ---- writing ---- */

/* What became of a written message. */
typedef struct weir__kafka_report {
    uint64_t token;
    weir_status status;      /* WEIR_OK: acknowledged */
    weir__kafka_class class; /* if not */
    const char *text;        /* why not; static */
} weir__kafka_report;

/* A message to write, copied by write. record.partition -1: by key; timestamp_ms 0: now. */
typedef struct weir__kafka_output {
    weir_kafka_record record;
    uint64_t token;
} weir__kafka_output;

typedef struct weir__kafka_writer weir__kafka_writer;
typedef struct weir__kafka_writer_ops {
    /* Takes messages in order as far as there is room, and returns how many. Each that was taken
     * gets one report. wake is called when there are reports, and so room. */
    size_t (*write)(weir__kafka_writer *writer, const weir__kafka_output *outputs, size_t count);
    size_t (*reports)(weir__kafka_writer *writer, weir__kafka_report *reports, size_t max);
    /* As with a reader; places are not asked for. */
    void (*ask)(weir__kafka_writer *writer);
    bool (*answered)(weir__kafka_writer *writer, weir__kafka_answer *answer);
    bool (*trouble)(weir__kafka_writer *writer, weir__kafka_trouble *trouble);
    /* Unreported messages are given up. */
    void (*close)(weir__kafka_writer *writer);
} weir__kafka_writer_ops;
struct weir__kafka_writer {
    const weir__kafka_writer_ops *ops;
};

/* ---- brokers ---- */

/* How a reader or writer is opened. Borrowed for the call. */
typedef struct weir__kafka_open {
    const char *topic;
    const weir__kafka_settings *settings;
    void (*wake)(void *ctx); /* any thread, until close has returned */
    void *ctx;
    struct uv_loop_s *loop;  /* of the worker, for descriptors; NULL if it has none */
    size_t queue_bytes, message_bytes_max;
    bool tell_end;           /* a reader: messages with .end */
} weir__kafka_open;

struct weir_kafka_broker {
    /* Refuses settings it does not know or that do not go together, by their origin. */
    weir_status (*check)(weir_kafka_broker *broker, const weir__kafka_settings *settings,
                         bool writes, weir_error *error);
    weir__kafka_reader *(*open_reader)(weir_kafka_broker *broker, const weir__kafka_open *open,
                                       weir_error *error);
    weir__kafka_writer *(*open_writer)(weir_kafka_broker *broker, const weir__kafka_open *open,
                                       weir_error *error);
    /* Waits for what closed readers and writers still have to do: when a graph ends. */
    void (*settle)(weir_kafka_broker *broker);
};

/* The one on librdkafka: without state, shared by all. */
weir_kafka_broker *weir__kafka_rdkafka(void);

#endif
