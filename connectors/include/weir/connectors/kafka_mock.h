/* SPDX-License-Identifier: Apache-2.0
 *
 * librdkafka's mock cluster: brokers inside this process that speak Kafka's protocol on a socket,
 * up in a millisecond; for demonstrations and tests. It keeps about the newest 5 MB of each
 * partition, and transactions are not what they are with a real broker.
 */
#ifndef WEIR_CONNECTORS_KAFKA_MOCK_H
#define WEIR_CONNECTORS_KAFKA_MOCK_H

#include <weir/base.h>

WEIR_BEGIN_DECLS

typedef struct weir_kafka_mock weir_kafka_mock;

/* Starts brokers and makes the topics (names ended by NULL; NULL: none yet), each of so many
 * partitions. A topic that a sink writes to is also made by first use. */
WEIR_API weir_kafka_mock *weir_kafka_mock_start(unsigned brokers, unsigned partitions,
                                                const char *const *topics, weir_error *error);
/* "127.0.0.1:41234": what .brokers takes. Lives as long as the mock. */
WEIR_API const char *weir_kafka_mock_brokers(const weir_kafka_mock *mock);
WEIR_API void weir_kafka_mock_stop(weir_kafka_mock *mock);

/* Takes broker `index` (from 0) off the net, and back: its partitions are away meanwhile. */
WEIR_API void weir_kafka_mock_away(weir_kafka_mock *mock, unsigned index, bool away);
/* The next `count` requests of this kind fail with Kafka's error code `code`, as its protocol
 * numbers them (6: not the leader, 7: timed out, 29: access to the topic denied, …). */
typedef enum weir_kafka_request {
    WEIR_KAFKA_PRODUCE = 0, WEIR_KAFKA_FETCH = 1, WEIR_KAFKA_METADATA = 3
} weir_kafka_request;
WEIR_API void weir_kafka_mock_fail(weir_kafka_mock *mock, weir_kafka_request request, int code,
                                   unsigned count);

WEIR_END_DECLS
#endif
