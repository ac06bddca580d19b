/* SPDX-License-Identifier: Apache-2.0
 *
 * See watch.h. What a worker is in is one word of its live block (event/flight.h); that the same
 * step lasts is seen by the worker's counts of turns and steps, which do not move meanwhile.
 */
#include "worker/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "env/thread.h"
#include "dataflow/hooks.h"

enum { LOOKS = 2 /* within the time that is long */, LONG_MS = 100, HELD_MS = 10000 };

/* What the last look has seen of a worker. */
typedef struct seen {
    uint64_t in_step, steps, turns;
    uint64_t since_ns;
    bool told;
} seen;

struct weir__watch {
    weir_runtime *runtime;
    uint64_t long_ns, held_ns, held_due_ns; /* UINT64_MAX: never */
    pthread_t thread;
    bool has_thread, ending;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t wakes;
    seen *seen; /* one a worker */
};

static uint64_t in_ns(unsigned ms, unsigned fallback)
{
    if (ms == UINT_MAX)
        return UINT64_MAX;
    return (uint64_t)(ms ? ms : fallback) * 1000000;
}

weir__watch *weir__watch_create(weir_runtime *runtime)
{
    const weir_config *config = &runtime->config;
    pthread_condattr_t attributes;
#ifdef WEIR_NO_EVENTS
    return NULL;
#endif
    weir__watch *watch = weir_alloc_must(sizeof *watch);
    size_t size = config->workers * sizeof *watch->seen;
    *watch = (weir__watch){ .runtime = runtime,
                            .long_ns = in_ns(config->long_step_ms, LONG_MS),
                            .held_ns = in_ns(config->held_ms, HELD_MS) };
    watch->held_due_ns = watch->held_ns == UINT64_MAX ? UINT64_MAX
                                                      : runtime->created_ns + watch->held_ns;
    watch->seen = weir_alloc_must(size);
    memset(watch->seen, 0, size);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&watch->lock, NULL);
    (void)pthread_cond_init(&watch->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return watch;
}

void weir__watch_destroy(weir__watch *watch)
{
    if (!watch)
        return;
    if (watch->has_thread) {
        (void)pthread_mutex_lock(&watch->lock);
        watch->ending = true;
        (void)pthread_cond_signal(&watch->changed);
        (void)pthread_mutex_unlock(&watch->lock);
        (void)pthread_join(watch->thread, NULL);
    }
    (void)pthread_cond_destroy(&watch->changed);
    (void)pthread_mutex_destroy(&watch->lock);
    weir_free(watch->seen, watch->runtime->config.workers * sizeof *watch->seen);
    weir_free(watch, sizeof *watch);
}

uint64_t weir__watch_held_ns(const weir_runtime *runtime)
{
    return runtime->watch ? runtime->watch->held_ns : UINT64_MAX;
}

/* ---- names ---- */

const char *weir__operator_text(weir_runtime *runtime, uint64_t place, char *text, size_t size)
{
    uint32_t id = (uint32_t)(place >> 32) - 1, node = (uint32_t)place;
    (void)pthread_mutex_lock(&runtime->dataflows_lock);
    const weir_dataflow *dataflow = weir__id_table_find(&runtime->dataflow_table, id);
    const weir_graph *graph = dataflow ? dataflow->graph : NULL;
    if (graph && node < graph->nodes.count)
        (void)snprintf(text, size, "operator '%s'", weir__graph_node(graph, node)->name);
    else
        (void)snprintf(text, size, "operator %u of dataflow %u", node, id);
    (void)pthread_mutex_unlock(&runtime->dataflows_lock);
    return text;
}

void weir_observe_worker(const weir_runtime *constant, unsigned index, weir_worker_info *info)
{
    weir_runtime *runtime = (weir_runtime *)constant; /* its lock changes */
    const weir_worker *worker = &runtime->workers[index];
    const weir__live *live = worker->context.live;
    uint64_t place = __atomic_load_n(&live->in_step, __ATOMIC_RELAXED);
    *info = (weir_worker_info){ .in_step = place != 0,
                                .turns = __atomic_load_n(&worker->turns, __ATOMIC_RELAXED),
                                .steps = __atomic_load_n(&live->steps, __ATOMIC_RELAXED),
                                .parks = __atomic_load_n(&worker->parks, __ATOMIC_RELAXED) };
    if (place)
        (void)weir__operator_text(runtime, place, info->node, sizeof info->node);
}

