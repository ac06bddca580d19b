/* SPDX-License-Identifier: Apache-2.0
 *
 * A program's options: where they come from, which one counts, what is refused and with what words.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "main/options.h"
#include "main/report.h"
#include "support.h"

static weir__options options;
static weir_error error;

static const weir_option_info topic = { "input-topic", "topic to read", "lines", "text", false };
static const weir_option_info from = { "from", "where to begin", "0", "number", false };
static const weir_option_info rate = { "rate", "records a second", "1.5", "decimal number", false };
static const weir_option_info verbose = { "verbose", "say more", NULL, "flag", false };
static const weir_option_info file = { "file", NULL, NULL, "text", true };
static const weir_option_info *const all[] = { &topic, &from, &rate, &verbose, &file };
static weir__declared declared = { all, 5, false };

static void begin(void)
{
    weir__options_fini(&options);
    error = (weir_error){ .status = WEIR_OK };
}

/* Flags in one text, parted by blanks. */
static weir_status flags(const char *text)
{
    static char copy[400];
    char *argv[20] = { "program" };
    int argc = 1;
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *at = copy, *next; at && *at; at = next) {
        next = strchr(at, ' ');
        if (next)
            *next++ = '\0';
        argv[argc++] = at;
    }
    weir__options_early(&options, argc, argv);
    weir_status status = weir__options_add_flags(&options, argc, argv, &error);
    return status == WEIR_OK ? weir__options_read_builtins(&options, &error) : status;
}

static weir_status check_flags(const char *text)
{
    begin();
    ck_assert_int_eq(flags(text), WEIR_OK);
    return weir__options_check(&options, &declared, NULL, &error);
}

static const char *value_of(const char *name)
{
    const weir__given *given = weir__options_find(&options, name);
    return given ? given->setting.value : NULL;
}

START_TEST(built_in_options_are_read)
{
    begin();
    ck_assert_int_eq(flags("--workers 3 --http=off --log-level debug --seconds 1.5"), WEIR_OK);
    ck_assert_uint_eq(options.workers, 3);
    ck_assert_str_eq(options.http, "off");
    ck_assert_int_eq(options.log_level, WEIR_LOG_DEBUG);
    ck_assert_double_eq(options.seconds, 1.5);
    begin();
    ck_assert_int_eq(flags(""), WEIR_OK);
    ck_assert_uint_eq(options.workers, 0);
    ck_assert_ptr_null(options.http);
    ck_assert_int_eq(options.log_level, WEIR_LOG_INFO);
    ck_assert_double_eq(options.seconds, 0);
}
END_TEST

START_TEST(bad_values_of_built_in_options_are_refused)
{
    static const char *const bad[] = { "--workers 0", "--workers 257", "--workers two",
                                       "--workers", "--workers=", "--http :80", "--http",
                                       "--log-level loud", "--seconds -1", "--seconds nan",
                                       "--seconds 1e9", "--seconds soon" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin();
        ck_assert_msg(flags(bad[i]) == WEIR_INVALID, "%s was taken", bad[i]);
        ck_assert_msg(error.what[0], "%s without a sentence", bad[i]);
    }
    begin();
    ck_assert_int_eq(flags("--workers 1e3"), WEIR_INVALID);
    ck_assert_str_eq(error.what, "'1e3' is no number from 1 to 256");
    ck_assert_str_eq(error.detail, "--workers");
}
END_TEST

