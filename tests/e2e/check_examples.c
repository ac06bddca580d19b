/* SPDX-License-Identifier: Apache-2.0
 *
 * Every example as people run it, and what it prints. They lie in the build's folder, which is the
 * working directory.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <librdkafka/rdkafka.h>
#include <pty.h>

#include <weir/connectors/kafka_mock.h>

#include "e2e/process.h"
#include "kafka/c11_threads.h"

static char home[4096]; /* where the examples are */
static process p;

static void expect_output(const char *name, const char *output)
{
    process_start(&p, "exec %s/%s/%s", home, name, name);
    int status = process_wait(&p);
    ck_assert_msg(status == 0, "%s ends with %d: %s", name, status, p.text[1]);
    ck_assert_str_eq(p.text[0], output);
    ck_assert_str_eq(p.text[1], "");
    process_start(&p, "exec %s/%s/%s > /dev/full", home, name, name);
    ck_assert_int_eq(process_wait(&p), 1);
    char said[200];
    process_start(&p, "exec %s/%s/%s --help", home, name, name);
    ck_assert_int_eq(process_wait(&p), 0);
    snprintf(said, sizeof said, "usage: %s\n\n%s takes no options", name, name);
    ck_assert_msg(strstr(p.text[0], said) == p.text[0], "%s --help: %s", name, p.text[0]);
    process_start(&p, "exec %s/%s/%s --workers 4", home, name, name);
    ck_assert_int_eq(process_wait(&p), 2);
    snprintf(said, sizeof said, "%s: it takes no options, and '--workers' is one\n", name);
    ck_assert_msg(strstr(p.text[1], said) == p.text[1], "%s --workers 4: %s", name, p.text[1]);
}

START_TEST(hello)
{
    expect_output("hello", "Hello, Ada! Your name has 3 letters.\n"
                           "Hello, Grace! Your name has 5 letters.\n"
                           "round 0 is complete\n"
                           "Hello, Alan! Your name has 4 letters.\n"
                           "Hello, Edsger! Your name has 6 letters.\n"
                           "round 1 is complete\n");
}
END_TEST

START_TEST(notify)
{
    expect_output("notify", "epoch 0: 45 in 10 readings\n"
                            "epoch 1: 145 in 10 readings\n"
                            "epoch 2: 245 in 10 readings\n"
                            "epoch 3: 345 in 10 readings\n"
                            "epoch 4: 445 in 10 readings\n");
}
END_TEST

START_TEST(reach)
{
    expect_output("reach", "town 0: 0 roads\ntown 1: 1 roads\ntown 2: 2 roads\n"
                           "town 3: 3 roads\ntown 4: 3 roads\ntown 5: 4 roads\n"
                           "town 6: 4 roads\ntown 7: 5 roads\ntown 8: 4 roads\n");
}
END_TEST

START_TEST(roads)
{
    expect_output("roads", "epoch 0: +1 town 0 is 0 roads away\n"
                           "epoch 0: +1 town 1 is 1 roads away\n"
                           "epoch 0: +1 town 2 is 2 roads away\n"
                           "epoch 0: +1 town 3 is 3 roads away\n"
                           "epoch 0: +1 town 4 is 4 roads away\n"
                           "epoch 1: -1 town 3 is 3 roads away\n"
                           "epoch 1: +1 town 3 is 1 roads away\n"
                           "epoch 1: -1 town 4 is 4 roads away\n"
                           "epoch 1: +1 town 4 is 2 roads away\n"
                           "epoch 2: -1 town 1 is 1 roads away\n"
                           "epoch 2: -1 town 2 is 2 roads away\n"
                           "epoch 0: +1 town 3 has 350 metres\n"
                           "epoch 1: -1 town 3 has 350 metres\n"
                           "epoch 1: +1 town 0 has 400 metres\n"
                           "epoch 2: -1 town 0 has 400 metres\n"
                           "epoch 2: +1 town 3 has 350 metres\n");
}
END_TEST

START_TEST(links)
{
    expect_output("links", "epoch 0: the reference and the shop lead home\n"
                           "  home       rank 4.729639, in the ring of home\n"
                           "  guide      rank 2.970682, in the ring of home\n"
                           "  reference  rank 3.475568, in the ring of home\n"
                           "  blog       rank 2.970682, in the ring of blog\n"
                           "  shop       rank 1.000000, in the ring of shop\n"
                           "epoch 1: the blog links to the shop\n"
                           "  home       rank 9.626366, in the ring of home\n"
                           "  guide      rank 5.010985, in the ring of home\n"
                           "  reference  rank 5.175820, in the ring of home\n"
                           "  blog       rank 5.010985, in the ring of home\n"
                           "  shop       rank 5.175820, in the ring of home\n"
                           "epoch 2: the reference no longer leads back\n"
                           "  home       rank 3.557001, in the ring of home\n"
                           "  guide      rank 2.482083, in the ring of guide\n"
                           "  reference  rank 3.068402, in the ring of reference\n"
                           "  blog       rank 2.482083, in the ring of home\n"
                           "  shop       rank 3.068402, in the ring of home\n");
}
END_TEST

