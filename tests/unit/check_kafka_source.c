/* SPDX-License-Identifier: Apache-2.0
 *
 * Kafka sources over the simulated broker: where they start and end, what they fill, what goes
 * wrong.
 */
#include "kafka/job.h"

#define LINE(F) F(str, text)
#define VISIT(F)                                                                                   \
    F(str, page) F(i64, ms) F(opt_str, who) F(i32, part) F(u64, at) F(instant, when)               \
    F(opt_bytes, trace) F(str, host)
#define PRICE(F) F(i64, id) F(opt_i64, cents) F(flag, gone)
WEIR_RECORD(line, LINE)
WEIR_RECORD(visit, VISIT)
#define EVENT(F) F(i64, id) F(instant, at)
WEIR_RECORD(price, PRICE)
WEIR_RECORD(event, EVENT)

static weir_kafka_broker *broker;
static job_records got;

static void set_up(void)
{
    broker = weir_kafka_simulated_create();
    weir_kafka_simulated_topic(broker, "lines", 3);
    job_records_free(&got);
    job_log_start();
}

static void tear_down(void)
{
    weir_kafka_simulated_destroy(broker);
    job_records_free(&got);
    ck_assert_uint_eq(weir_memory_used(), 0);
}

static void build(weir_graph *g, void *ctx)
{
    weir_kafka_source_options *o = ctx;
    o->broker = broker;
    if (!o->topic)
        o->topic = "lines";
    job_collect(weir_kafka_source_add(g, line_type(), o), &got);
}

