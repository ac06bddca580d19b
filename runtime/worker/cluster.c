/* SPDX-License-Identifier: Apache-2.0
 *
 * See cluster.h. What every process must have in common is in facts.c.
 */
#include "worker/cluster.h"

#include <string.h>

#include "base/assert.h"
#include "worker/answers.h"
#include "worker/asks.h"
#include "worker/facts.h"

enum {
    ENTRY_HEADER = 8,      /* u32 dataflow, u32 bytes of changes: as in a worker's log */
    BEHIND_BYTES = 64 << 10, /* a connection with more than this to write is behind */
    CONNECT_MS = 60000, BEAT_MS = 1000, SILENCE_MS = 10000,
};

/* Changes that a process is still to be told, by dataflow. */
typedef struct sums {
    weir__changes *of;
    uint32_t count; /* dataflows that there is room for */
    uint32_t *open; /* whose sums may have something in them */
    uint32_t open_count;
    bool *is_open;
} sums;

struct weir__cluster {
    weir_runtime *runtime;
    weir__mesh *mesh;
    weir_net *own_net;
    weir__asks *asks;
    weir__answers *answers;
    sums *sums; /* one a process; our own is not used */
    bool ready; /* atomic */
    bool owes;  /* atomic: some dataflow does */
    bool told_stop, ended, has_polled, flushing;
};

static weir_worker *owner(const weir__cluster *cluster)
{
    return &cluster->runtime->workers[0];
}

static unsigned process_of(const weir__cluster *cluster, unsigned worker)
{
    return worker / cluster->runtime->config.workers;
}

/* ---- create and destroy ---- */

static weir_status on_frame(void *ctx, unsigned process, const weir__frame *frame,
                            weir_error *error);

static void on_stop(void *ctx)
{
    weir__cluster *cluster = ctx;
    cluster->told_stop = true; /* whoever was asked has told all */
    if (!__atomic_load_n(&cluster->runtime->stopping, __ATOMIC_ACQUIRE))
        weir_runtime_stop(cluster->runtime);
}

static uint64_t ms_or(unsigned given, unsigned fallback)
{
    return (uint64_t)(given ? given : fallback) * 1000000;
}

weir_status weir__cluster_create(weir_runtime *runtime, weir__cluster **out, weir_error *error)
{
    const weir_config *config = &runtime->config;
    *out = NULL;
    if (config->processes <= 1)
        return WEIR_OK;
    weir__cluster *cluster = weir_alloc_must(sizeof *cluster);
    memset(cluster, 0, sizeof *cluster);
    cluster->runtime = runtime;
    weir_net *net = runtime->env->net;
    if (!net)
        net = cluster->own_net = weir__net_tcp_create(error);
    weir__mesh_options options = {
        .env = runtime->env, .net = net, .pool = owner(cluster)->context.pool,
        .processes = config->processes, .process = config->process, .hosts = config->hosts,
        .secret = config->secret, .seed = runtime->seed_given,
        .incarnation = config->incarnation,
        .connect_ns = ms_or(config->connect_ms, CONNECT_MS),
        .beat_ns = ms_or(config->heartbeat_ms, BEAT_MS),
        .silence_ns = ms_or(config->silence_ms, SILENCE_MS),
        .host = { cluster, on_frame, on_stop } };
    if (net)
        cluster->mesh = weir__mesh_create(&options, error);
    if (!cluster->mesh) {
        weir__net_tcp_destroy(cluster->own_net);
        weir_free(cluster, sizeof *cluster);
        return error && error->status ? error->status : WEIR_FAILED;
    }
    cluster->sums = weir_alloc_must(config->processes * sizeof *cluster->sums);
    memset(cluster->sums, 0, config->processes * sizeof *cluster->sums);
    cluster->asks = weir__asks_create(runtime, cluster->mesh);
    cluster->answers = weir__answers_create(runtime, cluster->mesh);
    *out = cluster;
    return WEIR_OK;
}

