/* SPDX-License-Identifier: Apache-2.0
 *
 * What a running process shows of itself: nodes, stages, frontiers and their holders, metrics. Owns
 * the list of metrics that operators add.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "trace/segment.h"
#include "worker/runtime.h"

static uint64_t get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* ---- metrics ---- */

static char *duplicate(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(weir_alloc_must(size), text, size);
}

/* Label values are escaped as Prometheus' text format wants it. */
static void escape(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; *text && n + 3 < size; text++) {
        if (*text == '\\' || *text == '"')
            out[n++] = '\\';
        out[n++] = *text == '\n' ? ' ' : *text;
    }
    out[n] = 0;
}

weir_metric *weir_step_metric(weir_step *step, const weir_metric_spec *spec)
{
    weir_runtime *runtime = step->context->runtime;
    const char *of = step->node->graph->name;
    char labels[1024], name[256], dataflow[256];
    escape(name, sizeof name, step->node->name);
    escape(dataflow, sizeof dataflow, of ? of : "main");
    snprintf(labels, sizeof labels, "dataflow=\"%s\",node=\"%s\",worker=\"%u\"%s%s", dataflow, name,
             step->context->self, spec->labels ? "," : "", spec->labels ? spec->labels : "");
    weir_metric **own = &step->dataflow->metrics;
    for (weir_metric *m = *own; m; m = m->next_own)
        if (m->owner == step && !strcmp(m->name, spec->name) && !strcmp(m->labels, labels))
            return m;
    weir_metric *metric = weir_alloc_must(sizeof *metric);
    *metric = (weir_metric){ .next_own = *own, .at = &runtime->metrics, .owner = step,
                             .kind = spec->kind, .name = duplicate(spec->name),
                             .help = duplicate(spec->help ? spec->help : ""),
                             .labels = duplicate(labels) };
    *own = metric;
    pthread_mutex_lock(&runtime->mutex);
    metric->next = runtime->metrics;
    if (metric->next)
        metric->next->at = &metric->next;
    runtime->metrics = metric;
    pthread_mutex_unlock(&runtime->mutex);
    return metric;
}

void weir__metrics_drop(weir_runtime *runtime, weir_metric *own)
{
    for (weir_metric *metric = own, *next; metric; metric = next) {
        next = metric->next_own;
        pthread_mutex_lock(&runtime->mutex);
        *metric->at = metric->next;
        if (metric->next)
            metric->next->at = metric->at;
        pthread_mutex_unlock(&runtime->mutex);
        weir_free(metric->name, strlen(metric->name) + 1);
        weir_free(metric->help, strlen(metric->help) + 1);
        weir_free(metric->labels, strlen(metric->labels) + 1);
        weir_free(metric, sizeof *metric);
    }
}

void weir_metric_set(weir_metric *metric, int64_t value)
{
    __atomic_store_n(&metric->value, value, __ATOMIC_RELAXED);
}

void weir_metric_add(weir_metric *metric, int64_t value)
{
    __atomic_fetch_add(&metric->value, value, __ATOMIC_RELAXED);
}

void weir_step_keep_large(weir_step *step, weir_shape *shape)
{
    weir__shape_set_store(shape, step->context->runtime->store);
}

weir_status weir_step_show_trace(weir_step *step, weir_trace *trace)
{
    const char *of = step->node->graph->name;
    weir_trace_place place = { .dataflow = of ? of : "main",
                               .node = step->node->name,
                               .dataflow_id = step->node->graph->id,
                               .worker = step->context->self };
    weir_step_keep_large(step, weir_trace_shape(trace));
    weir__step_trace *shown = weir__region_alloc(&step->dataflow->memory, sizeof *shown);
    *shown = (weir__step_trace){ .next = step->traces, .trace = trace };
    step->traces = shown;
    return weir_traces_show(step->context->runtime->traces, trace, &place);
}

/* ---- the graph ---- */

typedef struct observation {
    weir_worker *worker;
    const weir_observer *observer;
    weir__dataflow *dataflow;
    const char *name;
    const weir_node *input_of;
    uint64_t age_us;
} observation;