static void run_lines(unsigned workers, weir_kafka_source_options *o)
{
    weir_error error;
    weir_config config = { .struct_size = sizeof config, .workers = workers };
    o->until_end = true;
    weir_status status = job_run(&config, build, o, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
}

static bool has(void *ctx)
{
    return job_count(&got) >= *(size_t *)ctx;
}

START_TEST(reads_everything_once)
{
    for (unsigned workers = 1; workers <= 5; workers++) { /* more than there are partitions */
        set_up();
        char expected[1 << 15] = "";
        size_t len = 0;
        for (int i = 0; i < 300; i++) {
            char text[64];
            snprintf(text, sizeof text, i % 2 ? "%03d" : "%03d longer than what lies inline", i);
            job_write(broker, "lines", i % 3, NULL, text);
            len += (size_t)snprintf(expected + len, sizeof expected - len, "%s(text: \"%s\")",
                                    i ? " " : "", text);
        }
        run_lines(workers, &(weir_kafka_source_options){ 0 });
        ck_assert_uint_eq(got.count, 300);
        ck_assert_str_eq(job_sorted(&got), expected);
        tear_down();
    }
}
END_TEST

START_TEST(empty_partitions_end)
{
    set_up();
    run_lines(2, &(weir_kafka_source_options){ 0 });
    ck_assert_uint_eq(got.count, 0);
    job_write(broker, "lines", 1, NULL, "only");
    run_lines(2, &(weir_kafka_source_options){ 0 });
    ck_assert_str_eq(job_sorted(&got), "(text: \"only\")");
    tear_down();
}
END_TEST

START_TEST(starts_where_it_is_told)
{
    set_up();
    for (int i = 0; i < 6; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        weir_kafka_record r = { .value = text, .value_len = 1, .partition = i % 2,
                                .timestamp_ms = 1000 + i };
        weir_kafka_simulated_write(broker, "lines", &r);
    }
    run_lines(1, &(weir_kafka_source_options){ .start = WEIR_KAFKA_OFFSET, .start_at = 2 });
    ck_assert_str_eq(job_sorted(&got), "(text: \"4\") (text: \"5\")");
    job_records_free(&got);
    run_lines(1, &(weir_kafka_source_options){ .start = WEIR_KAFKA_OFFSET, .start_at = 99 });
    ck_assert_uint_eq(got.count, 0);
    run_lines(1, &(weir_kafka_source_options){ .start = WEIR_KAFKA_TIMESTAMP, .start_at = 1003 });
    ck_assert_str_eq(job_sorted(&got), "(text: \"3\") (text: \"4\") (text: \"5\")");
    job_records_free(&got);
    run_lines(1, &(weir_kafka_source_options){ .start = WEIR_KAFKA_LATEST });
    ck_assert_uint_eq(got.count, 0);
    weir_kafka_simulated_forget(broker, "lines", 0, 2);
    run_lines(1, &(weir_kafka_source_options){ .start = WEIR_KAFKA_OFFSET, .start_at = 1 });
    ck_assert_str_eq(job_sorted(&got), "(text: \"3\") (text: \"4\") (text: \"5\")");
    tear_down();
}
END_TEST

START_TEST(goes_on_until_it_is_stopped)
{
    set_up();
    job j;
    size_t one = 1, two = 2;
    weir_kafka_source_options o = { .start = WEIR_KAFKA_LATEST };
    job_write(broker, "lines", 0, NULL, "before");
    job_start(&j, NULL, build, &o);
    while (job_metric(&j, "weir_kafka_lag", NULL) < 0)
        weir_worker_step(j.worker);
    job_write(broker, "lines", 1, NULL, "one");
    ck_assert(job_until(&j, has, &one));
    job_write(broker, "lines", 2, NULL, "two");
    ck_assert(job_until(&j, has, &two));
    ck_assert_int_eq(job_metric(&j, "weir_kafka_read_messages_total", "topic=\"lines\""), 2);
    ck_assert_int_eq(job_metric(&j, "weir_kafka_read_bytes_total", NULL), 6);
    ck_assert_int_eq(job_metric(&j, "weir_kafka_lag", NULL), 0);
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert_str_eq(job_sorted(&got), "(text: \"one\") (text: \"two\")");
    tear_down();
}
END_TEST

START_TEST(finds_new_partitions)
{
    set_up();
    job j;
    size_t one = 1, three = 3;
    weir_kafka_source_options o = { .discover_ms = 1, .start = WEIR_KAFKA_EARLIEST };
    weir_config config = { .struct_size = sizeof config, .workers = 2 };
    job_write(broker, "lines", 0, NULL, "old");
    job_start(&j, &config, build, &o);
    ck_assert(job_until(&j, has, &one));
    weir_kafka_simulated_topic(broker, "lines", 5);
    job_write(broker, "lines", 3, NULL, "new three"); /* before it was found: from the beginning */
    job_write(broker, "lines", 4, NULL, "new four");
    ck_assert(job_until(&j, has, &three));
    ck_assert(job_said("has new partitions: 5 now"));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert_str_eq(job_sorted(&got),
                     "(text: \"new four\") (text: \"new three\") (text: \"old\")");
    tear_down();
}
END_TEST

START_TEST(without_partitions_ends_if_none_can_come)
{
    set_up();
    weir_error error;
    weir_kafka_simulated_topic(broker, "none", 0);
    weir_kafka_source_options o = { .topic = "none", .discover_ms = WEIR_KAFKA_NEVER };
    ck_assert_int_eq(job_run(NULL, build, &o, &error), WEIR_OK);
    tear_down();
}
END_TEST

static bool said_back(void *ctx)
{
    (void)ctx;
    return job_said("the broker is back");
}

static bool said_away(void *ctx)
{
    (void)ctx;
    return job_said("topic 'lines': no broker answers; trying on: ");
}

START_TEST(a_broker_that_goes_away_is_waited_for)
{
    set_up();
    job j;
    size_t one = 1, three = 3;
    weir_kafka_source_options o = { 0 };
    job_write(broker, "lines", 0, NULL, "1");
    job_start(&j, NULL, build, &o);
    ck_assert(job_until(&j, has, &one));
    weir_kafka_simulated_away(broker, true);
    job_write(broker, "lines", 0, NULL, "2");
    ck_assert(job_until(&j, said_away, NULL));
    ck_assert_uint_eq(job_count(&got), 1);
    job_write(broker, "lines", 1, NULL, "3");
    weir_kafka_simulated_away(broker, false);
    ck_assert(job_until(&j, has, &three));
    ck_assert(job_until(&j, said_back, NULL));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert_str_eq(job_sorted(&got), "(text: \"1\") (text: \"2\") (text: \"3\")");
    tear_down();
}
END_TEST

START_TEST(a_broker_may_be_away_at_the_start)
{
    set_up();
    job j;
    weir_kafka_source_options o = { .until_end = true };
    job_write(broker, "lines", 0, NULL, "1");
    weir_kafka_simulated_away(broker, true);
    job_start(&j, NULL, build, &o);
    ck_assert(job_until(&j, said_away, NULL));
    weir_kafka_simulated_away(broker, false);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_str_eq(job_sorted(&got), "(text: \"1\")");
    tear_down();
}
END_TEST

static const char *const nobody = "topic 'lines': nothing was read, no broker has answered";

/* Whoever sees an empty result has to hear that nobody was there. */
START_TEST(a_run_that_ends_before_anybody_answers_says_so)
{
    set_up();
    job j;
    weir_kafka_source_options o = { 0 };
    job_write(broker, "lines", 0, NULL, "1");
    weir_kafka_simulated_away(broker, true);
    job_start(&j, NULL, build, &o);
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert(job_said(nobody) != said_away(NULL)); /* whichever comes first, once */
    tear_down();
}
END_TEST

START_TEST(a_run_that_has_read_says_nothing)
{
    set_up();
    job j;
    size_t one = 1;
    weir_kafka_source_options o = { 0 };
    job_write(broker, "lines", 0, NULL, "1");
    job_start(&j, NULL, build, &o);
    ck_assert(job_until(&j, has, &one));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert(!job_said(nobody));
    tear_down();
}
END_TEST

START_TEST(topics_that_are_missing_or_denied_end_the_run)
{
    set_up();
    weir_error error;
    weir_kafka_source_options o = { .topic = "lins" };
    ck_assert_int_eq(job_run(NULL, build, &o, &error), WEIR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.what, "topic 'lins' does not exist"));
    weir_kafka_simulated_deny(broker, "lines", true);
    o = (weir_kafka_source_options){ 0 };
    ck_assert_int_eq(job_run(NULL, build, &o, &error), WEIR_DENIED);
    ck_assert_ptr_nonnull(strstr(error.what, "access to topic 'lines' is denied"));
    weir_kafka_simulated_deny(broker, "lines", false);
    job j;
    size_t one = 1;
    job_write(broker, "lines", 0, NULL, "1");
    job_start(&j, NULL, build, &o);
    ck_assert(job_until(&j, has, &one));
    weir_kafka_simulated_deny(broker, "lines", true);
    ck_assert_int_eq(job_finish(&j), WEIR_DENIED);
    tear_down();
}
END_TEST