void weir__cluster_destroy(weir__cluster *cluster)
{
    if (!cluster)
        return;
    unsigned processes = cluster->runtime->config.processes;
    weir__asks_destroy(cluster->asks);
    weir__answers_destroy(cluster->answers);
    weir__mesh_destroy(cluster->mesh);
    weir__net_tcp_destroy(cluster->own_net);
    for (unsigned p = 0; p < processes; p++) {
        sums *s = &cluster->sums[p];
        for (uint32_t i = 0; i < s->count; i++)
            weir__changes_fini(&s->of[i]);
        weir_free(s->of, s->count * sizeof *s->of);
        weir_free(s->open, s->count * sizeof *s->open);
        weir_free(s->is_open, s->count * sizeof *s->is_open);
    }
    weir_free(cluster->sums, processes * sizeof *cluster->sums);
    weir_free(cluster, sizeof *cluster);
}

/* ---- changes ---- */

static weir__dataflow *find(const weir__cluster *cluster, uint32_t id)
{
    return weir__id_table_find(&owner(cluster)->dataflows, id);
}

static weir__depths depths_of(const weir__cluster *cluster, uint32_t id)
{
    return weir__topology_depths(find(cluster, id)->graph->topology);
}

static void grow(sums *s, uint32_t count)
{
    uint32_t old = s->count;
    count = count < 2 * old ? 2 * old : count;
    s->of = weir_realloc_must(s->of, old * sizeof *s->of, count * sizeof *s->of);
    s->open = weir_realloc_must(s->open, old * sizeof *s->open, count * sizeof *s->open);
    s->is_open = weir_realloc_must(s->is_open, old * sizeof *s->is_open,
                                   count * sizeof *s->is_open);
    memset(s->of + old, 0, (count - old) * sizeof *s->of);
    memset(s->is_open + old, 0, (count - old) * sizeof *s->is_open);
    s->count = count;
}

static weir__changes *sum_of(sums *s, uint32_t dataflow)
{
    if (WEIR_UNLIKELY(dataflow >= s->count))
        grow(s, dataflow + 1);
    if (!s->is_open[dataflow]) {
        s->is_open[dataflow] = true;
        s->open[s->open_count++] = dataflow;
    }
    return &s->of[dataflow];
}

void weir__cluster_publish(weir__cluster *cluster, weir__dataflow *dataflow,
                           const weir__changes *changes)
{
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++)
        if (p != cluster->runtime->config.process)
            weir__changes_merge(sum_of(&cluster->sums[p], dataflow->graph->id), changes);
}

void weir__cluster_relay(weir__cluster *cluster, uint32_t id, const void *data, size_t size)
{
    weir__depths depths = depths_of(cluster, id);
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++) {
        if (p == cluster->runtime->config.process)
            continue;
        weir_status status = weir__changes_decode(sum_of(&cluster->sums[p], id), depths, data, size,
                                                  NULL);
        WEIR_ASSERT(status == WEIR_OK, "our own log entry cannot be read");
    }
}

/* All sums of a process as one frame. */
static void put_sums(weir__cluster *cluster, unsigned process, weir__wire *wire)
{
    sums *s = &cluster->sums[process];
    size_t size = 0;
    for (uint32_t i = 0; i < s->open_count; i++) {
        uint32_t id = s->open[i];
        if (!weir__changes_is_empty(&s->of[id]))
            size += ENTRY_HEADER + weir__changes_encoded_size(&s->of[id], depths_of(cluster, id));
    }
    unsigned char *room = size ? weir__wire_room(wire, WEIR__FRAME_ROOM + size) : NULL;
    size_t at = size ? weir__frame_put_plain(room, WEIR__FRAME_PROGRESS, size) : 0;
    for (uint32_t i = 0; i < s->open_count; i++) {
        uint32_t id = s->open[i];
        s->is_open[id] = false;
        if (weir__changes_is_empty(&s->of[id]))
            continue;
        weir__depths depths = depths_of(cluster, id);
        uint32_t head[2] = { id, (uint32_t)weir__changes_encoded_size(&s->of[id], depths) };
        memcpy(room + at, head, sizeof head);
        weir__changes_encode(&s->of[id], depths, room + at + sizeof head);
        at += sizeof head + head[1];
        weir__changes_clear(&s->of[id]);
    }
    s->open_count = 0;
    if (size) {
        weir__wire_commit(wire, at);
        weir_worker *worker = owner(cluster);
        __atomic_store_n(&worker->sent_progress_bytes, worker->sent_progress_bytes + at,
                         __ATOMIC_RELAXED);
    }
}

