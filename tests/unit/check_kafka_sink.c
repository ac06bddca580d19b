/* SPDX-License-Identifier: Apache-2.0
 *
 * Kafka sinks over the simulated broker: what is written for streams and collections, what is held
 * until it is acknowledged, what is refused.
 */
#include <weir/operators/input.h>

#include "kafka/job.h"

#define HIT(F) F(str, page) F(i64, count)
#define WORD(F) F(str, text)
#define PLACED(F) F(str, text) F(opt_i32, part)
#define FLOAT(F) F(str, name) F(bytes, raw)
WEIR_RECORD(hit, HIT)
WEIR_RECORD(word, WORD)
WEIR_RECORD(placed, PLACED)
WEIR_RECORD(float_, FLOAT)

static weir_kafka_broker *broker;
static weir_input *input;
static weir_probe *acknowledged;

static void set_up(void)
{
    broker = weir_kafka_simulated_create();
    weir_kafka_simulated_topic(broker, "out", 1);
    job_log_start();
}

static void tear_down(void)
{
    weir_kafka_simulated_destroy(broker);
    ck_assert_uint_eq(weir_memory_used(), 0);
}

/* What a test sinks. */
typedef struct plan {
    const weir_type *type;
    weir_kafka_sink_options sink;
    bool collection;
    const char *unique; /* the collection's key */
} plan;

static void build(weir_graph *g, void *ctx)
{
    const plan *p = ctx;
    struct weir_input_options in = { .struct_size = sizeof in, .manual = true,
                                     .collection = p->collection };
    weir_port *port = weir__input_add(g, p->type, &input, &in);
    weir_key key;
    if (p->unique) {
        ck_assert_int_eq(weir_key_resolve(p->type, (const char *const[]){ p->unique, NULL }, &key,
                                          NULL), WEIR_OK);
        port = weir_port_with_key(port, &key);
    }
    weir_kafka_sink_options o = p->sink;
    o.struct_size = sizeof o;
    o.broker = broker;
    o.topic = o.topic ? o.topic : "out";
    acknowledged = weir_probe_add(weir_kafka_sink_add(port, &o), "acknowledged");
}

static weir_input_handle *start(job *j, const plan *p)
{
    job_start(j, NULL, build, (void *)(uintptr_t)p);
    weir_input_handle *h = weir__input_open(input, 0);
    ck_assert_ptr_nonnull(h);
    return h;
}

static void change(weir_input_handle *h, const char *page, int64_t count, int64_t diff)
{
    hit record = { weir_str_of(page), count };
    ck_assert_int_eq(weir__input_send(h, &record, diff), WEIR_OK);
}

static void advance(weir_input_handle *h, uint64_t epoch)
{
    weir_time t = weir_time_1(epoch);
    weir__input_advance_to(h, &t);
}

typedef struct until {
    job *j;
    uint64_t epoch;
    int64_t messages;
} until;

/* All before the epoch is acknowledged. */
static bool is_acknowledged(void *ctx)
{
    const until *u = ctx;
    weir_time t = weir_time_1(u->epoch);
    return !weir_probe_less_than(acknowledged, u->j->worker, &t);
}

static bool is_written(void *ctx)
{
    const until *u = ctx;
    return weir_kafka_simulated_end(broker, "out", 0) >= u->messages;
}

/* Steps a while: everything that can happen now has happened. */
static void settle(job *j)
{
    for (int i = 0; i < 50; i++)
        weir_worker_step(j->worker);
}

static const plan upserts = { .collection = true, .unique = "page" };

static plan with_type(const plan *p)
{
    plan made = *p;
    if (!made.type)
        made.type = hit_type();
    return made;
}

