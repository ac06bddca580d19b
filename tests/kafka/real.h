/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests with real brokers: brokers of a test's own, by the scripts beside this file, and
 * what is done to topics by librdkafka alone, so that Weir is not checked against itself.
 */
#ifndef WEIR_TESTS_KAFKA_REAL_H
#define WEIR_TESTS_KAFKA_REAL_H

#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include "kafka/job.h"

/* ---- brokers of the test's own ---- */

typedef struct real_kafka {
    char dir[256];
    char env[10][2][256];
    int env_count;
} real_kafka;

static WEIR_UNUSED int real_script(const char *format, ...) WEIR_PRINTF(1, 2);
static WEIR_UNUSED int real_script(const char *format, ...)
{
    char arguments[700], command[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);
    const char *scripts = getenv("KAFKA_SCRIPTS");
    ck_assert_msg(scripts != NULL, "KAFKA_SCRIPTS does not say where start-kafka is: run by ctest");
    snprintf(command, sizeof command, "exec >/dev/null; cd '%s' && %s", scripts, arguments);
    return system(command);
}

/* Starts a broker, whose life is bounded, in a folder of this name below the current one. */
static WEIR_UNUSED void real_start(real_kafka *k, const char *name, const char *environment,
                                   const char *options)
{
    char here[128], line[512];
    *k = (real_kafka){ 0 };
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    snprintf(k->dir, sizeof k->dir, "%s/%s", here, name);
    ck_assert_int_eq(real_script("%s timeout 700 ./start-kafka --dir '%s' --life 300 %s",
                                 environment, k->dir, options), 0);
    snprintf(line, sizeof line, "%s/env", k->dir);
    FILE *file = fopen(line, "r");
    ck_assert_ptr_nonnull(file);
    while (k->env_count < 10 && fscanf(file, " %255[A-Z_]=%255s", k->env[k->env_count][0],
                                       k->env[k->env_count][1]) == 2) {
        char *value = k->env[k->env_count++][1]; /* quoted or not */
        size_t len = strlen(value);
        if (len > 1 && value[0] == '\'')
            memmove(value, value + 1, len - 2), value[len - 2] = 0;
    }
    fclose(file);
}

static WEIR_UNUSED const char *real_env(const real_kafka *k, const char *name)
{
    for (int i = 0; i < k->env_count; i++)
        if (strcmp(k->env[i][0], name) == 0)
            return k->env[i][1];
    ck_abort_msg("the broker's env has no %s", name);
}

static WEIR_UNUSED void real_crash(const real_kafka *k)
{
    ck_assert_int_eq(real_script("./stop-kafka '%s' --node 1 --kill", k->dir), 0);
}

static WEIR_UNUSED void real_return(const real_kafka *k)
{
    ck_assert_int_eq(real_script("timeout 150 ./start-kafka --dir '%s' --node 1 --life 300",
                                 k->dir), 0);
}

static WEIR_UNUSED void real_stop(const real_kafka *k)
{
    real_script("./stop-kafka '%s' --kill --rm", k->dir);
}

/* ---- topics, by librdkafka ---- */

static WEIR_UNUSED rd_kafka_t *real_client(rd_kafka_type_t type, const char *brokers)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
    rd_kafka_conf_set(conf, "group.id", "real", why, sizeof why);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof why);
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    ck_assert_msg(rk != NULL, "%s", why);
    return rk;
}

/* Waits for an answer to what was asked for on the queue: it must be good. */
static WEIR_UNUSED void real_admin_done(rd_kafka_t *rk, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 30000);
    ck_assert_ptr_nonnull(event);
    ck_assert_msg(rd_kafka_event_error(event) == 0, "%s", rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
}

static WEIR_UNUSED void real_topic(const char *brokers, const char *topic, int partitions)
{
    rd_kafka_t *rk = real_client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, partitions, 1, NULL, 0);
    rd_kafka_CreateTopics(rk, &made, 1, NULL, queue);
    real_admin_done(rk, queue);
    rd_kafka_NewTopic_destroy(made);
}

static WEIR_UNUSED void real_more_partitions(const char *brokers, const char *topic,
                                             size_t partitions)
{
    char why[256];
    rd_kafka_t *rk = real_client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewPartitions_t *made = rd_kafka_NewPartitions_new(topic, partitions, why,
                                                                sizeof why);
    rd_kafka_CreatePartitions(rk, &made, 1, NULL, queue);
    real_admin_done(rk, queue);
    rd_kafka_NewPartitions_destroy(made);
}

/* Nobody but those whom nothing is denied may read the topic as this user. */
static WEIR_UNUSED void real_deny(const char *brokers, const char *topic, const char *user)
{
    char why[256];
    rd_kafka_t *rk = real_client(RD_KAFKA_PRODUCER, brokers);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AclBinding_t *acl = rd_kafka_AclBinding_new(
        RD_KAFKA_RESOURCE_TOPIC, topic, RD_KAFKA_RESOURCE_PATTERN_LITERAL, user, "*",
        RD_KAFKA_ACL_OPERATION_ALL, RD_KAFKA_ACL_PERMISSION_TYPE_DENY, why, sizeof why);
    ck_assert_msg(acl != NULL, "%s", why);
    rd_kafka_CreateAcls(rk, &acl, 1, NULL, queue);
    real_admin_done(rk, queue);
    rd_kafka_AclBinding_destroy(acl);
}

static WEIR_UNUSED void real_write(const char *brokers, const char *topic, int32_t partition,
                                   const char *const *values)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
    rd_kafka_conf_set(conf, "message.max.bytes", "20000000", why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    for (; *values; values++)
        ck_assert_int_eq(rd_kafka_produce(rkt, partition, RD_KAFKA_MSG_F_COPY,
                                          (void *)(uintptr_t)*values, strlen(*values), NULL, 0,
                                          NULL), 0);
    ck_assert_int_eq(rd_kafka_flush(rk, 30000), 0);
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
}

/* Reads partitions 0 to count - 1 of a topic from their begin to their end, message by message. */
static WEIR_UNUSED void real_read(const char *brokers, const char *topic, int32_t count,
                                  void (*fn)(const rd_kafka_message_t *message, void *ctx),
                                  void *ctx)
{
    rd_kafka_t *rk = real_client(RD_KAFKA_CONSUMER, brokers);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t p = 0; p < count; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    for (int32_t ended = 0, quiet = 0; ended < count;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 1000);
        quiet = m ? 0 : quiet + 1;
        ck_assert_int_lt(quiet, 30);
        if (m && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ended++;
        else if (m && !m->err)
            fn(m, ctx);
        if (m)
            rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

#endif
