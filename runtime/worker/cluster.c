/* SPDX-License-Identifier: Apache-2.0
 *
 * See cluster.h. What every process must have in common is in facts.c, changes in cluster_sums.c,
 * the order of commands in cluster_order.c.
 */
#include "worker/cluster_inside.h"

#include <string.h>

#include "base/assert.h"
#include "dataflow/letter.h"
#include "worker/facts.h"
#include "worker/planted.h"

enum {
    BEHIND_BYTES = 64 << 10, /* a connection with more than this to write is behind */
    CONNECT_MS = 60000, BEAT_MS = 1000, SILENCE_MS = 10000,
    AWAY_NS = 1000 * 1000,
    THREAD_ABOVE = 4, /* workers: then the sockets are a thread's of its own */
};
static const uint64_t ABSENCE_NS = UINT64_C(10) * 1000 * 1000 * 1000; /* between two lines */

static const uint64_t CHARGED_MAX = UINT64_C(1) << 50; /* bytes of a pair of workers under way */

static weir_worker *owner(const weir__cluster *cluster)
{
    return weir__cluster_owner(cluster);
}

static unsigned process_of(const weir__cluster *cluster, unsigned worker)
{
    return worker / cluster->runtime->config.workers;
}

/* ---- create and destroy ---- */

static weir_status on_frame(void *ctx, unsigned process, const weir__frame *frame,
                            weir_error *error)
{
    return weir__cluster_on_frame(ctx, process, frame, error);
}

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

/* With many workers a thread of its own looks after the sockets. */
static weir_net *open_net(weir__cluster *cluster, weir_error *error)
{
    const weir_runtime *runtime = cluster->runtime;
    if (runtime->env->net)
        return runtime->env->net;
    cluster->own_net = weir__net_tcp_create(error);
    if (!cluster->own_net || runtime->config.workers <= THREAD_ABOVE)
        return cluster->own_net;
    cluster->own_thread = weir__net_thread_create(cluster->own_net, error);
    return cluster->own_thread;
}

static void *zeroed(size_t size)
{
    return memset(weir_alloc_must(size), 0, size);
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
    weir_net *net = cluster->net = open_net(cluster, error);
    cluster->silence_ns = ms_or(config->silence_ms, SILENCE_MS);
    weir__mesh_options options = {
        .env = runtime->env, .net = net, .pool = owner(cluster)->context.pool,
        .processes = config->processes, .process = config->process, .hosts = config->hosts,
        .secret = config->secret, .seed = runtime->seed_given,
        .incarnation = config->incarnation,
        .connect_ns = ms_or(config->connect_ms, CONNECT_MS),
        .beat_ns = ms_or(config->heartbeat_ms, BEAT_MS),
        .silence_ns = cluster->silence_ns,
        .host = { cluster, on_frame, on_stop } };
    if (net)
        cluster->mesh = weir__mesh_create(&options, error);
    if (!cluster->mesh) {
        weir__net_thread_destroy(cluster->own_thread);
        weir__net_tcp_destroy(cluster->own_net);
        weir_free(cluster, sizeof *cluster);
        return error && error->status ? error->status : WEIR_FAILED;
    }
    cluster->asks = weir__asks_create(runtime, cluster->mesh);
    cluster->answers = weir__answers_create(runtime, cluster->mesh);
    cluster->open = zeroed(config->processes * sizeof *cluster->open);
    cluster->early_bytes = zeroed(config->processes * sizeof *cluster->early_bytes);
    cluster->held_ns = zeroed(config->processes * sizeof *cluster->held_ns);
    cluster->idle_at = zeroed(config->processes * sizeof *cluster->idle_at);
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
    weir__net_thread_destroy(cluster->own_thread);
    weir__net_tcp_destroy(cluster->own_net);
    for (unsigned p = 0; p < processes; p++)
        weir_free(cluster->open[p].of, cluster->open[p].capacity * sizeof(weir__dataflow *));
    weir_free(cluster->open, processes * sizeof *cluster->open);
    weir_free(cluster->early_bytes, processes * sizeof *cluster->early_bytes);
    weir_free(cluster->held_ns, processes * sizeof *cluster->held_ns);
    weir_free(cluster->idle_at, processes * sizeof *cluster->idle_at);
    for (weir_dataflow *d = cluster->news, *next; d; d = next) {
        next = d->next_news;
        weir_dataflow_release(d);
    }
    weir_free(cluster, sizeof *cluster);
}

