/* SPDX-License-Identifier: Apache-2.0
 *
 * peer-rdkafka-read: the best bare librdkafka loop that only counts: what no program can beat that
 * takes its messages from librdkafka on one thread. --kind picks the call and the settings; which
 * is the fastest depends on the machine, so bench/run tries all and compares with the best.
 *
 *     batch, callback                with librdkafka's defaults
 *     batch-deep, callback-deep      with prefetch queues deep enough that no partition is stopped
 */
#include <inttypes.h>
#include <string.h>

#include "../../bench.h"
#include "../../harness/client.h"

#define BATCH 10000

static const char *const defaults[] = { "group.id", "bench-read", "enable.auto.commit", "false",
                                        NULL };
/* A queue that is full stops its partition for 1 s (librdkafka before 2.2), so it has to hold more
 * than a second; larger fetches mean fewer requests. Checksums are off by default. */
static const char *const deep[] = {
    "group.id", "bench-read", "enable.auto.commit", "false", "queued.min.messages", "1000000",
    "queued.max.messages.kbytes", "262144", "fetch.message.max.bytes", "8388608", NULL,
};

static uint64_t counted;

static void count(rd_kafka_message_t *message, void *ctx)
{
    (void)ctx;
    if (message->err)
        bench_fail("%s", rd_kafka_message_errstr(message));
    counted++;
}

static void read_batches(rd_kafka_queue_t *queue, uint64_t messages)
{
    static rd_kafka_message_t *batch[BATCH];
    while (counted < messages) {
        /* Never asks for more than will come: a batch that cannot fill waits for its timeout. */
        uint64_t left = messages - counted;
        ssize_t got = rd_kafka_consume_batch_queue(queue, 20, batch, left < BATCH ? left : BATCH);
        for (ssize_t i = 0; i < got; i++) {
            count(batch[i], NULL);
            rd_kafka_message_destroy(batch[i]);
        }
    }
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    double start = bench_seconds();
    const char *const *settings = strstr(o.kind, "-deep") ? deep : defaults;
    rd_kafka_t *client = client_create(RD_KAFKA_CONSUMER, o.bootstrap, settings, NULL);
    client_assign(client, o.topic, RD_KAFKA_OFFSET_BEGINNING);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    if (strncmp(o.kind, "batch", 5) == 0)
        read_batches(queue, o.messages);
    else if (strncmp(o.kind, "callback", 8) == 0)
        while (counted < o.messages)
            rd_kafka_consume_callback_queue(queue, 20, count, NULL);
    else
        bench_fail("--kind batch, batch-deep, callback or callback-deep?");
    double seconds = bench_seconds() - start;
    bench_answer("%" PRIu64, counted);
    bench_cost(seconds * 1e9 / (double)counted, "ns/message");
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return 0;
}
