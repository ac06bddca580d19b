/* SPDX-License-Identifier: Apache-2.0
 *
 * Who on a worker holds a frontier back for long while somebody waits for it. Counts of the tracker
 * are of all workers together, so each worker speaks of its own capabilities and queues only; put
 * together they name the worker, too. Slow: for people.
 */
#include <stdio.h>
#include <string.h>

#include "worker/watch.h"

enum { INPUTS_A_DATAFLOW = 8 }; /* whose holders are looked for: one finds who holds them all */

typedef struct search {
    weir_worker *worker;
    weir__dataflow *dataflow;
    uint64_t now_ns, least_ns;
    uint64_t latest; /* the greatest epoch that anything is outstanding at */
    const weir_node *waits;
    unsigned input;
    weir_held_fn *fn;
    void *ctx;
} search;

static void tell(const search *s, const weir_step *step, const weir__outstanding *held,
                 uint64_t since_ns)
{
    char time[96];
    const weir_node *node = step->node;
    uint64_t ns = s->now_ns > since_ns ? s->now_ns - since_ns : 0;
    if (ns < s->least_ns)
        return;
    s->fn(&(weir_held_info){
        .dataflow = s->dataflow->graph->name ? s->dataflow->graph->name : "main",
        .dataflow_id = s->dataflow->graph->id, .node_id = node->id, .node = node->name,
        .worker = s->worker->context.self,
        .time = weir_time_text(&held->time, node->depth, time, sizeof time),
        .is_capability = held->port >= node->first_output &&
                         held->port < node->first_output + node->spec.output_count,
        .held_us = ns / 1000, .input_of = s->waits->name, .input = s->input }, s->ctx);
}

/* This worker's own part in a pointstamp that holds a frontier back. */
static void on_holder(const weir__outstanding *held, void *ctx)
{
    const search *s = ctx;
    const weir_graph *graph = s->dataflow->graph;
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_step *step = &s->dataflow->nodes[i].step;
        const weir_node *node = step->node;
        uint32_t out = held->port - node->first_output, in = held->port - node->first_input;
        for (uint32_t c = 0; out < node->spec.output_count && c < step->cap_count; c++) {
            const weir__held_cap *cap = &step->caps[c];
            if (cap->held && cap->output == out &&
                weir_time_equal(&cap->time, &held->time, node->depth)) {
                tell(s, step, held, cap->since_ns);
                return;
            }
        }
        for (uint32_t b = 0; in < node->spec.input_count && b < step->queues[in].count; b++) {
            const weir__queue *q = &step->queues[in];
            const weir_batch *batch = q->ring[(q->head + b) & (q->capacity - 1)];
            if (weir_time_equal(&batch->time, &held->time, node->depth)) {
                tell(s, step, held, step->frontier_moved_ns);
                return;
            }
        }
    }
}

static void on_outstanding(const weir__outstanding *o, void *ctx)
{
    search *s = ctx;
    if (o->count > 0 && o->time.at[0] > s->latest)
        s->latest = o->time.at[0];
}

/* Work of later epochs is there already, or the node holds capabilities until the frontier has
 * passed them. At rest neither is so: idle sources all stand at one epoch. */
static bool waits(const search *s, const weir_step *step, const weir_frontier *f)
{
    if (weir_frontier_times(f)->at[0] < s->latest)
        return true;
    for (uint32_t c = 0; c < step->cap_count; c++)
        if (step->caps[c].held && weir_frontier_less_equal(f, &step->caps[c].time))
            return true;
    return false;
}

static void search_dataflow(search *s)
{
    const weir_graph *graph = s->dataflow->graph;
    unsigned found = 0;
    s->latest = 0;
    weir__tracker_each(s->dataflow->tracker, on_outstanding, s);
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_step *step = &s->dataflow->nodes[i].step;
        s->waits = step->node;
        if (s->now_ns - step->frontier_moved_ns < s->least_ns)
            continue;
        for (s->input = 0; s->input < step->node->spec.input_count; s->input++) {
            uint32_t port = step->node->first_input + s->input;
            if (found == INPUTS_A_DATAFLOW)
                return;
            if (!weir__topology_is_tracked(graph->topology, port))
                continue;
            const weir_frontier *f = weir__tracker_frontier(s->dataflow->tracker, port);
            if (weir_frontier_is_empty(f) || !waits(s, step, f))
                continue;
            found++;
            weir__tracker_holders(s->dataflow->tracker, port, on_holder, s);
        }
    }
}

void weir_observe_held(weir_worker *worker, uint64_t least_us, weir_held_fn *fn, void *ctx)
{
    weir_env *env = worker->context.env;
    search s = { .worker = worker, .now_ns = env->now_ns(env->ctx), .least_ns = least_us * 1000,
                 .fn = fn, .ctx = ctx };
    for (weir__dataflow *d = worker->first; d; d = d->next) {
        s.dataflow = d;
        if (!d->complete && !d->discards && d->started)
            search_dataflow(&s);
    }
}

/* ---- in the log ---- */

/* Each node once, and again when the time has doubled. */
static void log_held(const weir_held_info *held, void *ctx)
{
    weir_worker *worker = ctx;
    weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, held->dataflow_id);
    weir_step *step = &dataflow->nodes[held->node_id].step;
    if (held->held_us < step->held_told_us) /* another one, since */
        step->held_told_us = 0;
    if (step->held_told_us && held->held_us < 2 * step->held_told_us)
        return;
    step->held_told_us = held->held_us;
    weir_log(WEIR_LOG_WARN, "operator '%s' on worker %u has held time %s for %.1f s by %s; input "
             "%u of '%s' waits for it", held->node, held->worker, held->time,
             (double)held->held_us / 1e6,
             held->is_capability ? "a capability" : "a batch that it does not take", held->input,
             held->input_of);
}

void weir__watch_held(weir_worker *worker)
{
    uint64_t ns = weir__watch_held_ns(worker->runtime);
    if (ns != UINT64_MAX)
        weir_observe_held(worker, ns / 1000, log_held, worker);
}
