/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the order of commands and how far each worker is in it, and the question whether more can
 * come.
 */
#include "worker/order.h"

#include <string.h>

#include "base/planted.h"
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

/* This process gives the order. */
weir_status weir__order_submit(weir_runtime *runtime, weir__command *command, weir_error *error)
{
    if (runtime->cluster && runtime->started) {
        weir__command_destroy(command);
        return weir_error_set(error, WEIR_INVALID, "with several processes, what runs is built "
                              "before the start: nothing can be asked of it later");
    }
    return weir__order_append(runtime, command, error);
}

weir_status weir__order_append(weir_runtime *runtime, weir__command *command, weir_error *error)
{
    weir__order *order = &runtime->order;
    unsigned workers = runtime->config.workers;
    pthread_mutex_lock(&order->lock);
    if (order->closed) {
        pthread_mutex_unlock(&order->lock);
        weir__command_destroy(command);
        weir_error_set(error, WEIR_CLOSED,
                       "the runtime has ended: all its dataflows were complete");
        weir_error_hint(error, "set until_stopped in the config to have it wait for more");
        return WEIR_CLOSED;
    }
    command->place = order->count;
    command->left = workers;
    if (command->kind == WEIR__BUILD)
        weir__dataflow_number(command->dataflow, WEIR_PLANTED(ID_REUSED) && order->count % 2
                                                     ? order->next_id - 1 : order->next_id++);
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

void weir__order_advance(weir_worker *worker, weir__command *command)
{
    weir__order *order = &worker->runtime->order;
    pthread_mutex_lock(&order->lock);
    worker->next_command = command->next;
    if (worker->last_command == command)
        worker->last_command = NULL;
    pthread_mutex_unlock(&order->lock);
    worker->commands_done++;
    if (__atomic_sub_fetch(&command->left, 1, __ATOMIC_ACQ_REL) == 0)
        weir__command_destroy(command);
}

void weir__order_end_program(weir_runtime *runtime)
{
    if (__atomic_sub_fetch(&runtime->order.programs, 1, __ATOMIC_ACQ_REL))
        return;
    for (unsigned w = 0; w < runtime->config.workers; w++) /* who waited for it may end */
        runtime->env->wake(runtime->env->ctx, w);
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
    pthread_mutex_lock(&order->lock);
    bool over = order->count == worker->commands_done;
    if (over)
        __atomic_store_n(&order->closed, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&order->lock);
    return over;
}

void weir__order_drain(weir_runtime *runtime)
{
    for (unsigned w = 0; w < runtime->config.workers; w++)
        while (runtime->workers[w].next_command)
            weir__order_advance(&runtime->workers[w], runtime->workers[w].next_command);
}
