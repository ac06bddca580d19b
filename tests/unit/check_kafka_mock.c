/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources and sinks on librdkafka, with the brokers of its mock cluster: what is written is read,
 * errors of brokers are survived, brokers go away and come back.
 */
#include <weir/connectors/kafka_mock.h>
#include <weir/operators/input.h>

#include "kafka/c11_threads.h"
#include "kafka/job.h"

#define LINE(F) F(str, text)
#define NUMBERED(F) F(str, text) F(i64, offset) F(i32, part) F(instant, at)
WEIR_RECORD(line, LINE)
WEIR_RECORD(numbered, NUMBERED)

static weir_kafka_mock *mock;
static weir_input *input;
static job_records got;
static const char *const quick[] = { "socket.timeout.ms=2000", "retry.backoff.ms=10",
                                     "reconnect.backoff.ms=10", NULL };

static void set_up_with(unsigned brokers, unsigned partitions)
{
    weir_error error;
    mock = weir_kafka_mock_start(brokers, partitions, (const char *const[]){ "lines", NULL },
                                 &error);
    ck_assert_msg(mock != NULL, "%s", error.what);
    job_records_free(&got);
    job_log_start();
}

static void set_up(unsigned brokers)
{
    set_up_with(brokers, 3);
}

static void tear_down(void)
{
    weir_kafka_mock_stop(mock);
    job_records_free(&got);
    ck_assert_uint_eq(weir_memory_used(), 0);
}

static void build_sink(weir_graph *g, void *ctx)
{
    weir_kafka_sink_options o = ctx ? *(weir_kafka_sink_options *)ctx
                                    : (weir_kafka_sink_options){ 0 };
    o.brokers = weir_kafka_mock_brokers(mock);
    o.topic = "lines";
    o.settings = o.settings ? o.settings : quick;
    weir_port *port = weir__input_add(g, line_type(), &input,
                                      &(struct weir_input_options){
                                          .struct_size = sizeof(struct weir_input_options) });
    weir_probe_add(weir_kafka_sink_add(port, &o), "acknowledged");
}

static void send_lines(weir_input_handle *h, int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[64];
        snprintf(text, sizeof text, "line number %05d", i);
        line l = { weir_str_of(text) };
        ck_assert_int_eq(weir__input_send(h, &l, 1), WEIR_OK);
    }
    weir__input_flush(h);
}

static void write_lines_as(int from, int to, weir_codec codec)
{
    job j;
    weir_kafka_sink_options o = { .codec = codec };
    job_start(&j, NULL, build_sink, &o);
    weir_input_handle *h = weir__input_open(input, 0);
    send_lines(h, from, to);
    weir__input_close(h);
    weir_status status = job_finish(&j);
    ck_assert_msg(status == WEIR_OK, "%s", j.error.what);
}

static void write_lines(int from, int to)
{
    write_lines_as(from, to, WEIR_CODEC_DEFAULT);
}

static void build_source(weir_graph *g, void *ctx)
{
    weir_kafka_source_options o = *(weir_kafka_source_options *)ctx;
    o.brokers = weir_kafka_mock_brokers(mock);
    o.topic = o.topic ? o.topic : "lines";
    o.settings = o.settings ? o.settings : quick;
    job_collect(weir_kafka_source_add(g, line_type(), &o), &got);
}

/* Every line from 0 to count, once. */
static void check_lines(int count)
{
    ck_assert_uint_eq(job_count(&got), (size_t)count);
    job_sorted(&got);
    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "(text: \"line number %05d\")", i);
        ck_assert_str_eq(got.texts[i], text);
    }
}

static bool has(void *ctx)
{
    return job_count(&got) >= *(size_t *)ctx;
}

START_TEST(what_is_written_is_read)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        set_up(1 + workers % 2);
        write_lines(0, 3000);
        weir_error error;
        weir_config config = { .struct_size = sizeof config, .workers = workers };
        weir_kafka_source_options o = { .until_end = true };
        weir_status status = job_run(&config, build_source, &o, &error);
        ck_assert_msg(status == WEIR_OK, "%s", error.what);
        check_lines(3000);
        tear_down();
    }
}
END_TEST

