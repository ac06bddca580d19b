/* SPDX-License-Identifier: Apache-2.0
 *
 * The few librdkafka calls that the bare programs share: a handle from a list of settings, a
 * topic's partitions, an assignment of all of them. No policy: every program names its own
 * settings.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <librdkafka/rdkafka.h>

/* A producer or consumer of bootstrap; settings are name, value, ..., NULL. Ends the program on any
 * error. report may be NULL. */
rd_kafka_t *client_create(rd_kafka_type_t type, const char *bootstrap, const char *const *settings,
                          void (*report)(rd_kafka_t *, const rd_kafka_message_t *, void *));
/* How many partitions the topic has; waits up to 20 s for it to be there. */
int client_partitions(rd_kafka_t *client, const char *topic);
/* Makes the topic, with the time at which the broker appends a message as the message's time. */
void client_topic_create(rd_kafka_t *client, const char *topic, int partitions);
/* Assigns all partitions from this offset on (RD_KAFKA_OFFSET_BEGINNING, RD_KAFKA_OFFSET_END). */
void client_assign(rd_kafka_t *consumer, const char *topic, int64_t offset);
/* Waits until all that was produced is acknowledged, at most a minute. */
void client_flush(rd_kafka_t *producer);

#endif
