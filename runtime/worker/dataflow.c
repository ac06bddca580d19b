/* SPDX-License-Identifier: Apache-2.0
 *
 * What the workers share of one dataflow, and what others hold on to: its description, its state,
 * who has instances of it. Its instances are the workers' (commands.c).
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "worker/cluster.h"

static char *duplicate(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(weir_alloc_must(size), text, size);
}

static void lock(const weir_dataflow *dataflow)
{
    if (dataflow->runtime)
        pthread_mutex_lock(&dataflow->runtime->dataflows_lock);
}

static void unlock(const weir_dataflow *dataflow)
{
    if (dataflow->runtime)
        pthread_mutex_unlock(&dataflow->runtime->dataflows_lock);
}

static const char *name_of(const weir_dataflow *dataflow)
{
    return dataflow->name ? dataflow->name : "main";
}

/* ---- life ---- */

static size_t size_of(const weir_dataflow *dataflow)
{
    return sizeof *dataflow + dataflow->workers * sizeof(weir__dataflow *);
}

weir_dataflow *weir__dataflow_new(weir_runtime *runtime, const weir__build *build,
                                  const weir_dataflow_spec *spec)
{
    unsigned workers = runtime->config.workers;
    size_t size = sizeof(weir_dataflow) + workers * sizeof(weir__dataflow *);
    weir_dataflow *dataflow = weir_alloc_must(size);
    memset(dataflow, 0, size);
    dataflow->runtime = runtime;
    dataflow->id = UINT32_MAX;
    dataflow->refs = 1;
    dataflow->workers = workers;
    dataflow->build = build;
    dataflow->initial = !build;
    dataflow->keep = spec->keep;
    dataflow->name = spec->name ? duplicate(spec->name) : NULL;
    dataflow->args_size = spec->args ? spec->args_size : 0;
    if (dataflow->args_size)
        dataflow->args = memcpy(weir_alloc_must(spec->args_size), spec->args, spec->args_size);
    pthread_mutex_lock(&runtime->dataflows_lock);
    dataflow->at = runtime->dataflows_end;
    *dataflow->at = dataflow;
    runtime->dataflows_end = &dataflow->next;
    pthread_mutex_unlock(&runtime->dataflows_lock);
    return dataflow;
}

static void unlist(weir_dataflow *dataflow)
{
    *dataflow->at = dataflow->next;
    *(dataflow->next ? &dataflow->next->at : &dataflow->runtime->dataflows_end) = dataflow->at;
}

weir_dataflow *weir_dataflow_retain(weir_dataflow *dataflow)
{
    if (dataflow)
        __atomic_fetch_add(&dataflow->refs, 1, __ATOMIC_RELAXED);
    return dataflow;
}

void weir_dataflow_release(weir_dataflow *dataflow)
{
    if (!dataflow || __atomic_sub_fetch(&dataflow->refs, 1, __ATOMIC_ACQ_REL))
        return;
    lock(dataflow);
    if (dataflow->runtime)
        unlist(dataflow);
    unlock(dataflow);
    weir__graph_destroy(dataflow->graph);
    if (dataflow->name)
        weir_free(dataflow->name, strlen(dataflow->name) + 1);
    weir_free(dataflow->args, dataflow->args_size);
    weir_free(dataflow->error, sizeof *dataflow->error);
    weir_free(dataflow, size_of(dataflow));
}

void weir__dataflow_number(weir_dataflow *dataflow, uint32_t id)
{
    weir_runtime *runtime = dataflow->runtime;
    char text[128];
    weir_dataflow_retain(dataflow);
    pthread_mutex_lock(&runtime->dataflows_lock);
    __atomic_store_n(&dataflow->id, id, __ATOMIC_RELEASE);
    if (!dataflow->name && dataflow->build) {
        snprintf(text, sizeof text, "%.100s-%u", dataflow->build->name, id);
        dataflow->name = duplicate(text);
    }
    if (dataflow->graph)
        dataflow->graph->id = id;
    weir__id_table_set(&runtime->dataflow_table, id, dataflow);
    runtime->dataflows_alive++;
    pthread_mutex_unlock(&runtime->dataflows_lock);
}

/* Under the lock: if nobody has anything left of it only references keep it from here on. True: the
 * caller drops the runtime's. */
