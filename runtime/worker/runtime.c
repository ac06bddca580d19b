/* SPDX-License-Identifier: Apache-2.0
 *
 * A runtime's life: created, given graphs, started, waited for, stopped, destroyed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "trace/segment.h"
#include "comm/cores.h"
#include "dataflow/letter.h"
#include "worker/cluster.h"
#include "worker/watch.h"

enum {
    BUDGET_BYTES = 256 << 20,
    BUDGET_LEAST = 1 << 20,
    BUDGET_PART = 8, /* of what memory is limited to */
    BATCH_BYTES = (16 << 10) - WEIR__BUFFER_HEADER,
    TICK_MS = 5,
    SEGMENT_BYTES = 4 << 20
};

/* ---- create and destroy ---- */

static weir_status check_config(const weir_config *config, weir_error *error)
{
    unsigned processes = config->processes, workers = config->workers;
    if (workers > WEIR_WORKERS_MAX)
        return weir_error_set(error, WEIR_INVALID, "%u workers: at most %d are possible", workers,
                              WEIR_WORKERS_MAX);
    if (processes > WEIR_WORKERS_MAX / workers) {
        weir_error_set(error, WEIR_INVALID, "%u processes of %u workers: at most %d workers are "
                       "possible", processes, workers, WEIR_WORKERS_MAX);
        weir_error_hint(error, "use fewer workers a process");
        return WEIR_INVALID;
    }
    if (config->process >= processes) {
        weir_error_set(error, WEIR_INVALID, "process %u of %u: numbers go from 0 to %u",
                       config->process, processes, processes - 1);
        weir_error_hint(error, processes > 1
                                   ? "give each process its own number"
                                   : "say how many processes there are, too (--processes)");
        return WEIR_INVALID;
    }
    if (processes > 1 && !config->hosts) {
        weir_error_set(error, WEIR_INVALID, "%u processes, but no hosts", processes);
        weir_error_hint(error, "give one HOST:PORT a process, divided by commas (--hosts)");
        return WEIR_INVALID;
    }
    if (processes == 1 && config->hosts && strchr(config->hosts, ',')) {
        weir_error_set(error, WEIR_INVALID, "several hosts, but one process");
        weir_error_hint(error, "say how many processes there are, too (--processes), and which of "
                               "them this one is (--process)");
        return WEIR_INVALID;
    }
    return WEIR_OK;
}

/* All of it, also of a caller with an older, smaller struct. */
static weir_config copy_config(const weir_config *given)
{
    weir_config config = { .struct_size = sizeof config };
    if (given)
        weir_struct_copy(&config, sizeof config, given);
    if (!config.workers)
        config.workers = 1;
    if (!config.processes)
        config.processes = 1;
    return config;
}

/* Where the memory of a process is limited, what is in flight there may take a part of that: traces
 * and tables need the most of it. */
static size_t default_budget(unsigned processes, weir_env *env)
{
    uint64_t limit = env->memory_limit ? env->memory_limit(env->ctx) : UINT64_MAX;
    if (limit / BUDGET_PART >= BUDGET_BYTES / processes)
        return BUDGET_BYTES;
    size_t budget = (size_t)(limit / BUDGET_PART) * processes;
    budget = budget > BUDGET_LEAST ? budget : BUDGET_LEAST;
    weir_log(WEIR_LOG_INFO, "memory is limited to %" PRIu64 " MiB: the budget of each dataflow is "
             "%zu MiB", limit >> 20, budget >> 20);
    return budget;
}

static weir_config with_defaults(weir_config config, weir_env *env)
{
    if (!config.budget_bytes)
        config.budget_bytes = default_budget(config.processes, env);
    if (!config.spill_dir)
        config.spill_dir = "/tmp";
    if (!config.batch_bytes)
        config.batch_bytes = BATCH_BYTES;
    if (!config.epoch_tick_ms)
        config.epoch_tick_ms = TICK_MS;
    while (!config.hash_seed)
        config.hash_seed = env->random_u64(env->ctx);
    return config;
}

/* Operators find the registry of views as a service, whosever it is, and how those that are divided
 * among processes are read. */
