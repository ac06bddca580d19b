/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_main as a process: its options, its end by itself, by signals and by failures, what it says
 * then, and with which status. The program under test is this one, called with "program" in front.
 */
#include <weir/connectors/file.h>
#include <weir/connectors/generator.h>
#include <weir/connectors/main.h>
#include <weir/weir.h>

#include "e2e/process.h"

/* ---- the program: numbers out of a function, or lines out of files, to a file ---- */

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

static void tell(uint64_t n, weir_out(line) out)
{
    line_emit(out, (line){ .text = weir_str_format(out, "number %llu", (unsigned long long)n) });
}
WEIR_GENERATE(tell, line)

static void fail_init(weir_graph *g)
{
    weir_graph_fail(g, WEIR_INVALID, "somewhere", "do something else", "the program wants to fail");
}

static void build(weir_graph *g, void *ctx)
{
    const char *const *files;
    size_t count = weir_option_list(g, "file", &files, "file to read");
    int64_t numbers = weir_option_i64(g, "numbers", 0, "how many numbers to write; 0: no end");
    double rate = weir_option_f64(g, "rate", 1000, "numbers a second");
    const char *to = weir_option_str(g, "to", "-", "file to write");
    if (weir_option_flag(g, "fail", "refuse to be built"))
        fail_init(g);
    if (!weir_graph_failed(g))
        (void)weir_option_str(g, "beyond", "", "as connectors have them, of graphs that are right");
    (void)ctx;
    weir_stream(line) lines;
    if (count)
        lines = weir_file_source(g, line, .paths = files);
    else
        lines = weir_generator(g, line, tell, .count = (uint64_t)numbers, .rate = rate);
    weir_file_sink(lines, .path = to);
}

static weir_status refuse(weir_main_program *program, void *ctx, weir_error *error)
{
    (void)program;
    (void)ctx;
    return weir_error_set(error, WEIR_FAILED, "the preparation failed");
}

static weir_status prepare(weir_main_program *program, void *ctx, weir_error *error)
{
    (void)ctx;
    (void)error;
    const char *to = weir_main_option(program, "to");
    if (to && strcmp(to, "nowhere") == 0)
        return refuse(program, ctx, error);
    return weir_main_set_option(program, "numbers", "3");
}

static void started(weir_main_program *program, void *ctx)
{
    (void)ctx;
    fprintf(stderr, "started %u %s\n", weir_runtime_workers(weir_main_runtime(program)),
            weir_main_url(program) ? weir_main_url(program) : "without HTTP");
    if (weir_main_set_option(program, "numbers", "4") != WEIR_INVALID)
        fprintf(stderr, "too late to set an option, but taken\n");
}

static void ended(weir_main_program *program, void *ctx)
{
    (void)program;
    (void)ctx;
    fprintf(stderr, "ended\n");
}

static weir_runtime *_Atomic running;

static void note_runtime(weir_main_program *program, void *ctx)
{
    (void)ctx;
    running = weir_main_runtime(program);
}

/* Asks twice, and a signal, which is held back until the hook returns, asks once more. */
static void ask_often(weir_main_program *program, void *ctx)
{
    (void)ctx;
    weir_main_stop(program);
    weir_main_stop(program);
    (void)raise(SIGTERM);
}

/* A node that never gives way, not even when it is asked to. */
static void never_end(weir_step *step, void *state)
{
    weir_process_info info = { .stopping = false };
    (void)state;
    (void)step;
    (void)fputs("stuck\n", stderr);
    while (!info.stopping)
        if (running)
            weir_observe_process(running, &info);
    (void)fputs("asked\n", stderr);
    for (;;)
        (void)pause();
}

static void build_stuck(weir_graph *g, void *ctx)
{
    weir_node_output output = { .type = line_type() };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "stuck",
                            .output_count = 1,
                            .outputs = &output,
                            .follows_clock = true,
                            .step = never_end };
    (void)ctx;
    (void)weir_node_add(g, &spec, NULL);
}

