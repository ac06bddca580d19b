/* SPDX-License-Identifier: Apache-2.0
 *
 * Kafka inside of an example that was given no brokers: a mock with its topics, of which weir_main
 * is told as if it had been an option.
 */
#ifndef EXAMPLES_KAFKA_INSIDE_H
#define EXAMPLES_KAFKA_INSIDE_H

#include <weir/connectors/kafka_mock.h>
#include <weir/connectors/main.h>
#include <weir/graph.h>

/* Says so in --help: before the first source or sink. */
static inline void kafka_inside_option(weir_graph *graph)
{
    (void)weir_option_str(graph, "brokers", NULL,
                          "Kafka brokers to ask first, HOST:PORT,...; without, there is a Kafka "
                          "inside the process");
}

/* For a `prepare` of weir_main. *mock stays NULL where brokers were given; the caller stops it. */
static inline weir_status kafka_inside(weir_main_program *program, const char *const *topics,
                                       unsigned partitions, weir_kafka_mock **mock,
                                       weir_error *error)
{
    if (weir_main_option(program, "brokers"))
        return WEIR_OK;
    *mock = weir_kafka_mock_start(1, partitions, topics, error);
    if (!*mock)
        return error->status;
    weir_status status = WEIR_OK;
    /* The mock answers a fetch when its time is up, not when there is something. What the user sets
     * for Kafka is left as it is. */
    if (!weir_main_option(program, "kafka"))
        status = weir_main_set_option(program, "kafka", "fetch.wait.max.ms=5");
    return status == WEIR_OK ? weir_main_set_option(program, "brokers",
                                                    weir_kafka_mock_brokers(*mock))
                             : status;
}

#endif