static void read_lines(weir_codec codec)
{
    weir_error error;
    weir_kafka_source_options o = { .until_end = true, .codec = codec };
    weir_status status = job_run(NULL, build_source, &o, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
}

/* And as bytes it is what the codec makes of it. */
START_TEST(every_codec_is_read_back)
{
    static const struct {
        weir_codec codec;
        const char *first;
    } cases[] = { { WEIR_CODEC_RAW, "(text: \"line number 00000\")" },
                  { WEIR_CODEC_JSON, "(text: \"{\\\"text\\\":\\\"line number 00000\\\"}\")" },
                  { WEIR_CODEC_MSGPACK, "(text: \"\x81\xa4text\xb1line number 00000\")" } };
    for (size_t i = 0; i < 3; i++) {
        set_up(1);
        write_lines_as(0, 300, cases[i].codec);
        read_lines(cases[i].codec);
        check_lines(300);
        job_records_free(&got);
        read_lines(WEIR_CODEC_RAW);
        ck_assert_uint_eq(got.count, 300);
        job_sorted(&got);
        ck_assert_str_eq(got.texts[0], cases[i].first);
        tear_down();
    }
}
END_TEST

static void build_numbered(weir_graph *g, void *ctx)
{
    const weir_kafka_source_options *o = ctx;
    weir_stream(numbered) s = weir_kafka_source(
        g, numbered, .topic = "lines", .brokers = weir_kafka_mock_brokers(mock),
        .settings = quick, .until_end = true, .start = o->start, .start_at = o->start_at,
        .offset_field = "offset", .partition_field = "part", .timestamp_field = "at");
    job_collect(s.port, &got);
}

START_TEST(starts_where_it_is_told)
{
    set_up(1);
    weir_error error;
    write_lines(0, 300);
    weir_kafka_source_options o = { .start = WEIR_KAFKA_OFFSET, .start_at = 20 };
    ck_assert_int_eq(job_run(NULL, build_numbered, &o, &error), WEIR_OK);
    for (size_t i = 0; i < got.count; i++)
        ck_assert_int_ge(strtol(strstr(got.texts[i], "offset: ") + 8, NULL, 10), 20);
    ck_assert_uint_le(got.count, 300 - 20);
    ck_assert_uint_gt(got.count, 0);
    job_records_free(&got);
    o = (weir_kafka_source_options){ .start = WEIR_KAFKA_LATEST };
    ck_assert_int_eq(job_run(NULL, build_numbered, &o, &error), WEIR_OK);
    ck_assert_uint_eq(got.count, 0);
    tear_down();
}
END_TEST

START_TEST(errors_of_a_broker_are_tried_again)
{
    set_up(1);
    weir_kafka_mock_fail(mock, WEIR_KAFKA_PRODUCE, 6, 2); /* not the leader */
    weir_kafka_mock_fail(mock, WEIR_KAFKA_PRODUCE, 7, 1); /* timed out */
    write_lines(0, 500);
    weir_kafka_mock_fail(mock, WEIR_KAFKA_FETCH, 6, 2);
    weir_kafka_source_options o = { .until_end = true };
    weir_error error;
    weir_status status = job_run(NULL, build_source, &o, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    check_lines(500);
    tear_down();
}
END_TEST

static bool said_away(void *ctx)
{
    (void)ctx;
    return job_said("no broker answers; trying on: ") && job_said("; asked: 127.0.0.1:");
}

START_TEST(a_source_outlives_its_broker)
{
    set_up(1);
    size_t first = 100, all = 200;
    write_lines(0, 100);
    weir_kafka_source_options o = { 0 };
    job j;
    job_start(&j, NULL, build_source, &o);
    ck_assert(job_until(&j, has, &first));
    weir_kafka_mock_away(mock, 0, true);
    ck_assert(job_until(&j, said_away, NULL));
    weir_kafka_mock_away(mock, 0, false);
    write_lines(100, 200);
    ck_assert(job_until(&j, has, &all));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert(job_said("the broker is back"));
    check_lines(200);
    tear_down();
}
END_TEST

static bool all_written(void *ctx)
{
    return job_metric(ctx, "weir_kafka_written_messages_total", NULL) == 1000;
}

START_TEST(a_sink_outlives_its_broker)
{
    set_up(1);
    job j;
    weir_kafka_mock_away(mock, 0, true); /* and starts without */
    job_start(&j, NULL, build_sink, NULL);
    weir_input_handle *h = weir__input_open(input, 0);
    send_lines(h, 0, 500);
    ck_assert(job_until(&j, said_away, NULL));
    weir_kafka_mock_away(mock, 0, false);
    send_lines(h, 500, 1000);
    ck_assert(job_until(&j, all_written, &j));
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    weir_kafka_source_options o = { .until_end = true };
    weir_error error;
    ck_assert_int_eq(job_run(NULL, build_source, &o, &error), WEIR_OK);
    check_lines(1000);
    tear_down();
}
END_TEST

/* librdkafka's queue is smaller than what is written: it fills up, and nothing waits or is lost. */
START_TEST(a_full_queue_is_waited_for)
{
    static const char *const small[] = { "queue.buffering.max.messages=7", "linger.ms=0", NULL };
    set_up(1);
    job j;
    job_start(&j, NULL, build_sink, &(weir_kafka_sink_options){ .settings = small });
    weir_input_handle *h = weir__input_open(input, 0);
    send_lines(h, 0, 400);
    weir__input_close(h);
    weir_status status = job_finish(&j);
    ck_assert_msg(status == WEIR_OK, "%s", j.error.what);
    weir_kafka_source_options o = { .until_end = true };
    weir_error error;
    ck_assert_int_eq(job_run(NULL, build_source, &o, &error), WEIR_OK);
    check_lines(400);
    tear_down();
}
END_TEST

START_TEST(denied_access_ends_the_run)
{
    set_up(1);
    weir_kafka_mock_fail(mock, WEIR_KAFKA_PRODUCE, 29, 1);
    job j;
    job_start(&j, NULL, build_sink, NULL);
    weir_input_handle *h = weir__input_open(input, 0);
    send_lines(h, 0, 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_DENIED);
    ck_assert_msg(strstr(j.error.what, "'lines'"), "%s", j.error.what);
    tear_down();
}
END_TEST

static bool said_gone(void *ctx)
{
    (void)ctx;
    return job_said("is not there, going on at");
}

/* The mock keeps 5 MB of a partition: a source that does not look for a while misses the rest. */
START_TEST(records_deleted_before_they_were_read_are_said)
{
    enum { BIG = 200000, COUNT = 60 };
    set_up_with(1, 1);
    size_t one = 1;
    write_lines(0, 1);
    weir_kafka_source_options o = { .queue_bytes = 64 << 10 };
    job reader, writer;
    job_start(&reader, NULL, build_source, &o);
    ck_assert(job_until(&reader, has, &one));
    job_start(&writer, NULL, build_sink, NULL);
    weir_input_handle *h = weir__input_open(input, 0);
    char *text = malloc(BIG);
    memset(text, 'r', BIG);
    for (int i = 0; i < COUNT; i++) {
        line l = { weir_str_view(text, BIG) };
        while (weir__input_send(h, &l, 1) == WEIR_FULL)
            weir_worker_step_or_park(writer.worker, 1000000);
    }
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&writer), WEIR_OK);
    free(text);
    ck_assert(job_until(&reader, said_gone, NULL));
    one = job_count(&got) + 1;
    ck_assert(job_until(&reader, has, &one)); /* it goes on */
    ck_assert_int_eq(job_stop(&reader), WEIR_OK);
    ck_assert_uint_lt(got.count, COUNT + 1);
    tear_down();
}
END_TEST

