/* SPDX-License-Identifier: Apache-2.0
 *
 * See thread.h.
 */
#include "env/thread.h"

#include <errno.h>
#include <signal.h>

#include <weir/memory.h>

typedef struct beginning {
    void *(*fn)(void *ctx);
    void *ctx;
} beginning;

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

/* Its first allocation is here, and not where memory may be at its limit: jemalloc makes an arena
 * for the thread then, and crashes if it finds no room for that. */
static void *begin(void *given)
{
    beginning b = *(beginning *)given;
    weir_free(given, sizeof b);
    weir_free(weir_alloc_must(sizeof b), sizeof b);
    return b.fn(b.ctx);
}

int weir__thread_start(pthread_t *thread, void *(*fn)(void *ctx), void *ctx)
{
    beginning *b = weir_alloc(sizeof *b);
    sigset_t before;
    if (!b)
        return ENOMEM;
    *b = (beginning){ fn, ctx };
    block_all(&before);
    int code = pthread_create(thread, NULL, begin, b);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code)
        weir_free(b, sizeof *b);
    return code;
}
