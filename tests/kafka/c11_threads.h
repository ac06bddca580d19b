/* SPDX-License-Identifier: Apache-2.0
 *
 * For the thread sanitizer only: librdkafka makes its threads and locks by C11's calls, which it
 * does not know (its memory functions then crash in such threads). Here they are once more, by
 * POSIX's calls, which it does; those of the program win over those of libc. The types are the
 * same in glibc.
 */
#ifndef WEIR_TESTS_KAFKA_C11_THREADS_H
#define WEIR_TESTS_KAFKA_C11_THREADS_H

#ifdef __SANITIZE_THREAD__

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>

#include <weir/base.h>

/* Its own code is not compiled for the sanitizer, which then sees half of what it does. */
WEIR_API const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:librdkafka.so\nmutex:librdkafka.so\n";
}

typedef struct c11_start {
    thrd_start_t fn;
    void *arg;
} c11_start;

static void *c11_run(void *at)
{
    c11_start start = *(c11_start *)at;
    free(at);
    return (void *)(intptr_t)start.fn(start.arg);
}

static int c11_code(int code)
{
    return code == 0 ? thrd_success : code == ETIMEDOUT ? thrd_timedout : thrd_error;
}

WEIR_API int thrd_create(thrd_t *thread, thrd_start_t fn, void *arg)
{
    c11_start *start = malloc(sizeof *start);
    *start = (c11_start){ fn, arg };
    return c11_code(pthread_create((pthread_t *)thread, NULL, c11_run, start));
}

WEIR_API int thrd_join(thrd_t thread, int *result)
{
    void *value = NULL;
    int code = c11_code(pthread_join((pthread_t)thread, &value));
    if (result)
        *result = (int)(intptr_t)value;
    return code;
}

WEIR_API int mtx_init(mtx_t *m, int type)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE
                                                          : PTHREAD_MUTEX_NORMAL);
    int code = pthread_mutex_init((pthread_mutex_t *)m, &kind);
    pthread_mutexattr_destroy(&kind);
    return c11_code(code);
}

WEIR_API void mtx_destroy(mtx_t *m) { pthread_mutex_destroy((pthread_mutex_t *)m); }
WEIR_API int mtx_lock(mtx_t *m) { return c11_code(pthread_mutex_lock((pthread_mutex_t *)m)); }
WEIR_API int mtx_unlock(mtx_t *m) { return c11_code(pthread_mutex_unlock((pthread_mutex_t *)m)); }

WEIR_API int cnd_init(cnd_t *c) { return c11_code(pthread_cond_init((pthread_cond_t *)c, NULL)); }
WEIR_API void cnd_destroy(cnd_t *c) { pthread_cond_destroy((pthread_cond_t *)c); }
WEIR_API int cnd_signal(cnd_t *c) { return c11_code(pthread_cond_signal((pthread_cond_t *)c)); }
WEIR_API int cnd_broadcast(cnd_t *c)
{
    return c11_code(pthread_cond_broadcast((pthread_cond_t *)c));
}
WEIR_API int cnd_wait(cnd_t *c, mtx_t *m)
{
    return c11_code(pthread_cond_wait((pthread_cond_t *)c, (pthread_mutex_t *)m));
}
WEIR_API int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
    return c11_code(pthread_cond_timedwait((pthread_cond_t *)c, (pthread_mutex_t *)m, until));
}

#endif
#endif
