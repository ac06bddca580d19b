/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the seam on librdkafka share: its handle, which outlives its reader or writer
 * for as long as a message of it or a question is about; configuration; errors. Only these files
 * know librdkafka.
 */
#ifndef WEIR_KAFKA_RDKAFKA_H
#define WEIR_KAFKA_RDKAFKA_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <uv.h>

#include "kafka/broker.h"

typedef struct weir__rdkafka {
    _Atomic uint32_t refs;    /* of its reader or writer, of each lot, of the question under way */
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;  /* where all that is for the worker arrives */
    char *topic_name;
    bool writes, scram;

    /* The worker's thread only. */
    bool connected;           /* a broker has answered: from now on a refused log-in may pass */
    weir__kafka_trouble *troubles;
    uint32_t trouble_count, trouble_capacity;
    int32_t *started;         /* partitions that are read */
    uint32_t started_count, started_capacity;
    int32_t partitions;       /* that the topic has, or -1 */
    void *user;               /* the writer */
    void (*wake)(void *ctx);
    void *ctx;
    uv_poll_t *poll;          /* of fd */

    int fd;                   /* an eventfd that librdkafka and answers write to */
    pthread_mutex_t lock;     /* guards the rest */
    bool closed, answered;
    weir__kafka_answer answer;
} weir__rdkafka;

/* ---- rdkafka_handle.c ---- */

weir__rdkafka *weir__rdkafka_open(const weir__kafka_open *open, bool writes, weir_error *error);
void weir__rdkafka_retain(weir__rdkafka *handle);
void weir__rdkafka_release(weir__rdkafka *handle);
/* No wake after it. Gives up the caller's reference, in the background. */
void weir__rdkafka_close(weir__rdkafka *handle);
/* Makes the worker look. Any thread that keeps the handle alive. */
void weir__rdkafka_wake(weir__rdkafka *handle);
void weir__rdkafka_trouble(weir__rdkafka *handle, const weir__kafka_trouble *trouble);
bool weir__rdkafka_next_trouble(weir__rdkafka *handle, weir__kafka_trouble *trouble);

/* ---- rdkafka_background.c ---- */

/* Before a thread is made in which only the library and librdkafka run: signals are for the
 * program's own threads, but for those by which a thread itself fails. *before: to be restored. */
void weir__rdkafka_block_signals(sigset_t *before);
/* Runs fn in a thread of its own; at once, here, if there are none. */
void weir__rdkafka_background(void (*fn)(void *ctx), void *ctx);
/* Waits until none of them is left. */
void weir__rdkafka_settle(void);

/* ---- rdkafka_question.c ---- */

/* Asks in the background; the answer is put into the handle. */
void weir__rdkafka_ask(weir__rdkafka *handle, const weir__kafka_question *question);
bool weir__rdkafka_answered(weir__rdkafka *handle, weir__kafka_answer *answer);

/* ---- rdkafka_conf.c ---- */

/* Defaults, then the settings. NULL and the error, which names the origin of what is refused. */
rd_kafka_conf_t *weir__rdkafka_conf(const weir__kafka_open *open, bool writes, weir_error *error);
/* A number that a configuration has. */
size_t weir__rdkafka_number(const rd_kafka_conf_t *conf, const char *key);
weir_status weir__rdkafka_check(const weir__kafka_settings *settings, bool writes,
                                weir_error *error);

/* ---- rdkafka_error.c ---- */

/* What it means, in words that name the topic. text: what librdkafka says, or NULL. */
void weir__rdkafka_classify(const weir__rdkafka *handle, rd_kafka_resp_err_t code, const char *text,
                            weir__kafka_trouble *trouble);

/* ---- rdkafka_reader.c, rdkafka_writer.c ---- */

weir__kafka_reader *weir__rdkafka_reader_open(const weir__kafka_open *open, weir_error *error);
weir__kafka_writer *weir__rdkafka_writer_open(const weir__kafka_open *open, weir_error *error);
/* What a writer's handle is made with: where reports go. */
void weir__rdkafka_writer_conf(rd_kafka_conf_t *conf);

#endif