START_TEST(records_deleted_before_they_were_read_are_said)
{
    set_up();
    job j;
    size_t one = 1, three = 3;
    weir_kafka_source_options o = { 0 };
    job_write(broker, "lines", 0, NULL, "0");
    job_start(&j, NULL, build, &o);
    ck_assert(job_until(&j, has, &one));
    weir_kafka_simulated_away(broker, true);
    for (int i = 1; i < 5; i++)
        job_write(broker, "lines", 0, NULL, "x");
    weir_kafka_simulated_forget(broker, "lines", 0, 3);
    weir_kafka_simulated_away(broker, false);
    ck_assert(job_until(&j, has, &three));
    ck_assert(job_said("partition 0: offset 1 is not there, going on at 3"));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert_uint_eq(got.count, 3);
    tear_down();
}
END_TEST

/* ---- fields ---- */

static void build_visits(weir_graph *g, void *ctx)
{
    (void)ctx;
    static const char *const headers[] = { "trace", "host=x-host", NULL };
    weir_stream(visit) s = weir_kafka_source(
        g, visit, .broker = broker, .topic = "lines", .until_end = true, .key_field = "who",
        .partition_field = "part", .offset_field = "at", .timestamp_field = "when",
        .header_fields = headers);
    job_collect(s.port, &got);
}

