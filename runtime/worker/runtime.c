/* SPDX-License-Identifier: Apache-2.0
 *
 * A runtime's life: created, given graphs, started, waited for, stopped, destroyed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "comm/cores.h"
#include "worker/runtime.h"

enum { BUDGET_BYTES = 256 << 20, BATCH_BYTES = (16 << 10) - WEIR__BUFFER_HEADER, TICK_MS = 5 };

/* ---- folding the log entries that a slow reader has missed ---- */

typedef struct log_fold {
    weir_runtime *runtime;
    weir__changes *changes; /* one a dataflow */
} log_fold;

static void *fold_begin(void *ctx)
{
    weir_runtime *runtime = ctx;
    log_fold *fold = weir_alloc_must(sizeof *fold);
    size_t size = runtime->graph_count * sizeof *fold->changes;
    fold->runtime = runtime;
    fold->changes = weir_alloc_must(size);
    memset(fold->changes, 0, size);
    return fold;
}

static void fold_add(void *sum, const void *entry, size_t size)
{
    log_fold *fold = sum;
    const char *data = entry;
    for (size_t at = 0; at + 8 <= size;) {
        uint32_t head[2];
        memcpy(head, data + at, sizeof head);
        at += sizeof head;
        weir__depths depths =
            weir__topology_depths(fold->runtime->graphs[head[0]]->topology);
        weir_status status = weir__changes_decode(&fold->changes[head[0]], depths, data + at,
                                                  head[1], NULL);
        WEIR_ASSERT(status == WEIR_OK, "our own log entry cannot be read");
        at += head[1];
    }
}

static weir_mail fold_finish(void *sum)
{
    log_fold *fold = sum;
    weir_runtime *runtime = fold->runtime;
    size_t size = 0, at = 0;
    for (uint32_t i = 0; i < runtime->graph_count; i++)
        if (!weir__changes_is_empty(&fold->changes[i]))
            size += 8 + weir__changes_encoded_size(&fold->changes[i],
                                                   weir__topology_depths(
                                                       runtime->graphs[i]->topology));
    char *block = weir_alloc_must(size);
    for (uint32_t i = 0; i < runtime->graph_count; i++) {
        weir__changes *changes = &fold->changes[i];
        weir__depths depths = weir__topology_depths(runtime->graphs[i]->topology);
        if (!weir__changes_is_empty(changes)) {
            uint32_t head[2] = { i, (uint32_t)weir__changes_encoded_size(changes, depths) };
            memcpy(block + at, head, sizeof head);
            weir__changes_encode(changes, depths, block + at + sizeof head);
            at += sizeof head + head[1];
        }
        weir__changes_fini(changes);
    }
    weir_free(fold->changes, runtime->graph_count * sizeof *fold->changes);
    weir_free(fold, sizeof *fold);
    return (weir_mail){ block, size };
}

weir_log_sum weir__runtime_log_sum(weir_runtime *runtime)
{
    return (weir_log_sum){ fold_begin, fold_add, fold_finish, runtime };
}

/* ---- create and destroy ---- */

static weir_status check_config(const weir_config *config, weir_error *error)
{
    if (config->workers > WEIR_WORKERS_MAX) {
        weir_error_set(error, WEIR_INVALID, "%u workers: at most %d are possible",
                       config->workers, WEIR_WORKERS_MAX);
        return WEIR_INVALID;
    }
    return WEIR_OK;
}

static weir_config with_defaults(const weir_config *given, weir_env *env)
{
    weir_config config = { 0 };
    if (given) {
        size_t size = given->struct_size ? given->struct_size : sizeof config;
        memcpy(&config, given, size < sizeof config ? size : sizeof config);
    }
    config.struct_size = sizeof config;
    if (!config.workers)
        config.workers = 1;
    if (!config.budget_bytes)
        config.budget_bytes = BUDGET_BYTES;
    if (!config.batch_bytes)
        config.batch_bytes = BATCH_BYTES;
    if (!config.epoch_tick_ms)
        config.epoch_tick_ms = TICK_MS;
    while (!config.hash_seed)
        config.hash_seed = env->random_u64(env->ctx);
    return config;
}

/* Operators find the registry of views as a service, whosever it is. */
static void add_views(weir_runtime *runtime)
{
    weir_config *config = &runtime->config;
    size_t count = config->service_count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(config->services[i].name, "views") == 0)
            return;
    runtime->views = weir_views_create();
    runtime->services = weir_alloc_must((count + 1) * sizeof *runtime->services);
    if (count)
        memcpy(runtime->services, config->services, count * sizeof *runtime->services);
    runtime->services[count] = (weir_service){ "views", runtime->views };
    config->services = runtime->services;
    config->service_count = count + 1;
}

weir_views *weir_runtime_views(const struct weir_runtime *runtime)
{
    const weir_config *config = &runtime->config;
    for (size_t i = 0; i < config->service_count; i++)
        if (strcmp(config->services[i].name, "views") == 0)
            return config->services[i].object;
    return NULL;
}