/* librdkafka fetches a batch of a partition at a time: far more than the queue is to have. */
START_TEST(a_full_queue_is_fetched_on)
{
    enum { COUNT = 3000 };
    set_up_with(1, 1);
    write_lines(0, COUNT);
    job_log_start_at(WEIR_LOG_DEBUG);
    const char *const few[] = { "queued.min.messages=600", NULL };
    weir_kafka_source_options o = { .until_end = true, .settings = few };
    weir_error error;
    ck_assert_int_eq(job_run(NULL, build_source, &o, &error), WEIR_OK);
    ck_assert(job_said("messages are left: fetching goes on"));
    check_lines(COUNT);
    tear_down();
}
END_TEST

/* Batches, and so messages, that are kept after the run: the handle waits for them. */
static weir_batch *kept;

static void keep(const weir_batch *batch, void *ctx)
{
    (void)ctx;
    if (!kept)
        kept = weir_batch_retain(batch);
}

static void build_kept(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) s = weir_kafka_source(g, line, .topic = "lines", .until_end = true,
                                            .brokers = weir_kafka_mock_brokers(mock),
                                            .settings = quick);
    weir_probe_add(weir_stage_add(s.port, &(weir_stage_spec){
        .struct_size = sizeof(weir_stage_spec), .kind = "inspect", .in = line_type(),
        .out = line_type(), .inspect = keep }), NULL);
}