static void add_services(weir_runtime *runtime)
{
    weir_config *config = &runtime->config;
    size_t count = config->service_count;
    bool has_views = false;
    for (size_t i = 0; i < count; i++)
        has_views |= strcmp(config->services[i].name, "views") == 0;
    runtime->services = weir_alloc_must((count + 3) * sizeof *runtime->services);
    if (count)
        memcpy(runtime->services, config->services, count * sizeof *runtime->services);
    if (!has_views)
        runtime->views = weir_views_create();
    if (!has_views)
        runtime->services[count++] = (weir_service){ "views", runtime->views };
    runtime->traces = weir_traces_create();
    runtime->services[count++] = (weir_service){ "traces", runtime->traces };
    if (config->processes > 1)
        runtime->services[count++] = (weir_service){ "asker", &runtime->asker };
    runtime->services_size = (config->service_count + 3) * sizeof *runtime->services;
    config->services = runtime->services;
    config->service_count = count;
}

weir_views *weir_runtime_views(const struct weir_runtime *runtime)
{
    const weir_config *config = &runtime->config;
    for (size_t i = 0; i < config->service_count; i++)
        if (strcmp(config->services[i].name, "views") == 0)
            return config->services[i].object;
    return NULL;
}

/* Each process of a cluster has a folder of its own in it. */
static weir_status open_store(weir_runtime *runtime, weir_error *error)
{
    const weir_config *config = &runtime->config;
    char dir[4096];
    if (!config->state_dir)
        return WEIR_OK;
    int len = config->processes > 1 ? snprintf(dir, sizeof dir, "%s/process-%u", config->state_dir,
                                               config->process)
                                    : snprintf(dir, sizeof dir, "%s", config->state_dir);
    if (len < 0 || (size_t)len >= sizeof dir)
        return weir_error_set(error, WEIR_INVALID, "the name of the state directory is too long");
    uint64_t least = config->segment_bytes ? config->segment_bytes : SEGMENT_BYTES;
    return weir__store_create(runtime->env, dir, least, &runtime->store, error);
}

weir_traces *weir_runtime_traces(const weir_runtime *runtime)
{
    return runtime->traces;
}

weir_runtime *weir_runtime_create(const weir_config *given, weir_error *error)
{
    weir_config config = copy_config(given);
    if (check_config(&config, error) != WEIR_OK)
        return NULL;
    weir_runtime *runtime = weir_alloc_must(sizeof *runtime);
    memset(runtime, 0, sizeof *runtime);
    pthread_mutex_init(&runtime->mutex, NULL);
    pthread_mutex_init(&runtime->order.lock, NULL);
    pthread_mutex_init(&runtime->dataflows_lock, NULL);
    pthread_cond_init(&runtime->dataflows_changed, NULL);
    runtime->dataflows_end = &runtime->dataflows;
    unsigned workers = config.workers;
    runtime->env = config.env;
    if (!runtime->env) {
        weir_log_sum sum = weir__runtime_log_sum(runtime);
        runtime->env = weir__env_threads_create(workers, &sum, error);
        runtime->owns_env = true;
    }
    if (!runtime->env) {
        weir_free(runtime, sizeof *runtime);
        return NULL;
    }
    runtime->seed_given = config.hash_seed;
    runtime->config = with_defaults(config, runtime->env);
    add_services(runtime);
    if (open_store(runtime, error) != WEIR_OK) {
        runtime->config.workers = 0; /* none was made */
        weir_runtime_destroy(runtime);
        return NULL;
    }
    runtime->created_ns = runtime->env->now_ns(runtime->env->ctx);
    if (weir__events_start(runtime, error) != WEIR_OK) {
        runtime->config.workers = 0; /* none was made */
        weir_runtime_destroy(runtime);
        return NULL;
    }
    runtime->watch = weir__watch_create(runtime);
    runtime->workers = weir_alloc_must(workers * sizeof *runtime->workers);
    memset(runtime->workers, 0, workers * sizeof *runtime->workers);
    for (unsigned i = 0; i < workers; i++)
        if (weir__worker_init(&runtime->workers[i], runtime, i) != WEIR_OK) {
            weir_error_set(error, WEIR_NO_MEMORY, "no memory for worker %u", i);
            weir_runtime_destroy(runtime);
            return NULL;
        }
    if (weir__cluster_create(runtime, &runtime->cluster, error) != WEIR_OK) {
        weir_runtime_destroy(runtime);
        return NULL;
    }
    runtime->workers[0].cluster = runtime->cluster;
    for (unsigned i = 0; i < workers; i++)
        runtime->workers[i].context.cluster = runtime->cluster;
    return runtime;
}