START_TEST(upserts_are_one_message_a_key)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    weir_input_handle *h = start(&j, &p);
    change(h, "a", 1, 1);
    change(h, "b", 1, 1);
    change(h, "b", 1, -1); /* comes and goes: nothing */
    advance(h, 1);
    ck_assert(job_until(&j, is_acknowledged, &(until){ &j, 1, 0 }));
    ck_assert_str_eq(job_read(broker, "out", 0), "a={\"page\":\"a\",\"count\":1}");
    change(h, "a", 1, -1);
    change(h, "a", 2, 1);
    change(h, "a", 2, -1);
    change(h, "a", 3, 1);
    advance(h, 2);
    change(h, "a", 3, -1); /* gone */
    advance(h, 3);
    change(h, "a page whose name is long", 4, 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_str_eq(job_read(broker, "out", 0),
                     "a={\"page\":\"a\",\"count\":1} a={\"page\":\"a\",\"count\":3} a=- "
                     "a page whose name is long="
                     "{\"page\":\"a page whose name is long\",\"count\":4}");
    tear_down();
}
END_TEST

START_TEST(upserts_wait_for_their_epoch)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    weir_input_handle *h = start(&j, &p);
    change(h, "a", 1, 1);
    weir__input_flush(h);
    settle(&j);
    ck_assert_int_eq(weir_kafka_simulated_end(broker, "out", 0), 0);
    advance(h, 7);
    ck_assert(job_until(&j, is_written, &(until){ .messages = 1 }));
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    tear_down();
}
END_TEST

/* Against a map kept by hand: after each epoch the topic's newest values are the collection. */
START_TEST(upserts_agree_with_a_map)
{
    enum { KEYS = 12, EPOCHS = 60 };
    set_up();
    uint64_t seed = test_seed(7), random = seed;
    int64_t now[KEYS], topic[KEYS];
    job j;
    plan p = with_type(&upserts);
    weir_input_handle *h = start(&j, &p);
    for (int k = 0; k < KEYS; k++)
        now[k] = topic[k] = -1;
    for (uint64_t e = 0; e < EPOCHS; e++) {
        for (uint64_t n = test_below(&random, 12); n > 0; n--) {
            size_t k = test_below(&random, KEYS);
            char page[40];
            snprintf(page, sizeof page, k % 2 ? "%zu" : "the page of number %zu", k);
            if (now[k] >= 0)
                change(h, page, now[k], -1);
            now[k] = (int64_t)test_below(&random, 4) - 1;
            if (now[k] >= 0)
                change(h, page, now[k], 1);
        }
        advance(h, e + 1);
        ck_assert(job_until(&j, is_acknowledged, &(until){ &j, e + 1, 0 }));
    }
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    weir_kafka_record r;
    for (int64_t o = 0; weir_kafka_simulated_read(broker, "out", 0, o, &r); o++) {
        const char *number = strrchr(r.key, ' ');
        int k = (int)strtol(number ? number : r.key, NULL, 10);
        const char *count = r.value ? strstr(r.value, "\"count\":") : NULL;
        topic[k] = count ? strtoll(count + 8, NULL, 10) : -1;
    }
    for (int k = 0; k < KEYS; k++)
        ck_assert_msg(topic[k] == now[k], "seed %llu: key %d is %lld, and %lld in the topic",
                      (unsigned long long)seed, k, (long long)now[k], (long long)topic[k]);
    tear_down();
}
END_TEST

START_TEST(a_key_that_is_not_unique_is_said)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    weir_input_handle *h = start(&j, &p);
    change(h, "a", 1, 1);
    change(h, "a", 2, 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_int_eq(weir_kafka_simulated_end(broker, "out", 0), 1);
    ck_assert(job_said("the key is not unique"));
    tear_down();
}
END_TEST

START_TEST(changes_have_time_and_diff)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    p.sink.changes = true;
    weir_input_handle *h = start(&j, &p);
    change(h, "a", 1, 1);
    advance(h, 5);
    change(h, "a", 1, -2);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_str_eq(job_read(broker, "out", 0),
                     "a={\"page\":\"a\",\"count\":1,\"time\":0,\"diff\":1} "
                     "a={\"page\":\"a\",\"count\":1,\"time\":5,\"diff\":-2}");
    tear_down();
}
END_TEST