START_TEST(records_outlive_their_source)
{
    set_up(1);
    weir_error error;
    write_lines(0, 50);
    ck_assert_int_eq(job_run(NULL, build_kept, NULL, &error), WEIR_OK);
    ck_assert_ptr_nonnull(kept);
    const line *first = weir_batch_record(kept, 0);
    ck_assert_int_eq(memcmp(weir_str_data(&first->text), "line number 0", 13), 0);
    weir_batch_release(kept);
    kept = NULL;
    /* The next run's end waits for what closed last. */
    weir_kafka_source_options o = { .until_end = true };
    ck_assert_int_eq(job_run(NULL, build_source, &o, &error), WEIR_OK);
    tear_down();
}
END_TEST

START_TEST(wrong_settings_are_refused_when_the_graph_is_built)
{
    static const struct {
        const char *setting, *says;
    } wrong[] = {
        { "no.such.setting=1", ".settings no.such.setting" },
        { "linger.ms=soon", ".settings linger.ms" },
        { "auto.offset.reset=latest", ".settings auto.offset.reset: this cannot be set" },
        { "bootstrap.servers=elsewhere", "this cannot be set" },
        { "security.protocol=sasl_ssl_x", ".settings security.protocol" },
        { "ssl.ca.location=/no/such/file", "do not go together" },
        { "linger.ms", "has to be KEY=VALUE" },
    };
    set_up(1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *settings[] = { wrong[i].setting, "security.protocol=ssl", NULL };
        if (i != 5)
            settings[1] = NULL;
        weir_kafka_source_options o = { .settings = settings };
        weir_error error;
        ck_assert_int_eq(job_run(NULL, build_source, &o, &error), WEIR_INVALID);
        ck_assert_msg(strstr(error.what, wrong[i].says), "%s: %s", wrong[i].setting, error.what);
    }
    tear_down();
}
END_TEST

/* What a fetch may bring follows the settings that librdkafka wants it to fit. */
START_TEST(sizes_of_fetches_go_with_settings)
{
    static const struct {
        const char *settings[3];
        weir_status status;
    } cases[] = {
        { { "message.max.bytes=50000000", NULL }, WEIR_OK },
        { { "fetch.message.max.bytes=50000000", NULL }, WEIR_OK },
        { { "fetch.max.bytes=1000000", NULL }, WEIR_OK },
        { { "message.max.bytes=5000000", "fetch.max.bytes=1000000", NULL }, WEIR_INVALID },
    };
    set_up(1);
    write_lines(0, 10);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_kafka_source_options o = { .until_end = true, .settings = cases[i].settings };
        weir_error error;
        job_records_free(&got);
        ck_assert_int_eq(job_run(NULL, build_source, &o, &error), cases[i].status);
        if (cases[i].status == WEIR_OK)
            check_lines(10);
        else
            ck_assert_msg(strstr(error.detail, "fetch.max.bytes") ||
                              strstr(error.what, "fetch.max.bytes"), "%s", error.what);
    }
    tear_down();
}
END_TEST

START_TEST(mock_clusters_refuse_bad_topics)
{
    weir_error error;
    ck_assert_ptr_null(weir_kafka_mock_start(
        1, 1, (const char *const[]){ "twice", "twice", NULL }, &error));
    ck_assert_int_eq(error.status, WEIR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.what, "'twice'"));
    weir_kafka_mock_stop(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_written_is_read, every_codec_is_read_back,
        starts_where_it_is_told,
        errors_of_a_broker_are_tried_again,
        a_source_outlives_its_broker,
        a_sink_outlives_its_broker,
        a_full_queue_is_waited_for,
        denied_access_ends_the_run,
        records_deleted_before_they_were_read_are_said,
        a_full_queue_is_fetched_on, records_outlive_their_source,
        wrong_settings_are_refused_when_the_graph_is_built, sizes_of_fetches_go_with_settings,
        mock_clusters_refuse_bad_topics,
        NULL,
    };
    return test_run(test_suite("kafka_mock", tests));
}
