/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads of the library's own, in which no operator runs. Workers are none of them: what a program
 * wants to happen there, a profiler's signals for one, is its own affair.
 */
#ifndef WEIR_ENV_THREAD_H
#define WEIR_ENV_THREAD_H

#include <pthread.h>

/* As pthread_create, but every signal that comes from outside is blocked in it: handlers run in
 * the program's threads, and no system call of ours ends early for one. */
int weir__thread_start(pthread_t *thread, void *(*fn)(void *ctx), void *ctx);

#endif
