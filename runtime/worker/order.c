/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the order of commands and how far each worker is in it, and the question whether more can
 * come.
 */
#include "worker/order.h"

#include <string.h>

#include "base/planted.h"
#include "comm/frame.h"
#include "worker/runtime.h"

weir__command *weir__command_create(weir__command_kind kind, size_t size)
{
    weir__command *command = weir_alloc_must(sizeof *command + size);
    memset(command, 0, sizeof *command);
    command->kind = kind;
    command->size = size;
    return command;
}

void weir__command_destroy(weir__command *command)
{
    weir_dataflow_release(command->dataflow);
    weir_free(command, sizeof *command + command->size);
}

static weir_status refuse(weir__command *command, weir_error *error)
{
    weir__command_destroy(command);
    weir_error_set(error, WEIR_CLOSED, "the runtime has ended: all its dataflows were complete");
    weir_error_hint(error, "set until_stopped in the config to have it wait for more");
    return WEIR_CLOSED;
}

/* ---- what a process of a cluster asks for ---- */

static void put(weir__command_list *list, weir__command *command)
{
    command->next = NULL;
    if (list->first)
        list->last->next = command;
    else
        list->first = command;
    list->last = command;
}

static weir__command *take(weir__command_list *list)
{
    weir__command *command = list->first;
    if (command)
        list->first = command->next;
    return command;
}

static weir_status request_of(weir_runtime *runtime, weir__command *command, weir_error *error)
{
    weir__order *order = &runtime->order;
    size_t size = command->size + (command->dataflow ? command->dataflow->args_size : 0);
    if (size > WEIR__FRAME_MAX / 2) {
        weir__command_destroy(command);
        return weir_error_set(error, WEIR_TOO_LARGE, "%zu bytes cannot be sent to all processes: "
                              "at most %u", size, WEIR__FRAME_MAX / 2);
    }
    pthread_mutex_lock(&order->lock);
    bool closed = order->closed;
    if (!closed) {
        put(&order->requests, command);
        __atomic_fetch_add(&order->pending, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&order->lock);
    if (closed)
        return refuse(command, error);
    runtime->env->wake(runtime->env->ctx, 0);
    return WEIR_OK;
}

/* Requests keep their order: one that cannot be put yet holds up what comes behind it. */
static bool can_be_put(const weir__command *command)
{
    return command && (command->kind != WEIR__REMOVE ||
                       __atomic_load_n(&command->dataflow->id, __ATOMIC_ACQUIRE) != UINT32_MAX);
}

weir__command *weir__order_take_request(weir_runtime *runtime)
{
    weir__order *order = &runtime->order;
    pthread_mutex_lock(&order->lock);
    weir__command *command = can_be_put(order->requests.first) ? take(&order->requests) : NULL;
    pthread_mutex_unlock(&order->lock);
    if (command && (command->kind == WEIR__REMOVE || command->kind == WEIR__DROP))
        command->id = command->dataflow->id;
    return command;
}

void weir__order_asked(weir_runtime *runtime, weir__command *command)
{
    pthread_mutex_lock(&runtime->order.lock);
    put(&runtime->order.asked, command);
    pthread_mutex_unlock(&runtime->order.lock);
}

weir__command *weir__order_answered(weir_runtime *runtime)
{
    pthread_mutex_lock(&runtime->order.lock);
    weir__command *command = take(&runtime->order.asked);
    pthread_mutex_unlock(&runtime->order.lock);
    return command;
}

void weir__order_placed(weir_runtime *runtime)
{
    __atomic_fetch_sub(&runtime->order.pending, 1, __ATOMIC_RELEASE);
}

bool weir__order_has_requests(const weir_runtime *runtime)
{
    weir__order *order = (weir__order *)&runtime->order;
    if (!weir__order_is_pending(runtime))
        return false;
    pthread_mutex_lock(&order->lock);
    bool has = can_be_put(order->requests.first);
    pthread_mutex_unlock(&order->lock);
    return has;
}

bool weir__order_is_pending(const weir_runtime *runtime)
{
    return __atomic_load_n(&runtime->order.pending, __ATOMIC_ACQUIRE) != 0;
}

bool weir__order_is_idle(const weir_runtime *runtime, uint64_t *count)
{
    *count = __atomic_load_n(&runtime->order.count, __ATOMIC_ACQUIRE);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        if (__atomic_load_n(&runtime->workers[w].idle_at, __ATOMIC_ACQUIRE) != *count + 1)
            return false;
    return !weir__order_is_pending(runtime);
}

bool weir__order_close(weir_runtime *runtime, uint64_t count)
{
    weir__order *order = &runtime->order;
    weir__command *command;
    pthread_mutex_lock(&order->lock);
    bool closes = count == UINT64_MAX || (count == order->count && order->pending == 0);
    if (closes)
        __atomic_store_n(&order->closed, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&order->lock);
    if (!closes)
        return false;
    while ((command = weir__order_answered(runtime)) || (command = take(&order->requests))) {
        if (command->kind == WEIR__BUILD)
            weir__dataflow_never(command->dataflow);
        weir__command_destroy(command);
        weir__order_placed(runtime);
    }
    for (unsigned w = 0; w < runtime->config.workers; w++)
        runtime->env->wake(runtime->env->ctx, w);
    return true;
}

/* ---- the order ---- */

weir_status weir__order_request(weir_runtime *runtime, weir__command *command, weir_error *error)
{
    if (__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE)) {
        weir__command_destroy(command);
        if (error)
            *error = runtime->error;
        return runtime->error.status;
    }
    if (__atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE)) {
        weir__command_destroy(command);
        return weir_error_set(error, WEIR_CLOSED,
                              "the runtime is ending: nothing can be asked of it");
    }
    return weir__order_submit(runtime, command, error);
}