weir_runtime *weir_runtime_create(const weir_config *config, weir_error *error)
{
    if (config && check_config(config, error) != WEIR_OK)
        return NULL;
    weir_runtime *runtime = weir_alloc_must(sizeof *runtime);
    memset(runtime, 0, sizeof *runtime);
    pthread_mutex_init(&runtime->mutex, NULL);
    unsigned workers = config && config->workers ? config->workers : 1;
    runtime->env = config ? config->env : NULL;
    if (!runtime->env) {
        weir_log_sum sum = weir__runtime_log_sum(runtime);
        runtime->env = weir__env_threads_create(workers, &sum, error);
        runtime->owns_env = true;
    }
    if (!runtime->env) {
        weir_free(runtime, sizeof *runtime);
        return NULL;
    }
    runtime->config = with_defaults(config, runtime->env);
    add_views(runtime);
    runtime->created_ns = runtime->env->now_ns(runtime->env->ctx);
    if (weir__events_start(runtime, error) != WEIR_OK) {
        runtime->config.workers = 0; /* none was made */
        weir_runtime_destroy(runtime);
        return NULL;
    }
    runtime->workers = weir_alloc_must(workers * sizeof *runtime->workers);
    memset(runtime->workers, 0, workers * sizeof *runtime->workers);
    for (unsigned i = 0; i < workers; i++)
        if (weir__worker_init(&runtime->workers[i], runtime, i) != WEIR_OK) {
            weir_error_set(error, WEIR_NO_MEMORY, "no memory for worker %u", i);
            weir_runtime_destroy(runtime);
            return NULL;
        }
    return runtime;
}

weir_status weir_runtime_build(weir_runtime *runtime, const char *name, weir_build_fn *build,
                               void *ctx, weir_error *error)
{
    if (runtime->started) {
        weir_error_set(error, WEIR_INVALID, "a dataflow was built after the start");
        weir_error_hint(error, "build every dataflow before weir_runtime_start");
        return WEIR_INVALID;
    }
    weir_graph *graph = weir__graph_create(runtime, &runtime->config, name);
    graph->id = runtime->graph_count;
    build(graph, ctx);
    weir_status status = weir__plan_make(graph, error);
    if (status != WEIR_OK) {
        weir__graph_destroy(graph);
        return status;
    }
    if (runtime->graph_count == runtime->graph_capacity) {
        uint32_t old = runtime->graph_capacity, capacity = old ? old * 2 : 8;
        runtime->graphs = weir_realloc_must(runtime->graphs, old * sizeof(weir_graph *),
                                            capacity * sizeof(weir_graph *));
        runtime->graph_capacity = capacity;
    }
    runtime->graphs[runtime->graph_count++] = graph;
    return WEIR_OK;
}

/* Makes every worker's instances, which know each other, before any thread runs. */
static void open_dataflows(weir_runtime *runtime)
{
    unsigned workers = runtime->config.workers;
    for (unsigned w = 0; w < workers; w++) {
        weir_worker *worker = &runtime->workers[w];
        worker->dataflows = weir_alloc_must(runtime->graph_count * sizeof(weir__dataflow *));
        worker->dataflow_count = runtime->graph_count;
        for (uint32_t i = 0; i < runtime->graph_count; i++)
            worker->dataflows[i] = weir__dataflow_create(runtime->graphs[i], &worker->context);
    }
    for (uint32_t i = 0; i < runtime->graph_count; i++) {
        weir__dataflow **peers = weir_graph_alloc(runtime->graphs[i],
                                                  workers * sizeof(weir__dataflow *));
        for (unsigned w = 0; w < workers; w++) {
            peers[w] = runtime->workers[w].dataflows[i];
            peers[w]->peers = peers;
        }
    }
    runtime->opened = true;
}

static void *thread_main(void *ctx)
{
    weir__worker_run(ctx);
    return NULL;
}

static void begin(weir_runtime *runtime)
{
    if (runtime->opened)
        return;
    runtime->started = true;
    open_dataflows(runtime);
}

weir_status weir_runtime_start(weir_runtime *runtime, weir_error *error)
{
    begin(runtime);
    for (unsigned w = 0; w < runtime->config.workers; w++) {
        weir_worker *worker = &runtime->workers[w];
        if (worker->taken || worker->has_thread)
            continue;
        int code = pthread_create(&worker->thread, NULL, thread_main, worker);
        if (code) {
            weir_error problem = { 0 };
            weir_error_set(&problem, WEIR_SYSTEM, "the thread of worker %u cannot be started: %s",
                           w, strerror(code));
            weir_error_hint(&problem, "use fewer workers, or raise the limit on processes");
            weir__runtime_fail(runtime, &problem);
            if (error)
                *error = problem;
            return WEIR_SYSTEM;
        }
        worker->has_thread = true;
    }
    return WEIR_OK;
}

