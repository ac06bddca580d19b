/* SPDX-License-Identifier: Apache-2.0
 *
 * See thread.h.
 */
#include "env/thread.h"

#include <signal.h>

int weir__thread_start(pthread_t *thread, void *(*fn)(void *ctx), void *ctx)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(thread, NULL, fn, ctx);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}