START_TEST(friends)
{
    expect_output("friends", "epoch 0: +1 ann is in the group of ann\n"
                             "epoch 0: +1 ann is in the inner circle\n"
                             "epoch 0: +1 ann's news come to ann after 0 days\n"
                             "epoch 0: +1 ann's news come to bob after 2 days\n"
                             "epoch 0: +1 ann's news come to cid after 3 days\n"
                             "epoch 0: +1 ann's news come to dan after 4 days\n"
                             "epoch 0: +1 ann, bob and cid know each other\n"
                             "epoch 0: +1 bob is in the group of ann\n"
                             "epoch 0: +1 bob is in the inner circle\n"
                             "epoch 0: +1 cid is in the group of ann\n"
                             "epoch 0: +1 cid is in the inner circle\n"
                             "epoch 0: +1 dan is in the group of ann\n"
                             "epoch 0: +1 eve is in the group of eve\n"
                             "epoch 0: +1 eve's news come to fay\n"
                             "epoch 0: +1 fay is in the group of eve\n"
                             "epoch 1: +1 ann's news come to eve after 5 days\n"
                             "epoch 1: +1 ann's news come to fay\n"
                             "epoch 1: +1 ann's news come to fay after 8 days\n"
                             "epoch 1: +1 bob's news come to fay\n"
                             "epoch 1: +1 cid's news come to fay\n"
                             "epoch 1: +1 dan's news come to fay\n"
                             "epoch 1: +1 eve is in the group of ann\n"
                             "epoch 1: +1 fay is in the group of ann\n"
                             "epoch 1: -1 eve is in the group of eve\n"
                             "epoch 1: -1 fay is in the group of eve\n"
                             "epoch 2: -1 ann is in the inner circle\n"
                             "epoch 2: -1 ann's news come to cid after 3 days\n"
                             "epoch 2: -1 ann's news come to dan after 4 days\n"
                             "epoch 2: -1 ann's news come to eve after 5 days\n"
                             "epoch 2: -1 ann's news come to fay\n"
                             "epoch 2: -1 ann's news come to fay after 8 days\n"
                             "epoch 2: -1 ann, bob and cid know each other\n"
                             "epoch 2: -1 bob is in the inner circle\n"
                             "epoch 2: -1 bob's news come to fay\n"
                             "epoch 2: -1 cid is in the inner circle\n");
}
END_TEST

START_TEST(alerts)
{
    expect_output("alerts", "00:00:55 card 4711: 3 payments within a minute\n"
                            "01:00:20 card 815: quiet since it paid 2500\n");
}
END_TEST

START_TEST(windows)
{
    expect_output("windows", "minute 0: 4 clicks\n"
                             "minute 1: 2 clicks\n"
                             "minute 2: 2 clicks\n"
                             "minute 3: 1 clicks\n"
                             "user 1: 1 clicks in the last minute\n"
                             "user 2: 1 clicks in the last minute\n"
                             "user 1 was there from 5 to 20 s, 2 clicks\n"
                             "user 1 was there from 58 to 62 s, 2 clicks\n"
                             "user 1 was there from 170 to 170 s, 1 clicks\n"
                             "user 2 was there from 40 to 40 s, 1 clicks\n"
                             "user 2 was there from 110 to 125 s, 2 clicks\n");
}
END_TEST

START_TEST(comings)
{
    expect_output("comings", "100 sales of 9.00 or more, 900 of 1.00 or more\n");
}
END_TEST

/* The number in front of a word in the table at the end. */
static long long in_table(const char *text, const char *word)
{
    const char *table = strstr(text, "the most frequent:\n");
    char line[100];
    (void)snprintf(line, sizeof line, "  %s\n", word);
    ck_assert_msg(table != NULL, "no table: %s", text);
    const char *at = strstr(table, line);
    ck_assert_msg(at != NULL, "no %s in %s", word, table);
    while (at[-1] >= '0' && at[-1] <= '9')
        at--;
    return strtoll(at, NULL, 10);
}

