/* SPDX-License-Identifier: Apache-2.0
 *
 * With a real broker: words are counted from one topic into another while the broker crashes and
 * comes back; long records; partitions that are added; a topic that is not there.
 */
#include <weir/operators/count.h>
#include <weir/operators/flat_map.h>

#include "kafka/real.h"

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

enum { WORDS = 500, LINES = 20000, PARTITIONS = 3 };

static real_kafka kafka;
static const char *brokers;
static job_records got;
static int64_t expected[WORDS], counted[WORDS];

static void split(const line *in, weir_out(word) out)
{
    weir_split words = weir_split_of(&in->text, ' ');
    for (weir_str token; weir_split_next(&words, &token);)
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split, line, word)

static void build_count(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = "lines", .brokers = brokers);
    weir_stream(word) words = weir_flat_map(lines, split);
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_kafka_sink(counts, .topic = "counts", .brokers = brokers);
}

/* Lines of ten words each, some of them long, spread over the partitions; counted beside it. */
static void write_lines(uint64_t *random, int count)
{
    enum { AT_ONCE = 500 };
    static char texts[AT_ONCE][600];
    const char *values[AT_ONCE + 1];
    for (int done = 0; done < count; done += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++) {
            size_t len = 0;
            for (int w = 0; w < 10; w++) {
                int k = (int)(test_below(random, WORDS) * test_below(random, WORDS) / WORDS);
                len += (size_t)snprintf(texts[i] + len, sizeof texts[i] - len,
                                        k % 3 ? "w%d " : "a-word-that-is-long-%d ", k);
                expected[k]++;
            }
            values[i] = texts[i];
        }
        values[AT_ONCE] = NULL;
        real_write(brokers, "lines", done / AT_ONCE % PARTITIONS, values);
    }
}

static void take_count(const rd_kafka_message_t *m, void *ctx)
{
    char value[256];
    int *messages = ctx;
    snprintf(value, sizeof value, "%.*s", (int)m->len, (const char *)m->payload);
    const char *digits = strpbrk(value, "0123456789"), *count = strstr(value, "\"count\":");
    ck_assert_msg(digits && count, "%s", value);
    counted[strtol(digits, NULL, 10)] = strtoll(count + 8, NULL, 10);
    ++*messages;
}

typedef struct until {
    job *j;
    const char *metric;
    int64_t value;
} until;

static bool metric_is(void *ctx)
{
    const until *u = ctx;
    return job_metric(u->j, u->metric, NULL) >= u->value;
}

static bool said_away(void *ctx)
{
    (void)ctx;
    return job_said("no broker answers");
}

START_TEST(words_are_counted_though_the_broker_crashes)
{
    uint64_t seed = test_seed(3), random = seed;
    weir_config config = { .struct_size = sizeof config, .workers = 2 };
    job_log_start();
    real_topic(brokers, "lines", PARTITIONS);
    real_topic(brokers, "counts", PARTITIONS);
    write_lines(&random, LINES / 2);
    job j;
    job_start(&j, &config, build_count, NULL);
    ck_assert(job_until(&j, metric_is,
                        &(until){ &j, "weir_kafka_written_messages_total", 1 }));
    real_crash(&kafka);
    ck_assert(job_until(&j, said_away, NULL));
    real_return(&kafka);
    write_lines(&random, LINES / 2);
    ck_assert(job_until(&j, metric_is, &(until){ &j, "weir_kafka_read_messages_total", LINES }));
    ck_assert_int_eq(job_metric(&j, "weir_kafka_read_messages_total", NULL), LINES);
    weir_status status = job_stop(&j);
    ck_assert_msg(status == WEIR_OK, "%s", j.error.what);
    ck_assert(job_said("the broker is back"));
    int messages = 0;
    real_read(brokers, "counts", PARTITIONS, take_count, &messages);
    ck_assert_int_ge(messages, WORDS / 2);
    for (int k = 0; k < WORDS; k++)
        ck_assert_msg(counted[k] == expected[k], "seed %llu: word %d: %lld, and not %lld",
                      (unsigned long long)seed, k, (long long)counted[k],
                      (long long)expected[k]);
}
END_TEST

/* ---- long records ---- */

static void build_copy(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = "long", .brokers = brokers,
                                                .until_end = true,
                                                .message_bytes_max = 9000000);
    weir_kafka_sink(lines, .topic = "copy", .brokers = brokers, .message_bytes_max = 9000000);
}

static void take_length(const rd_kafka_message_t *m, void *ctx)
{
    size_t *lengths = ctx;
    lengths[m->offset] = m->len;
}

