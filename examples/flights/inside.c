/* SPDX-License-Identifier: Apache-2.0
 *
 * See inside.h. It keeps about the newest 5 MB of each of four partitions: enough for a month of
 * flights, or for a year of every twelfth.
 */
#include "inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "../kafka_inside.h"

enum { PARTITIONS = 4 };

struct inside {
    weir_main_config config;
    weir_kafka_mock *mock;
};

static weir_status prepare(weir_main_program *program, void *ctx, weir_error *error)
{
    inside *kafka = ctx;
    const char *dead = weir_main_option(program, "dead-letter-topic");
    const char *delays = weir_main_option(program, "delays-topic");
    const char *topics[] = { "flights", "weather", "airports", "planes", "airlines",
                             dead ? dead : "dead-letters", delays ? delays : "carrier-delays",
                             NULL };
    return kafka_inside(program, topics, PARTITIONS, &kafka->mock, error);
}

static void started(weir_main_program *program, void *ctx)
{
    inside *kafka = ctx;
    (void)program;
    if (kafka->mock) {
        printf("Kafka at %s\n", weir_kafka_mock_brokers(kafka->mock));
        fflush(stdout); /* weir_main tells at the end if it was not written */
    }
}

static void ended(weir_main_program *program, void *ctx)
{
    inside *kafka = ctx;
    (void)program;
    weir_kafka_mock_stop(kafka->mock);
}

inside *inside_create(void)
{
    inside *kafka = calloc(1, sizeof *kafka);
    if (!kafka)
        abort();
    kafka->config = (weir_main_config){
        .struct_size = sizeof kafka->config,
        .about = "Delays of flights, from five topics whose rows come, are corrected and go.",
        .prepare = prepare, .started = started, .ended = ended, .hook_ctx = kafka };
    return kafka;
}

void inside_destroy(inside *kafka) { free(kafka); }

const weir_main_config *inside_config(inside *kafka) { return &kafka->config; }
