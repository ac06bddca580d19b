/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the process's log callback and the order of its lines. What happens to a line is the
 * callback's affair: nothing is printed here.
 */
#include <weir/base.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 2048 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weir_log_fn *log_fn;
static void *log_ctx;
static _Atomic weir_log_level log_level = WEIR_LOG_OFF;
/* A callback that calls something that logs must neither deadlock nor recurse. */
static _Thread_local bool inside;

void weir_log_set(weir_log_fn *fn, void *ctx, weir_log_level level)
{
    pthread_mutex_lock(&lock);
    log_fn = fn;
    log_ctx = ctx;
    atomic_store_explicit(&log_level, fn ? level : WEIR_LOG_OFF, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
}

bool weir_log_enabled(weir_log_level level)
{
    return level != WEIR_LOG_OFF && level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void weir_log(weir_log_level level, const char *format, ...)
{
    if (!weir_log_enabled(level) || inside)
        return;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    inside = true;
    if (log_fn)
        log_fn(level, text, log_ctx);
    inside = false;
    pthread_mutex_unlock(&lock);
}
