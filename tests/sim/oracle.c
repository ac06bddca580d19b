/* SPDX-License-Identifier: Apache-2.0
 *
 * Sees everything: every batch in a queue or on its way, every capability, and what each worker
 * believes. It counts nothing and remembers nothing, so it can only be wrong where the description
 * of the graph is; what that leads to is held against the evaluation in sequence.
 */
#include <string.h>

#include "dataflow/instance.h"
#include "node.h"
#include "worker/runtime.h"

/* Where an outstanding time at a port arrives: a port whose frontier somebody may ask for. */
typedef struct arrival {
    uint32_t port;
    weir_summary summary;
} arrival;

struct sim_oracle {
    sim_run *run;
    sim_flow *flow;
    weir_graph *graph;
    sim_paths paths;
    uint8_t *depth;
    const char **name;
    arrival **arrivals; /* by port */
    uint32_t *arrival_count;
    weir_frontier *truth, *initial; /* by port */
    weir_frontier *least; /* by port: of what lies there on the worker looked at; or empty */
    /* the check in hand */
    unsigned worker;
    bool collects;
    size_t batches;
};

static weir__dataflow *dataflow_of(const sim_oracle *o, unsigned worker)
{
    return weir__id_table_find(&o->run->worker[worker]->dataflows, o->graph->id);
}

/* ---- the graph ---- */

static uint32_t arcs_at_most(const weir_graph *g)
{
    uint32_t count = g->nodes.count * 4 + g->edges.count + 1;
    for (uint32_t i = 0; i < g->probes.count; i++)
        count += ((const weir_probe *)g->probes.items[i])->port->link_count;
    return count;
}

static uint32_t find_arcs(const sim_oracle *o, sim_arc *arcs)
{
    const weir_graph *g = o->graph;
    uint32_t count = 0;
    for (uint32_t i = 0; i < g->nodes.count; i++) {
        const weir_node *n = weir__graph_node(g, i);
        for (unsigned k = 0; k < n->spec.input_count; k++)
            for (unsigned p = 0; p < n->spec.output_count; p++) {
                weir_summary s = weir_summary_identity(n->depth);
                if (n->spec.summaries)
                    s = n->spec.summaries[k * n->spec.output_count + p];
                if (s.depth)
                    arcs[count++] = (sim_arc){ n->first_input + k, n->first_output + p, s };
            }
    }
    for (uint32_t i = 0; i < g->edges.count; i++) {
        const weir__edge *e = g->edges.items[i];
        arcs[count++] = (sim_arc){ e->from->node->first_output + e->from->output,
                                   e->to->first_input + e->input, e->summary };
    }
    for (uint32_t i = 0; i < g->probes.count; i++) {
        const weir_probe *probe = g->probes.items[i];
        for (uint32_t k = 0; k < probe->port->link_count; k++) {
            const weir__link *l = &probe->port->links[k];
            arcs[count++] =
                (sim_arc){ l->point->node->first_output + l->point->output, probe->topology_port,
                           l->moves ? l->summary : weir_summary_identity(probe->depth) };
        }
    }
    return count;
}

static void find_ports(sim_oracle *o)
{
    const weir_graph *g = o->graph;
    for (uint32_t i = 0; i < g->nodes.count; i++) {
        const weir_node *n = weir__graph_node(g, i);
        for (unsigned k = 0; k < n->spec.input_count + n->spec.output_count; k++) {
            uint32_t port = k < n->spec.input_count
                                ? n->first_input + k
                                : n->first_output + k - n->spec.input_count;
            o->depth[port] = (uint8_t)n->depth;
            o->name[port] = n->name;
        }
    }
    for (uint32_t i = 0; i < g->probes.count; i++) {
        const weir_probe *probe = g->probes.items[i];
        o->depth[probe->topology_port] = (uint8_t)probe->depth;
        o->name[probe->topology_port] = probe->name;
    }
}

static void find_arrivals(sim_oracle *o, uint32_t port)
{
    uint32_t count = 0, ports = o->graph->port_count;
    for (uint32_t to = 0; to < ports; to++)
        count += sim_path(&o->paths, port, to)->count;
    o->arrivals[port] = calloc(count + 1, sizeof(arrival));
    for (uint32_t to = 0; to < ports; to++) {
        const struct sim_path *path = sim_path(&o->paths, port, to);
        for (uint32_t i = 0; i < path->count; i++)
            if (weir__topology_is_tracked(o->graph->topology, to))
                o->arrivals[port][o->arrival_count[port]++] = (arrival){ to, path->items[i] };
    }
}

/* NULL: no worker has built it yet. */
static weir_graph *find_graph(sim_flow *flow)
{
    for (unsigned p = 0; p < flow->run->plan->processes; p++) {
        const weir_dataflow *handle = sim_order_find(flow, p);
        if (handle && handle->made)
            return handle->graph;
    }
    return NULL;
}

