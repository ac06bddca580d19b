/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs as the end-to-end tests see them: started with arguments and a few variables, watched by
 * what they write, ended by a signal or by themselves. Static functions: each program includes it
 * once.
 */
#ifndef WEIR_TESTS_E2E_PROCESS_H
#define WEIR_TESTS_E2E_PROCESS_H

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "e2e/client.h"
#include "e2e/shell.h"

typedef struct process {
    pid_t pid;
    int out, err;          /* what it writes, or -1 */
    char text[2][1 << 16]; /* what it has written so far: out, err */
    size_t len[2];
    int status; /* exit status, or 128 + the signal; once it has ended */
    char command[4000], waits_for[100];
    int waited_ms;
} process;

/* Runs a command in bash. Begin it with exec, so that signals reach the program itself. */
WEIR_UNUSED WEIR_PRINTF(2, 3) static void process_start(process *p, const char *format, ...)
{
    char line[4000];
    int out[2], err[2];
    va_list args;
    va_start(args, format);
    ck_assert_int_lt(vsnprintf(line, sizeof line, format, args), (int)sizeof line);
    va_end(args);
    *p = (process){ .pid = -1 };
    memcpy(p->command, line, sizeof line);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
    p->pid = shell_start(line, out[1], err[1]);
    (void)close(out[1]);
    (void)close(err[1]);
    p->out = out[0];
    p->err = err[0];
}

static void process_begins_wait(process *p, const char *what)
{
    (void)snprintf(p->waits_for, sizeof p->waits_for, "%s", what);
    p->waited_ms = 0;
}

/* What each of its threads does, as the kernel sees it: where it sleeps, in which system call. */
static void process_gives_up(const process *p)
{
    char command[200];
    (void)snprintf(command, sizeof command,
                   "exec >&2; cd /proc/%d/task && for t in *; do echo thread $t: $(cat $t/comm) "
                   "$(sed -n s/^State://p $t/status) $(cat $t/wchan) $(cat $t/syscall); done",
                   (int)p->pid);
    (void)!system(command);
    test_gives_up("waited for %s of process %d, %s\nIt wrote:\n%s\nand as errors:\n%s",
                  *p->waits_for ? p->waits_for : "more", (int)p->pid, p->command, p->text[0],
                  p->text[1]);
}

/* Waits for one of the descriptors, but no longer than patience lasts. */
static void process_poll(process *p, struct pollfd *fds, nfds_t count)
{
    for (int ready = 0; ready <= 0;) {
        struct timespec from, to;
        (void)clock_gettime(CLOCK_MONOTONIC, &from);
        ready = poll(fds, count, TURN_MS);
        (void)clock_gettime(CLOCK_MONOTONIC, &to);
        long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
        p->waited_ms += ms < TURN_MS ? (int)ms : TURN_MS; /* more if the test itself stood still */
        if (p->waited_ms > PATIENCE_MS)
            process_gives_up(p);
    }
}

/* Reads what has come; false once both streams have ended. */
static bool process_read(process *p)
{
    struct pollfd fds[2] = { { .fd = p->out, .events = POLLIN },
                             { .fd = p->err, .events = POLLIN } };
    int *const ends[2] = { &p->out, &p->err };
    if (p->out < 0 && p->err < 0)
        return false;
    process_poll(p, fds, 2);
    for (int i = 0; i < 2; i++) {
        if (!fds[i].revents)
            continue;
        if (p->len[i] > sizeof p->text[i] / 2) { /* keep the newer half */
            p->len[i] = sizeof p->text[i] / 4;
            memmove(p->text[i], p->text[i] + sizeof p->text[i] / 4, p->len[i]);
        }
        ssize_t got = read(fds[i].fd, p->text[i] + p->len[i], sizeof p->text[i] - p->len[i] - 1);
        if (got <= 0) {
            (void)close(*ends[i]);
            *ends[i] = -1;
            got = 0;
        }
        p->len[i] += (size_t)got;
        p->text[i][p->len[i]] = '\0';
    }
    return true;
}

/* Waits until it has written something; the place behind it. stream: 0 output, 1 errors. */
WEIR_UNUSED static const char *process_wait_text(process *p, int stream, const char *what)
{
    const char *found;
    process_begins_wait(p, what);
    while (!(found = strstr(p->text[stream], what)))
        ck_assert_msg(process_read(p), "it ended without writing '%s'; it wrote: %s%s", what,
                      p->text[0], p->text[1]);
    return found + strlen(what);
}

/* Waits for its end; the exit status. */
WEIR_UNUSED static int process_wait(process *p)
{
    int status;
    process_begins_wait(p, "the end");
    while (process_read(p))
        ;
    struct pollfd end = { .fd = pidfd_open(p->pid, 0), .events = POLLIN };
    ck_assert_int_ge(end.fd, 0);
    process_poll(p, &end, 1); /* its streams may be closed, and it goes on */
    (void)close(end.fd);
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return p->status;
}

/* The address that weir_main logs. It is overwritten by the next call. */
WEIR_UNUSED static const char *process_url(process *p)
{
    static char url[200];
    const char *at = process_wait_text(p, 1, "listening at ");
    while (!strchr(at, '\n'))
        ck_assert(process_read(p));
    ck_assert_int_eq(sscanf(process_wait_text(p, 1, "listening at "), "%199s", url), 1);
    return url;
}

/* Sends a signal that its handler is to see. In the instant before a thread begins to wait thread
 * sanitizer puts a handler off until a call that then does not come: so not before it waits. */
WEIR_UNUSED static void process_signal(process *p, int number)
{
#ifdef __SANITIZE_THREAD__
    char path[64], what[8] = "";
    process_begins_wait(p, "its main thread to wait");
    (void)snprintf(path, sizeof path, "/proc/%d/syscall", (int)p->pid);
    for (long turn = 0; strcmp(what, "202 ") != 0; turn++) { /* futex, of pthread_join */
        FILE *file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        (void)!fgets(what, 5, file);
        (void)fclose(file);
        (void)sched_yield();
        if (turn == 10000000)
            process_gives_up(p);
    }
#endif
    ck_assert_int_eq(kill(p->pid, number), 0);
}

/* Of all its threads only the first lets the signals through that end a program: in whichever other
 * a handler ran, a system call of code that does not expect it would end early. The threads. */
WEIR_UNUSED static unsigned process_has_one_for_signals(const process *p)
{
    const unsigned long long ours = 1u << (SIGINT - 1) | 1u << (SIGTERM - 1) | 1u << (SIGALRM - 1);
    char path[100], row[200], name[50] = "";
    unsigned threads = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)p->pid);
    DIR *tasks = opendir(path);
    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        unsigned long long blocked = 0;
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)p->pid, (int)thread);
        FILE *status = thread ? fopen(path, "r") : NULL;
        if (!status)
            continue; /* the folder itself, or it has just ended */
        bool known = false;
        while (!known && fgets(row, sizeof row, status)) {
            (void)sscanf(row, "Name: %49s", name);
            known = sscanf(row, "SigBlk: %llx", &blocked) == 1;
        }
        (void)fclose(status);
        if (!known)
            continue;
        ck_assert_msg((blocked & ours) == (thread == p->pid ? 0 : ours),
                      "thread %d ('%s') of process %d: %s", (int)thread, name, (int)p->pid, row);
        threads++;
    }
    (void)closedir(tasks);
    return threads;
}

#endif
