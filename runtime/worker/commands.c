/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker does of the order of commands: makes its instances of dataflows and frees them.
 * Owns what came for dataflows that it has not built yet.
 */
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "dataflow/hooks.h"
#include "worker/cluster.h"

/* ---- mail that comes too early ---- */

static bool is_early(const weir_worker *worker, uint32_t id)
{
    return id >= worker->next_id;
}

void weir__early_keep(weir_worker *worker, const weir__early *like, const void *data, size_t size)
{
    weir__early *early = weir_alloc_must(sizeof *early + size);
    *early = *like;
    early->size = size;
    if (size)
        memcpy(early->data, data, size);
    if (!worker->early)
        worker->early_end = &worker->early;
    early->next = NULL;
    *worker->early_end = early;
    worker->early_end = &early->next;
    __atomic_store_n(&worker->early_count, worker->early_count + 1, __ATOMIC_RELAXED);
}

static void count_late(weir_worker *worker, uint32_t id)
{
    __atomic_store_n(&worker->late_count, worker->late_count + 1, __ATOMIC_RELAXED);
    weir_log(WEIR_LOG_ERROR, "worker %u got something for dataflow %u, which is gone: this is an "
             "error of the library", worker->context.self, id);
}

void weir__early_batch(weir_worker *worker, weir_batch *batch)
{
    if (!is_early(worker, batch->mail_dataflow)) {
        count_late(worker, batch->mail_dataflow);
        weir_batch_release(batch);
        return;
    }
    if (WEIR_PLANTED(EARLY_DROPPED)) {
        weir_batch_release(batch);
        return;
    }
    weir__early early = { .id = batch->mail_dataflow, .kind = WEIR__EARLY_BATCH, .batch = batch };
    weir__early_keep(worker, &early, NULL, 0);
}

void weir__early_changes(weir_worker *worker, uint32_t id, const void *data, size_t size)
{
    if (!is_early(worker, id)) {
        count_late(worker, id);
        return;
    }
    weir__early_keep(worker, &(weir__early){ .id = id, .kind = WEIR__EARLY_CHANGES }, data, size);
}

static void early_free(weir__early *early)
{
    weir_free(early, sizeof *early + early->size);
}

static weir_status deliver_changes(weir_worker *worker, weir__dataflow *dataflow,
                                   const weir__early *early, weir_error *error)
{
    if (!dataflow) {
        count_late(worker, early->id);
        return WEIR_OK;
    }
    weir_status status = weir__dataflow_receive(dataflow, early->data, early->size, error);
    if (status == WEIR_OK && worker->cluster)
        weir__cluster_relay(worker->cluster, dataflow, early->data, early->size);
    return status;
}

static void deliver_batch(weir_worker *worker, weir__dataflow *dataflow, weir_batch *batch)
{
    if (!dataflow) {
        count_late(worker, batch->mail_dataflow);
        weir_batch_release(batch);
    } else if (batch->mail_to == worker->context.self) {
        weir__worker_deliver(worker, batch);
    } else {
        weir__cluster_send(worker->cluster, batch);
    }
}

/* What came for this dataflow, or was meant for one that could not be built (NULL). */
static void deliver_early(weir_worker *worker, uint32_t id, weir__dataflow *dataflow)
{
    for (weir__early **at = &worker->early, *early; (early = *at);) {
        if (early->id != id) {
            at = &early->next;
            continue;
        }
        weir_error error = { 0 };
        *at = early->next;
        if (!*at)
            worker->early_end = at;
        weir_status status = WEIR_OK;
        if (early->kind == WEIR__EARLY_BATCH)
            deliver_batch(worker, dataflow, early->batch);
        else if (early->kind == WEIR__EARLY_CHANGES)
            status = deliver_changes(worker, dataflow, early, &error);
        else
            status = weir__cluster_take_early(worker->cluster, early, &error);
        if (status != WEIR_OK)
            weir__runtime_fail(worker->runtime, &error);
        early_free(early);
    }
}

/* ---- building ---- */

void weir__worker_end_sources(weir__dataflow *dataflow, bool inputs_only)
{
    for (uint32_t n = 0; n < dataflow->graph->nodes.count && !dataflow->discards; n++) {
        weir_step *step = &dataflow->nodes[n].step;
        const weir_node_spec *spec = &step->node->spec;
        if (spec->input_count || step->finished || (inputs_only && !spec->is_input))
            continue;
        step->ending = true;
        weir__node_activate(&dataflow->nodes[n]);
    }
}

static void enlist(weir_worker *worker, weir__dataflow *dataflow)
{
    dataflow->next = worker->first;
    dataflow->at = &worker->first;
    if (worker->first)
        worker->first->at = &dataflow->next;
    worker->first = dataflow;
    weir__id_table_set(&worker->dataflows, dataflow->graph->id, dataflow);
}

static void unlist(weir_worker *worker, weir__dataflow *dataflow)
{
    *dataflow->at = dataflow->next;
    if (dataflow->next)
        dataflow->next->at = dataflow->at;
    weir__id_table_set(&worker->dataflows, dataflow->graph->id, NULL);
}

