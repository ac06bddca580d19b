/* SPDX-License-Identifier: Apache-2.0
 *
 * Real processes over loopback: word counts like those of one process; one that is killed, frozen
 * or refused ends the others with the reason; strangers at the port change nothing. The program
 * under test is this one, called with "program" in front.
 */
#include <weir/connectors/file.h>
#include <weir/connectors/generator.h>
#include <weir/connectors/main.h>
#include <weir/weir.h>

#include "e2e/process.h"

/* ---- the program ---- */

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static void split_words(const line *in, weir_out(word) out)
{
    weir_str rest = in->text, token;
    while (weir_str_split(&rest, ' ', &token))
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split_words, line, word)

static void tell(uint64_t n, weir_out(line) out)
{
    line_emit(out, (line){ .text = weir_str_format(out, "word-%llu of-them-all",
                                                   (unsigned long long)(n % 100)) });
}
WEIR_GENERATE(tell, line)

static void build(weir_graph *g, void *ctx)
{
    const char *const *files;
    size_t count = weir_option_list(g, "file", &files, "file to read");
    const char *to = weir_option_str(g, "to", "/dev/null", "file to write the changes to");
    (void)ctx;
    weir_stream(line) lines;
    if (count)
        lines = weir_file_source(g, line, .paths = files);
    else /* without end */
        lines = weir_generator(g, line, tell, .rate = 1000);
    weir_stream(word) words = weir_flat_map(lines, split_words);
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_file_sink(counts, .path = to);
    if (weir_option_flag(g, "other", "another graph"))
        weir_file_sink(counts, .path = "/dev/null");
}

static int run_program(int argc, char **argv)
{
    argv[1] = argv[0];
    return weir_main(argc - 1, argv + 1, build, NULL);
}

/* ---- starting several ---- */

static char self[4000], hosts[200];

static void choose_ports(unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        test_address(hosts + size, sizeof hosts - size);
        size += strlen(hosts + size);
        hosts[size++] = i + 1 < count ? ',' : '\0';
    }
}

static void start(process *p, unsigned processes, unsigned i, const char *more)
{
    process_start(p, "exec %s program --workers 2 --processes %u --process %u --hosts %s %s %s",
                  self, processes, i, hosts, strstr(more, "--http") ? "" : "--http off", more);
}

static void start_all(process *p, unsigned processes, const char *more)
{
    choose_ports(processes);
    for (unsigned i = 0; i < processes; i++)
        start(&p[i], processes, i, more);
    for (unsigned i = 0; i < processes; i++)
        (void)process_wait_text(&p[i], 1, "processes are here");
}

static void ends_well(process *p)
{
    int status = process_wait(p);
    ck_assert_msg(status == 0, "status %d: %s", status, p->text[1]);
}

/* It has to end by itself, not well, and say why. */
static void ends_with(process *p, const char *why)
{
    int status = process_wait(p);
    ck_assert_msg(status == 1, "status %d: %s", status, p->text[1]);
    ck_assert_msg(strstr(p->text[1], why) != NULL, "'%s' is not in: %s", why, p->text[1]);
}

/* ---- what they count ---- */

static void count_words(unsigned processes)
{
    static process p[3];
    choose_ports(processes);
    for (unsigned i = 0; i < processes; i++) {
        char more[100];
        snprintf(more, sizeof more, "--file text --to counts-%u --log-level error", i);
        start(&p[i], processes, i, more);
    }
    for (unsigned i = 0; i < processes; i++) {
        ends_well(&p[i]);
        ck_assert_str_eq(p[i].text[1], "");
    }
    ck_assert_int_eq(
        shell("cat counts-* | sed 's/.*\"word\":\"\\([^\"]*\\)\",\"count\":\\([0-9]*\\),"
              ".*\"diff\":\\(-*[0-9]*\\).*/\\1 \\2 \\3/' | awk '{ n[$1] += $2 * $3 } "
              "END { for (w in n) if (n[w]) print w, n[w] }' | sort > ours; rm counts-*; "
              "tr ' ' '\\n' < text | grep . | sort | uniq -c | awk '{ print $2, $1 }' | "
              "sort > wanted; test -s wanted && cmp ours wanted"),
        0);
}

START_TEST(two_and_three_count_as_one)
{
    ck_assert_int_eq(shell("for i in $(seq 3000); do echo word$((i %% 97)) "
                           "a-word-that-is-long-$((i %% 31)) x; done > text"), 0);
    count_words(2);
    count_words(3);
}
END_TEST

