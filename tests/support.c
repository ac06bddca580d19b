/* SPDX-License-Identifier: Apache-2.0
 *
 * See support.h.
 */
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/planted.h"

enum {
    CHILD_SECONDS = 120,  /* then a child hangs */
    LOOKS_MAX = 50000000, /* some half a minute, if nobody else has anything to do */
};

/* The cases of this program, and what Check is given in their place: it calls announce(), which
 * finds the case by the number that a loop's test gets. */
enum { CASES = 200 };
static const TTest *cases[CASES];
static TTest announced[CASES];
static int case_count;

static void announce(int number)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, cases[number]->name);
    cases[number]->fn(0);
}

Suite *test_suite_around(const char *name, const TTest *const *tests, SFun before, SFun after)
{
    Suite *suite = suite_create(name);
    for (; *tests; tests++) { /* a case each: CK_RUN_CASE chooses one */
        TCase *tcase = tcase_create((*tests)->name);
        int number = case_count++;
        if (number >= CASES)
            abort();
        cases[number] = *tests;
        announced[number] = (TTest){ (*tests)->name, announce, (*tests)->file, (*tests)->line };
        tcase_set_timeout(tcase, 0);
        if (before || after)
            tcase_add_checked_fixture(tcase, before, after);
        tcase_add_loop_test(tcase, &announced[number], number, number + 1);
        suite_add_tcase(suite, tcase);
    }
    return suite;
}

Suite *test_suite(const char *name, const TTest *const *tests)
{
    return test_suite_around(name, tests, NULL, NULL);
}

int test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? 0 : 1;
}

void test_gives_up(const char *format, ...)
{
    static char why[1 << 18];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    fprintf(stderr, "%s gives up: %s\n", program_invocation_short_name, why);
    ck_abort_msg("gave up: %s", why);
}

/* From any thread: where others wait as well, there is no way back into the suite. */
static void end_in_vain(const char *what)
{
    fprintf(stderr, "%s gives up: waited in vain for %s\n", program_invocation_short_name, what);
    _exit(1);
}

void test_look_again(uint64_t *looks, const char *what)
{
    if (++*looks == LOOKS_MAX)
        end_in_vain(what);
    sched_yield();
}

void test_wait_to_read(int fd, const char *what)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    if (poll(&p, 1, TEST_PATIENCE_MS) != 1)
        end_in_vain(what);
}

/* The linker puts this in the place of pthread_create (--wrap), in the library as well. Programs
 * that are not named as having threads are not run with the thread sanitizer. */
int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*fn)(void *ctx), void *ctx)
{
    if (getenv("TEST_ONE_THREAD")) {
        fprintf(stderr, "%s starts a thread: tests/CMakeLists.txt has to name it as `threaded`\n",
                program_invocation_short_name);
        _exit(1);
    }
    return __real_pthread_create(thread, attributes, fn, ctx);
}

uint64_t test_seed(uint64_t fixed)
{
    const char *given = getenv("WEIR_SEED");
    return given && *given ? strtoull(given, NULL, 0) : fixed;
}

void test_each_seed(void (*run)(uint64_t seed), uint64_t count)
{
    uint64_t named = test_seed(0);
    for (uint64_t seed = named ? named : 1; seed <= (named ? named : count); seed++)
        run(seed);
}

void test_address(char *address, size_t size)
{
    static unsigned port = 20000;
    unsigned pid = (unsigned)getpid(); /* has 22 bits at the most */
    (void)snprintf(address, size, "127.%u.%u.%u:%u", 1 + pid / 65536 % 254, pid / 256 % 256,
                   pid % 256, port++);
}

void test_read_all(int from, char *text, size_t size)
{
    size_t length = 0;
    for (ssize_t n; (n = read(from, text + length, size - 1 - length)) > 0;)
        length += (size_t)n;
    text[length] = '\0';
    close(from);
}

bool test_mapped_with(const void *at, const char *flag)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    ck_assert_ptr_nonnull(maps);
    char line[512];
    bool here = false, is_so = false;
    while (fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            here = (uintptr_t)at >= from && (uintptr_t)at < to;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            is_so = strstr(line + 8, flag) != NULL;
    }
    fclose(maps);
    return is_so;
}

void test_dies(void (*fn)(void *ctx), void *ctx, const char *text)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        (void)alarm(CHILD_SECONDS);
        fn(ctx);
        _exit(0);
    }
    close(ends[1]);
    char said[4096];
    test_read_all(ends[0], said, sizeof said);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM, "hangs: %s", text);
    ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != 0, "goes on: %s", text);
    ck_assert_msg(strstr(said, text) != NULL, "says: %s\nand not: %s", said, text);
}

#ifdef WEIR_HAS_PLANTED
/* A line for sim/planted: this program, and the mistakes that it has met. In one piece, since other
 * processes write, too. */
static __attribute__((destructor)) void tell_met(void)
{
    const char *path = getenv("WEIR_PLANTED_MET");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%s", program_invocation_short_name);
    for (int i = 1; i < WEIR__MISTAKES; i++)
        if (weir__planted_met[i])
            fprintf(file, " %d", i);
    fprintf(file, "\n");
    fclose(file);
}
#endif
