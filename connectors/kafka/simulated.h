/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the simulated broker share: the log (simulated.c), and the reader and the
 * writer on it. One lock guards all of a broker.
 */
#ifndef WEIR_KAFKA_SIMULATED_H
#define WEIR_KAFKA_SIMULATED_H

#include <pthread.h>

#include "kafka/broker.h"

typedef struct weir__sim_partition {
    weir_kafka_record **records; /* by offset; NULL once forgotten */
    int64_t first, end, capacity;
} weir__sim_partition;

typedef struct weir__sim_topic {
    struct weir__sim_topic *next;
    char *name;
    weir__sim_partition *partitions;
    int32_t partition_count;
    weir_status refused;
    bool denied;
} weir__sim_topic;

/* A reader or a writer, as the broker knows it. */
typedef struct weir__sim_client {
    struct weir__sim_client *next;
    struct weir__sim *sim;
    char *topic;
    void (*wake)(void *ctx);
    void *ctx;
    /* Something has changed: what it means is the client's to find out. Under the lock. */
    void (*changed)(struct weir__sim_client *client);
    bool writes, asked, told_away;
    weir__kafka_question question;
} weir__sim_client;

typedef struct weir__sim {
    weir_kafka_broker base; /* first */
    pthread_mutex_t lock;
    weir__sim_topic *topics;
    weir__sim_client *clients;
    bool away, held;
    size_t window;
} weir__sim;

/* All under the lock. */
weir__sim_topic *weir__sim_find(weir__sim *sim, const char *topic);
/* Copies the record into the partition that it is for; its offset. */
int64_t weir__sim_append(weir__sim_topic *topic, const weir_kafka_record *record);
/* A copy in one block, and its end. */
weir_kafka_record *weir__sim_copy(const weir_kafka_record *record);
void weir__sim_drop(weir_kafka_record *record);
/* Tells every client. */
void weir__sim_changed(weir__sim *sim);

/* Take the lock. */
void weir__sim_join(weir__sim *sim, weir__sim_client *client, const weir__kafka_open *open);
void weir__sim_leave(weir__sim_client *client);
void weir__sim_ask(weir__sim_client *client, const weir__kafka_question *question);
bool weir__sim_answered(weir__sim_client *client, weir__kafka_answer *answer);
/* The trouble that the broker's state is for this client, told once. */
bool weir__sim_trouble(weir__sim_client *client, weir__kafka_trouble *trouble);

weir__kafka_reader *weir__sim_open_reader(weir_kafka_broker *broker, const weir__kafka_open *open,
                                          weir_error *error);
weir__kafka_writer *weir__sim_open_writer(weir_kafka_broker *broker, const weir__kafka_open *open,
                                          weir_error *error);

#endif
