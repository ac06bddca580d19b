/* SPDX-License-Identifier: Apache-2.0
 *
 * What the end-to-end tests share with a shell: a folder of their own, and commands over it. Static
 * functions: each program includes it once.
 */
#ifndef WEIR_TESTS_E2E_SHELL_H
#define WEIR_TESTS_E2E_SHELL_H

#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/base.h>

#include "support.h"

enum { SHELL_MS = 240 * 1000 }; /* less than a test has */

static char test_folder[64];

/* Makes the folder, and goes there. Outside of tests, as `folder_remove` is. */
WEIR_UNUSED static void folder_make(void)
{
    (void)snprintf(test_folder, sizeof test_folder, "/tmp/weir-e2e-XXXXXX");
    if (!mkdtemp(test_folder) || chdir(test_folder)) {
        perror(test_folder);
        exit(1);
    }
}

/* Starts bash with a command that ends when this thread does; out and err: where it writes to. Not
 * by fork: in a child of a program that thread sanitizer watches one of its locks may be taken for
 * ever, before bash runs. */
static pid_t shell_start(const char *command, int out, int err)
{
    char *const words[] = { (char *)"setpriv",
                            (char *)"--pdeathsig",
                            (char *)"KILL",
                            (char *)"bash",
                            (char *)"-c",
                            (char *)command,
                            NULL };
    posix_spawn_file_actions_t actions;
    pid_t pid;
    (void)fflush(NULL);
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO), 0);
    ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO), 0);
    ck_assert_int_eq(posix_spawnp(&pid, words[0], &actions, NULL, words, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Runs a command in bash, in the folder; its exit status. */
WEIR_UNUSED WEIR_PRINTF(1, 2) static int shell(const char *format, ...)
{
    char command[4000];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(command, sizeof command, format, args);
    va_end(args);
    ck_assert_int_lt(len, (int)sizeof command);
    int status = 0;
    pid_t pid = shell_start(command, STDOUT_FILENO, STDERR_FILENO);
    struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
    ck_assert_int_ge(end.fd, 0);
    if (poll(&end, 1, SHELL_MS) == 0)
        test_gives_up("this does not come to its end: %s", command);
    (void)close(end.fd);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

WEIR_UNUSED static void folder_remove(void)
{
    char command[100];
    (void)snprintf(command, sizeof command, "cd / && rm -rf %s", test_folder);
    if (system(command))
        perror(test_folder);
}

/* The whole file as a C string, in memory that is used again. */
WEIR_UNUSED static const char *file_text(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = '\0';
    if (file)
        (void)fclose(file);
    return text;
}

#endif