static bool go(weir_dataflow *dataflow)
{
    weir_runtime *runtime = dataflow->runtime;
    if (dataflow->gone || dataflow->freed < dataflow->workers ||
        dataflow->freed_elsewhere + 1 < runtime->config.processes)
        return false;
    dataflow->gone = true;
    weir__id_table_set(&runtime->dataflow_table, dataflow->id, NULL);
    runtime->dataflows_alive--;
    runtime->dataflows_gone++;
    pthread_cond_broadcast(&runtime->dataflows_changed);
    return !dataflow->initial;
}

void weir__dataflows_notify(weir_runtime *runtime)
{
    pthread_mutex_lock(&runtime->dataflows_lock);
    pthread_cond_broadcast(&runtime->dataflows_changed);
    pthread_mutex_unlock(&runtime->dataflows_lock);
}

void weir__dataflows_destroy(weir_runtime *runtime)
{
    for (weir_dataflow *d; (d = runtime->dataflows);) {
        bool held = d->id != UINT32_MAX && (d->initial || !d->gone); /* since it got its number */
        unlist(d);
        weir__graph_destroy(d->graph);
        d->graph = NULL;
        d->gone = true;
        d->runtime = NULL;
        if (held)
            weir_dataflow_release(d);
    }
    weir__id_table_fini(&runtime->dataflow_table);
    for (weir__build *build = runtime->builds, *next; build; build = next) {
        next = build->next;
        weir_free(build->name, strlen(build->name) + 1);
        weir_free(build, sizeof *build);
    }
}

/* ---- what happens to it ---- */

/* True: it is the first one. */
static bool set_error(weir_dataflow *dataflow, const weir_error *error)
{
    if (dataflow->error)
        return false;
    dataflow->error = weir_alloc_must(sizeof *error);
    *dataflow->error = *error;
    return true;
}

static void log_error(const weir_dataflow *dataflow, const weir_error *error)
{
    weir_log(WEIR_LOG_WARN, "dataflow '%s' failed: %s", name_of(dataflow), error->what);
}

static void refuse(weir_dataflow *dataflow, const weir_error *error)
{
    weir__dataflow_begin_removal(dataflow);
    lock(dataflow);
    (void)set_error(dataflow, error);
    dataflow->freed = dataflow->workers;
    dataflow->told_freed = true; /* since it says that it was refused */
    bool drop = go(dataflow);
    pthread_cond_broadcast(&dataflow->runtime->dataflows_changed);
    unlock(dataflow);
    log_error(dataflow, error);
    __atomic_store_n(&dataflow->described, WEIR__REFUSED, __ATOMIC_RELEASE);
    if (drop) /* the command that is being done has another one */
        weir_dataflow_release(dataflow);
}