START_TEST(fields_are_filled_from_the_message)
{
    set_up();
    weir_error error;
    weir_kafka_header headers[] = { { "trace", "t1", 2 }, { "x-host", "one host of many", 16 } };
    weir_kafka_record r = { .key = "somebody with a name", .key_len = 20,
                            .value = "{\"page\":\"/a\",\"ms\":7,\"who\":\"not from here\"}",
                            .partition = 2, .timestamp_ms = 1700000000123, .headers = headers,
                            .header_count = 2 };
    r.value_len = strlen(r.value);
    weir_kafka_simulated_write(broker, "lines", &r);
    r = (weir_kafka_record){ .value = "{\"page\":\"/b\",\"ms\":8}", .value_len = 20,
                             .partition = 2, .timestamp_ms = -1 };
    weir_kafka_simulated_write(broker, "lines", &r);
    weir_status status = job_run(NULL, build_visits, NULL, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    ck_assert_str_eq(
        job_sorted(&got),
        "(page: \"/a\", ms: 7, who: \"somebody with a name\", part: 2, at: 0, "
        "when: 2023-11-14T22:13:20.123Z, trace: x'7431', host: \"one host of many\") "
        "(page: \"/b\", ms: 8, who: null, part: 2, at: 1, when: 1970-01-01T00:00:00Z, "
        "trace: null, host: \"\")");
    tear_down();
}
END_TEST

static void build_prices(weir_graph *g, void *ctx)
{
    bool with_flag = ctx != NULL;
    weir_stream(price) s = weir_kafka_source(
        g, price, .broker = broker, .topic = "lines", .until_end = true, .key_field = "id",
        .tombstone_field = with_flag ? "gone" : NULL);
    job_collect(s.port, &got);
}

static void build_events(weir_graph *g, void *ctx)
{
    const int64_t *unit = ctx;
    weir_stream(event) s = weir_kafka_source(g, event, .broker = broker, .topic = "lines",
                                             .until_end = true, .key_field = "id",
                                             .instant_unit = *unit);
    job_collect(s.port, &got);
}

START_TEST(instants_may_be_numbers_of_another_unit)
{
    static const int64_t units[] = { 0, 1000, 1000000 };
    static const char *const found[] = {
        "(id: 1, at: 1970-01-01T00:00:01.500Z)", "(id: 1, at: 1970-01-01T00:25:00Z)",
        "(id: 1, at: 1970-01-18T08:40:00Z)",
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        weir_error error;
        set_up();
        job_write(broker, "lines", 0, "1", "{\"at\":1500000}");
        weir_status status = job_run(NULL, build_events, (void *)(uintptr_t)&units[i], &error);
        ck_assert_msg(status == WEIR_OK, "%s", error.what);
        ck_assert_str_eq(job_sorted(&got), found[i]);
        tear_down();
    }
}
END_TEST

START_TEST(messages_without_a_value)
{
    static const char with_gone[] = "{\"cents\":5,\"gone\":false}";
    weir_error error;
    bool flag = true;
    for (int i = 0; i < 2; i++) {
        set_up();
        job_write(broker, "lines", 0, "1", i ? "{\"cents\":5}" : with_gone);
        job_write(broker, "lines", 0, "2", NULL);
        job_write(broker, "lines", 0, "3", "");
        weir_status status = job_run(NULL, build_prices, i ? &flag : NULL, &error);
        ck_assert_msg(status == WEIR_OK, "%s", error.what);
        ck_assert_str_eq(job_sorted(&got),
                         i ? "(id: 1, cents: 5, gone: false) (id: 2, cents: null, gone: true) "
                             "(id: 3, cents: null, gone: true)"
                           : "(id: 1, cents: 5, gone: false)");
        tear_down();
    }
}
END_TEST

START_TEST(an_empty_string_is_a_record_of_one)
{
    set_up();
    job_write(broker, "lines", 0, NULL, "");
    job_write(broker, "lines", 0, NULL, NULL);
    run_lines(1, &(weir_kafka_source_options){ 0 });
    ck_assert_str_eq(job_sorted(&got), "(text: \"\")");
    tear_down();
}
END_TEST

/* ---- dead letters ---- */

static weir_kafka_source_options dead_options;

static void build_dead(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_kafka_source_options o = dead_options;
    o.struct_size = sizeof o;
    o.broker = broker;
    o.topic = "lines";
    o.key_field = "id";
    o.tombstone_field = "gone";
    job_collect(weir_kafka_source_add(g, price_type(), &o), &got);
}

static void write_bad_ones(void)
{
    job_write(broker, "lines", 0, "1", "{\"cents\":5}");
    job_write(broker, "lines", 0, "2", "{\"cents\":true}");
    job_write(broker, "lines", 1, "3", "no JSON at all");
    job_write(broker, "lines", 1, "x", "{\"cents\":6}");
    job_write(broker, "lines", 1, NULL, "{\"cents\":7}");
    job_write(broker, "lines", 2, "4", "{\"cents\":8}");
}

START_TEST(undecodable_records_go_to_the_dead_letter_topic)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        set_up();
        weir_kafka_simulated_topic(broker, "dead", 1);
        write_bad_ones();
        weir_error error;
        weir_config config = { .struct_size = sizeof config, .workers = workers };
        dead_options = (weir_kafka_source_options){ .dead_letter = "dead", .until_end = true };
        weir_status status = job_run(&config, build_dead, NULL, &error);
        ck_assert_msg(status == WEIR_OK, "%s", error.what);
        ck_assert_str_eq(job_sorted(&got),
                         "(id: 1, cents: 5, gone: false) (id: 4, cents: 8, gone: false)");
        ck_assert_int_eq(weir_kafka_simulated_end(broker, "dead", 0), 4);
        bool found = false;
        weir_kafka_record r;
        for (int64_t i = 0; weir_kafka_simulated_read(broker, "dead", 0, i, &r); i++) {
            if (strcmp(r.value, "no JSON at all"))
                continue;
            found = true;
            ck_assert_str_eq(r.key, "3");
            ck_assert_uint_eq(r.header_count, 4);
            ck_assert_str_eq(r.headers[0].name, "weir-reason");
            ck_assert_uint_gt(r.headers[0].value_len, 0);
            ck_assert_str_eq(r.headers[1].name, "weir-topic");
            ck_assert_str_eq(r.headers[1].value, "lines");
            ck_assert_str_eq(r.headers[2].name, "weir-partition");
            ck_assert_str_eq(r.headers[2].value, "1");
            ck_assert_str_eq(r.headers[3].name, "weir-offset");
            ck_assert_str_eq(r.headers[3].value, "0");
        }
        ck_assert(found);
        ck_assert(job_said("topic 'lines', partition"));
        tear_down();
    }
}
END_TEST