static int run_hooked(int argc, char **argv)
{
    static const weir_setting settings[] = { { "rate", "0", NULL } };
    weir_main_config config = { .struct_size = sizeof config,
                                .name = "hooked",
                                .about = "Shows hooks.",
                                .version = "7.1",
                                .http = "off",
                                .run = { .workers = 2, .settings = settings, .setting_count = 1 },
                                .prepare = prepare,
                                .started = started,
                                .ended = ended };
    return weir_main_with(&config, argc, argv, build, NULL);
}

/* argv[1] is which program to be; it is not for weir_main. */
static int run_program(int argc, char **argv)
{
    const char *kind = argv[1];
    argv[1] = argv[0];
    (void)unsetenv("WEIR_PLANTED"); /* for builds with mistakes: no options */
    (void)unsetenv("WEIR_PLANTED_MET");
    if (strcmp(kind, "hooks") == 0)
        return run_hooked(argc - 1, argv + 1);
    weir_main_config config = { .struct_size = sizeof config, .started = note_runtime };
    if (strcmp(kind, "stuck") == 0)
        return weir_main_with(&config, argc - 1, argv + 1, build_stuck, NULL);
    config.started = ask_often;
    if (strcmp(kind, "asked") == 0)
        return weir_main_with(&config, argc - 1, argv + 1, build, NULL);
    return weir_main(argc - 1, argv + 1, build, NULL);
}

/* ---- calling it ---- */

static char self[4096];
static process p;

static void start(const char *arguments)
{
    process_start(&p, "exec %s program %s", self, arguments);
}

/* Runs it to its end; its status. */
static int run(const char *arguments)
{
    start(arguments);
    return process_wait(&p);
}

static void expect(const char *arguments, int status, const char *sentence)
{
    int got = run(arguments);
    ck_assert_msg(got == status, "%s: %d instead of %d: %s", arguments, got, status, p.text[1]);
    ck_assert_msg(strstr(p.text[1], sentence) != NULL, "%s: %s", arguments, p.text[1]);
}

START_TEST(it_ends_when_its_input_does)
{
    ck_assert_int_eq(run("--numbers 3 --rate 0 --http off --workers 1"), 0);
    ck_assert_str_eq(p.text[0], "number 0\nnumber 1\nnumber 2\n");
    ck_assert_str_eq(p.text[1], "");
    ck_assert_int_eq(shell("seq 10 | WEIR_HTTP=off %s program --file - --to out --file /dev/null "
                           "--log-level=debug; seq 10 | cmp - out",
                           self),
                     0);
}
END_TEST

START_TEST(help_and_version_start_nothing)
{
    ck_assert_int_eq(run("--help --http 1 --numbers --nonsense"), 0);
    const char *const lines[] = { "Usage: e2e_check_main [OPTION]...\n",
                                  "--numbers NUMBER",
                                  "how many numbers to write; 0: no end (default: 0)\n",
                                  "--file TEXT",
                                  "file to read; may be given several times\n",
                                  "--fail ",
                                  "--workers N",
                                  "(default: 127.0.0.1:8080+I)\n" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(p.text[0], lines[i]) != NULL, "no '%s' in %s", lines[i], p.text[0]);
    ck_assert_str_eq(p.text[1], "");
    ck_assert_int_eq(run("--version"), 0);
    ck_assert_str_eq(p.text[0], "e2e_check_main (weir " WEIR_VERSION ")\n");
    process_start(&p, "exec %s hooks --version", self);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_str_eq(p.text[0], "hooked 7.1 (weir " WEIR_VERSION ")\n");
    process_start(&p, "exec %s hooks -h", self);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_ptr_nonnull(strstr(p.text[0], "Usage: hooked [OPTION]...\nShows hooks.\n"));
}
END_TEST