void sim_oracle_begin(sim_flow *flow)
{
    weir_graph *graph = find_graph(flow);
    if (!graph || flow->oracle)
        return;
    sim_oracle *o = flow->oracle = calloc(1, sizeof *o);
    o->run = flow->run;
    o->flow = flow;
    o->graph = graph;
    uint32_t ports = o->graph->port_count;
    o->depth = calloc(ports + 1, sizeof *o->depth);
    o->name = calloc(ports + 1, sizeof *o->name);
    o->arrivals = calloc(ports + 1, sizeof *o->arrivals);
    o->arrival_count = calloc(ports + 1, sizeof *o->arrival_count);
    o->truth = calloc(ports + 1, sizeof *o->truth);
    o->initial = calloc(ports + 1, sizeof *o->initial);
    o->least = calloc(ports + 1, sizeof *o->least);
    find_ports(o);
    sim_arc *arcs = calloc(arcs_at_most(o->graph), sizeof *arcs);
    uint32_t count = find_arcs(o, arcs);
    sim_paths_init(&o->paths, ports, o->depth, arcs, count);
    free(arcs);
    o->depth[ports] = 1;
    o->name[ports] = "(all of the dataflow)";
    for (uint32_t p = 0; p < ports; p++)
        find_arrivals(o, p);
    weir__tracker *tracker = weir__tracker_create(o->graph->topology, o->graph->initial,
                                                  o->graph->initial_count);
    for (uint32_t p = 0; p <= ports; p++) {
        weir_frontier_init(&o->truth[p], o->depth[p]);
        weir_frontier_init(&o->initial[p], o->depth[p]);
        weir_frontier_init(&o->least[p], o->depth[p]);
        if (weir__topology_is_tracked(o->graph->topology, p))
            weir_frontier_set(&o->initial[p], weir__tracker_frontier(tracker, p));
    }
    weir__tracker_destroy(tracker);
}

void sim_oracle_end(sim_flow *flow)
{
    sim_oracle *o = flow->oracle;
    if (!o)
        return;
    for (uint32_t p = 0; p <= o->paths.count; p++) {
        free(o->arrivals[p]);
        weir_frontier_fini(&o->truth[p]);
        weir_frontier_fini(&o->initial[p]);
        weir_frontier_fini(&o->least[p]);
    }
    sim_paths_fini(&o->paths);
    free(o->depth);
    free(o->name);
    free(o->arrivals);
    free(o->arrival_count);
    free(o->truth);
    free(o->initial);
    free(o->least);
    free(o);
    flow->oracle = NULL;
}

uint32_t sim_oracle_id(const sim_oracle *o)
{
    return o->graph->id;
}

/* ---- what is outstanding ---- */

/* The worker has not built it yet: to the others it has what all have in the beginning. */
static bool is_unbuilt(const sim_oracle *o, unsigned worker)
{
    return o->run->worker[worker]->next_id <= o->graph->id;
}

static void refuse(sim_oracle *o, uint32_t port, const weir_time *time, uint32_t at)
{
    char t[100], f[300] = "finished";
    const weir__dataflow *d = dataflow_of(o, o->worker);
    if (d)
        weir_frontier_text(weir__tracker_frontier(d->tracker, at), f, sizeof f);
    sim_fail(o->run, "worker %u takes the frontier of '%s' (port %u of flow %u) to be %s; a batch "
             "or capability at %s of '%s' (port %u) lies before it", o->worker, o->name[at], at,
             o->flow->number, f, weir_time_text(time, o->depth[port], t, sizeof t), o->name[port],
             port);
}

static void collect(sim_oracle *o, uint32_t port, const weir_time *time)
{
    weir_time t, epoch = weir_time_1(time->at[0]);
    weir_frontier_insert(&o->truth[o->graph->port_count], &epoch);
    for (uint32_t i = 0; i < o->arrival_count[port]; i++)
        if (weir_summary_apply(&o->arrivals[port][i].summary, time, &t))
            weir_frontier_insert(&o->truth[o->arrivals[port][i].port], &t);
}

/* There is something at this port. */
static void outstanding(sim_oracle *o, uint32_t port, const weir_time *time)
{
    const weir__dataflow *d = dataflow_of(o, o->worker);
    weir_time t, epoch = weir_time_1(time->at[0]);
    if (o->collects) {
        collect(o, port, time);
    } else if (!d || !weir_frontier_less_equal(d->done, &epoch)) {
        refuse(o, port, time, o->graph->port_count);
    } else {
        for (uint32_t i = 0; i < o->arrival_count[port]; i++) {
            const arrival *a = &o->arrivals[port][i];
            if (weir_summary_apply(&a->summary, time, &t) &&
                !weir_frontier_less_equal(weir__tracker_frontier(d->tracker, a->port), &t))
                refuse(o, port, time, a->port);
        }
    }
}