START_TEST(undecodable_records_are_counted_or_end_the_run)
{
    set_up();
    job j;
    size_t two = 2;
    write_bad_ones();
    dead_options = (weir_kafka_source_options){ 0 };
    job_start(&j, NULL, build_dead, NULL);
    ck_assert(job_until(&j, has, &two));
    ck_assert_int_eq(job_metric(&j, "weir_kafka_undecodable_total", NULL), 4);
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    weir_error error;
    dead_options = (weir_kafka_source_options){ .on_error = WEIR_KAFKA_STOP };
    ck_assert_int_eq(job_run(NULL, build_dead, NULL, &error), WEIR_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(error.what, "topic 'lines', partition"));
    tear_down();
}
END_TEST

START_TEST(long_records_are_refused)
{
    set_up();
    weir_kafka_simulated_topic(broker, "dead", 1);
    char *text = calloc(1, 5000);
    memset(text, 'a', 4999);
    job_write(broker, "lines", 0, NULL, text);
    job_write(broker, "lines", 0, NULL, "short");
    run_lines(1, &(weir_kafka_source_options){ .message_bytes_max = 1000, .dead_letter = "dead" });
    ck_assert_str_eq(job_sorted(&got), "(text: \"short\")");
    ck_assert_int_eq(weir_kafka_simulated_end(broker, "dead", 0), 1);
    free(text);
    tear_down();
}
END_TEST