START_TEST(wrong_options_are_refused_with_a_sentence)
{
    expect("--nubmers 3", 2,
           "e2e_check_main: there is no option --nubmers\n"
           "  to do: did you mean --numbers? --help lists all options\n");
    expect("--worker 3", 2, "did you mean --workers?");
    expect("--workers 0", 2, "'0' is no number from 1 to 256\n  where: --workers\n");
    expect("--numbers three", 2, "--numbers takes a whole number, not 'three'");
    expect("--numbers", 2, "--numbers needs a value");
    expect("--numbers 1 --numbers 2", 2, "--numbers is given twice, as '1' and as '2'");
    expect("--http 1 --http off", 2, "--http is given twice");
    expect("--http somewhere:else", 2, "is no address to listen at");
    expect("lines", 2, "'lines' is no option");
    expect("-n 3", 2, "options begin with two hyphens");
    expect("--fail=perhaps", 2, "--fail takes true or false");
    ck_assert_int_eq(shell("WEIR_NUMBERS=x %s program 2> err", self), 2);
    ck_assert_ptr_nonnull(strstr(file_text("err"), "WEIR_NUMBERS takes a whole number, not 'x'"));
    ck_assert_int_eq(shell("WEIR_NUMBRES=3 WEIR_NUMBERS=7 WEIR_TO= %s program --http off --numbers "
                           "1 2> err | cmp - <(echo number 0)",
                           self),
                     0);
    ck_assert_ptr_nonnull(strstr(file_text("err"), "WEIR_NUMBRES is set, but"));
}
END_TEST

START_TEST(what_fails_is_said_and_is_status_1)
{
    expect(
        "--fail --http off", 1,
        "e2e_check_main: the program wants to fail\n  where: in operator 'somewhere'\n  to do: do "
        "something else\n");
    expect("--file /no/such/file --http off", 1, "'/no/such/file': No such file");
    expect("--to /no/such/file --http off", 1, "'/no/such/file' cannot be opened");
    expect("--to /dev/full --http off", 1, "'/dev/full' cannot be written: No space left");
    expect("--http off > /dev/full", 1, "'-' cannot be written: No space left");
    expect("--help > /dev/full", 1, "standard output could not be written: No space left");
    expect("--version > /dev/full", 1, "standard output could not be written");
    expect("--http 192.0.2.1:80 --numbers 1", 1, "cannot listen at 192.0.2.1, port 80");
}
END_TEST

START_TEST(a_closed_pipe_is_an_error_and_no_signal)
{
    ck_assert_int_eq(shell("%s program --http off --rate 0 --workers 1 2> err | head -n 2 > out; "
                           "exit ${PIPESTATUS[0]}",
                           self),
                     1);
    ck_assert_ptr_nonnull(strstr(file_text("err"), "Broken pipe"));
    ck_assert_str_eq(file_text("out"), "number 0\nnumber 1\n");
}
END_TEST

/* What was written when the signal came is there as a whole, and nothing after it. */
static void expect_whole(const char *text)
{
    unsigned long long n, next = 0;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1, next++) {
        ck_assert_int_eq(sscanf(at, "number %llu\n", &n), 1);
        ck_assert_uint_eq(n, next);
        ck_assert_ptr_nonnull(strchr(at, '\n'));
    }
    ck_assert_uint_gt(next, 0);
}

START_TEST(signals_end_it_cleanly)
{
    const int signals[] = { SIGINT, SIGTERM };
    for (size_t i = 0; i < 2; i++) {
        start("--http 0 --workers 1 --rate 500");
        (void)process_url(&p);
        (void)process_wait_text(&p, 0, "number 5\n");
        process_signal(&p, signals[i]);
        ck_assert_int_eq(process_wait(&p), 0);
        expect_whole(p.text[0]);
    }
}
END_TEST

START_TEST(however_often_it_is_asked_it_ends_cleanly)
{
    process_start(&p, "exec %s asked --http off --workers 2 --rate 500", self);
    ck_assert_msg(process_wait(&p) == 0, "%s", p.text[1]);
    ck_assert_str_eq(p.text[1], "");
}
END_TEST

/* A source that never gives way: the second signal ends the process without asking. */
START_TEST(a_second_signal_ends_it_at_once)
{
    process_start(&p, "exec %s stuck --http off", self);
    (void)process_wait_text(&p, 1, "stuck\n");
    process_signal(&p, SIGINT);
    (void)process_wait_text(&p, 1, "asked\n");
    ck_assert_int_eq(kill(p.pid, SIGINT), 0);
    ck_assert_int_eq(process_wait(&p), 128 + SIGINT);
}
END_TEST

