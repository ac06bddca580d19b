/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that waits for brokers, away from the workers' threads: questions, and the end of handles.
 * Each piece has a thread of its own for as long as it takes; there are few of them.
 */

#include <weir/memory.h>

#include "kafka/rdkafka.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t none_left = PTHREAD_COND_INITIALIZER;
static unsigned running;

typedef struct errand {
    void (*fn)(void *ctx);
    void *ctx;
} errand;

static void *run(void *at)
{
    errand e = *(errand *)at;
    weir_free(at, sizeof e);
    e.fn(e.ctx);
    pthread_mutex_lock(&lock);
    if (--running == 0)
        pthread_cond_broadcast(&none_left);
    pthread_mutex_unlock(&lock);
    return NULL;
}

void weir__rdkafka_block_signals(sigset_t *before)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    (void)pthread_sigmask(SIG_SETMASK, &all, before);
}

void weir__rdkafka_background(void (*fn)(void *ctx), void *ctx)
{
    errand *e = weir_alloc_must(sizeof *e);
    *e = (errand){ fn, ctx };
    pthread_mutex_lock(&lock);
    running++;
    pthread_mutex_unlock(&lock);
    sigset_t before;
    weir__rdkafka_block_signals(&before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int code = pthread_create(&thread, &attributes, run, e);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code)
        run(e);
}

void weir__rdkafka_settle(void)
{
    pthread_mutex_lock(&lock);
    while (running > 0)
        pthread_cond_wait(&none_left, &lock);
    pthread_mutex_unlock(&lock);
}