weir__described weir__dataflow_describe(weir_dataflow *dataflow)
{
    uint32_t described = WEIR__NOT_YET;
    if (!__atomic_compare_exchange_n(&dataflow->described, &described, WEIR__AT_IT, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
        return (weir__described)described;
    weir_runtime *runtime = dataflow->runtime;
    weir_error error = { 0 };
    weir_graph *graph = weir__graph_create(runtime, &runtime->config, dataflow->name);
    graph->id = dataflow->id;
    graph->dataflow = dataflow;
    dataflow->graph = graph;
    dataflow->build->fn(graph, dataflow->build->ctx);
    if (weir__plan_make(graph, &error) == WEIR_OK)
        __atomic_store_n(&dataflow->described, WEIR__DESCRIBED, __ATOMIC_RELEASE);
    else
        refuse(dataflow, &error);
    for (unsigned w = 0; w < dataflow->workers; w++) /* they may have waited */
        runtime->env->wake(runtime->env->ctx, w);
    return (weir__described)__atomic_load_n(&dataflow->described, __ATOMIC_RELAXED);
}

void weir__dataflow_made(weir_dataflow *dataflow, weir__dataflow *instance)
{
    lock(dataflow);
    dataflow->peers[instance->context->local] = instance;
    if (++dataflow->made == dataflow->workers)
        pthread_cond_broadcast(&dataflow->runtime->dataflows_changed);
    unlock(dataflow);
}

void weir__dataflow_broken(weir_dataflow *dataflow, const weir_error *error)
{
    if (dataflow->initial) {
        weir__runtime_fail(dataflow->runtime, error);
        return;
    }
    lock(dataflow);
    bool first = set_error(dataflow, error), ask = !dataflow->removal_asked;
    dataflow->removal_asked = true;
    pthread_cond_broadcast(&dataflow->runtime->dataflows_changed);
    unlock(dataflow);
    if (first)
        log_error(dataflow, error);
    if (!ask)
        return;
    weir__command *command = weir__command_create(WEIR__REMOVE, sizeof *error);
    command->dataflow = weir_dataflow_retain(dataflow);
    memcpy(command->data, error, sizeof *error);
    /* cannot be refused: this worker has not ended */
    (void)weir__order_submit(dataflow->runtime, command, NULL);
}

void weir__dataflow_removing(weir_dataflow *dataflow, const weir_error *error)
{
    lock(dataflow);
    dataflow->removal_asked = true;
    if (error)
        (void)set_error(dataflow, error);
    pthread_cond_broadcast(&dataflow->runtime->dataflows_changed);
    unlock(dataflow);
}

void weir__dataflow_never(weir_dataflow *dataflow)
{
    weir_error error = { 0 };
    weir_error_set(&error, WEIR_CLOSED, "all was complete before '%s' could be built",
                   name_of(dataflow));
    weir_error_hint(&error, "set until_stopped in the config to have the processes wait for more");
    lock(dataflow);
    (void)set_error(dataflow, &error);
    pthread_cond_broadcast(&dataflow->runtime->dataflows_changed);
    unlock(dataflow);
}

void weir__dataflow_completed(weir_dataflow *dataflow)
{
    lock(dataflow);
    if (++dataflow->complete == dataflow->workers)
        pthread_cond_broadcast(&dataflow->runtime->dataflows_changed);
    unlock(dataflow);
}

void weir__dataflow_hide(weir_dataflow *dataflow, unsigned worker)
{
    lock(dataflow);
    dataflow->peers[worker] = NULL;
    unlock(dataflow);
}

void weir__dataflow_freed(weir_dataflow *dataflow)
{
    bool drop = false;
    lock(dataflow);
    if (++dataflow->freed == dataflow->workers) {
        if (dataflow->runtime->cluster)
            weir__cluster_news(dataflow->runtime->cluster, dataflow);
        drop = go(dataflow);
    }
    unlock(dataflow);
    if (drop)
        weir_dataflow_release(dataflow);
}

void weir__dataflow_freed_elsewhere(weir_dataflow *dataflow)
{
    lock(dataflow);
    dataflow->freed_elsewhere++;
    bool drop = go(dataflow);
    unlock(dataflow);
    if (drop)
        weir_dataflow_release(dataflow);
}

bool weir__dataflow_tell_freed(weir_dataflow *dataflow)
{
    lock(dataflow);
    bool tell = dataflow->freed == dataflow->workers && !dataflow->told_freed;
    dataflow->told_freed |= tell;
    unlock(dataflow);
    return tell;
}

/* Cannot be refused while something is left of it, since then no worker has ended. */
static void ask_to_drop(weir_dataflow *dataflow)
{
    weir__command *command = weir__command_create(WEIR__DROP, 0);
    command->dataflow = weir_dataflow_retain(dataflow);
    (void)weir__order_submit(dataflow->runtime, command, NULL);
}

void weir__dataflow_discarded(weir_dataflow *dataflow)
{
    weir__cluster *cluster = dataflow->runtime->cluster;
    lock(dataflow);
    bool again = dataflow->discarded; /* each of two processes has asked for its removal */
    dataflow->discarded = true;
    unlock(dataflow);
    if (again)
        return;
    if (cluster)
        weir__cluster_news(cluster, dataflow);
    else
        ask_to_drop(dataflow);
}

bool weir__dataflow_tell_discarded(weir_dataflow *dataflow)
{
    lock(dataflow);
    bool tell = dataflow->discarded && !dataflow->told_discarded;
    dataflow->told_discarded |= tell;
    unlock(dataflow);
    return tell;
}

void weir__dataflow_discarded_in_one(weir_dataflow *dataflow)
{
    lock(dataflow);
    bool by_all = ++dataflow->discarded_in == dataflow->runtime->config.processes;
    unlock(dataflow);
    if (by_all)
        ask_to_drop(dataflow);
}

weir_dataflow *weir__dataflow_by_id(weir_runtime *runtime, uint32_t id)
{
    pthread_mutex_lock(&runtime->dataflows_lock);
    weir_dataflow *dataflow = weir_dataflow_retain(weir__id_table_find(&runtime->dataflow_table,
                                                                       id));
    pthread_mutex_unlock(&runtime->dataflows_lock);
    return dataflow;
}

void weir__dataflow_begin_removal(weir_dataflow *dataflow)
{
    lock(dataflow);
    if (!dataflow->removal_begun && dataflow->graph)
        weir__graph_begin_removal(dataflow->graph);
    dataflow->removal_begun = true;
    unlock(dataflow);
}

/* ---- while building ---- */

const void *weir_graph_args(const weir_graph *graph, size_t *size)
{
    const weir_dataflow *dataflow = graph->dataflow;
    if (size)
        *size = dataflow ? dataflow->args_size : 0;
    return dataflow ? dataflow->args : NULL;
}

weir_dataflow *weir_graph_dataflow(const weir_graph *graph)
{
    return weir_dataflow_retain(graph->dataflow);
}

weir_runtime *weir_graph_runtime(const weir_graph *graph) { return graph->runtime; }

/* The owner of a cluster's connections may be telling the others of it meanwhile. */
void weir_graph_keep(weir_graph *graph)
{
    __atomic_store_n(&graph->dataflow->keep, true, __ATOMIC_RELAXED);
}

weir_runtime *weir_step_runtime(const weir_step *step) { return step->context->runtime; }

void weir_step_fail_dataflow(weir_step *step, weir_status status, const char *format, ...)
{
    weir_error error = { .status = WEIR_OK };
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (step->dataflow->shared->initial) {
        weir__dataflow_fail(step->dataflow, step->node->name, status, text);
        return;
    }
    weir_error_set(&error, status, "%s", text);
    weir_error_detail(&error, "in operator '%s' on worker %u", step->node->name,
                      step->context->self);
    weir__dataflow_broken(step->dataflow->shared, &error);
}

/* ---- the public calls ---- */

weir_status weir_runtime_register(weir_runtime *runtime, const char *name, weir_build_fn *fn,
                                  void *ctx, weir_error *error)
{
    if (runtime->started) {
        weir_error_set(error, WEIR_INVALID,
                       "the build function '%s' was registered after the start", name);
        weir_error_hint(error, "register it before weir_runtime_start, in every process");
        return WEIR_INVALID;
    }
    if (!name || !*name || !fn)
        return weir_error_set(error, WEIR_INVALID, "a build function needs a name");
    weir__build **at = &runtime->builds;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0)
            return weir_error_set(error, WEIR_EXISTS,
                                  "a build function '%s' is registered already", name);
    *at = weir_alloc_must(sizeof **at);
    **at = (weir__build){ NULL, duplicate(name), fn, ctx };
    return WEIR_OK;
}

weir_status weir_runtime_add(weir_runtime *runtime, const weir_dataflow_spec *given,
                             weir_dataflow **result, weir_error *error)
{
    weir_dataflow_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    if (result)
        *result = NULL;
    const weir__build *build = runtime->builds;
    while (build && (!spec.build || strcmp(build->name, spec.build) != 0))
        build = build->next;
    if (!build) {
        weir_error_set(error, WEIR_NOT_FOUND, "no build function '%s' is registered",
                       spec.build ? spec.build : "");
        weir_error_hint(error, "call weir_runtime_register before the start");
        return WEIR_NOT_FOUND;
    }
    weir_dataflow *dataflow = weir__dataflow_new(runtime, build, &spec);
    weir__command *command = weir__command_create(WEIR__BUILD, 0);
    command->dataflow = weir_dataflow_retain(dataflow);
    weir_status status = weir__order_request(runtime, command, error);
    if (status == WEIR_OK && result)
        *result = dataflow;
    else
        weir_dataflow_release(dataflow);
    return status;
}

weir_status weir_dataflow_remove(weir_dataflow *dataflow, weir_error *error)
{
    lock(dataflow);
    bool again = dataflow->user_asked, ask = !again && !dataflow->gone && !dataflow->removal_asked;
    dataflow->user_asked = true;
    dataflow->removal_asked = dataflow->removal_asked || ask;
    unlock(dataflow);
    if (again)
        return weir_error_set(error, WEIR_CLOSED, "the removal of '%s' was asked for already",
                              name_of(dataflow));
    if (!ask)
        return WEIR_OK;
    weir__command *command = weir__command_create(WEIR__REMOVE, 0);
    command->dataflow = weir_dataflow_retain(dataflow);
    weir_status status = weir__order_request(dataflow->runtime, command, error);
    if (status != WEIR_OK) { /* as if nobody had asked */
        lock(dataflow);
        dataflow->user_asked = dataflow->removal_asked = false;
        unlock(dataflow);
    }
    return status;
}

const char *weir_dataflow_state_name(weir_dataflow_state state)
{
    static const char *const names[] = { "asked", "running", "complete", "removing", "gone",
                                         "failed" };
    return state <= WEIR_DATAFLOW_FAILED ? names[state] : "?";
}

static weir_dataflow_state state_of(const weir_dataflow *dataflow)
{
    if (dataflow->error)
        return WEIR_DATAFLOW_FAILED;
    if (dataflow->gone)
        return WEIR_DATAFLOW_GONE;
    if (dataflow->removal_asked)
        return WEIR_DATAFLOW_REMOVING;
    if (dataflow->made < dataflow->workers)
        return WEIR_DATAFLOW_ASKED;
    return dataflow->complete < dataflow->workers ? WEIR_DATAFLOW_RUNNING : WEIR_DATAFLOW_COMPLETE;
}

static void describe(const weir_dataflow *dataflow, weir_dataflow_info *info)
{
    *info = (weir_dataflow_info){ .id = dataflow->id, .name = name_of(dataflow),
                                  .build = dataflow->build ? dataflow->build->name : NULL,
                                  .state = state_of(dataflow),
                                  /* one that was refused counts as freed, and was not made */
                                  .workers = dataflow->made ? dataflow->made - dataflow->freed
                                                            : 0 };
    if (dataflow->error)
        info->error = *dataflow->error;
}

void weir_dataflow_get_info(const weir_dataflow *dataflow, weir_dataflow_info *info)
{
    lock(dataflow);
    describe(dataflow, info);
    unlock(dataflow);
}

/* Under the lock: whether nothing will change any more, and why. */
static weir_status ended(weir_runtime *runtime, weir_error *error)
{
    if (__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE)) {
        if (error)
            *error = runtime->error;
        return runtime->error.status;
    }
    for (unsigned w = 0; w < runtime->config.workers; w++)
        if (!__atomic_load_n(&runtime->workers[w].ended, __ATOMIC_ACQUIRE))
            return WEIR_OK;
    return weir_error_set(error, WEIR_CLOSED, "the runtime has ended");
}