static const weir_node *owner_of_output(const weir_graph *graph, uint32_t port)
{
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_node *node = weir__graph_node(graph, i);
        if (port >= node->first_output && node->spec.output_count &&
            port < node->first_output + node->spec.output_count)
            return node;
    }
    return NULL;
}

static void on_holder(const weir__outstanding *held, void *ctx)
{
    const observation *o = ctx;
    const weir_graph *graph = o->dataflow->graph;
    const weir_node *input = held->port < graph->port_count ? graph->input_owner[held->port]
                                                            : NULL;
    const weir_node *node = input ? input : owner_of_output(graph, held->port);
    char time[96];
    unsigned depth = node ? node->depth : 1;
    o->observer->holder(&(weir_holder_info){
        .dataflow = o->name, .node = node ? node->name : "?", .input_of = o->input_of->name,
        .time = weir_time_text(&held->time, depth, time, sizeof time),
        .is_capability = !input, .count = held->count, .age_us = o->age_us }, o->observer->ctx);
}

static bool is_tracked(const weir_node *node, unsigned input)
{
    return weir__topology_is_tracked(node->graph->topology, node->first_input + input);
}

/* Where the input's first edge comes from. */
static const char *feeder(const weir_graph *graph, const weir_node *node, unsigned input)
{
    for (uint32_t e = 0; e < graph->edges.count; e++) {
        const weir__edge *edge = graph->edges.items[e];
        if (edge->to == node && edge->input == input)
            return edge->from->node->name;
    }
    return "?";
}

static void sum_worker(weir_node_info *info, weir_input_info *inputs, const weir_step *step)
{
    info->steps += get(&step->steps);
    info->step_ns += get(&step->step_ns);
    info->records_in += get(&step->records_in);
    info->batches_in += get(&step->batches_in);
    info->records_out += get(&step->records_out);
    info->batches_out += get(&step->batches_out);
    info->bytes_in += get(&step->bytes_in);
    info->bytes_out += get(&step->bytes_out);
    info->memory_bytes += weir_account_bytes(&step->account);
    info->long_steps += get(&step->long_steps);
    if (get(&step->longest_ns) > info->longest_step_ns)
        info->longest_step_ns = get(&step->longest_ns);
    info->capabilities += __atomic_load_n(&step->caps_held, __ATOMIC_RELAXED);
    for (unsigned k = 0; k < info->input_count; k++) {
        inputs[k].waiting_batches += get(&step->queues[k].batches_waiting);
        inputs[k].waiting_bytes += get(&step->queues[k].bytes_waiting);
        inputs[k].spilled_bytes += get(&step->queues[k].spilled_waiting);
        inputs[k].spilled_total_bytes += get(&step->queues[k].spilled_ever);
    }
}

static void observe_node(observation *o, const weir_node *node)
{
    enum { INPUTS_SHOWN = 16, TEXT = 128 };
    weir_input_info inputs[INPUTS_SHOWN] = { 0 };
    char texts[INPUTS_SHOWN][TEXT];
    unsigned count = node->spec.input_count;
    count = count < INPUTS_SHOWN ? count : INPUTS_SHOWN;
    weir_node_info info = { .dataflow = o->name, .dataflow_id = o->dataflow->graph->id,
                            .node_id = node->id, .name = node->name, .kind = node->spec.kind,
                            .input_count = count, .inputs = inputs };
    const weir_step *own = &o->dataflow->nodes[node->id].step;
    uint64_t now = o->worker->context.now_ns;
    for (unsigned w = 0; w < o->worker->context.locals; w++)
        if (o->dataflow->peers[w])
            sum_worker(&info, inputs, &o->dataflow->peers[w]->nodes[node->id].step);
    o->input_of = node;
    o->age_us = now > own->frontier_moved_ns ? (now - own->frontier_moved_ns) / 1000 : 0;
    for (unsigned k = 0; k < count; k++) {
        inputs[k].from = feeder(node->graph, node, k);
        inputs[k].held_for_us = o->age_us;
        if (is_tracked(node, k))
            inputs[k].frontier = weir_frontier_text(
                weir__tracker_frontier(o->dataflow->tracker, node->first_input + k), texts[k],
                TEXT);
    }
    if (o->observer->node)
        o->observer->node(&info, o->observer->ctx);
    for (unsigned k = 0; o->observer->holder && k < count; k++)
        if (is_tracked(node, k))
            weir__tracker_holders(o->dataflow->tracker, node->first_input + k, on_holder, o);
}

