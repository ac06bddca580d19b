/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-kafka: what the Kafka cases need beside the programs that are compared.
 *
 *     bench-kafka create  --topic T --partitions N
 *     bench-kafka load    --topic T --messages N --kind fixed|words
 *     bench-kafka last    --topic T
 *     bench-kafka produce --topic T --rate N --seconds N
 *
 * load makes a topic and fills it; produce writes words with the time at a steady rate; last reads
 * a topic of counts to its end and keeps the last one of each word. Topic and messages: README.md.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../bench.h"
#include "client.h"
#include "counts.h"

#define WORDS 10000
#define FIXED_SIZE 100
#define BATCH 1000

static uint64_t failed;

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *ctx)
{
    (void)client;
    (void)ctx;
    failed += message->err != 0;
}

/* The next word; its text is kept by the caller. */
static size_t next_word(uint64_t *state, char *out, size_t size)
{
    uint64_t draw =
        (uint64_t)(((__extension__ (unsigned __int128)bench_random(state)) * WORDS) >> 64);
    return (size_t)snprintf(out, size, "word%" PRIu64, draw);
}

static const char *const loader[] = {
    "linger.ms", "50", "batch.num.messages", "10000", "queue.buffering.max.messages", "1000000",
    "queue.buffering.max.kbytes", "1048576", NULL,
};

static void load(const bench_options *o)
{
    rd_kafka_t *client = client_create(RD_KAFKA_PRODUCER, o->bootstrap, loader, delivered);
    client_topic_create(client, o->topic, (int)o->partitions);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, o->topic, NULL);
    static char texts[BATCH][FIXED_SIZE];
    static rd_kafka_message_t batch[BATCH];
    bool words = strcmp(o->kind, "words") == 0;
    uint64_t state = 1, answer = 0;
    for (uint64_t sent = 0; sent < o->messages;) {
        int32_t partition = (int32_t)(sent / BATCH % o->partitions);
        int count = o->messages - sent < BATCH ? (int)(o->messages - sent) : BATCH;
        memset(batch, 0, sizeof(batch));
        for (int i = 0; i < count; i++) {
            batch[i].payload = texts[i];
            batch[i].len = FIXED_SIZE;
            if (words)
                batch[i].len = next_word(&state, texts[i], FIXED_SIZE);
            else
                snprintf(texts[i], FIXED_SIZE, "%099" PRIu64, sent + (uint64_t)i);
            answer += bench_fnv1a(BENCH_FNV_START, batch[i].payload, batch[i].len);
        }
        rd_kafka_produce_batch(topic, partition, RD_KAFKA_MSG_F_COPY, batch, count);
        for (int i = 0; i < count; i++)
            while (batch[i].err && rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, texts[i],
                                                    batch[i].len, NULL, 0, NULL) != 0)
                rd_kafka_poll(client, 10);
        rd_kafka_poll(client, 0);
        sent += (uint64_t)count;
    }
    client_flush(client);
    if (failed)
        bench_fail("%" PRIu64 " messages were not accepted", failed);
    bench_answer("%" PRIu64, answer);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
}

static void create(const bench_options *o)
{
    rd_kafka_t *client =
        client_create(RD_KAFKA_PRODUCER, o->bootstrap, (const char *const[]){ NULL }, NULL);
    client_topic_create(client, o->topic, (int)o->partitions);
    rd_kafka_destroy(client);
}

/* Few requests in flight: when the broker falls behind, what waits goes together into larger ones,
 * and it catches up at once. Without the limit thousands of tiny requests queue up for seconds. */
static const char *const steady[] = { "linger.ms", "1", "max.in.flight", "5",
                                      "queue.buffering.max.messages", "1000000", NULL };

/* Words with the time at which each was handed to the client, in nanoseconds on the monotonic
 * clock (all is on one machine); during the first 3 s with 0, which readers do not measure. What is
 * due is sent every millisecond. */
static void produce(const bench_options *o)
{
    enum { WARM = 3 };
    rd_kafka_t *client = client_create(RD_KAFKA_PRODUCER, o->bootstrap, steady, delivered);
    int partitions = client_partitions(client, o->topic);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, o->topic, NULL);
    uint64_t state = 1, sent = 0;
    double start = bench_seconds(), late = 0;
    uint64_t all = (o->seconds + WARM) * o->rate;
    while (sent < all) {
        double now = bench_seconds() - start;
        uint64_t due = (uint64_t)(now * (double)o->rate);
        for (; sent < due && sent < all; sent++) {
            char text[64];
            struct timespec t = { 0, 0 };
            if (sent >= WARM * o->rate)
                clock_gettime(CLOCK_MONOTONIC, &t);
            size_t size = next_word(&state, text, 32);
            size += (size_t)snprintf(text + size, 32, " %lld%09ld", (long long)t.tv_sec, t.tv_nsec);
            while (rd_kafka_produce(topic, (int32_t)(sent % (uint64_t)partitions),
                                    RD_KAFKA_MSG_F_COPY, text, size, NULL, 0, NULL) != 0)
                rd_kafka_poll(client, 1);
        }
        rd_kafka_poll(client, 0);
        late = bench_seconds() - start - now > late ? bench_seconds() - start - now : late;
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    double seconds = bench_seconds() - start;
    client_flush(client);
    if (failed)
        bench_fail("%" PRIu64 " messages were not accepted", failed);
    printf("sent %" PRIu64 " rate %.0f longest_ms %.1f\n", sent, (double)sent / seconds,
           late * 1e3);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
}

static const char *const reader[] = {
    "group.id", "bench-last", "enable.auto.commit", "false", "queued.min.messages", "1000000",
    "queued.max.messages.kbytes", "262144", "enable.partition.eof", "true", NULL,
};

static void last(const bench_options *o)
{
    rd_kafka_t *client = client_create(RD_KAFKA_CONSUMER, o->bootstrap, reader, NULL);
    int partitions = client_partitions(client, o->topic);
    client_assign(client, o->topic, RD_KAFKA_OFFSET_BEGINNING);
    counts *table = counts_create();
    uint64_t messages = 0;
    int64_t last_ms = 0;
    for (int ended = 0; ended < partitions;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(client, 20000);
        if (!m)
            bench_fail("topic %s: nothing came for 20 s", o->topic);
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended++;
        } else if (m->err) {
            bench_fail("topic %s: %s", o->topic, rd_kafka_message_errstr(m));
        } else {
            int64_t ms = rd_kafka_message_timestamp(m, NULL);
            last_ms = ms > last_ms ? ms : last_ms;
            messages++;
            counts_put(table, m);
        }
        rd_kafka_message_destroy(m);
    }
    printf("messages %" PRIu64 "\ndistinct %zu\nlast_ms %" PRId64 "\n", messages,
           counts_distinct(table), last_ms);
    bench_answer("%" PRIu64, counts_answer(table));
    counts_destroy(table);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        void (*run)(const bench_options *);
    } commands[] = {
        { "create", create }, { "load", load }, { "last", last }, { "produce", produce }
    };
    if (argc < 2)
        bench_fail("create, load, last or produce?");
    bench_options o = bench_options_read(argc, argv, 2);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            commands[i].run(&o);
            return 0;
        }
    bench_fail("no command %s", argv[1]);
}
