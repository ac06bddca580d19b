/* SPDX-License-Identifier: Apache-2.0
 *
 * Statuses, errors, the log, assertions.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/base.h>

#include "base/assert.h"
#include "support.h"

START_TEST(version_is_that_of_the_header)
{
    ck_assert_str_eq(weir_version(), WEIR_VERSION);
}
END_TEST

START_TEST(every_status_has_a_name_and_a_text)
{
    ck_assert_str_eq(weir_status_name(WEIR_OK), "OK");
    ck_assert_str_eq(weir_status_name(WEIR_CANCELLED), "CANCELLED");
    for (int i = WEIR_OK; i <= WEIR_CANCELLED; i++) {
        ck_assert_int_gt(strlen(weir_status_name((weir_status)i)), 0);
        ck_assert_int_gt(strlen(weir_status_text((weir_status)i)), 0);
    }
    ck_assert_str_eq(weir_status_name((weir_status)9999), "UNKNOWN");
    ck_assert_int_gt(strlen(weir_status_text((weir_status)9999)), 0);
}
END_TEST

START_TEST(an_error_holds_what_detail_and_hint)
{
    weir_error error = { .status = WEIR_OK };
    char text[200];
    ck_assert_int_eq(weir_error_set(&error, WEIR_INVALID, "no field '%s'", "x"), WEIR_INVALID);
    ck_assert_int_eq(error.status, WEIR_INVALID);
    ck_assert_str_eq(weir_error_text(&error, text, sizeof text), "no field 'x'");
    weir_error_detail(&error, "in %s", "count");
    ck_assert_str_eq(weir_error_text(&error, text, sizeof text), "no field 'x': in count");
    weir_error_hint(&error, "name one of %d", 3);
    ck_assert_str_eq(weir_error_text(&error, text, sizeof text),
                     "no field 'x': in count (name one of 3)");
    weir_error_set(&error, WEIR_IO, "other");
    ck_assert_str_eq(weir_error_text(&error, text, sizeof text), "other");
    ck_assert_str_eq(weir_error_text(&error, text, 4), "oth");
}
END_TEST

START_TEST(an_error_may_be_null_and_long_texts_are_cut)
{
    char text[64] = "left alone", longer[2000];
    ck_assert_int_eq(weir_error_set(NULL, WEIR_IO, "x"), WEIR_IO);
    weir_error_detail(NULL, "x");
    weir_error_hint(NULL, "x");
    weir_error_text(NULL, text, 0);
    ck_assert_str_eq(text, "left alone");
    ck_assert_str_eq(weir_error_text(NULL, text, sizeof text), "");
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    weir_error error;
    weir_error_set(&error, WEIR_IO, "%s", longer);
    ck_assert_uint_eq(strlen(error.what), sizeof error.what - 1);
    weir_error empty = { .status = WEIR_GONE };
    ck_assert_str_eq(weir_error_text(&empty, text, sizeof text), weir_status_text(WEIR_GONE));
}
END_TEST

struct lines {
    int count;
    weir_log_level level;
    char last[4096];
};

static void keep(weir_log_level level, const char *text, void *ctx)
{
    struct lines *lines = ctx;
    lines->count++;
    lines->level = level;
    snprintf(lines->last, sizeof lines->last, "%s", text);
    weir_log(WEIR_LOG_ERROR, "from inside: dropped, no deadlock");
}

START_TEST(the_log_reaches_the_callback_at_its_level)
{
    struct lines lines = { 0 };
    weir_log(WEIR_LOG_ERROR, "to nobody");
    ck_assert(!weir_log_enabled(WEIR_LOG_ERROR));
    weir_log_set(keep, &lines, WEIR_LOG_WARN);
    ck_assert(weir_log_enabled(WEIR_LOG_WARN));
    ck_assert(!weir_log_enabled(WEIR_LOG_INFO));
    ck_assert(!weir_log_enabled(WEIR_LOG_OFF));
    weir_log(WEIR_LOG_INFO, "too unimportant");
    ck_assert_int_eq(lines.count, 0);
    weir_log(WEIR_LOG_WARN, "disk %d%% full", 91);
    ck_assert_int_eq(lines.count, 1);
    ck_assert_int_eq(lines.level, WEIR_LOG_WARN);
    ck_assert_str_eq(lines.last, "disk 91% full");
    weir_log_set(NULL, NULL, WEIR_LOG_DEBUG);
    weir_log(WEIR_LOG_ERROR, "to nobody again");
    ck_assert_int_eq(lines.count, 1);
}
END_TEST

START_TEST(a_failed_assertion_says_so_and_aborts)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        WEIR_ASSERT(ends[0] < 0, "operator '%s': no capability at %d", "count", 7);
        _exit(0);
    }
    close(ends[1]);
    char text[512];
    test_read_all(ends[0], text, sizeof text);
    int status = 0;
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "operator 'count': no capability at 7 ("));
    WEIR_ASSERT(true, "not reached");
}
END_TEST

/* ---- structs of callers ---- */

typedef struct older {
    size_t struct_size;
    uint64_t a;
} older;
typedef struct newer {
    size_t struct_size;
    uint64_t a, b;
} newer;

START_TEST(structs_of_other_versions_are_read_as_far_as_both_know_them)
{
    newer now = { 7, 7, 7 };
    older before = { sizeof before, 1 }, then = { 9, 9 };
    weir_struct_copy(&now, sizeof now, &before);
    ck_assert(now.struct_size == sizeof now && now.a == 1 && now.b == 0);
    newer later = { sizeof later, 2, 3 };
    weir_struct_copy(&then, sizeof then, &later);
    ck_assert(then.struct_size == sizeof then && then.a == 2);
    newer unsaid = { 0, 4, 5 };
    weir_struct_copy(&now, sizeof now, &unsaid);
    ck_assert(now.struct_size == sizeof now && now.a == 4 && now.b == 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        version_is_that_of_the_header,
        every_status_has_a_name_and_a_text,
        an_error_holds_what_detail_and_hint,
        an_error_may_be_null_and_long_texts_are_cut,
        the_log_reaches_the_callback_at_its_level,
        a_failed_assertion_says_so_and_aborts,
        structs_of_other_versions_are_read_as_far_as_both_know_them,
        NULL,
    };
    return test_run(test_suite("status", tests));
}
