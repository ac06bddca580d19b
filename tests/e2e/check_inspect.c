/* SPDX-License-Identifier: Apache-2.0
 *
 * A program is killed, and weir-inspect tells what it was doing: as text, as JSON, and what is
 * wrong with files that are damaged. The program under test is this one, called with "program".
 */
#include <json-c/json.h>

#include <weir/connectors/generator.h>
#include <weir/connectors/main.h>
#include <weir/weir.h>

#include "e2e/process.h"

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)

static void tell(uint64_t n, weir_out(line) out)
{
    line_emit(out, (line){ .text = weir_str_format(out, "number %llu", (unsigned long long)n) });
}
WEIR_GENERATE(tell, line)

/* Says that it is there, and stays. */
static void stuck_step(weir_step *step, void *state)
{
    char byte;
    (void)state;
    while (weir_step_take(step, 0))
        ;
    if (weir_step_worker(step) != 0)
        return;
    (void)!write(1, "stuck\n", 6);
    while (read(0, &byte, 1) < 0)
        ;
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_generator(g, line, tell, .count = 1000, .name = "numbers");
    if (weir_option_flag(g, "stick", "do not return"))
        (void)weir_unary(lines, line, stuck_step, .name = "a \"stuck\" one");
}

static char self[4096], inspect[4096];

#define RUN "exec %s program --http off --workers 2 --flight %s "

START_TEST(tells_what_a_killed_program_was_doing)
{
    process p;
    process_start(&p, RUN "--stick --long-step-ms 1 < <(tail -f /dev/null)", self, test_folder);
    process_wait_text(&p, 0, "stuck\n");
    process_wait_text(&p, 1, "operator 'a \"stuck\" one' has kept worker 0 for 0.");
    ck_assert_int_eq(shell("cd %s && %s weir-*.flight >out && grep -q '(running)' out", test_folder,
                           inspect), 0);
    ck_assert_int_eq(shell("cd %s && %s --remove weir-*.flight >out 2>err && grep -q 'is kept' err",
                           test_folder, inspect), 0);
    ck_assert_int_eq(kill(p.pid, SIGKILL), 0);
    ck_assert_int_eq(process_wait(&p), 128 + SIGKILL);
    ck_assert_int_eq(shell("cd %s && %s weir-*.flight >out", test_folder, inspect), 0);
    const char *text = file_text("out");
    ck_assert_ptr_nonnull(strstr(text, "worker 0: in a step of 'a \"stuck\" one'"));
    ck_assert_ptr_nonnull(strstr(text, "check_inspect"));
    ck_assert_ptr_nonnull(strstr(text, "2 workers"));
    ck_assert_ptr_null(strstr(text, "(running)"));
    ck_assert_int_eq(shell("cd %s && %s --worker 1 --summary weir-*.flight | "
                           "{ ! grep 'worker 0'; }", test_folder, inspect), 0);
}
END_TEST

/* Of the file that the test before has left. */
START_TEST(tells_it_as_json)
{
    ck_assert_int_eq(shell("cd %s && %s --json --last 3600 weir-*.flight >out", test_folder,
                           inspect), 0);
    unsigned files = 0, workers = 0, events = 0;
    char *text = (char *)file_text("out");
    for (char *l = strtok_r(text, "\n", &text); l; l = strtok_r(NULL, "\n", &text)) {
        struct json_object *object = json_tokener_parse(l), *member;
        ck_assert_msg(object != NULL, "no JSON: %s", l);
        ck_assert(json_object_object_get_ex(object, "what", &member));
        const char *what = json_object_get_string(member);
        files += strcmp(what, "file") == 0;
        workers += strcmp(what, "worker") == 0;
        events += strcmp(what, "event") == 0;
        if (json_object_object_get_ex(object, "in_step", &member) &&
            json_object_get_boolean(member)) {
            ck_assert(json_object_object_get_ex(object, "operator", &member));
            ck_assert_str_eq(json_object_get_string(member), "a \"stuck\" one");
        }
        (void)json_object_put(object);
    }
    ck_assert_uint_eq(files, 1);
    ck_assert_uint_eq(workers, 2);
    ck_assert_uint_gt(events, 0);
}
END_TEST

START_TEST(says_what_is_wrong)
{
    static const char *const refused[] = { "--nonsense x", "--last", "--last soon x",
                                           "--worker -1 x", "" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_int_eq(shell("%s %s 2>/dev/null", inspect, refused[i]), 2);
    ck_assert_int_eq(shell("%s --help | grep -q -- --json && %s --version | grep -q weir", inspect,
                           inspect), 0);
    ck_assert_int_eq(shell("%s /no/such/file 2>err; [ $? = 1 ] && grep -q 'cannot be read' err",
                           inspect), 0);
    ck_assert_int_eq(shell("cp weir-*.flight whole && head -c 100000 whole >cut && %s cut 2>err; "
                           "[ $? = 1 ] && grep -q 'cut short' err", inspect), 0);
    ck_assert_int_eq(shell("cp whole damaged && printf XXXX | dd of=damaged bs=1 seek=270410 "
                           "conv=notrunc 2>/dev/null && %s damaged >/dev/null 2>err; [ $? = 1 ] && "
                           "grep -q 'is damaged: 1 entries' err", inspect), 0);
    ck_assert_int_eq(shell("%s --summary whole >/dev/full 2>err; [ $? = 1 ]", inspect), 0);
    ck_assert_int_eq(shell("%s --remove --summary weir-*.flight >/dev/null && "
                           "! ls weir-*.flight 2>/dev/null", inspect), 0);
}
END_TEST

START_TEST(a_clean_end_leaves_nothing)
{
    process p;
    process_start(&p, RUN "--flight-keep all", self, test_folder);
    ck_assert_int_eq(process_wait(&p), 0);
    ck_assert_int_eq(shell("! ls %s/weir-*.flight 2>/dev/null", test_folder), 0);
    process_start(&p, "exec %s program --http off --flight /no/such/folder", self);
    ck_assert_int_eq(process_wait(&p), 1);
    process_wait_text(&p, 1, "/no/such/folder/weir-");
    process_start(&p, "exec %s program --http off --flight off", self);
    ck_assert_int_eq(process_wait(&p), 0);
    static const char *const refused[] = { "--flight-keep some", "--long-step-ms 0",
                                           "--held-ms long", "--flight=" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        process_start(&p, "exec %s program --http off %s", self, refused[i]);
        ck_assert_int_eq(process_wait(&p), 2);
    }
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "program") == 0)
        return weir_main(argc - 1, argv + 1, build, NULL);
    if (!realpath("/proc/self/exe", self) || !realpath("weir-inspect", inspect))
        return 1;
    folder_make();
    int status = test_run(test_suite("inspect", (const TTest *const[]){
        tells_what_a_killed_program_was_doing, tells_it_as_json, says_what_is_wrong,
        a_clean_end_leaves_nothing, NULL }));
    folder_remove();
    return status;
}