/* ---- batches ---- */

static uint64_t *of_pair(const weir__cluster *cluster, uint64_t *pairs, unsigned from, unsigned to)
{
    return &pairs[(size_t)from * owner(cluster)->context.workers + to];
}

/* So much may come back as credit. */
static void note_sent(weir__cluster *cluster, const weir_batch *batch)
{
    weir__dataflow *dataflow = weir__cluster_find(cluster, batch->mail_dataflow);
    *of_pair(cluster, dataflow->sent_away, batch->mail_from, batch->mail_to) += batch->bytes;
}

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
    note_sent(cluster, batch);
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

weir_status weir__cluster_refuse(weir_error *error, unsigned process, const char *what)
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

/* What a pair has under way is far from where numbers end. */
static bool can_be_charged(const weir__cluster *cluster, weir__dataflow *dataflow,
                           const weir__data *head)
{
    uint64_t *charged = of_pair(cluster, dataflow->charged, head->from, head->to);
    uint64_t told = *of_pair(cluster, dataflow->credits_told, head->from, head->to);
    if (head->charged > CHARGED_MAX || *charged - told > CHARGED_MAX)
        return false;
    *charged += head->charged;
    return true;
}

static weir_status on_data(weir__cluster *cluster, unsigned process, const weir__frame *frame,
                           weir_error *error)
{
    weir_worker *worker = owner(cluster);
    weir__context *context = &worker->context;
    weir__data head;
    if (!weir__frame_get_data(frame, &head))
        return weir__cluster_refuse(error, process, "a batch whose head is wrong");
    if (WEIR_UNLIKELY(weir__cluster_is_early(cluster, head.dataflow)))
        return weir__cluster_keep(cluster, process, head.dataflow, frame, error);
    weir__dataflow *dataflow = weir__cluster_find(cluster, head.dataflow);
    const weir_graph *graph = dataflow ? dataflow->graph : NULL;
    weir_node *node = graph && head.port < graph->port_count ? graph->input_owner[head.port]
                                                             : NULL;
    if (!node || !is_ours(cluster, head.to) || !is_remote(cluster, process, head.from))
        return weir__cluster_refuse(error, process, "a batch for a place that there is not");
    weir__batch_shape shape = { node->spec.inputs[head.port - node->first_input].type, node->depth,
                                frame->body_size };
    weir_batch *batch;
    if (!can_be_charged(cluster, dataflow, &head))
        return weir__cluster_refuse(error, process, "a batch charged with more than can be");
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
    weir__letter_send(context, head.to - context->first, batch);
    return WEIR_OK;
}

/* ---- credits ---- */