/* The broker takes 3 MB; the topic that is written to, like any other. */
START_TEST(records_may_be_long)
{
    char *text = malloc(2900001);
    size_t lengths[4] = { 0 };
    weir_error error;
    memset(text, 'l', 2900000);
    text[2900000] = 0;
    job_log_start();
    real_topic(brokers, "long", 1);
    real_topic(brokers, "copy", 1);
    real_write(brokers, "long", 0, (const char *const[]){ "before", text, "after", NULL });
    weir_status status = job_run(NULL, build_copy, NULL, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    real_read(brokers, "copy", 1, take_length, lengths);
    ck_assert_uint_eq(lengths[0], 6);
    ck_assert_uint_eq(lengths[1], 2900000);
    ck_assert_uint_eq(lengths[2], 5);
    free(text);
}
END_TEST

static void build_bad_copy(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = "long", .brokers = brokers,
                                                .until_end = true);
    weir_kafka_sink(lines, .topic = "small", .brokers = brokers);
}

START_TEST(records_longer_than_the_topic_takes_are_refused)
{
    size_t lengths[4] = { 0 };
    weir_error error;
    job_log_start();
    real_topic(brokers, "small", 1);
    ck_assert_int_eq(real_script("./kafka-run configs --bootstrap-server %s --alter --entity-type "
                                 "topics --entity-name small --add-config max.message.bytes=10000",
                                 brokers), 0);
    weir_status status = job_run(NULL, build_bad_copy, NULL, &error);
    ck_assert_msg(status == WEIR_OK, "%s", error.what);
    ck_assert(job_said("a record is dropped: it is longer than the topic takes"));
    real_read(brokers, "small", 1, take_length, lengths);
    ck_assert_uint_eq(lengths[0], 6);
    ck_assert_uint_eq(lengths[1], 5);
}
END_TEST

/* ---- partitions and topics ---- */

static void build_growing(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = "growing", .brokers = brokers,
                                                .discover_ms = 200);
    job_collect(lines.port, &got);
}

static bool has(void *ctx)
{
    return job_count(&got) >= *(size_t *)ctx;
}

START_TEST(new_partitions_are_found)
{
    weir_config config = { .struct_size = sizeof config, .workers = 3 };
    size_t one = 1, two = 2;
    job j;
    job_log_start();
    real_topic(brokers, "growing", 1);
    real_write(brokers, "growing", 0, (const char *const[]){ "old", NULL });
    job_start(&j, &config, build_growing, NULL);
    ck_assert(job_until(&j, has, &one));
    real_more_partitions(brokers, "growing", 2);
    real_write(brokers, "growing", 1, (const char *const[]){ "new", NULL });
    ck_assert(job_until(&j, has, &two));
    ck_assert_int_eq(job_stop(&j), WEIR_OK);
    ck_assert_str_eq(job_sorted(&got), "(text: \"new\") (text: \"old\")");
    job_records_free(&got);
}
END_TEST

typedef struct where {
    weir_kafka_start start;
    int64_t at;
} where;

static void build_growing_from(weir_graph *g, void *ctx)
{
    const where *w = ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = "growing", .brokers = brokers,
                                                .until_end = true, .start = w->start,
                                                .start_at = w->at);
    job_collect(lines.port, &got);
}

START_TEST(starts_where_it_is_told)
{
    weir_error error;
    where later = { WEIR_KAFKA_TIMESTAMP, INT64_C(4000000000000) };
    where earlier = { WEIR_KAFKA_TIMESTAMP, 1 };
    where offset = { WEIR_KAFKA_OFFSET, 1 };
    where latest = { WEIR_KAFKA_LATEST, 0 };
    ck_assert_int_eq(job_run(NULL, build_growing_from, &later, &error), WEIR_OK);
    ck_assert_int_eq(job_run(NULL, build_growing_from, &offset, &error), WEIR_OK);
    ck_assert_int_eq(job_run(NULL, build_growing_from, &latest, &error), WEIR_OK);
    ck_assert_uint_eq(got.count, 0);
    ck_assert_int_eq(job_run(NULL, build_growing_from, &earlier, &error), WEIR_OK);
    ck_assert_str_eq(job_sorted(&got), "(text: \"new\") (text: \"old\")");
    job_records_free(&got);
}
END_TEST

static void build_missing(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_kafka_source(g, line, .topic = "missing", .brokers = brokers);
    job_collect(lines.port, &got);
}

START_TEST(a_topic_that_is_missing_ends_the_run)
{
    weir_error error;
    job_log_start();
    ck_assert_int_eq(job_run(NULL, build_missing, NULL, &error), WEIR_NOT_FOUND);
    ck_assert_msg(strstr(error.what, "topic 'missing' does not exist"), "%s", error.what);
}
END_TEST

START_TEST(a_broker_is_started)
{
    real_start(&kafka, "kafka-flow", "", "--prop message.max.bytes=3000000");
    brokers = real_env(&kafka, "BOOTSTRAP");
}
END_TEST

START_TEST(the_broker_is_stopped)
{
    real_stop(&kafka);
}
END_TEST

int main(void)
{
    return test_run(test_suite("kafka_real_flow", (const TTest *const[]){
        a_broker_is_started, words_are_counted_though_the_broker_crashes, records_may_be_long,
        records_longer_than_the_topic_takes_are_refused, new_partitions_are_found,
        starts_where_it_is_told, a_topic_that_is_missing_ends_the_run, the_broker_is_stopped,
        NULL }));
}