weir_status weir_runtime_build(weir_runtime *runtime, const char *name, weir_build_fn *build,
                               void *ctx, weir_error *error)
{
    if (runtime->started) {
        weir_error_set(error, WEIR_INVALID, "a dataflow was built after the start");
        weir_error_hint(error, "build it before weir_runtime_start, or register what builds it "
                        "there, and call weir_runtime_add");
        return WEIR_INVALID;
    }
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .name = name, .keep = true };
    weir_dataflow *dataflow = weir__dataflow_new(runtime, NULL, &spec);
    weir_graph *graph = weir__graph_create(runtime, &runtime->config, name);
    dataflow->graph = graph;
    graph->dataflow = dataflow;
    build(graph, ctx);
    weir_status status = weir__plan_make(graph, error);
    if (status == WEIR_OK) {
        dataflow->described = WEIR__DESCRIBED;
        weir__command *command = weir__command_create(WEIR__BUILD, 0);
        command->dataflow = weir_dataflow_retain(dataflow);
        status = weir__order_append(runtime, command, error);
    }
    weir_dataflow_release(dataflow);
    return status;
}

static void *thread_main(void *ctx)
{
    weir__worker_run(ctx);
    return NULL;
}

static void begin(weir_runtime *runtime)
{
    if (runtime->started)
        return;
    runtime->started = true;
    for (unsigned w = 0; runtime->config.worker_main && w < runtime->config.workers; w++) {
        const weir_worker *worker = &runtime->workers[w];
        runtime->order.programs += !worker->taken || worker->runs_here;
    }
}

weir_status weir_runtime_start(weir_runtime *runtime, weir_error *error)
{
    begin(runtime);
    if (runtime->owns_env) /* else time is not the machine's: whoever simulates looks by itself */
        weir__watch_start(runtime->watch);
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
    weir__dataflows_notify(runtime);
}

/* Workers that have no thread and are not stepped by a host, before the start. */
static unsigned left_over(const weir_runtime *runtime)
{
    unsigned count = 0;
    for (unsigned w = 0; !runtime->started && w < runtime->config.workers; w++)
        count += !runtime->workers[w].taken;
    return count;
}

weir_status weir_runtime_wait(weir_runtime *runtime, weir_error *error)
{
    if (left_over(runtime) > 1) {
        weir_error_set(error, WEIR_INVALID, "%u workers cannot run in one thread, one after the "
                       "other: each waits for the others", left_over(runtime));
        weir_error_hint(error, "call weir_runtime_start before weir_runtime_wait");
        return WEIR_INVALID;
    }
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
            weir_mail letter;
            while (from != to && runtime->env->mail_take(runtime->env->ctx, to, from, &letter))
                weir__letter_discard(&letter);
        }
}

void weir_runtime_destroy(weir_runtime *runtime)
{
    if (!runtime)
        return;
    for (unsigned w = 0; w < runtime->config.workers; w++)
        WEIR_ASSERT(!runtime->workers[w].has_thread, "a runtime is destroyed while worker %u runs: "
                    "call weir_runtime_wait", w);
    weir__watch_destroy(runtime->watch);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        weir__worker_close(&runtime->workers[w]);
    weir__order_drain(runtime);
    drain_mail(runtime);
    weir__cluster_destroy(runtime->cluster);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        weir__worker_fini(&runtime->workers[w]);
    weir__dataflows_destroy(runtime);
    weir__sequencers_destroy(runtime);
    weir__options_destroy(runtime);
    weir_views_destroy(runtime->views);
    weir_traces_destroy(runtime->traces);
    weir__store_release(runtime->store);
    weir_free(runtime->services, runtime->services_size);
    weir__flight_destroy(runtime->flight);
    if (runtime->owns_env)
        weir__env_threads_destroy(runtime->env);
    weir_free(runtime->workers, runtime->config.workers * sizeof *runtime->workers);
    pthread_cond_destroy(&runtime->dataflows_changed);
    pthread_mutex_destroy(&runtime->dataflows_lock);
    pthread_mutex_destroy(&runtime->order.lock);
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
        runtime->workers[0].taken = runtime->workers[0].runs_here = true; /* the calling thread's */
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