START_TEST(streams_are_appended_as_they_come)
{
    set_up();
    job j;
    plan p = { .type = word_type() };
    weir_input_handle *h = start(&j, &p);
    for (int i = 0; i < 3; i++) {
        word w = { weir_str_of(i == 1 ? "" : "a line that is not short") };
        weir__input_send(h, &w, 1);
    }
    weir__input_flush(h);
    ck_assert(job_until(&j, is_written, &(until){ .messages = 3 })); /* no epoch has ended */
    ck_assert_str_eq(job_read(broker, "out", 0),
                     "-=a line that is not short -= -=a line that is not short");
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    tear_down();
}
END_TEST

START_TEST(streams_may_have_keys_and_partitions)
{
    set_up();
    job j;
    weir_kafka_simulated_topic(broker, "out", 3);
    plan p = { .type = placed_type(), .sink.partition_field = "part",
               .sink.key = (const char *const[]){ "text", NULL } };
    weir_input_handle *h = start(&j, &p);
    placed records[] = { { weir_str_of("a"), { true, 2 } },
                         { weir_str_of("b"), { true, 1 } },
                         { weir_str_of("c"), { true, -1 } },
                         { weir_str_of("d"), { true, 3 } } };
    for (int i = 0; i < 4; i++)
        weir__input_send(h, &records[i], 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_str_eq(job_read(broker, "out", 0), "");
    ck_assert_str_eq(job_read(broker, "out", 1), "b={\"text\":\"b\",\"part\":1}");
    ck_assert_str_eq(job_read(broker, "out", 2), "a={\"text\":\"a\",\"part\":2}");
    ck_assert(job_said("field 'part' is -1, which is no partition"));
    tear_down();
}
END_TEST

/* ---- at least once ---- */

START_TEST(an_epoch_is_done_when_it_is_acknowledged)
{
    for (int kind = 0; kind < 2; kind++) {
        set_up();
        job j;
        plan p = with_type(&upserts);
        p.collection = kind == 0;
        p.unique = kind == 0 ? "page" : NULL;
        weir_input_handle *h = start(&j, &p);
        weir_kafka_simulated_hold_reports(broker, true);
        change(h, "a", 1, 1);
        advance(h, 1);
        ck_assert(job_until(&j, is_written, &(until){ .messages = 1 }));
        settle(&j);
        ck_assert(!is_acknowledged(&(until){ &j, 1, 0 }));
        ck_assert_int_eq(job_metric(&j, "weir_kafka_unacknowledged", NULL), 1);
        weir_kafka_simulated_hold_reports(broker, false);
        ck_assert(job_until(&j, is_acknowledged, &(until){ &j, 1, 0 }));
        settle(&j);
        ck_assert_int_eq(job_metric(&j, "weir_kafka_unacknowledged", NULL), 0);
        ck_assert_int_eq(job_metric(&j, "weir_kafka_acknowledged_epoch", NULL), 0);
        ck_assert_int_eq(job_metric(&j, "weir_kafka_written_messages_total", NULL), 1);
        /* The end waits, too. */
        weir_kafka_simulated_hold_reports(broker, true);
        change(h, "b", 1, 1);
        weir__input_close(h);
        ck_assert(job_until(&j, is_written, &(until){ .messages = 2 }));
        for (int i = 0; i < 50; i++)
            ck_assert(weir_worker_step(j.worker));
        weir_kafka_simulated_hold_reports(broker, false);
        ck_assert_int_eq(job_finish(&j), WEIR_OK);
        tear_down();
    }
}
END_TEST

START_TEST(a_full_queue_is_waited_for)
{
    set_up();
    job j;
    weir_kafka_simulated_window(broker, 3);
    plan p = with_type(&upserts);
    weir_input_handle *h = start(&j, &p);
    for (int i = 0; i < 1000; i++) {
        char page[8];
        snprintf(page, sizeof page, "%d", i % 1000);
        change(h, page, i, 1);
    }
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_int_eq(weir_kafka_simulated_end(broker, "out", 0), 1000);
    tear_down();
}
END_TEST

static bool said_away(void *ctx)
{
    (void)ctx;
    return job_said("no broker answers");
}

START_TEST(a_broker_that_goes_away_loses_nothing)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    weir_input_handle *h = start(&j, &p);
    change(h, "a", 1, 1);
    advance(h, 1);
    ck_assert(job_until(&j, is_acknowledged, &(until){ &j, 1, 0 }));
    weir_kafka_simulated_away(broker, true);
    change(h, "b", 1, 1);
    advance(h, 2);
    ck_assert(job_until(&j, said_away, NULL));
    ck_assert(!is_acknowledged(&(until){ &j, 2, 0 }));
    weir_kafka_simulated_away(broker, false);
    ck_assert(job_until(&j, is_acknowledged, &(until){ &j, 2, 0 }));
    ck_assert(job_said("the broker is back"));
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_int_eq(weir_kafka_simulated_end(broker, "out", 0), 2);
    tear_down();
}
END_TEST