/* ---- looking ---- */

static void set_hook(weir_worker *worker, uint32_t bit)
{
    (void)__atomic_fetch_or(&worker->context.hooks, bit, __ATOMIC_SEQ_CST);
}

static void tell_blocked(weir__watch *watch, unsigned index, uint64_t place, uint64_t ns)
{
    char name[160];
    (void)weir__operator_text(watch->runtime, place, name, sizeof name);
    weir_log(WEIR_LOG_WARN, "%s has kept worker %u for %.3f s and has not returned yet", name,
             index, (double)ns / 1e9);
}

static bool look_at(weir__watch *watch, unsigned index, uint64_t now_ns)
{
    weir_worker *worker = &watch->runtime->workers[index];
    const weir__live *live = worker->context.live;
    seen *s = &watch->seen[index];
    seen now = { .in_step = __atomic_load_n(&live->in_step, __ATOMIC_RELAXED),
                 .steps = __atomic_load_n(&live->steps, __ATOMIC_RELAXED),
                 .turns = __atomic_load_n(&worker->turns, __ATOMIC_RELAXED),
                 .since_ns = now_ns };
    bool same = now.in_step == s->in_step && now.steps == s->steps && now.turns == s->turns;
    bool active = now.in_step || now.steps != s->steps; /* turns alone are none */
    if (!same)
        *s = now;
    if (!same || !now.in_step)
        return active;
    uint64_t ns = now_ns - s->since_ns;
    if (ns < watch->long_ns || s->told)
        return true;
    s->told = true;
    __atomic_store_n(&worker->marked_place, now.in_step, __ATOMIC_RELAXED);
    __atomic_store_n(&worker->marked_ns, s->since_ns, __ATOMIC_RELAXED);
    set_hook(worker, WEIR__HOOK_MARKED);
    tell_blocked(watch, index, now.in_step, ns);
    return true;
}

bool weir__watch_look(weir__watch *watch, uint64_t now_ns)
{
    bool any = false;
    for (unsigned w = 0; w < watch->runtime->config.workers; w++)
        any |= look_at(watch, w, now_ns);
    return any;
}

/* ---- the thread ---- */

static void held_on_worker(weir_worker *worker, void *ctx)
{
    (void)ctx;
    weir__watch_held(worker);
}

/* Each worker looks for itself, if it still takes calls. */
static void look_for_held(weir__watch *watch, uint64_t now_ns)
{
    weir_runtime *runtime = watch->runtime;
    watch->held_due_ns = now_ns + watch->held_ns;
    for (unsigned w = 0; w < runtime->config.workers; w++)
        if (!atomic_load_explicit(&runtime->workers[w].calls, memory_order_relaxed))
            weir_runtime_call(runtime, w, held_on_worker, NULL);
}

/* With the lock held; until then, or until it has been woken more often than so. */
static void wait_until(weir__watch *watch, uint64_t until_ns, uint64_t wakes)
{
    struct timespec at = { .tv_sec = (time_t)(until_ns / 1000000000u),
                           .tv_nsec = (long)(until_ns % 1000000000u) };
    int code = 0;
    while (!watch->ending && watch->wakes == wakes && code != ETIMEDOUT)
        code = until_ns == UINT64_MAX ? pthread_cond_wait(&watch->changed, &watch->lock)
                                      : pthread_cond_timedwait(&watch->changed, &watch->lock, &at);
}

static void ask_to_be_woken(weir__watch *watch)
{
    for (unsigned w = 0; w < watch->runtime->config.workers; w++)
        set_hook(&watch->runtime->workers[w], WEIR__HOOK_ASLEEP);
}

/* While workers do something: a look now and then. When none has, they are asked to wake it, and
 * after one more look, since one may just have begun and not seen that, it sleeps; but once more
 * for what is held for long. */