static void observe_stages(observation *o, const weir__point_instance *const *points,
                           unsigned workers, const weir_node *node, const char *behind)
{
    for (uint32_t i = 0; i < points[0]->stage_count; i++) {
        const weir__stage *stage = points[0]->stages[i]->stage;
        weir_stage_info info = { .dataflow = o->name, .node = node->name, .name = stage->name,
                                 .kind = stage->spec.kind, .node_id = node->id,
                                 .dataflow_id = node->graph->id,
                                 .behind = behind };
        const weir__point_instance *below[WEIR_WORKERS_MAX];
        for (unsigned w = 0; w < workers; w++) {
            const weir__stage_instance *si = points[w]->stages[i];
            info.records_in += get(&si->counts.records_in);
            info.batches_in += get(&si->counts.batches_in);
            info.records_out += get(&si->counts.records_out);
            info.time_ns += get(&si->counts.time_ns);
            below[w] = &si->point;
        }
        o->observer->stage(&info, o->observer->ctx);
        observe_stages(o, below, workers, node, stage->name);
    }
}

const char *weir__route_text(const weir__edge *edge)
{
    static const char *const texts[] = { "local", "by key", "by function", "to all" };
    unsigned route = edge->routing.route;
    return route < sizeof texts / sizeof *texts ? texts[route] : "?";
}

static void observe_edges(const observation *o)
{
    const weir_graph *graph = o->dataflow->graph;
    for (uint32_t i = 0; i < graph->edges.count; i++) {
        const weir__edge *edge = graph->edges.items[i];
        const weir__point *from = edge->from;
        o->observer->edge(&(weir_edge_info){
            .dataflow = o->name, .dataflow_id = graph->id, .from = from->node->name,
            .from_id = from->node->id, .stage = from->stage ? from->stage->name : NULL,
            .output = from->output, .to = edge->to->name, .to_id = edge->to->id,
            .input = edge->input, .route = weir__route_text(edge), .moves = edge->moves },
            o->observer->ctx);
    }
}

static void observe_flow(const observation *o)
{
    const weir__dataflow *own = o->dataflow;
    weir_flow_info info = { .dataflow = o->name, .dataflow_id = own->graph->id,
                            .complete = own->complete,
                            .budget_bytes = own->graph->config->budget_bytes };
    for (unsigned w = 0; w < o->worker->context.locals; w++) {
        if (!own->peers[w])
            continue;
        const weir__flow *flow = &own->peers[w]->flow;
        int64_t bytes = weir__flow_in_flight(flow); /* of counters that move: maybe below 0 */
        info.in_flight_bytes += bytes > 0 ? (uint64_t)bytes : 0;
        info.in_flight_peak_bytes += (uint64_t)__atomic_load_n(&flow->peak, __ATOMIC_RELAXED);
        info.spilled_bytes += get(&flow->spilled);
        info.spilled_total_bytes += get(&flow->spilled_ever);
    }
    o->observer->flow(&info, o->observer->ctx);
}

static void observe_dataflow(observation *o)
{
    const weir_graph *graph = o->dataflow->graph;
    if (o->observer->flow)
        observe_flow(o);
    if (o->observer->edge)
        observe_edges(o);
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_node *node = weir__graph_node(graph, i);
        if (o->observer->node || o->observer->holder)
            observe_node(o, node);
        for (unsigned k = 0; o->observer->stage && k < node->spec.output_count; k++) {
            const weir__point_instance *points[WEIR_WORKERS_MAX];
            unsigned workers = 0; /* that have it now */
            for (unsigned w = 0; w < o->worker->context.locals; w++)
                if (o->dataflow->peers[w])
                    points[workers++] = &o->dataflow->peers[w]->nodes[i].step.outputs[k].point;
            observe_stages(o, points, workers, node, NULL);
        }
    }
}