START_TEST(a_run_that_ends_at_once_leaves_nothing_behind)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    weir_kafka_simulated_away(broker, true);
    weir_input_handle *h = start(&j, &p);
    change(h, "a", 1, 1);
    advance(h, 1);
    change(h, "b", 1, 1);
    weir__input_flush(h);
    settle(&j);
    weir_runtime_stop(j.runtime);
    ck_assert_int_eq(job_stop(&j), WEIR_CANCELLED);
    tear_down();
}
END_TEST

/* ---- every so often ---- */

START_TEST(throttled_upserts_write_the_newest)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    p.sink.every_ms = 1000000;
    weir_input_handle *h = start(&j, &p);
    change(h, "a", 1, 1);
    advance(h, 1);
    ck_assert(job_until(&j, is_acknowledged, &(until){ &j, 1, 0 })); /* the first: at once */
    for (uint64_t e = 1; e < 20; e++) {
        change(h, "a", (int64_t)e, -1);
        change(h, "a", (int64_t)e + 1, 1);
        if (e == 5)
            change(h, "b", 1, 1);
        if (e == 7)
            change(h, "b", 1, -1);
        if (e == 9)
            change(h, "a key that is longer", 2, 1);
        advance(h, e + 1);
        settle(&j);
    }
    ck_assert(!is_acknowledged(&(until){ &j, 2, 0 }));
    ck_assert_int_eq(weir_kafka_simulated_end(broker, "out", 0), 1);
    weir__input_close(h); /* the end does not wait */
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_str_eq(job_read(broker, "out", 0),
                     "a={\"page\":\"a\",\"count\":1} a={\"page\":\"a\",\"count\":20} b=- "
                     "a key that is longer={\"page\":\"a key that is longer\",\"count\":2}");
    tear_down();
}
END_TEST

START_TEST(throttled_upserts_come_after_their_time)
{
    set_up();
    job j;
    plan p = with_type(&upserts);
    p.sink.every_ms = 1;
    weir_input_handle *h = start(&j, &p);
    for (uint64_t e = 0; e < 5; e++) {
        for (int i = 0; i < 700; i++) {
            char page[16];
            snprintf(page, sizeof page, "%d", i);
            change(h, page, (int64_t)e, 1);
            if (e > 0)
                change(h, page, (int64_t)e - 1, -1);
        }
        advance(h, e + 1);
        ck_assert(job_until(&j, is_acknowledged, &(until){ &j, e + 1, 0 }));
    }
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_int_eq(weir_kafka_simulated_end(broker, "out", 0), 3500);
    tear_down();
}
END_TEST