START_TEST(later_places_win)
{
    weir_setting own[] = { { "input-topic", "of-program", NULL }, { "from", "1", NULL } };
    weir_main_config config = { .struct_size = sizeof config,
                                .http = "8081",
                                .log_level = "error",
                                .seconds = 9,
                                .run = { .workers = 2, .settings = own, .setting_count = 2 } };
    char *environment[] = { "PATH=/bin", "WEIR_INPUT_TOPIC=of-env", "WEIR_HTTP=8082", "WEIR_EMPTY=",
                            "WEIR_lower=1", "WEIR_RATE=2.5", "WEIRD=1", "WEIR_NOTHING", NULL };
    begin();
    ck_assert_int_eq(weir__options_add_program(&options, NULL, &error), WEIR_OK);
    ck_assert_int_eq(weir__options_add_program(&options, &config, &error), WEIR_OK);
    ck_assert_int_eq(weir__options_read_builtins(&options, &error), WEIR_OK);
    ck_assert_str_eq(options.http, "8081");
    ck_assert_int_eq(options.log_level, WEIR_LOG_ERROR);
    ck_assert_uint_eq(options.workers, 2);
    ck_assert_double_eq(options.seconds, 9);
    ck_assert_str_eq(value_of("input-topic"), "of-program");

    ck_assert_int_eq(weir__options_add_environment(&options, environment, &error), WEIR_OK);
    ck_assert_int_eq(weir__options_read_builtins(&options, &error), WEIR_OK);
    ck_assert_str_eq(options.http, "8082");
    ck_assert_str_eq(value_of("input-topic"), "of-env");
    ck_assert_str_eq(value_of("from"), "1");
    ck_assert_ptr_null(value_of("empty"));
    ck_assert_ptr_null(value_of("lower"));

    ck_assert_int_eq(flags("--input-topic of-flag --workers 5 --seconds 0"), WEIR_OK);
    ck_assert_str_eq(value_of("input-topic"), "of-flag");
    ck_assert_uint_eq(options.workers, 5);
    ck_assert_double_eq(options.seconds, 0);

    ck_assert_int_eq(weir__options_set(&options, "input-topic", "of-hook", &error), WEIR_OK);
    ck_assert_str_eq(value_of("input-topic"), "of-hook");
    ck_assert_int_eq(weir__options_check(&options, &declared, NULL, &error), WEIR_OK);

    weir_setting settings[20];
    ck_assert_uint_le(options.count, 20);
    ck_assert_uint_eq(weir__options_settings(&options, settings), 3);
    ck_assert_str_eq(settings[0].name, "from");
    ck_assert_str_eq(settings[1].name, "rate");
    ck_assert_str_eq(settings[1].origin, "WEIR_RATE");
    ck_assert_str_eq(settings[2].value, "of-hook");
}
END_TEST

START_TEST(values_follow_or_are_joined)
{
    begin();
    ck_assert_int_eq(flags("--input-topic=a=b --verbose --from -5 --file x --file y --rate= "), 0);
    ck_assert_str_eq(value_of("input-topic"), "a=b");
    ck_assert_str_eq(value_of("verbose"), "true");
    ck_assert_str_eq(value_of("from"), "-5");
    ck_assert_str_eq(value_of("file"), "y");
    ck_assert_str_eq(value_of("rate"), "");
}
END_TEST

START_TEST(what_is_no_option_is_refused)
{
    begin();
    ck_assert_int_eq(flags("lines"), WEIR_INVALID);
    ck_assert_str_eq(error.what, "'lines' is no option");
    begin();
    ck_assert_int_eq(flags("-workers 2"), WEIR_INVALID);
    ck_assert_str_eq(error.hint, "options begin with two hyphens: --workers");
    static const char *const bad[] = { "--", "-", "--workers 2 3", "--=x" };
    for (size_t i = 0; i < 3; i++) {
        begin();
        ck_assert_int_eq(flags(bad[i]), WEIR_INVALID);
    }
}
END_TEST

START_TEST(unknown_names_are_refused_with_the_nearest)
{
    ck_assert_int_eq(check_flags("--input-tpic x"), WEIR_NOT_FOUND);
    ck_assert_str_eq(error.what, "there is no option --input-tpic");
    ck_assert_str_eq(error.hint, "did you mean --input-topic? --help lists all options");
    ck_assert_int_eq(check_flags("--wrokers 2"), WEIR_NOT_FOUND);
    ck_assert_str_eq(error.hint, "did you mean --workers? --help lists all options");
    ck_assert_int_eq(check_flags("--entirely-different"), WEIR_NOT_FOUND);
    ck_assert_str_eq(error.hint, "--help lists all options");
    /* of a build that has failed they may be what it did not come to */
    declared.is_partial = true;
    ck_assert_int_eq(check_flags("--entirely-different"), WEIR_OK);
    ck_assert_int_eq(check_flags("--brokers a:1"), WEIR_OK); /* near to --workers */
    ck_assert_int_eq(check_flags("--input-tpic x"), WEIR_NOT_FOUND);
    declared.is_partial = false;
    char longer[200] = "--";
    memset(longer + 2, 'a', 150);
    ck_assert_int_eq(check_flags(longer), WEIR_NOT_FOUND);
}
END_TEST

