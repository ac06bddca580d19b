/* SPDX-License-Identifier: Apache-2.0
 *
 * Topics as collections, over the simulated broker: the newest record of each key, removals, what a
 * sink has written, several workers; refusals.
 */
#include "kafka/job.h"

#include <weir/operators/count.h>
#include <weir/operators/inspect.h>

#define PRICE(F) F(opt_i64, cents) F(str, item) F(i64, at)
#define LINE(F) F(str, text)
#define ITEMS(F) F(str, text) F(i64, count)
WEIR_RECORD(price, PRICE)
WEIR_RECORD(line, LINE)
WEIR_RECORD(items, ITEMS)

static weir_kafka_broker *broker;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t there[3]; /* of each item: a thousand a record, and the cents */

static int item_of(const price *p)
{
    return weir_str_data(&p->item)[0] - 'a';
}

static void follow(const weir_batch *batch, void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < batch->count; i++) {
        const price *p = weir_batch_record(batch, i);
        there[item_of(p)] += weir_batch_diff(batch, i) * (1000 + p->cents.value);
    }
    pthread_mutex_unlock(&lock);
}

static void build(weir_graph *g, void *ctx)
{
    bool with_offset = ctx != NULL;
    weir_stream(price) table =
        weir_kafka_table(g, price, WEIR_KEY(price, item), .topic = "prices", .broker = broker,
                         .until_end = true, .offset_field = with_offset ? "at" : NULL);
    ck_assert_uint_eq(weir_port_unique_key(table.port)->count, 1);
    ck_assert_uint_eq(weir_port_unique_key(table.port)->field[0], 1);
    weir_inspect_batches(table, follow, NULL);
}

static void write(const char *item, const char *value)
{
    job_write(broker, "prices", item[0] % 2, item, value);
}

START_TEST(the_newest_of_each_key)
{
    weir_error error;
    bool with_offset = true;
    for (unsigned workers = 1; workers <= 3; workers++) {
        broker = weir_kafka_simulated_create();
        weir_kafka_simulated_topic(broker, "prices", 2);
        memset(there, 0, sizeof there);
        for (int i = 0; i < 50; i++) {
            char value[64];
            snprintf(value, sizeof value, "{\"cents\":%d,\"at\":%d}", i, -i);
            write("a pear, of which the name is long", value);
            write("b", i == 49 ? NULL : value);
            write("c", i == 48 ? NULL : value);
        }
        weir_config config = { .struct_size = sizeof config, .workers = workers };
        weir_status status = job_run(&config, build, workers == 2 ? &with_offset : NULL, &error);
        ck_assert_msg(status == WEIR_OK, "%s", error.what);
        ck_assert_int_eq(there[0], 1049);
        ck_assert_int_eq(there[1], 0);
        ck_assert_int_eq(there[2], 1049);
        weir_kafka_simulated_destroy(broker);
    }
}
END_TEST

/* ---- what a sink has written ---- */

static job_records got;

static void build_sink(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = "lines", .broker = broker,
                                                .until_end = true);
    weir_kafka_sink(weir_count(lines, items, WEIR_KEY(line, text)), .topic = "counts",
                    .broker = broker);
}

static void build_table(weir_graph *g, void *ctx)
{
    (void)ctx;
    job_collect(weir_kafka_table(g, items, WEIR_KEY(items, text), .topic = "counts",
                                 .broker = broker, .until_end = true).port, &got);
}

START_TEST(what_a_sink_has_written)
{
    weir_error error;
    broker = weir_kafka_simulated_create();
    weir_kafka_simulated_topic(broker, "lines", 1);
    weir_kafka_simulated_topic(broker, "counts", 3);
    for (int i = 0; i < 10; i++)
        job_write(broker, "lines", 0, NULL, i % 3 ? "to" : "be");
    ck_assert_int_eq(job_run(NULL, build_sink, NULL, &error), WEIR_OK);
    weir_status status = job_run(NULL, build_table, NULL, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    ck_assert_str_eq(job_sorted(&got), "(text: \"be\", count: 4) (text: \"to\", count: 6)");
    job_records_free(&got);
    weir_kafka_simulated_destroy(broker);
}
END_TEST

/* ---- refusals ---- */

#define TEN(F, n)                                                                                  \
    F(i64, n##0) F(i64, n##1) F(i64, n##2) F(i64, n##3) F(i64, n##4) F(i64, n##5) F(i64, n##6)     \
    F(i64, n##7) F(i64, n##8) F(i64, n##9)
#define WIDE(F)                                                                                    \
    TEN(F, a) TEN(F, b) TEN(F, c) TEN(F, d) TEN(F, e) TEN(F, f) F(u8, x) F(u8, y) F(u8, z)
WEIR_RECORD(wide, WIDE)

static int wrong;

static void refuse(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_kafka_source_options o = { .struct_size = sizeof o, .topic = "prices", .broker = broker };
    const char *names[] = { "item", NULL, NULL };
    if (wrong == 0)
        names[0] = "colour";
    else if (wrong == 1)
        names[1] = "at";
    else if (wrong == 2)
        o.key_field = "at";
    else if (wrong == 3)
        o.tombstone_field = "at";
    else
        names[0] = "a0";
    ck_assert_ptr_null(weir_kafka_table_add(g, wrong == 4 ? wide_type() : price_type(), names, &o));
}

START_TEST(refusals)
{
    static const char *const what[] = {
        "record 'price' has no field 'colour'",
        "a table's key is one field, which is that of the messages",
        "a table's key is one field, which is that of the messages",
        "a message without a value removes a table's record, and makes none",
        "a table's records have at most 62 fields and 4064 bytes",
    };
    weir_error error;
    broker = weir_kafka_simulated_create();
    for (wrong = 0; wrong < 5; wrong++) {
        ck_assert_int_ne(job_run(NULL, refuse, NULL, &error), WEIR_OK);
        ck_assert_str_eq(error.what, what[wrong]);
        ck_assert(error.hint[0]);
    }
    weir_kafka_simulated_destroy(broker);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { the_newest_of_each_key, what_a_sink_has_written, refusals,
                                   NULL };
    return test_run(test_suite("kafka_table", tests));
}