/* By itself: feeds itself, shows lines, ends after the time given, with a table. */
START_TEST(wordcount_shows_itself)
{
    ck_assert_int_eq(shell("for i in $(seq 300); do echo often often twice rare-$i twice often; "
                           "done > text"),
                     0);
    process_start(&p,
                  "exec %s/wordcount/wordcount --seconds 2 --http 0 --workers 2 --file text "
                  "--rate 2000",
                  home);
    (void)process_wait_text(&p, 0, " words/s");
    ck_assert_uint_ge(process_has_one_for_signals(&p), 8); /* the mock cluster's, too */
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[0], " ms from sent to readable"));
    ck_assert_ptr_nonnull(strstr(p.text[0], ", lag 0:")); /* a partition */
    ck_assert_ptr_nonnull(strstr(p.text[0], " 3:"));
    ck_assert_ptr_nonnull(strstr(p.text[0], "http://127.0.0.1:"));
    ck_assert_ptr_null(strstr(p.text[0], "\033"));
    long long often = in_table(p.text[0], "often"), twice = in_table(p.text[0], "twice");
    ck_assert_int_gt(often, 0);
    ck_assert_int_eq(often % 3, 0);
    ck_assert_int_eq(often / 3, twice / 2);
}
END_TEST

/* A mistake is told, and is no success. */
START_TEST(wordcount_refuses)
{
    process_start(&p, "exec %s/wordcount/wordcount --http off --seconds 20 --file not-there", home);
    ck_assert_int_eq(process_wait(&p), 1);
    ck_assert_ptr_nonnull(strstr(p.text[1], "'not-there' cannot be read"));
    ck_assert_ptr_null(strstr(p.text[0], "most frequent"));
    process_start(&p, "exec %s/wordcount/wordcount --http off --seconds 20 --kafka nonsense", home);
    ck_assert_int_ne(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[1], "KEY=VALUE"));
    process_start(&p, "exec %s/wordcount/wordcount --http off --seconds 20 --kafka a.b=1", home);
    ck_assert_int_ne(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[1], "a.b"));
}
END_TEST

/* By itself: links, a question, and its answer after each change. */
START_TEST(distances)
{
    for (int workers = 1; workers <= 3; workers += 2) {
        process_start(&p, "exec %s/distances/distances --http off --workers %d", home, workers);
        ck_assert_msg(process_wait(&p) == 0, "%s", p.text[1]);
        ck_assert_str_eq(p.text[0], "four links in a row: from 1 to 5 by 4 links\n"
                                    "a link from 1 to 4: from 1 to 5 by 2 links\n"
                                    "the link from 4 to 5 is gone: no way from 1 to 5\n"
                                    "a link from 2 to 5: from 1 to 5 by 2 links\n"
                                    "nobody asks any more: no answer\n");
    }
    process_start(&p, "exec %s/distances/distances --help", home);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[0], "--questions-topic"));
    process_start(&p, "exec %s/distances/distances --http off --kafka nonsense", home);
    ck_assert_int_ne(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[1], "KEY=VALUE"));
}
END_TEST

/* ---- on a Kafka that is somewhere else ---- */

static rd_kafka_t *producer;