/* Whichever threads there are, a handler runs in the first. */
START_TEST(only_the_main_thread_takes_signals)
{
    start("--http 0 --workers 2 --rate 500");
    (void)process_wait_text(&p, 0, "number 5\n");
    /* it, two workers, and the one that watches them */
    ck_assert_uint_ge(process_has_one_for_signals(&p), 4);
    process_signal(&p, SIGTERM);
    ck_assert_int_eq(process_wait(&p), 0);
}
END_TEST

START_TEST(seconds_end_it)
{
    ck_assert_int_eq(run("--http off --seconds 0.3 --workers 1 --rate 1000"), 0);
    expect_whole(p.text[0]);
    ck_assert_int_eq(run("--http 0 --seconds 0.05 --workers 2 --rate 0 --to /dev/null"), 0);
}
END_TEST

START_TEST(a_taken_port_is_named)
{
    process first;
    start("--http 0 --rate 1");
    const char *url = process_url(&p);
    char arguments[300];
    (void)snprintf(arguments, sizeof arguments, "--http %s", url + 7);
    first = p;
    ck_assert_int_eq(run(arguments), 1);
    ck_assert_ptr_nonnull(strstr(p.text[1], "is taken by another program"));
    ck_assert_ptr_nonnull(strstr(p.text[1], strrchr(url, ':') + 1));
    ck_assert_ptr_nonnull(strstr(p.text[1], "choose another place by --http HOST:PORT"));
    answer a = client_get(url, "/healthz");
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    process_signal(&first, SIGTERM);
    ck_assert_int_eq(process_wait(&first), 0);
}
END_TEST

START_TEST(hooks_come_in_their_order)
{
    process_start(&p, "exec %s hooks --to out", self);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_str_eq(p.text[1], "started 2 without HTTP\nended\n");
    ck_assert_int_eq(shell("test $(wc -l < out) = 3"), 0);
    process_start(&p, "exec %s hooks --to nowhere", self);
    ck_assert_int_eq(process_wait(&p), 1);
    ck_assert_str_eq(p.text[1], "hooked: the preparation failed\n");

    /* what is wrong with an option comes first */
    process_start(&p, "exec %s hooks --to nowhere --rat 3", self);
    ck_assert_int_eq(process_wait(&p), 2);
    ck_assert_str_eq(p.text[1], "hooked: there is no option --rat\n"
                                "  to do: did you mean --rate? --help lists all options\n");
    /* what a failed build has not come to declare is no reason to hide why it failed */
    process_start(&p, "exec %s hooks --fail --beyond 3", self);
    ck_assert_int_eq(process_wait(&p), 1);
    ck_assert_ptr_nonnull(strstr(p.text[1], "hooked: the program wants to fail"));
    process_start(&p, "exec %s hooks --fail", self);
    ck_assert_int_eq(process_wait(&p), 1);
    ck_assert_ptr_nonnull(strstr(p.text[1], "ended\n"));
}
END_TEST

START_TEST(the_server_answers_while_it_runs)
{
    start("--http 127.0.0.1:0 --rate 100 --to out");
    const char *url = process_url(&p);
    answer a;
    for (int status = 0; status != 200; answer_free(&a)) {
        a = client_get(url, "/readyz");
        status = a.status;
    }
    a = client_get(url, "/metrics");
    ck_assert_ptr_nonnull(strstr(a.body, "kind=\"generator\""));
    answer_free(&a);
    process_signal(&p, SIGTERM);
    ck_assert_int_eq(process_wait(&p), 0);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *tests[] = { it_ends_when_its_input_does,
                             help_and_version_start_nothing,
                             wrong_options_are_refused_with_a_sentence,
                             what_fails_is_said_and_is_status_1,
                             a_closed_pipe_is_an_error_and_no_signal,
                             signals_end_it_cleanly,
                             however_often_it_is_asked_it_ends_cleanly,
                             a_second_signal_ends_it_at_once,
                             only_the_main_thread_takes_signals,
                             seconds_end_it,
                             a_taken_port_is_named,
                             hooks_come_in_their_order,
                             the_server_answers_while_it_runs,
                             NULL };
    if (argc > 1)
        return run_program(argc, argv);
    if (!realpath(argv[0], self))
        return 1;
    folder_make();
    int status = test_run(test_suite("main", tests));
    folder_remove();
    return status;
}