void weir__runtime_fail(weir_runtime *runtime, const weir_error *error)
{
    pthread_mutex_lock(&runtime->mutex);
    if (!__atomic_load_n(&runtime->failed, __ATOMIC_RELAXED)) {
        runtime->error = *error;
        __atomic_store_n(&runtime->failed, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&runtime->mutex);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        runtime->env->wake(runtime->env->ctx, w);
}

weir_status weir_runtime_wait(weir_runtime *runtime, weir_error *error)
{
    begin(runtime);
    for (unsigned w = 0; w < runtime->config.workers; w++) {
        weir_worker *worker = &runtime->workers[w];
        if (worker->has_thread)
            pthread_join(worker->thread, NULL);
        else if (!worker->taken)
            weir__worker_run(worker);
        worker->has_thread = false;
    }
    if (__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE)) {
        if (error)
            *error = runtime->error;
        return runtime->error.status;
    }
    if (__atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE) > 1)
        return weir_error_set(error, WEIR_CANCELLED, "ended at once, before all was complete");
    return WEIR_OK;
}

void weir_runtime_stop(weir_runtime *runtime)
{
    __atomic_fetch_add(&runtime->stopping, 1, __ATOMIC_ACQ_REL);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        runtime->env->wake(runtime->env->ctx, w);
}

/* What travelled when the run ended early. */
static void drain_mail(weir_runtime *runtime)
{
    unsigned workers = runtime->config.workers;
    for (unsigned to = 0; to < workers; to++)
        for (unsigned from = 0; from < workers; from++) {
            weir_batch *batch;
            while (from != to && (batch = runtime->env->mail_take(runtime->env->ctx, to, from)))
                weir_batch_release(batch);
        }
}

void weir_runtime_destroy(weir_runtime *runtime)
{
    if (!runtime)
        return;
    for (unsigned w = 0; w < runtime->config.workers; w++) {
        weir_worker *worker = &runtime->workers[w];
        WEIR_ASSERT(!worker->has_thread, "a runtime is destroyed while worker %u runs: call "
                    "weir_runtime_wait", w);
        if (worker->opened)
            weir__worker_close(worker);
        else
            for (uint32_t i = 0; i < worker->dataflow_count; i++)
                weir__dataflow_destroy(worker->dataflows[i]);
    }
    drain_mail(runtime);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        weir__worker_fini(&runtime->workers[w]);
    for (uint32_t i = 0; i < runtime->graph_count; i++)
        weir__graph_destroy(runtime->graphs[i]);
    weir_free(runtime->graphs, runtime->graph_capacity * sizeof(weir_graph *));
    weir__options_destroy(runtime);
    weir_views_destroy(runtime->views);
    if (runtime->services)
        weir_free(runtime->services, runtime->config.service_count * sizeof *runtime->services);
    weir__metrics_destroy(runtime);
    weir__flight_destroy(runtime->flight);
    if (runtime->owns_env)
        weir__env_threads_destroy(runtime->env);
    weir_free(runtime->workers, runtime->config.workers * sizeof *runtime->workers);
    pthread_mutex_destroy(&runtime->mutex);
    weir_free(runtime, sizeof *runtime);
}

const char *weir_runtime_flight_path(const weir_runtime *runtime)
{
    return runtime->flight ? weir__flight_path(runtime->flight) : NULL;
}

unsigned weir_runtime_workers(const weir_runtime *runtime) { return runtime->config.workers; }

unsigned weir_cores_usable(void) { return weir__cores_find(NULL).usable; }

weir_worker *weir_runtime_take_worker(weir_runtime *runtime, unsigned index, weir_error *error)
{
    if (index >= runtime->config.workers || runtime->started) {
        weir_error_set(error, WEIR_INVALID, "worker %u cannot be taken", index);
        weir_error_hint(error, "take a worker that exists, after the builds, before the start");
        return NULL;
    }
    runtime->workers[index].taken = true;
    return &runtime->workers[index];
}

weir_status weir_run(const weir_config *config, weir_build_fn *build, void *ctx,
                     weir_error *error)
{
    weir_error own = { 0 };
    weir_error *e = error ? error : &own;
    *e = (weir_error){ 0 };
    weir_runtime *runtime = weir_runtime_create(config, e);
    if (!runtime)
        return e->status;
    weir_status status = weir_runtime_build(runtime, NULL, build, ctx, e);
    if (status == WEIR_OK) {
        runtime->workers[0].taken = true; /* the calling thread is worker 0 */
        status = weir_runtime_start(runtime, e);
        if (status == WEIR_OK)
            weir__worker_run(&runtime->workers[0]);
        weir_status waited = weir_runtime_wait(runtime, e);
        status = status == WEIR_OK ? waited : status;
    }
    weir_runtime_destroy(runtime);
    return status;
}

void weir_runtime_call(weir_runtime *runtime, unsigned index,
                       void (*fn)(weir_worker *worker, void *ctx), void *ctx)
{
    weir_worker *worker = &runtime->workers[index];
    weir__call *call = weir_alloc_must(sizeof *call);
    *call = (weir__call){ NULL, fn, ctx };
    weir__call *top = atomic_load_explicit(&worker->calls, memory_order_relaxed);
    do {
        call->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&worker->calls, &top, call,
                                                    memory_order_release, memory_order_relaxed));
    runtime->env->wake(runtime->env->ctx, index);
}