static void *run(void *ctx)
{
    weir__watch *watch = ctx;
    weir_env *env = watch->runtime->env;
    uint64_t tick_ns = watch->long_ns == UINT64_MAX ? watch->held_ns : watch->long_ns / LOOKS;
    bool held_seen = true;
    unsigned idle = 0;
    (void)pthread_mutex_lock(&watch->lock);
    while (!watch->ending) {
        uint64_t now = env->now_ns(env->ctx), until = now + tick_ns, wakes = watch->wakes;
        (void)pthread_mutex_unlock(&watch->lock);
        if (weir__watch_look(watch, now)) {
            idle = 0;
            held_seen = false;
        } else {
            ask_to_be_woken(watch);
            if (idle++ > 0)
                until = held_seen ? UINT64_MAX : watch->held_due_ns;
        }
        if (now >= watch->held_due_ns && !held_seen) {
            look_for_held(watch, now);
            held_seen = idle > 0;
            until = now + tick_ns;
        }
        (void)pthread_mutex_lock(&watch->lock);
        wait_until(watch, until, wakes);
        if (watch->wakes != wakes)
            idle = 0; /* who woke it is asked no more, and may be on its way into a step: as anew */
    }
    (void)pthread_mutex_unlock(&watch->lock);
    return NULL;
}

void weir__watch_start(weir__watch *watch)
{
    if (!watch || (watch->long_ns == UINT64_MAX && watch->held_ns == UINT64_MAX))
        return;
    watch->has_thread = weir__thread_start(&watch->thread, run, watch) == 0;
}

/* ---- the worker's side ---- */

static void wake(weir__watch *watch)
{
    (void)pthread_mutex_lock(&watch->lock);
    watch->wakes++;
    (void)pthread_cond_signal(&watch->changed);
    (void)pthread_mutex_unlock(&watch->lock);
}

static weir_step *step_at(weir_worker *worker, uint64_t place)
{
    weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, (uint32_t)(place >> 32) - 1);
    uint32_t node = (uint32_t)place;
    return dataflow && node < dataflow->graph->nodes.count ? &dataflow->nodes[node].step : NULL;
}

void weir__watch_hooked(weir_worker *worker)
{
    const weir_env *env = worker->context.env;
    uint32_t bits = WEIR__HOOK_ASLEEP | WEIR__HOOK_MARKED;
    uint32_t had = __atomic_fetch_and(&worker->context.hooks, ~bits, __ATOMIC_SEQ_CST);
    if (had & WEIR__HOOK_ASLEEP)
        wake(worker->runtime->watch);
    if (!(had & WEIR__HOOK_MARKED))
        return;
    weir_step *step = step_at(worker, __atomic_load_n(&worker->marked_place, __ATOMIC_RELAXED));
    uint64_t marked_ns = __atomic_load_n(&worker->marked_ns, __ATOMIC_RELAXED);
    if (step) /* by the clock itself: the time of the worker's turn may be older than the mark */
        weir__watch_long_step(step, env->now_ns(env->ctx) - marked_ns);
}

/* The first of a node is logged, then whenever they have doubled: who is always slow fills no
 * log. */
void weir__watch_long_step(weir_step *step, uint64_t ns)
{
    weir__context *context = step->context;
    uint64_t n = step->long_steps + 1;
    (void)__atomic_fetch_and(&context->hooks, ~(uint32_t)WEIR__HOOK_MARKED, __ATOMIC_RELAXED);
    __atomic_store_n(&step->long_steps, n, __ATOMIC_RELAXED);
    if (ns > step->longest_ns)
        __atomic_store_n(&step->longest_ns, ns, __ATOMIC_RELAXED);
    weir__event_long_step(step, ns);
    if ((n & (n - 1)) == 0)
        weir_log(WEIR_LOG_WARN, "operator '%s' kept worker %u for %.3f s (%llu such steps so far)",
                 step->node->name, context->self, (double)ns / 1e9, (unsigned long long)n);
}

void weir__watch_timed(weir_step *step, uint64_t ns)
{
    const weir__watch *watch = ((weir_worker *)step->context)->runtime->watch;
    if (watch && ns >= watch->long_ns)
        weir__watch_long_step(step, ns);
}