static weir_status on_progress(weir__cluster *cluster, const weir__frame *frame,
                               weir_error *error)
{
    weir_worker *worker = owner(cluster);
    weir__context *context = &worker->context;
    weir_mail mail = { frame->body, frame->body_size };
    weir_status status = weir__worker_apply(worker, &mail, error);
    if (status == WEIR_OK && context->locals > 1) {
        context->env->log_append(context->env->ctx, context->local, mail.data, mail.size);
        for (unsigned w = 1; w < context->locals; w++)
            weir__context_notify(context, w);
    }
    return status;
}

/* ---- batches ---- */

void weir__cluster_send(weir__cluster *cluster, weir_batch *batch)
{
    weir__wire *wire = weir__mesh_wire(cluster->mesh, process_of(cluster, batch->mail_to));
    if (!wire) { /* the run is failing */
        weir_batch_release(batch);
        return;
    }
    weir__batch_bytes bytes;
    weir__batch_bytes_of(batch, owner(cluster)->context.pool, &bytes);
    if (WEIR_UNLIKELY(bytes.size > WEIR__FRAME_MAX - WEIR__FRAME_ROOM)) {
        weir_error error = { 0 };
        weir_error_set(&error, WEIR_TOO_LARGE, "a batch of %zu bytes cannot be sent to another "
                       "process: at most %u", bytes.size, WEIR__FRAME_MAX - WEIR__FRAME_ROOM);
        weir_error_hint(&error, "make the records' strings shorter");
        weir__batch_bytes_fini(&bytes);
        weir_batch_release(batch);
        weir__runtime_fail(cluster->runtime, &error);
        return;
    }
    weir__data head = { batch->mail_dataflow, batch->mail_port, batch->mail_from, batch->mail_to,
                        batch->bytes };
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_ROOM);
    weir__wire_commit(wire, weir__frame_put_data(room, &head, bytes.size));
    weir__wire_add_batch(wire, batch, &bytes);
    if (wire->waiting > BEHIND_BYTES && !cluster->flushing) { /* while we go on working */
        cluster->flushing = true;
        weir__mesh_flush(cluster->mesh);
        cluster->flushing = false;
    }
}

static weir_status refuse(weir_error *error, unsigned process, const char *what)
{
    weir_error_set(error, WEIR_BAD_DATA, "process %u has sent what cannot be: %s", process, what);
    weir_error_hint(error, "do all processes run the same program?");
    return WEIR_BAD_DATA;
}

static bool is_remote(const weir__cluster *cluster, unsigned process, unsigned worker)
{
    return worker < owner(cluster)->context.workers && process_of(cluster, worker) == process;
}

static bool is_ours(const weir__cluster *cluster, unsigned worker)
{
    return is_remote(cluster, cluster->runtime->config.process, worker);
}

static weir_status on_data(weir__cluster *cluster, unsigned process, const weir__frame *frame,
                           weir_error *error)
{
    weir_worker *worker = owner(cluster);
    weir__context *context = &worker->context;
    weir__data head;
    if (!weir__frame_get_data(frame, &head))
        return refuse(error, process, "a batch whose head is wrong");
    const weir__dataflow *dataflow = find(cluster, head.dataflow);
    const weir_graph *graph = dataflow ? dataflow->graph : NULL;
    weir_node *node = graph && head.port < graph->port_count ? graph->input_owner[head.port]
                                                             : NULL;
    if (!node || !is_ours(cluster, head.to) || !is_remote(cluster, process, head.from))
        return refuse(error, process, "a batch for a place that there is not");
    weir__batch_shape shape = { node->spec.inputs[head.port - node->first_input].type, node->depth,
                                frame->body_size };
    weir_batch *batch;
    weir_status status = weir__batch_from_bytes(frame->body, &shape, context->pool, &batch, error);
    if (status != WEIR_OK)
        return status;
    batch->bytes = (size_t)head.charged; /* what the sender will get back */
    batch->mail_dataflow = head.dataflow;
    batch->mail_port = head.port;
    batch->mail_from = head.from;
    batch->mail_to = head.to;
    if (head.to == context->self) {
        weir__worker_deliver(worker, batch);
        return WEIR_OK;
    }
    unsigned to = head.to - context->first;
    context->env->mail_send(context->env->ctx, context->local, to, batch);
    weir__context_notify(context, to);
    return WEIR_OK;
}

/* ---- credits ---- */