static void observe_metrics(weir_runtime *runtime, const weir_observer *observer)
{
    pthread_mutex_lock(&runtime->mutex);
    for (const weir_metric *metric = runtime->metrics; metric; metric = metric->next)
        observer->metric(&(weir_metric_info){
            .name = metric->name, .help = metric->help, .labels = metric->labels,
            .kind = metric->kind, .value = __atomic_load_n(&metric->value, __ATOMIC_RELAXED) },
            observer->ctx);
    pthread_mutex_unlock(&runtime->mutex);
}

void weir_observe(weir_worker *worker, const weir_observer *observer)
{
    weir_runtime *runtime = worker->runtime;
    pthread_mutex_lock(&runtime->dataflows_lock); /* nobody frees an instance meanwhile */
    for (const weir_dataflow *d = runtime->dataflows; d; d = d->next) {
        weir__dataflow *dataflow = d->peers[worker->context.local];
        if (dataflow && !dataflow->discards)
            observe_dataflow(&(observation){ .worker = worker, .observer = observer,
                                             .dataflow = dataflow,
                                             .name = d->name ? d->name : "main" });
    }
    pthread_mutex_unlock(&runtime->dataflows_lock);
    if (observer->metric)
        observe_metrics(worker->runtime, observer);
}

static void sum_flow(const weir__flow *flow, weir_process_info *info)
{
    info->in_flight_bytes += (uint64_t)weir__flow_in_flight(flow);
    info->in_flight_peak_bytes += (uint64_t)__atomic_load_n(&flow->peak, __ATOMIC_RELAXED);
    info->spilled_bytes += get(&flow->spilled);
    info->spilled_total_bytes += get(&flow->spilled_ever);
}

static void count_dataflows(weir_runtime *runtime, weir_process_info *info)
{
    pthread_mutex_lock(&runtime->dataflows_lock);
    info->dataflows = runtime->dataflows_alive;
    info->dataflows_gone = runtime->dataflows_gone;
    for (const weir_dataflow *d = runtime->dataflows; d; d = d->next) {
        info->dataflows_done += !d->gone && d->made && d->complete == d->workers;
        for (unsigned w = 0; w < d->workers; w++)
            if (d->peers[w])
                sum_flow(&d->peers[w]->flow, info);
    }
    pthread_mutex_unlock(&runtime->dataflows_lock);
}

void weir_observe_process(const weir_runtime *constant, weir_process_info *info)
{
    weir_runtime *runtime = (weir_runtime *)constant; /* its lock changes */
    *info = (weir_process_info){ .workers = runtime->config.workers,
                                 .budget_bytes = runtime->config.budget_bytes };
    info->uptime_us = (runtime->env->now_ns(runtime->env->ctx) - runtime->created_ns) / 1000;
    info->memory_bytes = weir_memory_used();
    info->failed = __atomic_load_n(&runtime->failed, __ATOMIC_ACQUIRE);
    info->stopping = __atomic_load_n(&runtime->stopping, __ATOMIC_ACQUIRE);
    count_dataflows(runtime, info);
    info->processes = runtime->config.processes;
    info->process = runtime->config.process;
    info->incarnation = get(&runtime->config.incarnation);
    info->sent_bytes = get(&runtime->workers[0].sent_bytes);
    info->received_bytes = get(&runtime->workers[0].received_bytes);
    info->sent_progress_bytes = get(&runtime->workers[0].sent_progress_bytes);
    for (unsigned w = 0; w < runtime->config.workers; w++) {
        const weir_worker *worker = &runtime->workers[w];
        info->turns += get(&worker->turns);
        info->parks += get(&worker->parks);
        info->wakes += get(&worker->wakes);
        info->progress_bytes += get(&worker->progress_bytes);
        info->early_mail += get(&worker->early_count);
        info->late_mail += get(&worker->late_count);
    }
}
