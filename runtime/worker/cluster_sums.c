/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes between processes: the sums of what others are still to be told, and what arrives. Also
 * what comes for dataflows that the first worker has not built yet.
 */
#include <string.h>

#include "base/assert.h"
#include "worker/cluster_inside.h"
#include "worker/planted.h"

enum {
    ENTRY_HEADER = 8,       /* u32 dataflow, u32 bytes of changes: as in a worker's log */
    EARLY_BYTES = 16 << 20, /* of a process that is ahead: then it is not read on */
};

static weir__depths depths_of(const weir__dataflow *dataflow)
{
    return weir__topology_depths(dataflow->graph->topology);
}

/* ---- what others are to be told ---- */

static weir__changes *sum_of(weir__cluster *cluster, unsigned process, weir__dataflow *dataflow)
{
    weir__sum *sum = &dataflow->sums[process];
    weir__open_sums *open = &cluster->open[process];
    if (WEIR_LIKELY(sum->is_open))
        return &sum->changes;
    if (open->count == open->capacity) {
        uint32_t old = open->capacity, larger = old ? old * 2 : 16;
        open->of = weir_realloc_must(open->of, old * sizeof(weir__dataflow *),
                                     larger * sizeof(weir__dataflow *));
        open->capacity = larger;
    }
    sum->is_open = true;
    open->of[open->count++] = dataflow;
    return &sum->changes;
}

void weir__cluster_publish(weir__cluster *cluster, weir__dataflow *dataflow,
                           const weir__changes *changes)
{
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++)
        if (p != cluster->runtime->config.process)
            weir__changes_merge(sum_of(cluster, p, dataflow), changes);
}

void weir__cluster_relay(weir__cluster *cluster, weir__dataflow *dataflow, const void *data,
                         size_t size)
{
    if (WEIR_PLANTED(SUM_AHEAD) &&
        weir__planted_postpone(weir__cluster_owner(cluster), dataflow, data, size))
        return;
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++) {
        if (p == cluster->runtime->config.process)
            continue;
        weir_status status = weir__changes_decode(sum_of(cluster, p, dataflow),
                                                  depths_of(dataflow), data, size, NULL);
        WEIR_ASSERT(status == WEIR_OK, "our own log entry cannot be read");
    }
}

/* The process has heard all, or will not hear any more. A dataflow of which nothing else is left
 * may go now. */
static void close_sums(weir__cluster *cluster, unsigned process)
{
    weir__open_sums *open = &cluster->open[process];
    for (uint32_t i = 0; i < open->count; i++) {
        weir__dataflow *dataflow = open->of[i];
        dataflow->sums[process].is_open = false;
        weir__changes_clear(&dataflow->sums[process].changes);
        if (WEIR_UNLIKELY(dataflow->complete))
            weir__dataflow_ready(dataflow);
    }
    open->count = 0;
}

/* All sums of a process as one frame. */
void weir__cluster_put_sums(weir__cluster *cluster, unsigned process, weir__wire *wire)
{
    const weir__open_sums *open = &cluster->open[process];
    size_t size = 0;
    for (uint32_t i = 0; wire && i < open->count; i++) {
        const weir__changes *changes = &open->of[i]->sums[process].changes;
        if (!weir__changes_is_empty(changes))
            size += ENTRY_HEADER + weir__changes_encoded_size(changes, depths_of(open->of[i]));
    }
    unsigned char *room = size ? weir__wire_room(wire, WEIR__FRAME_ROOM + size) : NULL;
    size_t at = size ? weir__frame_put_plain(room, WEIR__FRAME_PROGRESS, size) : 0;
    for (uint32_t i = 0; size && i < open->count; i++) {
        const weir__changes *changes = &open->of[i]->sums[process].changes;
        if (weir__changes_is_empty(changes))
            continue;
        weir__depths depths = depths_of(open->of[i]);
        uint32_t head[2] = { open->of[i]->graph->id,
                             (uint32_t)weir__changes_encoded_size(changes, depths) };
        memcpy(room + at, head, sizeof head);
        weir__changes_encode(changes, depths, room + at + sizeof head);
        at += sizeof head + head[1];
    }
    close_sums(cluster, process);
    if (size) {
        weir__wire_commit(wire, at);
        weir_worker *worker = weir__cluster_owner(cluster);
        __atomic_store_n(&worker->sent_progress_bytes, worker->sent_progress_bytes + at,
                         __ATOMIC_RELAXED);
    }
}

