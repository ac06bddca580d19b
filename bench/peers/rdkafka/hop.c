/* SPDX-License-Identifier: Apache-2.0
 *
 * peer-rdkafka-hop: how long a message takes through the broker alone, without any engine: the
 * least that the latency of case cost can be. Reads what `bench-kafka produce` writes, until
 * SIGTERM.
 *
 * It takes messages by callback: a batch call waits for its whole timeout unless the batch fills.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench.h"
#include "../../harness/client.h"
#include "../../samples.h"

static const char *const settings[] = { "group.id", "bench-hop", "enable.auto.commit", "false",
                                        NULL };
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static void take(rd_kafka_message_t *message, void *ctx)
{
    char text[64];
    if (message->err)
        bench_fail("%s", rd_kafka_message_errstr(message));
    size_t size = message->len < sizeof(text) - 1 ? message->len : sizeof(text) - 1;
    memcpy(text, message->payload, size);
    text[size] = '\0';
    const char *stamp = strrchr(text, ' ');
    uint64_t sent_ns = stamp ? strtoull(stamp, NULL, 10) : 0;
    if (sent_ns)
        bench_samples_add(ctx, (uint64_t)(bench_seconds() * 1e6) - sent_ns / 1000);
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    bench_samples samples = { .us = NULL };
    signal(SIGTERM, stop);
    rd_kafka_t *client = client_create(RD_KAFKA_CONSUMER, o.bootstrap, settings, NULL);
    client_assign(client, o.topic, RD_KAFKA_OFFSET_END);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    printf("ready\n");
    fflush(stdout);
    while (!stopped)
        rd_kafka_consume_callback_queue(queue, 10, take, &samples);
    bench_samples_print(&samples);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return 0;
}
