/* SPDX-License-Identifier: Apache-2.0
 *
 * What Kafka sources and sinks refuse when the graph is built, and that they say which and why.
 */
#include <weir/operators/input.h>

#include "kafka/job.h"

#define WIDE(F)                                                                                    \
    F(str, text) F(i64, number) F(instant, at) F(flag, gone) F(opt_str, note) F(i32, part)         \
    F(f64, share)
#define LINE(F) F(str, text)
#define TIMED(F) F(str, text) F(i64, time)
WEIR_RECORD(wide, WIDE)
WEIR_RECORD(line, LINE)
WEIR_RECORD(timed, TIMED)

static weir_kafka_broker *broker;

typedef struct source_case {
    weir_kafka_source_options options;
    const char *says;
    weir_status status;
} source_case;

static void build_source(weir_graph *g, void *ctx)
{
    weir_kafka_source_options o = ((source_case *)ctx)->options;
    o.struct_size = sizeof o;
    o.broker = broker;
    ck_assert_ptr_null(weir_kafka_source_add(g, wide_type(), &o));
    ck_assert_ptr_null(weir_kafka_source_add(g, wide_type(), &o)); /* building goes on */
}

START_TEST(sources)
{
    static const char *const twice[] = { "text=a", "text=b", NULL };
    static const char *const number[] = { "number", NULL };
    static const char *const no_value[] = { "linger.ms", NULL };
    const source_case cases[] = {
        { { .topic = NULL }, "no topic is given", WEIR_INVALID },
        { { .topic = "" }, "no topic is given", WEIR_INVALID },
        { { .topic = "t", .start = 9 }, ".start is none", WEIR_INVALID },
        { { .topic = "t", .start = WEIR_KAFKA_OFFSET, .start_at = -1 }, ".start_at is negative",
          WEIR_INVALID },
        { { .topic = "t", .start_at = 5 }, ".start does not ask", WEIR_INVALID },
        { { .topic = "t", .on_error = 7 }, ".on_error", WEIR_INVALID },
        { { .topic = "t", .instant_unit = -1 }, ".instant_unit is negative", WEIR_INVALID },
        { { .topic = "t", .message_bytes_max = 200 << 20 }, ".message_bytes_max", WEIR_INVALID },
        { { .topic = "t", .queue_bytes = 5 }, ".queue_bytes", WEIR_INVALID },
        { { .topic = "t", .dead_letter = "t" }, "is the topic itself", WEIR_INVALID },
        { { .topic = "t", .key_field = "nothing" }, "has no field 'nothing'", WEIR_NOT_FOUND },
        { { .topic = "t", .offset_field = "text" }, "field 'text' is a str", WEIR_TYPE_MISMATCH },
        { { .topic = "t", .partition_field = "share" }, "is a f64", WEIR_TYPE_MISMATCH },
        { { .topic = "t", .timestamp_field = "part" }, "is a i32", WEIR_TYPE_MISMATCH },
        { { .topic = "t", .tombstone_field = "part" }, "is a i32", WEIR_TYPE_MISMATCH },
        { { .topic = "t", .header_fields = number }, "is a i64", WEIR_TYPE_MISMATCH },
        { { .topic = "t", .header_fields = twice }, "filled from something else", WEIR_INVALID },
        { { .topic = "t", .key_field = "number", .offset_field = "number" },
          "filled from something else", WEIR_INVALID },
        { { .topic = "t", .codec = WEIR_CODEC_RAW }, "cannot be raw", WEIR_TYPE_MISMATCH },
        { { .topic = "t", .settings = no_value }, "has to be KEY=VALUE", WEIR_INVALID },
        { { .topic = "t", .brokers = "" }, "no broker is named", WEIR_INVALID },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_error error;
        weir_status status = job_run(NULL, build_source, (void *)(uintptr_t)&cases[i], &error);
        char text[1600];
        weir_error_text(&error, text, sizeof text);
        ck_assert_msg(status == cases[i].status && strstr(text, cases[i].says), "%zu: %d: %s", i,
                      (int)status, text);
        ck_assert_msg(strstr(text, "Kafka source of topic") != NULL, "%s", text);
        ck_assert_msg(*error.hint, "%zu has no hint", i);
    }
}
END_TEST