/* ---- a dataflow's life ---- */

void weir__cluster_add(weir__cluster *cluster, weir__dataflow *dataflow)
{
    size_t size = cluster->runtime->config.processes * sizeof *dataflow->sums;
    size_t pairs = (size_t)dataflow->context->workers * dataflow->context->workers;
    dataflow->sums = memset(weir_alloc_must(size), 0, size);
    dataflow->sent_away = weir__region_alloc(&dataflow->memory, pairs * sizeof(uint64_t));
    dataflow->charged = weir__region_alloc(&dataflow->memory, pairs * sizeof(uint64_t));
}

bool weir__cluster_has_told(const weir__cluster *cluster, const weir__dataflow *dataflow)
{
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++)
        if (dataflow->sums[p].is_open)
            return false;
    return true;
}

void weir__cluster_forget(weir__cluster *cluster, weir__dataflow *dataflow)
{
    unsigned processes = cluster->runtime->config.processes;
    for (unsigned p = 0; p < processes; p++) {
        weir__open_sums *open = &cluster->open[p];
        for (uint32_t i = 0; dataflow->sums[p].is_open; i++)
            if (open->of[i] == dataflow) {
                open->of[i] = open->of[--open->count];
                break;
            }
        weir__changes_fini(&dataflow->sums[p].changes);
    }
    weir_free(dataflow->sums, processes * sizeof *dataflow->sums);
}

/* ---- what comes for dataflows that are not built yet ---- */

/* A process that is far ahead is not read until we have caught up. */
static void count_early(weir__cluster *cluster, unsigned process, size_t bytes, bool kept)
{
    size_t *sum = &cluster->early_bytes[process], size = sizeof(weir__early) + bytes;
    bool held = *sum > EARLY_BYTES;
    *sum = kept ? *sum + size : *sum - size;
    if (held == (*sum > EARLY_BYTES))
        return;
    cluster->held = held ? cluster->held - 1 : cluster->held + 1;
    cluster->held_ns[process] = held ? 0 : weir__cluster_owner(cluster)->context.now_ns;
    weir__mesh_hold(cluster->mesh, process, !held);
}

static bool is_ordered(const weir__cluster *cluster, uint32_t dataflow)
{
    return dataflow < cluster->runtime->order.next_id;
}

/* Process 0 gives the order, and tells it before it says anything else of a dataflow; so what
 * process 0 hears, or says, is of one that this process has heard of. */
static weir_status check_early(const weir__cluster *cluster, unsigned process, uint32_t dataflow,
                               weir_error *error)
{
    if (is_ordered(cluster, dataflow) || (process && cluster->runtime->config.process))
        return WEIR_OK;
    return weir__cluster_refuse(error, process, "something for a dataflow that nobody has ordered");
}

static bool waits_for_order(const weir__cluster *cluster, unsigned process)
{
    for (const weir__early *e = weir__cluster_owner(cluster)->early; e; e = e->next)
        if (e->process == process && e->kind >= WEIR__EARLY_ENTRY && is_ordered(cluster, e->id))
            return false;
    return true;
}

weir_status weir__cluster_check_held(weir__cluster *cluster, weir_error *error)
{
    uint64_t now = weir__cluster_owner(cluster)->context.now_ns;
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++) {
        if (!cluster->held_ns[p] || now - cluster->held_ns[p] < cluster->silence_ns)
            continue;
        if (waits_for_order(cluster, p))
            return weir__cluster_refuse(error, p, "much for dataflows that nobody has ordered");
        cluster->held_ns[p] = now; /* what it waits for will be built here */
    }
    return WEIR_OK;
}

bool weir__cluster_is_early(const weir__cluster *cluster, uint32_t dataflow)
{
    return dataflow >= weir__cluster_owner(cluster)->next_id;
}