static char told[100];
static void tell(const char *variable) { (void)snprintf(told, sizeof told, "%s", variable); }

START_TEST(variables_meant_for_others_are_told_not_refused)
{
    char *environment[] = { "WEIR_PORT_8080_TCP=tcp", "WEIR_WORKERS=1", "WEIR_FROM=2", NULL };
    begin();
    ck_assert_int_eq(weir__options_add_environment(&options, environment, &error), WEIR_OK);
    ck_assert_int_eq(weir__options_check(&options, &declared, tell, &error), WEIR_OK);
    ck_assert_str_eq(told, "WEIR_PORT_8080_TCP");
    ck_assert_int_eq(weir__options_check(&options, &declared, NULL, &error), WEIR_OK);
}
END_TEST

START_TEST(an_unknown_setting_of_the_program_says_where)
{
    weir_setting own = { "fro", "1", "settings.c" };
    weir_main_config config = { .run = { .settings = &own, .setting_count = 1 } };
    begin();
    ck_assert_int_eq(weir__options_add_program(&options, &config, &error), WEIR_OK);
    ck_assert_int_eq(weir__options_check(&options, &declared, NULL, &error), WEIR_NOT_FOUND);
    ck_assert_str_eq(error.detail, "set by settings.c");
}
END_TEST

START_TEST(values_must_be_of_their_kind)
{
    ck_assert_int_eq(check_flags("--from 12 --rate 1e3 --verbose=no --input-topic 7"), WEIR_OK);
    ck_assert_int_eq(check_flags("--from 1.5"), WEIR_INVALID);
    ck_assert_str_eq(error.what, "--from takes a whole number, not '1.5'");
    ck_assert_str_eq(error.hint, "--from: where to begin");
    ck_assert_int_eq(check_flags("--rate fast"), WEIR_INVALID);
    ck_assert_str_eq(error.what, "--rate takes a number, not 'fast'");
    ck_assert_int_eq(check_flags("--verbose loud"), WEIR_INVALID);
    ck_assert_str_eq(error.what, "--verbose takes true or false, or no value at all, not 'loud'");
    ck_assert_int_eq(check_flags("--input-topic --verbose"), WEIR_INVALID);
    ck_assert_str_eq(error.what, "--input-topic needs a value");
    ck_assert_int_eq(check_flags("--file"), WEIR_INVALID);
    ck_assert_str_eq(error.hint, "--file: text");
}
END_TEST

START_TEST(two_values_for_one_are_refused)
{
    ck_assert_int_eq(check_flags("--from 1 --from 2"), WEIR_INVALID);
    ck_assert_str_eq(error.what, "--from is given twice, as '1' and as '2'");
    ck_assert_int_eq(check_flags("--workers 1 --workers 2"), WEIR_INVALID);
    ck_assert_int_eq(check_flags("--from 1 --from 1"), WEIR_OK);
    ck_assert_int_eq(check_flags("--file a --file b"), WEIR_OK);
    begin();
    ck_assert_int_eq(weir__options_set(&options, "from", "1", &error), WEIR_OK);
    ck_assert_int_eq(weir__options_set(&options, "from", "2", &error), WEIR_OK);
    ck_assert_int_eq(weir__options_check(&options, &declared, NULL, &error), WEIR_OK);
    ck_assert_str_eq(value_of("from"), "2");
}
END_TEST