static void found_batch(sim_oracle *o, const weir_batch *batch)
{
    if (batch->mail_dataflow != o->graph->id)
        return;
    o->batches++;
    outstanding(o, batch->mail_port, &batch->time);
}

static void on_mail(unsigned to, const weir_batch *batch, void *ctx)
{
    (void)to;
    found_batch(ctx, batch);
}

static void found_in_stream(uint32_t port, const weir_time *time, void *ctx)
{
    sim_oracle *o = ctx;
    o->batches++;
    outstanding(o, port, time);
}

/* No frontier is beyond a time unless it is beyond an earlier one at the same port. */
static void outstanding_least(sim_oracle *o, uint32_t port)
{
    const weir_frontier *least = &o->least[port];
    const weir_time *times = weir_frontier_times(least);
    for (uint32_t i = 0; i < least->count; i++)
        outstanding(o, port, &times[i]);
    weir_frontier_clear(&o->least[port]);
}

static void look_at_node(sim_oracle *o, const weir_step *s)
{
    const weir_node *node = s->node;
    for (uint32_t c = 0; c < s->cap_count; c++)
        if (s->caps[c].held)
            weir_frontier_insert(&o->least[node->first_output + s->caps[c].output],
                                 &s->caps[c].time);
    for (unsigned k = 0; k < node->spec.output_count; k++)
        outstanding_least(o, node->first_output + k);
    for (unsigned k = 0; k < node->spec.input_count; k++) {
        const weir__queue *q = &s->queues[k];
        for (uint32_t b = 0; b < q->count; b++)
            weir_frontier_insert(&o->least[node->first_input + k],
                                 &q->ring[(q->head + b) & (q->capacity - 1)]->time);
        outstanding_least(o, node->first_input + k);
        o->batches += q->count;
    }
}

/* Of a dataflow that is being removed: to those who have not heard of it, it is still to come. */
static void look_at_thrown(sim_oracle *o, weir__dataflow *d)
{
    uint32_t count;
    const weir__change *thrown = weir__changes_entries(&d->thrown, &count);
    for (uint32_t i = 0; i < count; i++)
        outstanding(o, thrown[i].port, &thrown[i].time);
}

static void look_at_worker(sim_oracle *o, unsigned worker)
{
    weir__dataflow *d = dataflow_of(o, worker);
    for (uint32_t i = 0; d && i < o->graph->nodes.count; i++)
        look_at_node(o, &d->nodes[i].step);
    if (d)
        look_at_thrown(o, d);
    for (uint32_t i = 0; is_unbuilt(o, worker) && i < o->graph->initial_count; i++)
        outstanding(o, o->graph->initial[i].port, &o->graph->initial[i].time);
    for (const weir__early *e = o->run->worker[worker]->early; e; e = e->next)
        if (e->kind == WEIR__EARLY_BATCH)
            found_batch(o, e->batch);
        else if (e->kind == WEIR__EARLY_FRAME)
            sim_processes_each_batch_in(e->data, e->size, o->graph->id, found_in_stream, o);
}

static void look_at_all(sim_oracle *o)
{
    o->batches = 0;
    for (unsigned w = 0; w < sim_workers(o->run->plan); w++)
        look_at_worker(o, w);
    for (unsigned p = 0; p < o->run->plan->processes; p++)
        sim_world_each_mail(o->run->process[p].world, on_mail, o);
    sim_processes_each_batch(o->run, o->graph->id, found_in_stream, o);
}

/* ---- checks ---- */

/* Who sleeps wakes up in time for what it has to do by itself. */
static void check_sleep(sim_oracle *o, unsigned worker)
{
    enum { LATE_NS = 2000000 }; /* of the time it takes to fall asleep */
    weir__dataflow *d = dataflow_of(o, worker);
    unsigned place;
    const sim_world *world = sim_world_of(o->run, worker, &place);
    uint64_t until = sim_world_due_ns(world, place);
    for (uint32_t i = 0; d && !d->discards && i < o->graph->nodes.count; i++) {
        const weir_step *s = &d->nodes[i].step;
        uint64_t due = UINT64_MAX;
        if (s->made && s->node->spec.init == sim_node_init)
            due = ((const sim_node *)s->state)->asked_ns;
        if (s->epoch_dirty && !s->finished && s->epoch_opened_ns + d->context->tick_ns < due)
            due = s->epoch_opened_ns + d->context->tick_ns;
        if (due != UINT64_MAX && until > due && until - due > LATE_NS)
            sim_fail(o->run, "worker %u sleeps until %llu ns, and node '%s' of flow %u has to be "
                     "called at %llu", worker, (unsigned long long)until, s->node->name,
                     o->flow->number, (unsigned long long)due);
    }
}