weir_status weir__cluster_keep(weir__cluster *cluster, unsigned process, uint32_t dataflow,
                               const weir__frame *frame, weir_error *error)
{
    size_t size = WEIR__FRAME_PREFIX + frame->head_size + frame->body_size;
    weir__early early = { .id = dataflow, .kind = WEIR__EARLY_FRAME, .process = process };
    weir_status status = check_early(cluster, process, dataflow, error);
    if (status != WEIR_OK)
        return status;
    weir__early_keep(weir__cluster_owner(cluster), &early, frame->head - WEIR__FRAME_PREFIX, size);
    count_early(cluster, process, size, true);
    return WEIR_OK;
}

/* To the other workers of this process, by the owner's log. */
static void pass_on(weir__cluster *cluster, const void *data, size_t size)
{
    weir__context *context = &weir__cluster_owner(cluster)->context;
    if (context->locals < 2)
        return;
    context->env->log_append(context->env->ctx, context->local, data, size);
    for (unsigned w = 1; w < (WEIR_PLANTED(SUM_WAKES_ONE) ? 2 : context->locals); w++)
        weir__context_notify(context, w);
}

weir_status weir__cluster_take_early(weir__cluster *cluster, const weir__early *early,
                                     weir_error *error)
{
    count_early(cluster, early->process, early->size, false);
    if (early->kind == WEIR__EARLY_ENTRY) {
        weir_mail mail = { early->data, early->size };
        weir_status status = weir__worker_apply(weir__cluster_owner(cluster), &mail, error);
        if (status == WEIR_OK)
            pass_on(cluster, early->data, early->size);
        return status;
    }
    weir__frame frame;
    int64_t size = weir__frame_read(early->data, early->size, early->size, &frame, error);
    WEIR_ASSERT(size == (int64_t)early->size, "a frame that was kept cannot be read");
    return weir__cluster_on_frame(cluster, early->process, &frame, error);
}

/* ---- changes that arrive ---- */

/* The part of an entry at `at`: the bytes of its changes. False: it does not fit. */
static bool next_part(const weir__frame *frame, size_t at, uint32_t head[2])
{
    if (frame->body_size - at < ENTRY_HEADER)
        return false;
    memcpy(head, frame->body + at, ENTRY_HEADER);
    return head[1] <= frame->body_size - at - ENTRY_HEADER;
}

/* Some of it is for dataflows that the owner has not built, so other workers cannot be told of it
 * yet: who folds the log has to know all that is in it. */
static weir_status take_parts(weir__cluster *cluster, unsigned process, const weir__frame *frame,
                              weir_error *error)
{
    weir_worker *worker = weir__cluster_owner(cluster);
    weir_status status = WEIR_OK;
    uint32_t head[2];
    for (size_t at = 0, size; status == WEIR_OK && at < frame->body_size; at += size) {
        if (!next_part(frame, at, head))
            return weir__cluster_refuse(error, process, "changes that do not fit");
        size = ENTRY_HEADER + head[1];
        weir_mail part = { frame->body + at, size };
        if (weir__cluster_is_early(cluster, head[0])) {
            weir__early early = { .id = head[0], .kind = WEIR__EARLY_ENTRY, .process = process };
            status = check_early(cluster, process, head[0], error);
            if (status != WEIR_OK)
                break;
            weir__early_keep(worker, &early, part.data, size);
            count_early(cluster, process, size, true);
        } else {
            status = weir__worker_apply(worker, &part, error);
            if (status == WEIR_OK)
                pass_on(cluster, part.data, size);
        }
    }
    return status;
}

weir_status weir__cluster_on_progress(weir__cluster *cluster, unsigned process,
                                      const weir__frame *frame, weir_error *error)
{
    uint32_t head[2];
    for (size_t at = 0; at < frame->body_size; at += ENTRY_HEADER + head[1]) {
        if (!next_part(frame, at, head))
            return weir__cluster_refuse(error, process, "changes that do not fit");
        if (WEIR_UNLIKELY(weir__cluster_is_early(cluster, head[0])))
            return take_parts(cluster, process, frame, error);
    }
    weir_mail mail = { frame->body, frame->body_size };
    weir_status status = weir__worker_apply(weir__cluster_owner(cluster), &mail, error);
    if (status == WEIR_OK)
        pass_on(cluster, mail.data, mail.size);
    return status;
}