typedef struct sink_case {
    const weir_type *type;
    bool collection, inside;
    weir_kafka_sink_options options;
    const char *says;
    weir_status status;
} sink_case;

static void build_sink(weir_graph *g, void *ctx)
{
    const sink_case *c = ctx;
    weir_input *input;
    weir_port *port = weir__input_add(g, c->type, &input,
                                      &(struct weir_input_options){
                                          .struct_size = sizeof(struct weir_input_options),
                                          .collection = c->collection });
    if (c->inside)
        port = weir_port_enter(port, weir_scope_add(g, NULL, "inner"));
    weir_kafka_sink_options o = c->options;
    o.struct_size = sizeof o;
    o.broker = broker;
    ck_assert_ptr_null(weir_kafka_sink_add(port, &o));
    ck_assert_ptr_null(weir_kafka_sink_add(port, &o));
    ck_assert_ptr_null(weir_kafka_sink_add(NULL, &o));
}

START_TEST(sinks)
{
    static const char *const text_key[] = { "text", NULL };
    static const char *const number_key[] = { "number", NULL };
    static const char *const no_key[] = { "nothing", NULL };
    static const char *const no_value[] = { "linger.ms", NULL };
    const sink_case cases[] = {
        { line_type(), false, false, { .topic = NULL }, "no topic is given", WEIR_INVALID },
        { line_type(), false, false, { .topic = "t", .on_error = 5 }, ".on_error", WEIR_INVALID },
        { line_type(), false, false, { .topic = "t", .message_bytes_max = 200 << 20 },
          ".message_bytes_max", WEIR_INVALID },
        { line_type(), false, true, { .topic = "t" }, "inside a scope", WEIR_INVALID },
        { line_type(), true, false, { .topic = "t" }, "no unique key", WEIR_INVALID },
        { line_type(), true, false, { .topic = "t", .key = no_key }, "nothing",
          WEIR_TYPE_MISMATCH },
        { line_type(), false, false, { .topic = "t", .changes = true }, ".changes is for",
          WEIR_INVALID },
        { line_type(), false, false, { .topic = "t", .every_ms = 5 }, ".every_ms is for",
          WEIR_INVALID },
        { line_type(), true, false, { .topic = "t", .every_ms = 5, .changes = true },
          ".every_ms is for", WEIR_INVALID },
        { timed_type(), true, false, { .topic = "t", .changes = true },
          "adds the fields 'time' and 'diff'", WEIR_INVALID },
        { line_type(), true, false, { .topic = "t", .changes = true, .codec = WEIR_CODEC_RAW },
          ".codec", WEIR_TYPE_MISMATCH },
        { wide_type(), false, false, { .topic = "t", .codec = WEIR_CODEC_RAW }, ".codec",
          WEIR_TYPE_MISMATCH },
        { wide_type(), false, false,
          { .topic = "t", .key = number_key, .key_codec = WEIR_CODEC_RAW }, ".key_codec",
          WEIR_TYPE_MISMATCH },
        { wide_type(), false, false, { .topic = "t", .partition_field = "share" }, "is a f64",
          WEIR_TYPE_MISMATCH },
        { wide_type(), false, false, { .topic = "t", .partition_field = "nothing" },
          "has no field 'nothing'", WEIR_NOT_FOUND },
        { wide_type(), false, false, { .topic = "t", .key = text_key, .settings = no_value },
          "has to be KEY=VALUE", WEIR_INVALID },
        { line_type(), false, false, { .topic = "t", .brokers = "" }, "no broker is named",
          WEIR_INVALID },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_error error;
        weir_status status = job_run(NULL, build_sink, (void *)(uintptr_t)&cases[i], &error);
        char text[1600];
        weir_error_text(&error, text, sizeof text);
        ck_assert_msg(status == cases[i].status && strstr(text, cases[i].says), "%zu: %d: %s", i,
                      (int)status, text);
        ck_assert_msg(strstr(text, "Kafka sink of topic") != NULL, "%s", text);
    }
}
END_TEST

int main(void)
{
    broker = weir_kafka_simulated_create();
    int failed = test_run(
        test_suite("kafka_refusals", (const TTest *const[]){ sources, sinks, NULL }));
    weir_kafka_simulated_destroy(broker);
    return failed;
}