/* ---- refusals ---- */

START_TEST(records_that_are_refused_are_counted)
{
    set_up();
    job j;
    plan p = { .type = word_type(), .sink.message_bytes_max = 100 };
    weir_input_handle *h = start(&j, &p);
    char text[201];
    memset(text, 'c', 200);
    text[200] = 0;
    word long_one = { weir_str_of(text) }, short_one = { weir_str_of("d") };
    weir__input_send(h, &long_one, 1);
    weir__input_send(h, &short_one, 1);
    weir__input_flush(h);
    ck_assert(job_until(&j, is_written, &(until){ .messages = 1 }));
    ck_assert_int_eq(job_metric(&j, "weir_kafka_refused_total", NULL), 1);
    ck_assert(job_said("it has 200 bytes, above the limit of 100 (.message_bytes_max)"));
    settle(&j);
    weir_kafka_simulated_refuse(broker, "out", WEIR_TOO_LARGE);
    weir__input_send(h, &short_one, 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_str_eq(job_read(broker, "out", 0), "-=d");
    tear_down();
}
END_TEST

START_TEST(records_that_are_refused_may_end_the_run)
{
    set_up();
    job j;
    plan p = { .type = word_type(), .sink.message_bytes_max = 3,
               .sink.on_error = WEIR_KAFKA_STOP };
    weir_input_handle *h = start(&j, &p);
    word w = { weir_str_of("four") };
    weir__input_send(h, &w, 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(j.error.what, "topic 'out': a record cannot be written"));
    tear_down();
}
END_TEST

START_TEST(strings_that_json_cannot_have_are_refused)
{
    set_up();
    job j;
    plan p = { .type = float__type() };
    weir_input_handle *h = start(&j, &p);
    float_ good = { weir_str_of("fine"), weir_str_view("\xff", 1) };
    float_ bad = { weir_str_view("\xff\xfe", 2), weir_str_of("") };
    weir__input_send(h, &good, 1);
    weir__input_send(h, &bad, 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_OK);
    ck_assert_str_eq(job_read(broker, "out", 0), "-={\"name\":\"fine\",\"raw\":\"/w==\"}");
    ck_assert(job_said("a record is dropped"));
    tear_down();
}
END_TEST

START_TEST(a_topic_that_is_missing_or_denied_ends_the_run)
{
    set_up();
    job j;
    plan p = { .type = word_type() };
    weir_kafka_simulated_deny(broker, "out", true);
    weir_input_handle *h = start(&j, &p);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_DENIED);
    ck_assert_ptr_nonnull(strstr(j.error.what, "access to topic 'out' is denied"));
    weir_kafka_simulated_deny(broker, "out", false);
    weir_kafka_simulated_refuse(broker, "out", WEIR_DENIED);
    h = start(&j, &p);
    word w = { weir_str_of("a") };
    weir__input_send(h, &w, 1);
    weir__input_close(h);
    ck_assert_int_eq(job_finish(&j), WEIR_DENIED);
    tear_down();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        upserts_are_one_message_a_key,
        upserts_wait_for_their_epoch,
        upserts_agree_with_a_map,
        a_key_that_is_not_unique_is_said,
        changes_have_time_and_diff,
        streams_are_appended_as_they_come,
        streams_may_have_keys_and_partitions,
        an_epoch_is_done_when_it_is_acknowledged,
        a_full_queue_is_waited_for,
        a_broker_that_goes_away_loses_nothing,
        a_run_that_ends_at_once_leaves_nothing_behind,
        throttled_upserts_write_the_newest,
        throttled_upserts_come_after_their_time,
        records_that_are_refused_are_counted,
        records_that_are_refused_may_end_the_run,
        strings_that_json_cannot_have_are_refused,
        a_topic_that_is_missing_or_denied_ends_the_run,
        NULL,
    };
    return test_run(test_suite("kafka_sink", tests));
}