void weir__cluster_owe(weir__cluster *cluster, weir__dataflow *dataflow)
{
    weir__dataflow *first = dataflow->peers[0];
    __atomic_store_n(&first->owes, true, __ATOMIC_RELEASE);
    __atomic_store_n(&cluster->owes, true, __ATOMIC_RELEASE);
    if (dataflow != first)
        weir__context_notify(dataflow->context, 0);
}

static void put_credits_of(weir__cluster *cluster, weir__dataflow *dataflow, unsigned from)
{
    const weir__context *context = &owner(cluster)->context;
    for (unsigned to = 0; to < context->workers; to++) {
        uint64_t bytes = weir__context_is_local(context, to)
                             ? 0 : weir__flow_to_tell(dataflow, from, to);
        weir__wire *wire = bytes ? weir__mesh_wire(cluster->mesh, process_of(cluster, to)) : NULL;
        weir__credited credit = { dataflow->graph->id, from, to, bytes };
        if (wire)
            weir__wire_commit(wire, weir__frame_put_credit(
                                        weir__wire_room(wire, WEIR__FRAME_ROOM), &credit));
    }
}

static void put_credits(weir__cluster *cluster)
{
    weir_worker *worker = owner(cluster);
    if (!__atomic_load_n(&cluster->owes, __ATOMIC_RELAXED) ||
        !__atomic_exchange_n(&cluster->owes, false, __ATOMIC_ACQUIRE))
        return;
    for (weir__dataflow *dataflow = worker->first; dataflow; dataflow = dataflow->next)
        if (__atomic_exchange_n(&dataflow->owes, false, __ATOMIC_ACQUIRE))
            for (unsigned place = 0; place < worker->context.locals; place++)
                put_credits_of(cluster, dataflow, worker->context.first + place);
}

static weir_status on_credit(weir__cluster *cluster, unsigned process, const weir__frame *frame,
                             weir_error *error)
{
    weir__credited credit;
    bool is_sound = weir__frame_get_credit(frame, &credit) && is_ours(cluster, credit.to) &&
                    is_remote(cluster, process, credit.from);
    weir__dataflow *dataflow = is_sound ? find(cluster, credit.dataflow) : NULL;
    if (!dataflow)
        return refuse(error, process, "credit for somebody who is not here");
    weir__flow_credit(dataflow, credit.from, credit.to, credit.bytes);
    return WEIR_OK;
}

/* ---- turns ---- */

static weir_status on_frame(void *ctx, unsigned process, const weir__frame *frame,
                            weir_error *error)
{
    weir__cluster *cluster = ctx;
    switch (frame->kind) {
    case WEIR__FRAME_PROGRESS:
        return on_progress(cluster, frame, error);
    case WEIR__FRAME_DATA:
        return on_data(cluster, process, frame, error);
    case WEIR__FRAME_CREDIT:
        return on_credit(cluster, process, frame, error);
    case WEIR__FRAME_ASK:
        return weir__answers_ask(cluster->answers, process, frame, error);
    case WEIR__FRAME_ANSWER:
        return weir__asks_answer(cluster->asks, process, frame, error);
    default:
        return refuse(error, process, "a frame that does not belong here");
    }
}

/* The workers of this process learn what was agreed, and begin. */
static void become_ready(weir__cluster *cluster)
{
    weir_runtime *runtime = cluster->runtime;
    runtime->config.hash_seed = weir__mesh_seed(cluster->mesh);
    for (unsigned w = 0; w < runtime->config.workers; w++)
        runtime->workers[w].context.hash_seed = runtime->config.hash_seed;
    __atomic_store_n(&cluster->ready, true, __ATOMIC_RELEASE);
    for (unsigned w = 1; w < runtime->config.workers; w++)
        runtime->env->wake(runtime->env->ctx, w);
    weir_log(WEIR_LOG_INFO, "all %u processes are here", runtime->config.processes);
}

bool weir__cluster_ready(const weir__cluster *cluster)
{
    return __atomic_load_n(&cluster->ready, __ATOMIC_ACQUIRE);
}

