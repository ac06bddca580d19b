/* SPDX-License-Identifier: Apache-2.0
 *
 * librdkafka's mock cluster behind weir/connectors/kafka_mock.h.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <weir/connectors/kafka_mock.h>
#include <weir/memory.h>

#include "kafka/rdkafka.h"

struct weir_kafka_mock {
    rd_kafka_t *rk; /* whose thread runs the cluster */
    rd_kafka_mock_cluster_t *cluster;
};

/* Its thread inherits which signals are blocked, and ends at the first one that it gets: whoever
 * stops the cluster then would wait for ever. */
static rd_kafka_mock_cluster_t *create_cluster(rd_kafka_t *rk, int brokers)
{
    sigset_t before;
    weir__rdkafka_block_signals(&before);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(rk, brokers);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return cluster;
}

weir_kafka_mock *weir_kafka_mock_start(unsigned brokers, unsigned partitions,
                                       const char *const *topics, weir_error *error)
{
    char why[256] = "";
    weir_kafka_mock *mock = weir_alloc_must(sizeof *mock);
    *mock = (weir_kafka_mock){ 0 };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    mock->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!mock->rk)
        rd_kafka_conf_destroy(conf);
    else
        mock->cluster = create_cluster(mock->rk, brokers ? (int)brokers : 1);
    if (!mock->cluster) {
        weir_error_set(error, WEIR_SYSTEM, "the mock cluster cannot be started: %s", why);
        weir_kafka_mock_stop(mock);
        return NULL;
    }
    for (size_t i = 0; topics && topics[i]; i++) {
        rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(mock->cluster, topics[i],
                                                              partitions ? (int)partitions : 1, 1);
        if (code) {
            weir_error_set(error, WEIR_INVALID, "the mock cluster refuses topic '%s': %s",
                           topics[i], rd_kafka_err2str(code));
            weir_kafka_mock_stop(mock);
            return NULL;
        }
    }
    return mock;
}

const char *weir_kafka_mock_brokers(const weir_kafka_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

void weir_kafka_mock_stop(weir_kafka_mock *mock)
{
    if (!mock)
        return;
    if (mock->cluster)
        rd_kafka_mock_cluster_destroy(mock->cluster);
    if (mock->rk)
        rd_kafka_destroy(mock->rk);
    weir_free(mock, sizeof *mock);
}

void weir_kafka_mock_away(weir_kafka_mock *mock, unsigned index, bool away)
{
    if (away)
        rd_kafka_mock_broker_set_down(mock->cluster, (int32_t)index + 1);
    else
        rd_kafka_mock_broker_set_up(mock->cluster, (int32_t)index + 1);
}

void weir_kafka_mock_fail(weir_kafka_mock *mock, weir_kafka_request request, int code,
                          unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(mock->cluster, (int16_t)request, 1,
                                          (rd_kafka_resp_err_t)code);
}