static void produce(const char *text)
{
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC("in"), RD_KAFKA_V_VALUE((void *)text, strlen(text)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    ck_assert_int_eq(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static int64_t count_of(const char *url, const char *word)
{
    char path[200];
    (void)snprintf(path, sizeof path, "/views/word_counts?key=%s", word);
    answer a = client_get(url, path);
    struct json_object *o = json_tokener_parse(a.body), *records, *count;
    int64_t result = 0;
    if (json_object_object_get_ex(o, "records", &records) && json_object_array_length(records) == 1)
        if (json_object_object_get_ex(json_object_array_get_idx(records, 0), "count", &count))
            result = json_object_get_int64(count);
    (void)json_object_put(o);
    answer_free(&a);
    return result;
}

/* The last count of a word in the topic "out", which has three partitions. */
static int64_t last_written(const char *brokers, const char *word)
{
    char why[200], key[100], value[200] = "";
    int64_t count = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
    (void)rd_kafka_conf_set(conf, "group.id", "test", why, sizeof why);
    (void)rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof why);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    ck_assert_msg(kafka != NULL, "%s", why);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(3);
    for (int32_t i = 0; i < 3; i++)
        rd_kafka_topic_partition_list_add(all, "out", i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    ck_assert_int_eq(rd_kafka_assign(kafka, all), RD_KAFKA_RESP_ERR_NO_ERROR);
    (void)snprintf(key, sizeof key, "\"word\":\"%s\"", word);
    for (int ended = 0; ended < 3;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(kafka, PATIENCE_MS);
        ck_assert_ptr_nonnull(m);
        ended += m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->len < sizeof value && m->payload) {
            (void)snprintf(value, sizeof value, "%.*s", (int)m->len, (const char *)m->payload);
            const char *at = strstr(value, key) ? strstr(value, "\"count\":") : NULL;
            ck_assert(!at || sscanf(at, "\"count\":%" PRId64, &count) == 1);
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_partition_list_destroy(all);
    (void)rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    return count;
}

START_TEST(wordcount_runs_on_another_kafka)
{
    enum { LINES = 3000 };
    const char *topics[] = { "in", "out", NULL };
    char why[200];
    weir_error error;
    weir_kafka_mock *mock = weir_kafka_mock_start(1, 3, topics, &error);
    ck_assert_ptr_nonnull(mock);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", weir_kafka_mock_brokers(mock), why,
                            sizeof why);
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    ck_assert_ptr_nonnull(producer);
    for (int i = 0; i < LINES; i++)
        produce("to be or not to be");
    ck_assert_int_eq(rd_kafka_flush(producer, PATIENCE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    process_start(&p,
                  "exec %s/wordcount/wordcount --http 0 --workers 2 --brokers %s --kafka "
                  "fetch.wait.max.ms=5 --input-topic in --output-topic out",
                  home, weir_kafka_mock_brokers(mock));
    const char *url = process_url(&p);
    while (count_of(url, "be") < 2 * LINES)
        (void)process_wait_text(&p, 0, "words");
    produce("that is the question");
    while (count_of(url, "question") < 1)
        ;
    ck_assert_int_eq(count_of(url, "or"), LINES);
    ck_assert_int_eq(kill(p.pid, SIGINT), 0);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_int_eq(in_table(p.text[0], "to"), 2 * LINES);
    ck_assert_int_eq(in_table(p.text[0], "not"), LINES);
    ck_assert_int_eq(in_table(p.text[0], "that"), 1);
    /* all that was counted was written before it ended */
    ck_assert_int_eq(last_written(weir_kafka_mock_brokers(mock), "to"), 2 * LINES);
    ck_assert_int_eq(last_written(weir_kafka_mock_brokers(mock), "not"), LINES);
    ck_assert_int_eq(last_written(weir_kafka_mock_brokers(mock), "question"), 1);
    rd_kafka_destroy(producer);
    weir_kafka_mock_stop(mock);
}
END_TEST

/* ---- on a terminal ---- */

START_TEST(wordcount_on_a_terminal_ends_by_ctrl_c)
{
    static char text[1 << 20];
    size_t len = 0;
    int terminal, status;
    char path[4200];
    (void)snprintf(path, sizeof path, "%s/wordcount/wordcount", home);
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execl(path, path, "--http", "0", "--workers", "1", (char *)NULL);
        _exit(127);
    }
    bool asked = false;
    for (;;) {
        struct pollfd fd = { .fd = terminal, .events = POLLIN };
        ck_assert_int_eq(poll(&fd, 1, PATIENCE_MS), 1);
        ssize_t got = read(terminal, text + len, sizeof text - len - 1);
        if (got <= 0)
            break; /* it has ended */
        text[len += (size_t)got] = '\0';
        if (!asked && strstr(text, "\033[H\033[2J") && strstr(text, "  the\r\n") &&
            strstr(text, ", lag 0:")) {
            asked = true;
            ck_assert_int_eq(write(terminal, "\003", 1), 1);
        }
    }
    (void)close(terminal);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "the most frequent:"));
}
END_TEST

/* The last ones run librdkafka, of whose threads in other programs the thread sanitizer does not
 * know. */
enum { WITH_KAFKA = 5 };

int main(void)
{
    const TTest *tests[] = { hello,
                             notify,
                             reach,
                             alerts,
                             windows,
                             roads,
                             links,
                             friends,
                             comings,
                             wordcount_shows_itself,
                             wordcount_refuses,
                             wordcount_runs_on_another_kafka,
                             wordcount_on_a_terminal_ends_by_ctrl_c,
                             distances,
                             NULL };
#ifdef __SANITIZE_THREAD__
    tests[sizeof tests / sizeof *tests - 1 - WITH_KAFKA] = NULL;
#endif
    if (!realpath("examples", home))
        return 1;
    folder_make();
    int status = test_run(test_suite("examples", tests));
    folder_remove();
    return status;
}