bool weir__cluster_receive(weir__cluster *cluster)
{
    weir_worker *worker = owner(cluster);
    if (cluster->ended)
        return false;
    if (!cluster->has_polled) { /* the graphs are all there now */
        cluster->has_polled = true;
        weir__facts_add(cluster->runtime, cluster->mesh);
    }
    if (!cluster->ready) {
        bool any = weir__mesh_poll(cluster->mesh, worker->context.now_ns);
        if (weir__mesh_joined(cluster->mesh) && !weir__mesh_failure(cluster->mesh))
            become_ready(cluster);
        else if (weir__mesh_failure(cluster->mesh))
            weir__runtime_fail(cluster->runtime, weir__mesh_failure(cluster->mesh));
        return any;
    }
    if (!worker->running)
        return false; /* frames are for dataflows that have begun */
    bool any = weir__mesh_poll(cluster->mesh, worker->context.now_ns);
    if (WEIR_UNLIKELY(weir__mesh_failure(cluster->mesh) != NULL))
        weir__runtime_fail(cluster->runtime, weir__mesh_failure(cluster->mesh));
    return any;
}

void weir__cluster_flush(weir__cluster *cluster)
{
    if (!cluster->ready || cluster->ended)
        return;
    put_credits(cluster);
    weir__asks_turn(cluster->asks);
    weir__answers_turn(cluster->answers);
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++) {
        weir__wire *wire = cluster->sums[p].open_count ? weir__mesh_wire(cluster->mesh, p) : NULL;
        if (wire && wire->waiting < BEHIND_BYTES)
            put_sums(cluster, p, wire);
    }
    weir__mesh_flush(cluster->mesh);
    weir__mesh_counts counts = weir__mesh_count(cluster->mesh);
    __atomic_store_n(&owner(cluster)->sent_bytes, counts.bytes_out, __ATOMIC_RELAXED);
    __atomic_store_n(&owner(cluster)->received_bytes, counts.bytes_in, __ATOMIC_RELAXED);
    if (WEIR_UNLIKELY(weir__mesh_failure(cluster->mesh) != NULL))
        weir__runtime_fail(cluster->runtime, weir__mesh_failure(cluster->mesh));
}

/* ---- the end ---- */

void weir__cluster_stop(weir__cluster *cluster)
{
    if (cluster->told_stop || !cluster->ready)
        return;
    cluster->told_stop = true;
    weir__mesh_stop(cluster->mesh);
}

static void end(weir__cluster *cluster)
{
    weir_runtime *runtime = cluster->runtime;
    weir_error error = { 0 };
    cluster->ended = true;
    if (__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE))
        error = runtime->error;
    else
        weir_error_set(&error, WEIR_CANCELLED, cluster->ready
                           ? "process %u was ended at once"
                           : "process %u was asked to end before all were there",
                       runtime->config.process);
    weir__mesh_fail(cluster->mesh, &error);
    error.status = WEIR_UNAVAILABLE; /* whatever the reason */
    weir__asks_end(cluster->asks, &error);
}

/* Sums that wait for a connection which is behind go before the goodbye. */
static bool has_told_all(const weir__cluster *cluster)
{
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++)
        if (cluster->sums[p].open_count && weir__mesh_wire(cluster->mesh, p))
            return false;
    return true;
}

bool weir__cluster_is_over(weir__cluster *cluster)
{
    weir_runtime *runtime = cluster->runtime;
    if (cluster->ended)
        return true;
    if (__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE) > 1 || !cluster->ready) {
        end(cluster);
        return true;
    }
    weir__cluster_flush(cluster);
    if (!has_told_all(cluster))
        return false;
    weir_error error = { 0 };
    weir_error_set(&error, WEIR_CLOSED, "the cluster has ended");
    weir__asks_end(cluster->asks, &error);
    weir__mesh_goodbye(cluster->mesh);
    return weir__mesh_is_over(cluster->mesh);
}

weir__mesh *weir__cluster_mesh(const weir__cluster *cluster) { return cluster->mesh; }
weir__answers *weir__cluster_answers(const weir__cluster *cluster) { return cluster->answers; }

int weir__cluster_fd(const weir__cluster *cluster)
{
    return cluster->own_net ? cluster->own_net->fd : cluster->runtime->env->net->fd;
}

uint64_t weir__cluster_due_ns(const weir__cluster *cluster)
{
    uint64_t mesh = weir__mesh_due_ns(cluster->mesh), asks = weir__asks_due_ns(cluster->asks);
    return cluster->ended ? UINT64_MAX : mesh < asks ? mesh : asks;
}
