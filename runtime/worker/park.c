/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting: the worker's libuv loop, which has the descriptor that others wake it by, a timer, and
 * whatever connectors added. Raising the flag, looking once more, then sleeping in the loop.
 */
#include <string.h>

#include "base/planted.h"
#include "dataflow/hooks.h"
#include "worker/cluster.h"

enum { POLL_NS = 20 * 1000 };

static void on_wake(uv_poll_t *handle, int status, int events)
{
    (void)handle;
    (void)status;
    (void)events; /* the sleep has ended: that is all */
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

/* What comes from other processes ends the sleep, too. */
static int watch_net(weir_worker *worker)
{
    int fd = weir__cluster_fd(worker->cluster);
    int code = fd < 0 ? 0 : uv_poll_init(&worker->loop, &worker->net_handle, fd);
    if (fd >= 0 && code == 0)
        code = uv_poll_start(&worker->net_handle, UV_READABLE, on_wake);
    if (fd >= 0 && code == 0)
        uv_unref((uv_handle_t *)&worker->net_handle);
    return code;
}

weir_status weir__park_init(weir_worker *worker, weir_error *error)
{
    int fd = worker->context.env->park_fd(worker->context.env->ctx, worker->context.local);
    if (fd < 0)
        return WEIR_OK; /* simulated: nobody sleeps here */
    int code = uv_loop_init(&worker->loop);
    if (code == 0) {
        worker->loop_made = true;
        worker->context.loop = &worker->loop;
        uv_timer_init(&worker->loop, &worker->park_timer);
        code = uv_poll_init(&worker->loop, &worker->wake_handle, fd);
    }
    if (code == 0)
        code = uv_poll_start(&worker->wake_handle, UV_READABLE, on_wake);
    if (code == 0 && worker->cluster)
        code = watch_net(worker);
    if (code) {
        weir_error_set(error, WEIR_SYSTEM, "worker %u cannot make its event loop: %s",
                       worker->context.self, uv_strerror(code));
        weir_error_hint(error, "look at the limit on open files (ulimit -n)");
        return WEIR_SYSTEM;
    }
    uv_unref((uv_handle_t *)&worker->wake_handle);
    return WEIR_OK;
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void weir__park_fini(weir_worker *worker)
{
    if (!worker->loop_made)
        return;
    while (uv_loop_close(&worker->loop) == UV_EBUSY) {
        uv_walk(&worker->loop, close_handle, NULL);
        uv_run(&worker->loop, UV_RUN_NOWAIT);
    }
    worker->loop_made = false;
    worker->context.loop = NULL;
}

void weir__park_poll(weir_worker *worker)
{
    if (!worker->loop_made || worker->context.now_ns < worker->last_poll_ns + POLL_NS)
        return;
    worker->last_poll_ns = worker->context.now_ns;
    /* wake_handle is not counted as alive: what is, somebody else added */
    if (uv_loop_alive(&worker->loop) || worker->loop.active_handles)
        uv_run(&worker->loop, UV_RUN_NOWAIT);
}

uint64_t weir__worker_due_ns(weir_worker *worker)
{
    uint64_t due = weir__agenda_due_ns(&worker->context);
    uint64_t net = worker->cluster ? weir__cluster_due_ns(worker->cluster) : UINT64_MAX;
    return net < due && !WEIR_PLANTED(BEAT_OVERSLEPT) ? net : due;
}

static bool hears_of_others(weir_worker *worker)
{
    return worker->cluster ? worker->running && weir__cluster_has_work(worker->cluster)
                           : __atomic_load_n(&worker->runtime->order.closed, __ATOMIC_ACQUIRE);
}

static bool has_something(weir_worker *worker)
{
    weir__context *context = &worker->context;
    if (worker->running ? context->workers > 1 && weir__worker_receive(worker)
                        : context->cluster && weir__cluster_ready(context->cluster))
        return true;
    return atomic_load_explicit(&context->woken, memory_order_acquire) ||
           atomic_load_explicit(&worker->calls, memory_order_acquire) ||
           weir__agenda_has_credits(&context->agenda) ||
           (worker->running && weir__commands_wait(worker)) ||
           (context->cluster && hears_of_others(worker)) ||
           (!worker->stop_seen &&
            __atomic_load_n(&worker->runtime->stopping, __ATOMIC_ACQUIRE)) ||
           __atomic_load_n(&worker->runtime->stopping, __ATOMIC_ACQUIRE) > 1 ||
           __atomic_load_n(&worker->runtime->failed, __ATOMIC_ACQUIRE);
}

/* Until woken, or something else in the loop is due, or for wait_ns. */
static void sleep_in_loop(weir_worker *worker, uint64_t wait_ns)
{
    uv_ref((uv_handle_t *)&worker->wake_handle);
    uv_update_time(&worker->loop);
    if (wait_ns != UINT64_MAX)
        uv_timer_start(&worker->park_timer, on_timer, (wait_ns + 999999) / 1000000, 0);
    uv_run(&worker->loop, wait_ns == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    uv_timer_stop(&worker->park_timer);
    uv_unref((uv_handle_t *)&worker->wake_handle);
}

void weir__park_wait(weir_worker *worker, uint64_t timeout_ns)
{
    weir__context *context = &worker->context;
    weir_env *env = context->env;
    if (!worker->loop_made && !env->sleep)
        return;
    env->park_prepare(env->ctx, context->local);
    if (WEIR_PLANTED(NO_SECOND_LOOK) || !has_something(worker)) {
        uint64_t now = env->now_ns(env->ctx), due = weir__worker_due_ns(worker);
        uint64_t wait = due == UINT64_MAX ? UINT64_MAX : due > now ? due - now : 0;
        wait = timeout_ns < wait ? timeout_ns : wait;
        weir__pool_trim(context->pool);
        __atomic_store_n(&worker->parks, worker->parks + 1, __ATOMIC_RELAXED);
        weir__event_park(context, now);
        if (env->sleep)
            env->sleep(env->ctx, context->local, wait);
        else
            sleep_in_loop(worker, wait);
        worker->rests++;
        worker->last_poll_ns = env->now_ns(env->ctx);
        __atomic_store_n(&worker->wakes, worker->wakes + 1, __ATOMIC_RELAXED);
        weir__event_unpark(context, worker->last_poll_ns);
    }
    env->park_cancel(env->ctx, context->local);
}

/* libuv hands descriptors to epoll when it runs, not when they are added, and it does not run for
 * handles that are not counted: without this, what the host waits for would be an empty set. */
void weir__park_arm(weir_worker *worker)
{
    if (!worker->loop_made)
        return;
    uv_ref((uv_handle_t *)&worker->wake_handle);
    uv_run(&worker->loop, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)&worker->wake_handle);
}

uint64_t weir__park_timers_ns(const weir_worker *worker)
{
    if (!worker->loop_made || !uv_loop_alive(&worker->loop))
        return UINT64_MAX;
    int ms = uv_backend_timeout(&worker->loop);
    return ms < 0 ? UINT64_MAX : (uint64_t)ms * 1000000;
}

int weir_worker_fd(const weir_worker *worker)
{
    return worker->loop_made ? uv_backend_fd(&worker->loop) : -1;
}