/* Workers have the numbers that they have in the cluster, whichever process is asked. */
START_TEST(each_process_tells_of_its_own_workers)
{
    static process p[2];
    start_all(p, 2, "--http 127.0.0.1:0");
    for (unsigned i = 0; i < 2; i++) {
        char workers[200];
        const char *url = process_url(&p[i]);
        snprintf(workers, sizeof workers, "\"workers\":[{\"worker\":%u,\"answers\":true,"
                 "\"in_step_of\":null},{\"worker\":%u,\"answers\":true,\"in_step_of\":null}]",
                 2 * i + 1, 2 * i);
        answer a = client_get(url, "/why");
        ck_assert_int_eq(a.status, 200);
        ck_assert_msg(strstr(a.body, workers) != NULL, "%s", a.body);
        answer_free(&a);
        a = client_get(url, "/metrics");
        ck_assert_int_eq(a.status, 200);
        ck_assert_ptr_nonnull(strstr(a.body, "\nweir_workers 2\n"));
        answer_free(&a);
    }
    for (unsigned i = 0; i < 2; i++)
        ck_assert_uint_ge(process_has_one_for_signals(&p[i]), 5); /* one has the connections */
    process_signal(&p[0], SIGTERM);
    ends_well(&p[0]);
    ends_well(&p[1]);
}
END_TEST

/* ---- ends ---- */

START_TEST(a_killed_process_ends_the_others)
{
    static process p[3];
    start_all(p, 3, "");
    ck_assert_int_eq(kill(p[1].pid, SIGKILL), 0);
    ends_with(&p[0], "is lost: its connection");
    ends_with(&p[2], "is lost: its connection");
    ck_assert_msg(strstr(p[0].text[1], "process 1 (127.") ||
                      strstr(p[0].text[1], "told by process 2"), "%s", p[0].text[1]);
    ck_assert_int_eq(process_wait(&p[1]), 128 + SIGKILL);
}
END_TEST

START_TEST(a_frozen_process_ends_the_other)
{
    static process p[2];
    start_all(p, 2, "--silence-seconds 4"); /* a loaded machine lets one wait for seconds, too */
    ck_assert_int_eq(kill(p[1].pid, SIGSTOP), 0);
    ends_with(&p[0], "is lost: it was silent for");
    ck_assert_int_eq(kill(p[1].pid, SIGCONT), 0);
    ck_assert_int_eq(process_wait(&p[1]), 1); /* it finds itself alone */
}
END_TEST

START_TEST(a_signal_to_one_ends_all_well)
{
    static process p[2];
    start_all(p, 2, "");
    process_signal(&p[1], SIGTERM);
    ends_well(&p[0]);
    ends_well(&p[1]);
}
END_TEST

START_TEST(those_that_do_not_fit_are_refused)
{
    static process p[2];
    choose_ports(2);
    start(&p[0], 2, 0, "");
    start(&p[1], 2, 1, "--other");
    ends_with(&p[0], "differ in the graph of dataflow");
    ends_with(&p[1], "differ in the graph of dataflow");
    choose_ports(2);
    ck_assert_int_eq(shell("echo one > secret-1; echo two > secret-2"), 0);
    start(&p[0], 2, 0, "--secret-file secret-1 --connect-seconds 3");
    start(&p[1], 2, 1, "--secret-file secret-2");
    ends_with(&p[1], "another secret");
    ends_with(&p[0], "did not come within 3 s");
    ck_assert_ptr_nonnull(strstr(p[0].text[1], "has another secret"));
    start(&p[0], 2, 0, "--secret=open");
    ck_assert_int_eq(process_wait(&p[0]), 2);
    ck_assert_ptr_nonnull(strstr(p[0].text[1], "must not be given as a flag"));
}
END_TEST

/* ---- strangers ---- */

static void stranger(const char *bytes, size_t size)
{
    char first[50], url[100];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(hosts, ","), hosts);
    snprintf(url, sizeof url, "http://%s", first);
    int fd = client_connect(url);
    (void)!write(fd, bytes, size);
    (void)close(fd);
}

START_TEST(strangers_change_nothing)
{
    static process p[2];
    static char garbage[70000];
    uint64_t random = test_seed(11);
    choose_ports(2);
    start(&p[0], 2, 0, "--log-level debug");
    while (!strstr(p[0].text[1], "waiting for process 1"))
        ck_assert(process_read(&p[0]));
    for (int i = 0; i < 300; i++) {
        size_t size = 1 + test_below(&random, i % 10 ? 300 : sizeof garbage);
        for (size_t k = 0; k < size; k++)
            garbage[k] = (char)test_random(&random);
        if (i % 2) { /* the beginning of a large frame */
            memcpy(garbage, "\xff\xff\xff\x3f\x10\x00", 6);
            garbage[6] = (char)(i % 16);
            garbage[7] = (char)0xd7;
        }
        stranger(garbage, size < 8 ? 8 : size);
    }
    start(&p[1], 2, 1, "");
    for (int i = 0; i < 2; i++) /* one that is stopped before it knows that just leaves */
        (void)process_wait_text(&p[i], 1, "processes are here");
    process_signal(&p[0], SIGTERM);
    ends_well(&p[0]);
    ends_well(&p[1]);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "program") == 0)
        return run_program(argc, argv);
    if (!realpath(argv[0], self))
        return 1;
    const TTest *const tests[] = {
        two_and_three_count_as_one,      each_process_tells_of_its_own_workers,
        a_killed_process_ends_the_others,
        a_frozen_process_ends_the_other, a_signal_to_one_ends_all_well,
        those_that_do_not_fit_are_refused, strangers_change_nothing,
        NULL,
    };
    folder_make();
    int failed = test_run(test_suite("cluster", tests));
    folder_remove();
    return failed;
}
