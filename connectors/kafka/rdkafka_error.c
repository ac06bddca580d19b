/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors of librdkafka and of brokers: to be tried again, of one record, or the end of the run;
 * in a sentence that names the topic.
 */
#include <stdio.h>
#include <string.h>

#include "kafka/rdkafka.h"

enum { SCRAM_FIXED = 0x020601ff }; /* librdkafka 2.6.1 */

static void say(weir__kafka_trouble *trouble, weir__kafka_class class, weir_status status)
{
    trouble->class = class;
    trouble->status = status;
}

/* A log-in that a broker refuses. After one that worked it may pass: users are changed, brokers
 * start before they know them. */
static void refused_log_in(const weir__rdkafka *handle, const char *text,
                           weir__kafka_trouble *trouble)
{
    bool too_old = handle->scram && (unsigned)rd_kafka_version() < SCRAM_FIXED;
    say(trouble, handle->connected ? WEIR__KAFKA_RETRY : WEIR__KAFKA_FATAL, WEIR_DENIED);
    int len = snprintf(trouble->text, sizeof trouble->text, "the broker refuses the log-in: %.160s",
                       text);
    if (too_old)
        snprintf(trouble->text + len, sizeof trouble->text - (size_t)len,
                 "; SCRAM with brokers of Kafka 4 needs librdkafka 2.6.1 or newer, this is %s",
                 rd_kafka_version_str());
}

void weir__rdkafka_classify(const weir__rdkafka *handle, rd_kafka_resp_err_t code, const char *text,
                            weir__kafka_trouble *trouble)
{
    *trouble = (weir__kafka_trouble){ .partition = -1, .offset = -1 };
    const char *topic = handle->topic_name;
    if (!text || !*text)
        text = rd_kafka_err2str(code);
    switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
        refused_log_in(handle, text, trouble);
        return;
    case RD_KAFKA_RESP_ERR__SSL:
        say(trouble, handle->connected ? WEIR__KAFKA_RETRY : WEIR__KAFKA_FATAL, WEIR_DENIED);
        snprintf(trouble->text, sizeof trouble->text, "TLS with the broker fails: %.250s", text);
        return;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        say(trouble, WEIR__KAFKA_FATAL, WEIR_DENIED);
        snprintf(trouble->text, sizeof trouble->text, "access to topic '%s' is denied", topic);
        return;
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        say(trouble, WEIR__KAFKA_FATAL, WEIR_DENIED);
        snprintf(trouble->text, sizeof trouble->text,
                 "the cluster denies what topic '%s' needs: %.120s (without the right to write "
                 "idempotently: --kafka enable.idempotence=false)", topic, text);
        return;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        say(trouble, WEIR__KAFKA_FATAL, WEIR_NOT_FOUND);
        snprintf(trouble->text, sizeof trouble->text, "topic '%s' does not exist: %.200s", topic,
                 text);
        return;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        say(trouble, WEIR__KAFKA_SKIP, WEIR_TOO_LARGE);
        snprintf(trouble->text, sizeof trouble->text,
                 "topic '%s' takes no message of this size: %.120s (limits: .message_bytes_max "
                 "here, max.message.bytes of the topic)", topic, text);
        return;
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        say(trouble, WEIR__KAFKA_SKIP, WEIR_BAD_DATA);
        snprintf(trouble->text, sizeof trouble->text, "topic '%s': %.250s", topic, text);
        return;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        say(trouble, WEIR__KAFKA_FATAL, WEIR_FAILED);
        snprintf(trouble->text, sizeof trouble->text, "topic '%s': %.250s", topic, text);
        return;
    default:
        /* The connection, leaders that move, brokers that start or are overloaded. */
        say(trouble, WEIR__KAFKA_RETRY, WEIR_UNAVAILABLE);
        snprintf(trouble->text, sizeof trouble->text, "%.300s", text);
    }
}