void weir__cluster_news(weir__cluster *cluster, weir_dataflow *shared)
{
    if (__atomic_exchange_n(&shared->in_news, true, __ATOMIC_ACQ_REL))
        return;
    weir_dataflow_retain(shared);
    weir_dataflow *top = __atomic_load_n(&cluster->news, __ATOMIC_RELAXED);
    do {
        shared->next_news = top;
    } while (!__atomic_compare_exchange_n(&cluster->news, &top, shared, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

void weir__cluster_owe(weir__cluster *cluster, weir__dataflow *dataflow)
{
    weir__cluster_news(cluster, dataflow->shared);
    if (dataflow->context->local)
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

/* Credits, and that a dataflow is discarded, or nothing left of it here. What is consumed of one
 * that is gone here is gone everywhere. */
static void put_news(weir__cluster *cluster)
{
    const weir__context *context = &owner(cluster)->context;
    unsigned locals = WEIR_PLANTED(CREDITS_OF_FIRST) ? 1 : context->locals;
    if (!__atomic_load_n(&cluster->news, __ATOMIC_RELAXED))
        return;
    weir_dataflow *shared = __atomic_exchange_n(&cluster->news, NULL, __ATOMIC_ACQUIRE);
    for (weir_dataflow *next; shared; shared = next) {
        next = shared->next_news;
        (void)__atomic_exchange_n(&shared->in_news, false, __ATOMIC_ACQ_REL);
        weir__dataflow *dataflow = weir__cluster_find(cluster, shared->id);
        for (unsigned place = 0; dataflow && place < locals; place++)
            put_credits_of(cluster, dataflow, context->first + place);
        weir__cluster_put_discarded(cluster, shared);
        weir__cluster_put_freed(cluster, shared);
        weir_dataflow_release(shared);
    }
}

static weir_status on_credit(weir__cluster *cluster, unsigned process, const weir__frame *frame,
                             weir_error *error)
{
    weir__credited credit;
    if (!weir__frame_get_credit(frame, &credit) || !is_ours(cluster, credit.to) ||
        !is_remote(cluster, process, credit.from))
        return weir__cluster_refuse(error, process, "credit for somebody who is not here");
    if (WEIR_UNLIKELY(weir__cluster_is_early(cluster, credit.dataflow)))
        return weir__cluster_keep(cluster, process, credit.dataflow, frame, error);
    weir__dataflow *dataflow = weir__cluster_find(cluster, credit.dataflow);
    if (!dataflow)
        return WEIR_OK; /* it is gone here already */
    uint64_t *sent = of_pair(cluster, dataflow->sent_away, credit.to, credit.from);
    if (credit.bytes > *sent)
        return weir__cluster_refuse(error, process, "credit for more than was sent to it");
    *sent -= credit.bytes;
    weir__flow_credit(dataflow, credit.from, credit.to,
                      credit.bytes << WEIR_PLANTED(CREDIT_DOUBLED));
    return WEIR_OK;
}

/* ---- turns ---- */

weir_status weir__cluster_on_frame(weir__cluster *cluster, unsigned process,
                                   const weir__frame *frame, weir_error *error)
{
    switch (frame->kind) {
    case WEIR__FRAME_PROGRESS:
        return weir__cluster_on_progress(cluster, process, frame, error);
    case WEIR__FRAME_DATA:
        return on_data(cluster, process, frame, error);
    case WEIR__FRAME_CREDIT:
        return on_credit(cluster, process, frame, error);
    case WEIR__FRAME_ASK:
        return weir__answers_ask(cluster->answers, process, frame, error);
    case WEIR__FRAME_ANSWER:
        return weir__asks_answer(cluster->asks, process, frame, error);
    case WEIR__FRAME_COMMAND:
        return weir__cluster_on_note(cluster, process, frame, error);
    default:
        return weir__cluster_refuse(error, process, "a frame that does not belong here");
    }
}

/* All begin, or none does: whoever is first decides. */
static bool decide(weir__cluster *cluster, uint32_t fate)
{
    uint32_t decided = WEIR__UNDECIDED;
    return __atomic_compare_exchange_n(&cluster->fate, &decided, fate, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE) ||
           decided == fate;
}

bool weir__cluster_gives_up(weir__cluster *cluster)
{
    return decide(cluster, WEIR__GIVEN_UP);
}

/* The workers of this process learn what was agreed, and begin. */
static void become_ready(weir__cluster *cluster)
{
    weir_runtime *runtime = cluster->runtime;
    if (!decide(cluster, WEIR__BEGINS))
        return; /* some worker was asked to end: the owner is, too */
    if (cluster->own_thread && !weir__net_thread_start(cluster->own_thread))
        weir_log(WEIR_LOG_WARN, "there is no thread for the connections to other processes: "
                 "worker %u reads them itself", owner(cluster)->context.self);
    runtime->config.hash_seed = weir__mesh_seed(cluster->mesh);
    __atomic_store_n(&runtime->config.incarnation, weir__mesh_incarnation(cluster->mesh),
                     __ATOMIC_RELAXED);
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

/* While others may have waited for the owner, who was in a long turn, or was not stepped. */
static void note_absence(weir__cluster *cluster)
{
    const weir_worker *worker = owner(cluster);
    weir__absence *absence = &cluster->absence;
    uint64_t now = worker->context.now_ns, away = now - absence->seen_ns;
    bool slept = worker->rests != absence->rests;
    absence->seen_ns = now;
    absence->rests = worker->rests;
    if (WEIR_LIKELY(away <= AWAY_NS) || slept || away == now) /* the first time */
        return;
    absence->times++;
    absence->longest_ns = away > absence->longest_ns ? away : absence->longest_ns;
    if (now < absence->told_ns + ABSENCE_NS && absence->told_ns)
        return;
    weir_log(WEIR_LOG_INFO, "worker %u, which has the connections to other processes, was away "
             "from them for %.3g ms, %u time%s since this was said last", worker->context.self,
             (double)absence->longest_ns / 1e6, absence->times, absence->times > 1 ? "s" : "");
    absence->told_ns = now;
    absence->longest_ns = absence->times = 0;
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
    note_absence(cluster);
    bool any = weir__mesh_poll(cluster->mesh, worker->context.now_ns);
    weir_error error = { 0 };
    if (WEIR_UNLIKELY(weir__mesh_failure(cluster->mesh) != NULL))
        weir__runtime_fail(cluster->runtime, weir__mesh_failure(cluster->mesh));
    else if (WEIR_UNLIKELY(cluster->held && weir__cluster_check_held(cluster, &error) != WEIR_OK))
        weir__runtime_fail(cluster->runtime, &error);
    return any;
}

/* Whether some have to wait, since their connection is behind. */
static bool put_sums(weir__cluster *cluster)
{
    bool left = false;
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++) {
        if (cluster->open[p].count == 0)
            continue;
        weir__wire *wire = weir__mesh_wire(cluster->mesh, p);
        if (!wire || wire->waiting < BEHIND_BYTES)
            weir__cluster_put_sums(cluster, p, wire);
        else
            left = true;
    }
    return left;
}

void weir__cluster_tell(weir__cluster *cluster)
{
    if (!cluster->ready || cluster->ended)
        return;
    put_sums(cluster);
    weir__mesh_flush(cluster->mesh); /* what has failed is found at the end of the turn */
}

void weir__cluster_flush(weir__cluster *cluster)
{
    if (!cluster->ready || cluster->ended)
        return;
    put_news(cluster);
    if (WEIR_PLANTED(SUM_AHEAD))
        weir__planted_resume(weir__cluster_owner(cluster));
    weir__asks_turn(cluster->asks);
    weir__answers_turn(cluster->answers);
    bool left = put_sums(cluster);
    weir__cluster_put_order(cluster);
    weir__mesh_flush(cluster->mesh);
    if (left) { /* what is not behind any more: nobody would wake us for them */
        put_sums(cluster);
        weir__mesh_flush(cluster->mesh);
    }
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

/* It was waiting for others: those that are there are told as of a failure, and our own log says
 * why nothing came of it. */
static void cancelled(const weir__cluster *cluster, weir_error *error)
{
    char missing[400];
    unsigned process = cluster->runtime->config.process;
    if (cluster->ready) {
        weir_error_set(error, WEIR_CANCELLED, "process %u was ended at once", process);
        return;
    }
    weir_error_set(error, WEIR_CANCELLED, "process %u was asked to end before all were there",
                   process);
    if (weir__mesh_missing(cluster->mesh, missing, sizeof missing) > 0)
        weir_error_detail(error, "missing: %s", missing);
    weir_log(WEIR_LOG_WARN, "%s%s%s", error->what, error->detail[0] ? ": " : "", error->detail);
}

static void end(weir__cluster *cluster)
{
    weir_runtime *runtime = cluster->runtime;
    weir_error error = { 0 };
    cluster->ended = true;
    if (__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE))
        error = runtime->error;
    else
        cancelled(cluster, &error);
    weir__mesh_fail(cluster->mesh, &error);
    error.status = WEIR_UNAVAILABLE; /* whatever the reason */
    weir__asks_end(cluster->asks, &error);
}

bool weir__cluster_has_told_all(const weir__cluster *cluster)
{
    for (unsigned p = 0; p < cluster->runtime->config.processes; p++)
        if (cluster->open[p].count && weir__mesh_wire(cluster->mesh, p))
            return false;
    return true;
}

bool weir__cluster_has_work(const weir__cluster *cluster)
{
    return cluster->ready && !cluster->ended &&
           (__atomic_load_n(&cluster->news, __ATOMIC_ACQUIRE) || weir__cluster_has_order(cluster));
}

bool weir__cluster_is_over(weir__cluster *cluster)
{
    weir_runtime *runtime = cluster->runtime;
    if (cluster->ended)
        return weir__mesh_has_left(cluster->mesh);
    if (__atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE) > 1 || !cluster->ready) {
        end(cluster);
        return weir__mesh_has_left(cluster->mesh);
    }
    weir__cluster_flush(cluster);
    if (!weir__cluster_has_told_all(cluster))
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
    return cluster->net->fd;
}

uint64_t weir__cluster_due_ns(const weir__cluster *cluster)
{
    uint64_t mesh = weir__mesh_due_ns(cluster->mesh), asks = weir__asks_due_ns(cluster->asks);
    return cluster->ended || mesh < asks ? mesh : asks;
}
