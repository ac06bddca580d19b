/* SPDX-License-Identifier: Apache-2.0
 *
 * See thread.h.
 */
#include "env/thread.h"

#include <signal.h>

/* What a thread raises by itself when it fails is not held back: a program's crash handler, or a
 * sanitizer's, is to see it. */
static void block_all(sigset_t *before)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    (void)pthread_sigmask(SIG_SETMASK, &all, before);
}

int weir__thread_start(pthread_t *thread, void *(*fn)(void *ctx), void *ctx)
{
    sigset_t before;
    block_all(&before);
    int code = pthread_create(thread, NULL, fn, ctx);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}
