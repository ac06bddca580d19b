/* SPDX-License-Identifier: Apache-2.0
 *
 * Kafka sources, sinks and dead letters while the n-th allocation fails, for every n: a run ends
 * well or says that memory is gone, writes nothing twice, and leaves nothing behind.
 */
#include "kafka/job.h"

#define ITEM(F) F(str, name) F(i64, count)
WEIR_RECORD(item, ITEM)

static weir_kafka_broker *broker;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_kafka_source(g, item, .broker = broker, .topic = "in",
                                                .until_end = true, .dead_letter = "dead");
    weir_kafka_sink(items, .broker = broker, .topic = "out");
    weir_stream(item) changes = { .port = weir_port_as_collection(items.port) };
    weir_kafka_sink_by(changes, WEIR_KEY(item, name), .broker = broker, .topic = "upserts");
    weir_kafka_sink_by(changes, WEIR_KEY(item, name), .broker = broker, .topic = "some",
                       .every_ms = 1);
}

static void set_up(void)
{
    static const char *const topics[] = { "in", "out", "dead", "upserts", "some" };
    broker = weir_kafka_simulated_create();
    for (int i = 0; i < 5; i++)
        weir_kafka_simulated_topic(broker, topics[i], 1);
    for (int i = 0; i < 40; i++) {
        char text[100];
        snprintf(text, sizeof text,
                 i % 10 ? "{\"name\":\"an item with a long name %d\",\"count\":%d}" : "bad %d %d",
                 i, i);
        job_write(broker, "in", 0, NULL, text);
    }
}

START_TEST(any_allocation_may_fail)
{
    job_log_start();
    /* Some failures are survived, so it takes more than one good run to know that n is beyond. */
    unsigned well = 0;
    uint64_t last = 0;
    for (uint64_t n = 1; well < 100; n++) {
        set_up();
        weir_error error;
        weir_memory_fail_nth(n, 0);
        weir_status status = job_run(NULL, build, NULL, &error);
        bool all_well = status == WEIR_OK && !weir_memory_exhausted();
        well = all_well ? well + 1 : 0;
        weir_memory_fail_nth(0, 0);
        ck_assert_msg(status == WEIR_OK || status == WEIR_NO_MEMORY, "%llu: %d: %s",
                      (unsigned long long)n, (int)status, error.what);
        ck_assert_int_le(weir_kafka_simulated_end(broker, "out", 0), 36);
        ck_assert_int_le(weir_kafka_simulated_end(broker, "dead", 0), 4);
        if (all_well) {
            ck_assert_int_eq(weir_kafka_simulated_end(broker, "out", 0), 36);
            ck_assert_int_eq(weir_kafka_simulated_end(broker, "upserts", 0), 36);
            ck_assert_int_eq(weir_kafka_simulated_end(broker, "some", 0), 36);
            ck_assert_int_eq(weir_kafka_simulated_end(broker, "dead", 0), 4);
        }
        weir_kafka_simulated_destroy(broker);
        ck_assert_uint_eq(weir_memory_used(), 0);
        weir_memory_exhausted_reset();
        ck_assert_uint_lt(n, 100000);
        last = n;
    }
    ck_assert_uint_gt(last, 300);
}
END_TEST

int main(void)
{
    return test_run(test_suite("kafka_memory",
                               (const TTest *const[]){ any_allocation_may_fail, NULL }));
}