weir_status weir_dataflow_wait(weir_dataflow *dataflow, weir_dataflow_state state,
                               weir_error *error)
{
    WEIR_ASSERT(!weir__current_context, "a worker's thread waits for the dataflow '%s', and so for "
                "itself: look at weir_dataflow_get_info between steps", name_of(dataflow));
    weir_status status = WEIR_OK;
    lock(dataflow);
    while (state_of(dataflow) < state && status == WEIR_OK && dataflow->runtime) {
        status = ended(dataflow->runtime, error);
        if (status == WEIR_OK)
            pthread_cond_wait(&dataflow->runtime->dataflows_changed,
                              &dataflow->runtime->dataflows_lock);
    }
    if (dataflow->error && status == WEIR_OK) {
        status = dataflow->error->status;
        if (error)
            *error = *dataflow->error;
    }
    unlock(dataflow);
    return status;
}

weir_dataflow *weir_runtime_find(weir_runtime *runtime, const char *name)
{
    weir_dataflow *found = NULL;
    pthread_mutex_lock(&runtime->dataflows_lock);
    for (weir_dataflow *d = runtime->dataflows; d; d = d->next)
        if (!d->gone && d->id != UINT32_MAX && strcmp(name_of(d), name) == 0)
            found = d;
    weir_dataflow_retain(found);
    pthread_mutex_unlock(&runtime->dataflows_lock);
    return found;
}

void weir_runtime_each_dataflow(weir_runtime *runtime,
                                void (*fn)(const weir_dataflow_info *info, void *ctx), void *ctx)
{
    pthread_mutex_lock(&runtime->dataflows_lock);
    for (const weir_dataflow *d = runtime->dataflows; d; d = d->next) {
        weir_dataflow_info info;
        describe(d, &info);
        if (!d->gone && d->id != UINT32_MAX)
            fn(&info, ctx);
    }
    pthread_mutex_unlock(&runtime->dataflows_lock);
}
