/* SPDX-License-Identifier: Apache-2.0
 *
 * librdkafka without any engine, for the bare peer and for the harness.
 */
#include "client.h"

#include <string.h>
#include <time.h>

#include "../bench.h"

rd_kafka_t *client_create(rd_kafka_type_t type, const char *bootstrap, const char *const *settings,
                          void (*report)(rd_kafka_t *, const rd_kafka_message_t *, void *))
{
    char error[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (!bootstrap)
        bench_fail("--bootstrap is needed");
    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, error, sizeof(error)))
        bench_fail("%s", error);
    for (size_t i = 0; settings[i]; i += 2)
        if (rd_kafka_conf_set(conf, settings[i], settings[i + 1], error, sizeof(error)))
            bench_fail("%s", error);
    if (report)
        rd_kafka_conf_set_dr_msg_cb(conf, report);
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof(error));
    if (!client)
        bench_fail("%s", error);
    if (type == RD_KAFKA_CONSUMER)
        rd_kafka_poll_set_consumer(client);
    return client;
}

int client_partitions(rd_kafka_t *client, const char *topic)
{
    if (!topic)
        bench_fail("--topic is needed");
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    double until = bench_seconds() + 20;
    int partitions = 0;
    while (partitions == 0) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_resp_err_t err = rd_kafka_metadata(client, 0, handle, &metadata, 5000);
        if (!err) {
            partitions = metadata->topics[0].partition_cnt;
            rd_kafka_metadata_destroy(metadata);
        }
        if (partitions == 0 && bench_seconds() > until)
            bench_fail("topic %s: %s", topic, err ? rd_kafka_err2str(err) : "it is not there");
        if (partitions == 0)
            nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    }
    rd_kafka_topic_destroy(handle);
    return partitions;
}

void client_topic_create(rd_kafka_t *client, const char *topic, int partitions)
{
    char error[512];
    if (!topic)
        bench_fail("--topic is needed");
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, partitions, 1, error, sizeof(error));
    if (!made)
        bench_fail("topic %s: %s", topic, error);
    rd_kafka_NewTopic_set_config(made, "message.timestamp.type", "LogAppendTime");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &made, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20000);
    if (!event || rd_kafka_event_error(event))
        bench_fail("topic %s: %s", topic,
                   event ? rd_kafka_event_error_string(event) : "no answer from the broker");
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    if (rd_kafka_topic_result_error(results[0]))
        bench_fail("topic %s: %s", topic, rd_kafka_topic_result_error_string(results[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(made);
    client_partitions(client, topic);
}

void client_assign(rd_kafka_t *consumer, const char *topic, int64_t offset)
{
    int partitions = client_partitions(consumer, topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = offset;
    rd_kafka_resp_err_t err = rd_kafka_assign(consumer, list);
    if (err)
        bench_fail("topic %s: %s", topic, rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
}

void client_flush(rd_kafka_t *producer)
{
    rd_kafka_resp_err_t err = rd_kafka_flush(producer, 60000);
    if (err)
        bench_fail("%s", rd_kafka_err2str(err));
}