void sim_oracle_check(sim_run *run, unsigned worker)
{
    for (unsigned f = 0; f < run->flow_count; f++) {
        sim_oracle_begin(&run->flows[f]);
        sim_oracle *o = run->flows[f].oracle;
        if (!o || is_unbuilt(o, worker))
            continue;
        check_sleep(o, worker);
        o->worker = worker;
        o->collects = false;
        look_at_all(o);
    }
}

static void check_frontiers(sim_oracle *o, unsigned worker)
{
    char have[300], want[300];
    const weir__dataflow *d = dataflow_of(o, worker);
    for (uint32_t p = 0; p <= o->graph->port_count; p++) {
        if (!weir__topology_is_tracked(o->graph->topology, p))
            continue;
        const weir_frontier *f = d ? weir__tracker_frontier(d->tracker, p) : NULL;
        if (f ? !weir_frontier_equal(f, &o->truth[p]) : !weir_frontier_is_empty(&o->truth[p]))
            sim_fail(o->run, "at rest worker %u takes the frontier of '%s' (port %u of flow %u) to "
                     "be %s; it is %s", worker, o->name[p], p, o->flow->number,
                     f ? weir_frontier_text(f, have, sizeof have) : "{}, having freed all",
                     weir_frontier_text(&o->truth[p], want, sizeof want));
    }
}

/* A node that wants to know every move knows the last one. */
static void check_told(sim_oracle *o, unsigned worker, const weir_step *step)
{
    const sim_node *n = step->state;
    for (unsigned in = 0; in < n->op->inputs; in++) {
        uint32_t port = step->node->first_input + in;
        const weir_frontier *knows = n->has_seen[in] ? &n->seen[in] : &o->initial[port];
        if (n->op->interest[in] == WEIR_ALWAYS && !weir_frontier_equal(knows, &o->truth[port]))
            sim_fail(o->run, "at rest node '%s' of worker %u was not told of the frontier of "
                     "input %u", o->name[port], worker, in);
    }
    const char *wrong = sim_node_at_rest(n);
    if (wrong)
        sim_fail(o->run, "at rest node '%s' of worker %u %s", step->node->name, worker, wrong);
}

static void check_nodes(sim_oracle *o, unsigned worker)
{
    const weir__dataflow *d = dataflow_of(o, worker);
    for (uint32_t i = 0; d && !d->discards && i < o->graph->nodes.count; i++) {
        const weir_step *step = &d->nodes[i].step;
        if (step->made && step->node->spec.init == sim_node_init)
            check_told(o, worker, step);
    }
}

/* What is outstanding in a flow. */
static void find_truth(sim_oracle *o)
{
    for (uint32_t p = 0; p <= o->graph->port_count; p++)
        weir_frontier_clear(&o->truth[p]);
    o->collects = true;
    look_at_all(o);
}

void sim_oracle_check_rest(sim_run *run)
{
    unsigned workers = sim_workers(run->plan);
    for (unsigned w = 0; w < workers; w++) {
        unsigned place;
        const sim_world *world = sim_world_of(run, w, &place);
        if (sim_world_under_way(world, place))
            sim_fail(run, "worker %u sleeps, and nothing will wake it, while %zu messages lie "
                     "before it", w, sim_world_under_way(world, place));
    }
    for (unsigned f = 0; f < run->flow_count; f++) {
        sim_oracle *o = run->flows[f].oracle;
        if (!o)
            continue;
        find_truth(o);
        if (o->batches)
            sim_fail(run, "at rest %zu batches of flow %u wait at inputs", o->batches, f);
        for (unsigned w = 0; w < workers; w++) {
            check_frontiers(o, w);
            check_nodes(o, w);
        }
        if (run->flows[f].removed && !weir_frontier_is_empty(&o->truth[o->graph->port_count]))
            sim_fail(run, "at rest something is left of flow %u, which was removed", f);
    }
}

void sim_oracle_check_end(sim_run *run)
{
    for (unsigned w = 0; w < sim_workers(run->plan); w++)
        if (run->worker[w]->late_count || run->worker[w]->early)
            sim_fail(run, "worker %u got mail for a dataflow that is gone, or never came", w);
    for (unsigned f = 0; f < run->flow_count; f++) {
        sim_oracle *o = run->flows[f].oracle;
        if (!o)
            continue;
        find_truth(o);
        if (!weir_frontier_is_empty(&o->truth[o->graph->port_count]))
            sim_fail(run, "all workers are done, and something of flow %u is outstanding", f);
    }
}