weir_status weir__order_submit(weir_runtime *runtime, weir__command *command, weir_error *error)
{
    return runtime->cluster ? request_of(runtime, command, error)
                            : weir__order_append(runtime, command, error);
}

weir_status weir__order_append(weir_runtime *runtime, weir__command *command, weir_error *error)
{
    weir__order *order = &runtime->order;
    unsigned workers = runtime->config.workers;
    pthread_mutex_lock(&order->lock);
    if (order->closed) {
        pthread_mutex_unlock(&order->lock);
        return refuse(command, error);
    }
    command->next = NULL;
    command->place = order->count;
    command->left = workers;
    if (command->kind == WEIR__BUILD)
        weir__dataflow_number(command->dataflow, order->count % 2 && WEIR_PLANTED(ID_REUSED)
                                                     ? order->next_id - 1
                                                     : order->next_id++);
    for (unsigned w = 0; w < workers; w++) {
        weir_worker *worker = &runtime->workers[w];
        if (worker->last_command)
            worker->last_command->next = command;
        if (!worker->next_command)
            worker->next_command = command;
        worker->last_command = command;
    }
    __atomic_store_n(&order->count, order->count + 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&order->lock);
    for (unsigned w = 0; w < workers; w++)
        runtime->env->wake(runtime->env->ctx, w);
    return WEIR_OK;
}

bool weir__order_has_more(const weir_worker *worker)
{
    return __atomic_load_n(&worker->runtime->order.count, __ATOMIC_ACQUIRE) !=
           worker->commands_done;
}

weir__command *weir__order_peek(weir_worker *worker)
{
    if (!weir__order_has_more(worker))
        return NULL;
    weir__order *order = &worker->runtime->order;
    pthread_mutex_lock(&order->lock);
    weir__command *command = worker->next_command;
    pthread_mutex_unlock(&order->lock);
    return command;
}

bool weir__order_advance(weir_worker *worker, weir__command *command)
{
    weir__order *order = &worker->runtime->order;
    pthread_mutex_lock(&order->lock);
    worker->next_command = command->next;
    if (worker->last_command == command)
        worker->last_command = NULL;
    pthread_mutex_unlock(&order->lock);
    worker->commands_done++;
    return __atomic_sub_fetch(&command->left, 1, __ATOMIC_ACQ_REL) == 0;
}

void weir__order_end_program(weir_runtime *runtime)
{
    if (__atomic_sub_fetch(&runtime->order.programs, 1, __ATOMIC_ACQ_REL))
        return;
    for (unsigned w = 0; w < runtime->config.workers; w++) /* who waited for it may end */
        runtime->env->wake(runtime->env->ctx, w);
}

static void note_idle(weir_worker *worker)
{
    if (worker->idle_at == worker->commands_done + 1)
        return;
    __atomic_store_n(&worker->idle_at, worker->commands_done + 1, __ATOMIC_RELEASE);
    if (!worker->cluster)
        worker->runtime->env->wake(worker->runtime->env->ctx, 0);
}

bool weir__order_end(weir_worker *worker)
{
    weir_runtime *runtime = worker->runtime;
    weir__order *order = &runtime->order;
    if (weir__order_has_more(worker))
        return false;
    if (__atomic_load_n(&order->closed, __ATOMIC_ACQUIRE))
        return true;
    bool stopping = __atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&order->programs, __ATOMIC_ACQUIRE) ||
        (runtime->config.until_stopped && !stopping))
        return false;
    if (runtime->cluster) { /* process 0 knows when all have come to this */
        note_idle(worker);
        return false;
    }
    pthread_mutex_lock(&order->lock);
    bool over = order->count == worker->commands_done;
    if (over)
        __atomic_store_n(&order->closed, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&order->lock);
    return over;
}

void weir__order_drain(weir_runtime *runtime)
{
    weir__order *order = &runtime->order;
    for (weir__command *c; (c = take(&order->asked)) || (c = take(&order->requests));)
        weir__command_destroy(c);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        for (weir__command *c; (c = runtime->workers[w].next_command);)
            if (weir__order_advance(&runtime->workers[w], c))
                weir__command_destroy(c);
}