static bool dead_are_lost(void *ctx)
{
    return job_metric(ctx, "weir_kafka_refused_total", "topic=\"dead\"") == 4;
}

START_TEST(a_dead_letter_topic_that_refuses_does_not_stop_the_job)
{
    static const weir_status refusals[] = { WEIR_DENIED, WEIR_TOO_LARGE };
    for (int i = 0; i < 2; i++) {
        set_up();
        job j;
        weir_kafka_simulated_topic(broker, "dead", 1);
        weir_kafka_simulated_refuse(broker, "dead", refusals[i]);
        write_bad_ones();
        dead_options = (weir_kafka_source_options){ .dead_letter = "dead" };
        job_start(&j, NULL, build_dead, NULL);
        ck_assert(job_until(&j, dead_are_lost, &j));
        ck_assert(job_said("topic 'dead': a record is dropped"));
        ck_assert_uint_eq(got.count, 2);
        ck_assert_int_eq(job_stop(&j), WEIR_OK);
        tear_down();
    }
}
END_TEST

START_TEST(a_missing_dead_letter_topic_is_said_and_does_not_stop_the_job)
{
    set_up();
    job j;
    write_bad_ones();
    dead_options = (weir_kafka_source_options){ .dead_letter = "dead" };
    weir_kafka_simulated_topic(broker, "dead", 1);
    weir_kafka_simulated_deny(broker, "dead", true);
    job_start(&j, NULL, build_dead, NULL);
    ck_assert(job_until(&j, dead_are_lost, &j));
    ck_assert(job_said("access to topic 'dead' is denied; from now on its records are dropped"));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert_uint_eq(got.count, 2);
    tear_down();
}
END_TEST

/* ---- flow ---- */

START_TEST(takes_no_more_than_the_budget)
{
    set_up();
    job j;
    size_t all = 2000;
    weir_config config = { .struct_size = sizeof config, .budget_bytes = 64 << 10 };
    weir_kafka_source_options o = { 0 };
    char text[201];
    memset(text, 'b', 200);
    text[200] = 0;
    for (size_t i = 0; i < all; i++)
        job_write(broker, "lines", (int32_t)(i % 3), NULL, text);
    job_start(&j, &config, build, &o);
    ck_assert(job_until(&j, has, &all));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert_uint_eq(got.count, all);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reads_everything_once,
        empty_partitions_end,
        starts_where_it_is_told,
        goes_on_until_it_is_stopped,
        finds_new_partitions,
        without_partitions_ends_if_none_can_come,
        a_broker_that_goes_away_is_waited_for,
        a_broker_may_be_away_at_the_start,
        a_run_that_ends_before_anybody_answers_says_so,
        a_run_that_has_read_says_nothing,
        topics_that_are_missing_or_denied_end_the_run,
        records_deleted_before_they_were_read_are_said,
        fields_are_filled_from_the_message,
        instants_may_be_numbers_of_another_unit,
        messages_without_a_value,
        an_empty_string_is_a_record_of_one,
        undecodable_records_go_to_the_dead_letter_topic,
        undecodable_records_are_counted_or_end_the_run,
        long_records_are_refused,
        a_dead_letter_topic_that_refuses_does_not_stop_the_job,
        a_missing_dead_letter_topic_is_said_and_does_not_stop_the_job,
        takes_no_more_than_the_budget,
        NULL,
    };
    return test_run(test_suite("kafka_source", tests));
}