static void install(weir_worker *worker, weir_dataflow *shared)
{
    weir_error error = { 0 };
    weir__dataflow *dataflow = weir__dataflow_create(shared->graph, &worker->context);
    dataflow->shared = shared;
    dataflow->peers = shared->peers;
    if (worker->cluster)
        weir__cluster_add(worker->cluster, dataflow);
    enlist(worker, dataflow);
    weir__dataflow_made(shared, dataflow);
    weir_status status = weir__dataflow_start(dataflow, &error);
    if (status != WEIR_OK) {
        weir__dataflow_discard(dataflow); /* nodes without a state must not be stepped */
        weir__dataflow_broken(shared, &error);
        worker->broken = worker->broken || shared->initial;
    } else if (worker->stop_seen || worker->program_ended) {
        weir__worker_end_sources(dataflow, !worker->stop_seen);
    }
    deliver_early(worker, shared->id, dataflow);
}

/* False: another thread is at the description; its wake-up will come. */
static bool build(weir_worker *worker, const weir__command *command)
{
    weir_dataflow *shared = command->dataflow;
    weir__described described = weir__dataflow_describe(shared);
    if (described == WEIR__AT_IT)
        return false;
    worker->next_id = shared->id + 1;
    if (worker->cluster && !shared->initial)
        weir__cluster_built(worker->cluster, shared);
    if (described == WEIR__DESCRIBED)
        install(worker, shared);
    else
        deliver_early(worker, shared->id, NULL);
    return true;
}

/* ---- removing ---- */

static void remove_dataflow(weir_worker *worker, const weir__command *command)
{
    weir_dataflow *shared = command->dataflow;
    if (!shared)
        return; /* it was gone when somebody in another process asked for its end */
    weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, shared->id);
    weir__dataflow_removing(shared, command->size ? (const void *)command->data : NULL);
    weir__dataflow_begin_removal(shared);
    if (dataflow)
        weir__dataflow_discard(dataflow);
}

static void drop_dataflow(weir_worker *worker, const weir__command *command)
{
    weir_dataflow *shared = command->dataflow;
    weir__dataflow *dataflow = shared ? weir__id_table_find(&worker->dataflows, shared->id) : NULL;
    if (dataflow)
        weir__dataflow_drop(dataflow);
}

static void free_instance(weir_worker *worker, weir__dataflow *dataflow)
{
    unlist(worker, dataflow);
    if (worker->cluster)
        weir__cluster_forget(worker->cluster, dataflow);
    weir__metrics_drop(worker->runtime, dataflow->metrics);
    weir__dataflow_hide(dataflow->shared, worker->context.local);
    weir__dataflow_destroy(dataflow);
}

bool weir__worker_reclaim(weir_worker *worker, weir__dataflow *dataflow)
{
    weir_dataflow *shared = dataflow->shared;
    bool keep = __atomic_load_n(&shared->keep, __ATOMIC_RELAXED);
    if (!weir__dataflow_is_spent(dataflow) || (keep && !dataflow->discards))
        return false;
    if (worker->cluster && !weir__cluster_has_told(worker->cluster, dataflow))
        return false; /* once that is on its way, it gets another turn */
    weir__dataflow_begin_removal(shared); /* also of one that went by itself */
    weir__dataflow_discard(dataflow);
    weir__agenda_remove(dataflow);
    free_instance(worker, dataflow);
    weir__dataflow_freed(shared);
    if (worker->context.cluster && worker->context.local)
        weir__context_notify(&worker->context, 0); /* it may have been the last one */
    return true;
}

/* ---- all commands ---- */

static bool do_command(weir_worker *worker, const weir__command *command)
{
    switch (command->kind) {
    case WEIR__BUILD:
        return build(worker, command);
    case WEIR__REMOVE:
        remove_dataflow(worker, command);
        return true;
    case WEIR__DROP:
        drop_dataflow(worker, command);
        return true;
    case WEIR__ENTRY:
        weir__sequencer_tell(worker, command);
        return true;
    default:
        worker->barriers_seen++;
        return true;
    }
}

/* All workers of this process have. */
static void have_done(weir_worker *worker, weir__command *command)
{
    if (command->kind == WEIR__REMOVE && command->dataflow) {
        weir__dataflow_discarded(command->dataflow);
        if (worker->context.cluster && worker->context.local)
            weir__context_notify(&worker->context, 0);
    }
    weir__command_destroy(command);
}

bool weir__commands_take(weir_worker *worker)
{
    weir_env *env = worker->context.env;
    bool any = false;
    for (weir__command *command; (command = weir__order_peek(worker)); any = true) {
        if (env->order_is_late && env->order_is_late(env->ctx, worker->context.local))
            break;
        if (!do_command(worker, command))
            break;
        if (weir__order_advance(worker, command))
            have_done(worker, command);
    }
    return any;
}

bool weir__commands_wait(weir_worker *worker)
{
    weir__command *command = weir__order_peek(worker);
    return command && (command->kind != WEIR__BUILD ||
                       __atomic_load_n(&command->dataflow->described, __ATOMIC_ACQUIRE) !=
                           WEIR__AT_IT);
}

void weir__commands_fini(weir_worker *worker)
{
    while (worker->first)
        free_instance(worker, worker->first);
    while (worker->early) {
        weir__early *early = worker->early;
        worker->early = early->next;
        if (early->batch)
            weir_batch_release(early->batch);
        early_free(early);
    }
    weir__id_table_fini(&worker->dataflows);
}