START_TEST(a_program_must_not_take_a_built_in_name)
{
    static const weir_option_info taken = { "workers", "how many", NULL, "number", false };
    static const weir_option_info *const list[] = { &taken };
    begin();
    ck_assert_int_eq(
        weir__options_check(&options, &(weir__declared){ list, 1, false }, NULL, &error),
        WEIR_EXISTS);
    ck_assert_str_eq(error.what, "the program declares an option --workers");
}
END_TEST

START_TEST(help_and_version_are_seen_early)
{
    begin();
    (void)flags("--from --help");
    ck_assert(options.help && !options.version);
    begin();
    (void)flags("--nonsense --version");
    ck_assert(options.version && !options.help);
    begin();
    (void)flags("-h");
    ck_assert(options.help);
}
END_TEST

static char *printed(void (*print)(FILE *))
{
    static char text[4000];
    FILE *out = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(out);
    print(out);
    (void)fclose(out);
    return text;
}

static void print_help(FILE *out)
{
    weir_main_config config = { .about = "Counts words." };
    weir__report_help(out, &config, "wordcount", &declared);
}

static void print_error(FILE *out) { weir__report_error(out, "p", &error); }
static void print_log(FILE *out) { weir__report_log(out, "p", WEIR_LOG_WARN, "slow"); }

START_TEST(help_lists_all_options)
{
    const char *text = printed(print_help);
    ck_assert_ptr_nonnull(strstr(text, "Usage: wordcount [OPTION]...\nCounts words.\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --input-topic TEXT   topic to read (default: lines)\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --rate NUMBER        records a second (default: 1.5)\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --verbose            say more\n"));
    ck_assert_ptr_nonnull(strstr(text, "may be given several times\n"));
    for (size_t i = 0; i < weir__builtin_count; i++)
        ck_assert_ptr_nonnull(strstr(text, weir__builtins[i].name));
}
END_TEST

START_TEST(errors_and_log_lines_have_a_shape)
{
    begin();
    error.status = WEIR_IO;
    ck_assert_str_eq(printed(print_error), "p: a file or a socket failed\n");
    weir_error_set(&error, WEIR_IO, "no");
    weir_error_detail(&error, "here");
    weir_error_hint(&error, "do");
    ck_assert_str_eq(printed(print_error), "p: no\n  where: here\n  to do: do\n");
    ck_assert_str_eq(printed(print_log), "p: warn: slow\n");
}
END_TEST

/* Everything again with the n-th allocation failing. */
START_TEST(no_memory_is_a_status)
{
    char *environment[] = { "WEIR_FROM=2", NULL };
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        begin();
        size_t before = weir_memory_used();
        weir_memory_fail_nth(n, 0);
        weir_status status = weir__options_add_environment(&options, environment, &error);
        if (status == WEIR_OK)
            status = flags("--a 1 --b 2 --c 3 --d 4 --e 5 --f 6 --g 7 --h 8 --i 9");
        for (int i = 0; i < 20 && status == WEIR_OK; i++)
            status = weir__options_set(&options, "from", "1", &error);
        weir_memory_fail_nth(0, 0);
        done = status == WEIR_OK;
        ck_assert(done || status == WEIR_NO_MEMORY);
        begin();
        ck_assert_uint_eq(weir_memory_used(), before);
    }
}
END_TEST

int main(void)
{
    const TTest *tests[] = { built_in_options_are_read,
                             bad_values_of_built_in_options_are_refused,
                             later_places_win,
                             values_follow_or_are_joined,
                             what_is_no_option_is_refused,
                             unknown_names_are_refused_with_the_nearest,
                             variables_meant_for_others_are_told_not_refused,
                             an_unknown_setting_of_the_program_says_where,
                             values_must_be_of_their_kind,
                             two_values_for_one_are_refused,
                             a_program_must_not_take_a_built_in_name,
                             help_and_version_are_seen_early,
                             help_lists_all_options,
                             errors_and_log_lines_have_a_shape,
                             no_memory_is_a_status,
                             NULL };
    return test_run(test_suite("main_options", tests));
}
