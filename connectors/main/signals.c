/* SPDX-License-Identifier: Apache-2.0
 *
 * See signals.h. Only the main thread ever runs a handler that stops a runtime, and only between
 * `watch` and `restore`, so it never meets a runtime that is gone. A bus error is its own thread's.
 */
#include "main/signals.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGALRM };
enum { SIGNALS = sizeof signals / sizeof *signals };

static struct {
    weir_runtime *runtime;
    atomic_flag asked; /* a second weir_runtime_stop would give up on completion */
    struct sigaction before[SIGNALS], bus_before;
    sigset_t mask_before;
} state;

void weir__signals_stop(void)
{
    if (!atomic_flag_test_and_set(&state.asked))
        weir_runtime_stop(state.runtime);
}

static void on_signal(int number)
{
    if (number != SIGALRM) { /* the next one is the kernel's to deal with */
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGTERM, SIG_DFL);
    }
    weir__signals_stop();
}

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        _exit(1);
}

/* What was read counts for nothing, and there is no way back into whoever read it. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const char *path = weir_mapped_run_at(info->si_addr);
    (void)context;
    if (!path) { /* it comes again, to whoever was there before */
        (void)sigaction(number, &state.bus_before, NULL);
        return;
    }
    say(program_invocation_short_name);
    say(": the run ");
    say(path);
    say(" cannot be read any more: it has become shorter, or its disk fails\n"
        "  what to do: let nobody change the state directory (--state) of a program that runs\n");
    _exit(1);
}

void weir__signals_ignore_pipe(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

void weir__signals_hold(weir_runtime *runtime)
{
    sigset_t set;
    state.runtime = runtime;
    atomic_flag_clear(&state.asked);
    sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&set, signals[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, &state.mask_before);
    struct sigaction action = { .sa_handler = on_signal, .sa_mask = set, .sa_flags = SA_RESTART };
    for (int i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &action, &state.before[i]);
    struct sigaction bus = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
    (void)sigaction(SIGBUS, &bus, &state.bus_before);
}

static void set_alarm(double seconds)
{
    double whole = floor(seconds);
    struct itimerval timer = { 0 };
    timer.it_value.tv_sec = (time_t)whole;
    timer.it_value.tv_usec = (suseconds_t)((seconds - whole) * 1e6);
    if (seconds > 0 && timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0)
        timer.it_value.tv_usec = 1;
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

void weir__signals_watch(double seconds)
{
    sigset_t mask = state.mask_before;
    if (seconds > 0)
        set_alarm(seconds);
    for (int i = 0; i < SIGNALS; i++)
        sigdelset(&mask, signals[i]);
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

void weir__signals_restore(void)
{
    sigset_t set;
    set_alarm(0);
    sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&set, signals[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &state.before[i], NULL);
    (void)sigaction(SIGBUS, &state.bus_before, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &state.mask_before, NULL);
}
