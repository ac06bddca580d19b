/* SPDX-License-Identifier: Apache-2.0
 *
 * One dataflow on one worker: making its nodes, its turns and passes, applying changes.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "dataflow/hooks.h"

static void node_init(weir__dataflow *dataflow, weir_node *description)
{
    weir__node_instance *node = &dataflow->nodes[description->id];
    weir_step *step = &node->step;
    step->node = description;
    step->run = description->spec.step;
    step->dataflow = dataflow;
    step->context = dataflow->context;
    step->due_ns = UINT64_MAX;
    step->place = (uint64_t)(dataflow->graph->id + 1) << 32 | description->id;
    step->waker = (weir_waker){ .context = dataflow->context, .node = node };
    unsigned inputs = description->spec.input_count, outputs = description->spec.output_count;
    step->queues = weir__region_alloc(&dataflow->memory, inputs * sizeof *step->queues);
    step->outputs = weir__region_alloc(&dataflow->memory, outputs * sizeof *step->outputs);
    for (unsigned o = 0; description->spec.initial_capabilities && o < outputs; o++)
        weir__cap_add(step, o, &(weir_time){ { 0 } });
}

/* Each begins with a line of the cache. */
static weir__node_instance *nodes_alloc(weir__dataflow *dataflow, uint32_t count)
{
    enum { LINE = _Alignof(weir__node_instance) };
    char *room = weir__region_alloc(&dataflow->memory,
                                    count * sizeof(weir__node_instance) + LINE);
    return (void *)(room + (0 - (uintptr_t)room) % LINE);
}

static void find_settling(weir__dataflow *dataflow)
{
    weir_graph *graph = dataflow->graph;
    uint64_t seldom_ms = 4 * dataflow->context->tick_ns / 1000000;
    for (int fill = 0; fill < 2; fill++) {
        uint32_t n = 0, hurried = 0, clocked = 0;
        for (uint32_t i = 0; i < graph->nodes.count; i++) {
            weir_node *node = weir__graph_node(graph, i);
            for (unsigned k = 0; k < node->spec.input_count; k++) {
                const weir_node_input *input = &node->spec.inputs[k];
                hurried += input->settles && input->settles_every_ms < seldom_ms;
                if (input->settles && ++n && fill)
                    dataflow->settling[n - 1] =
                        weir__tracker_frontier(dataflow->tracker, node->first_input + k);
            }
            if (node->spec.follows_clock && ++clocked && fill)
                dataflow->clocked[clocked - 1] = i;
        }
        if (fill)
            break;
        dataflow->settling_count = n;
        dataflow->unhurried = n > 0 && hurried == 0;
        dataflow->clocked_count = clocked;
        dataflow->settling = weir__region_alloc(&dataflow->memory, n * sizeof(weir_frontier *));
        dataflow->clocked = weir__region_alloc(&dataflow->memory, clocked * sizeof(uint32_t));
    }
}

weir__dataflow *weir__dataflow_create(weir_graph *graph, weir__context *context)
{
    weir__dataflow *dataflow = weir_alloc_must(sizeof *dataflow);
    memset(dataflow, 0, sizeof *dataflow);
    uint32_t nodes = graph->nodes.count;
    dataflow->graph = graph;
    dataflow->context = context;
    dataflow->next_due_ns = UINT64_MAX;
    dataflow->epoch_heard = context->epoch_heard;
    dataflow->touched = true; /* one without sources is complete from the start */
    dataflow->tracker = weir__tracker_create(graph->topology, graph->initial,
                                             graph->initial_count);
    dataflow->done = weir__tracker_done(dataflow->tracker, graph->topology);
    dataflow->active_words = (nodes + 63) / 64 + 1;
    dataflow->active = weir__region_alloc(&dataflow->memory,
                                          dataflow->active_words * sizeof(uint64_t));
    dataflow->idle = weir__region_alloc(&dataflow->memory,
                                        dataflow->active_words * sizeof(uint64_t));
    weir__flow_init(dataflow);
    if (context->cluster && context->local == 0)
        dataflow->credits_told = weir__region_alloc(&dataflow->memory, (size_t)context->workers *
                                                context->workers * sizeof *dataflow->credits_told);
    dataflow->nodes = nodes_alloc(dataflow, nodes);
    for (uint32_t i = 0; i < nodes; i++)
        node_init(dataflow, weir__graph_node(graph, i));
    for (uint32_t i = 0; i < nodes; i++)
        for (unsigned o = 0; o < weir__graph_node(graph, i)->spec.output_count; o++)
            weir__output_init(&dataflow->nodes[i].step.outputs[o], &dataflow->nodes[i], o);
    find_settling(dataflow);
    weir__agenda_add(dataflow);
    return dataflow;
}

/* In front of what the operator's own init has said. */
static void say_where(weir_error *error, const char *name, unsigned worker)
{
    char own[sizeof error->detail];
    snprintf(own, sizeof own, "%s", error->detail);
    weir_error_detail(error, "in operator '%s' on worker %u%s%s", name, worker,
                      own[0] ? ": " : "", own);
}

/* An input that nothing leads to has no frontier that could still move: who wants to know that it
 * is over is told once. */
static bool is_over(const weir__dataflow *dataflow, const weir_node *node)
{
    bool over = false;
    for (unsigned k = 0; k < node->spec.input_count; k++)
        over |= node->spec.inputs[k].interest != WEIR_NEVER &&
                weir_frontier_is_empty(
                    weir__tracker_frontier(dataflow->tracker, node->first_input + k));
    return over;
}

/* What made a node or the contexts of its stages may have called weir_fail. */
static weir_status said_by_user(weir_error *error)
{
    weir__failure *failure = &weir__failed_by_user;
    if (!failure->is_set)
        return WEIR_OK;
    failure->is_set = false;
    return weir_error_set(error, failure->status, "%s", failure->text);
}

weir_status weir__dataflow_start(weir__dataflow *dataflow, weir_error *error)
{
    for (uint32_t i = 0; i < dataflow->graph->nodes.count; i++) {
        weir_step *step = &dataflow->nodes[i].step;
        const weir_node_spec *spec = &step->node->spec;
        weir_status status = WEIR_OK;
        if (spec->init)
            status = spec->init(step, spec->ctx, &step->state, error);
        if (weir__failed_by_user.is_set) {
            step->made = status == WEIR_OK; /* its fini is called */
            status = said_by_user(error);
        }
        if (status != WEIR_OK) {
            say_where(error, step->node->name, step->context->self);
            return status;
        }
        step->made = true;
        for (unsigned o = 0; o < spec->output_count; o++) {
            const char *failed = weir__point_start(&step->outputs[o].point);
            status = said_by_user(error);
            if (failed && status == WEIR_OK)
                status = weir_error_set(error, WEIR_FAILED, "its init has made no context");
            if (status != WEIR_OK) {
                say_where(error, failed ? failed : step->node->name, step->context->self);
                return status;
            }
        }
        if (spec->initial_capabilities || spec->input_count == 0 || is_over(dataflow, step->node))
            weir__node_activate(&dataflow->nodes[i]);
    }
    weir__dataflow_apply(dataflow);
    dataflow->started = true;
    weir__hook_dataflow(dataflow, WEIR_EVENT_DATAFLOW);
    return WEIR_OK;
}

void weir__node_end(weir_step *step)
{
    if (step->made && step->node->spec.fini)
        step->node->spec.fini(step->state);
    step->made = false;
    weir__failed_by_user.is_set = false; /* nobody is left to whom it would matter */
}

static void node_fini(weir_step *step)
{
    weir__node_end(step);
    weir_batch_release(step->current);
    for (unsigned k = 0; k < step->node->spec.input_count; k++)
        weir__queue_fini(step->dataflow, &step->queues[k]);
    weir_free(step->caps, step->cap_capacity * sizeof *step->caps);
    weir_free(step->cap_free, step->cap_capacity * sizeof(uint32_t));
}

void weir__dataflow_destroy(weir__dataflow *dataflow)
{
    uint32_t nodes = dataflow->graph->nodes.count;
    weir__hook_dataflow(dataflow, WEIR_EVENT_REMOVED);
    for (uint32_t i = 0; i < nodes; i++)
        node_fini(&dataflow->nodes[i].step);
    for (uint32_t i = 0; i < nodes; i++) {
        weir_step *step = &dataflow->nodes[i].step;
        unsigned outputs = step->node->spec.output_count;
        for (unsigned o = 0; o < outputs; o++)
            weir__output_fini(&step->outputs[o]);
    }
    weir__tracker_destroy(dataflow->tracker);
    weir__changes_fini(&dataflow->pass);
    weir__changes_fini(&dataflow->unpublished);
    weir__changes_fini(&dataflow->thrown);
    weir__flow_fini(dataflow);
    weir__region_fini(&dataflow->memory);
    weir_free(dataflow, sizeof *dataflow);
}

void weir__dataflow_fail(weir__dataflow *dataflow, const char *name, weir_status status,
                         const char *text)
{
    weir__context *context = dataflow->context;
    if (context->failed)
        return;
    context->failed = true;
    memset(dataflow->active, 0, dataflow->active_words * sizeof *dataflow->active);
    dataflow->active_count = 0; /* what it has sent is not to be worked off in this pass */
    weir_error_set(&context->error, status, "%s", text);
    weir_error_detail(&context->error, "in operator '%s' on worker %u", name, context->self);
}

/* The greatest epoch heard of is what idle sources follow. */
static void hear(weir__dataflow *dataflow, const weir__change *changes, uint32_t count)
{
    weir__context *context = dataflow->context;
    for (uint32_t i = 0; i < count; i++)
        if (changes[i].diff > 0 && changes[i].time.at[0] > dataflow->epoch_heard)
            dataflow->epoch_heard = changes[i].time.at[0];
    if (dataflow->epoch_heard > context->epoch_heard && !dataflow->graph->watches)
        context->epoch_heard = dataflow->epoch_heard;
}

/* How often, of late, a pass has moved frontiers that made nodes run: each time counts as AN_ASK
 * times it has not, so what happens in less than a fifth of all passes comes to little. */
enum { AN_ASK = 4, ASKS_FEW = 8, ASKS_MOST = 16 };

static void note_asked(weir__dataflow *dataflow, bool asked)
{
    uint32_t lately = dataflow->asked_lately;
    if (asked)
        dataflow->asked_lately = lately + AN_ASK < ASKS_MOST ? lately + AN_ASK : ASKS_MOST;
    else if (lately)
        dataflow->asked_lately = lately - 1;
}

/* Whether the others are told before anything else is done, since nothing is left to do. Only when
 * frontiers move by what was done may there be more, whose changes had better go along: so not
 * where that has often happened lately. */
static bool tells_first(const weir__dataflow *dataflow)
{
    return dataflow->active_count == 0 && dataflow->asked_lately < ASKS_FEW &&
           dataflow->context->workers > 1 && weir__changes_is_empty(&dataflow->unpublished);
}

/* Applies the changes of the pass to this worker's tracker; they are published before or later.
 * Not if something has failed in it: what was consumed then has not come to anything, and must not
 * make a time complete, here or elsewhere. */
static void apply(weir__dataflow *dataflow, bool ends_turn)
{
    weir__changes *pass = &dataflow->pass;
    if (weir__changes_is_empty(pass) || WEIR_UNLIKELY(dataflow->context->failed)) {
        weir__changes_clear(pass);
        return;
    }
    bool told = ends_turn && tells_first(dataflow) &&
                dataflow->context->publish(dataflow->context, dataflow, pass);
    dataflow->told_first |= told;
    weir__tracker_apply(dataflow->tracker, pass);
    if (dataflow->clocked_count) {
        uint32_t count;
        const weir__change *changes = weir__changes_entries(pass, &count);
        hear(dataflow, changes, count);
    }
    if (dataflow->context->workers > 1 && !told)
        weir__changes_move(&dataflow->unpublished, pass);
    weir__changes_clear(pass);
    dataflow->touched = true;
    weir__dataflow_ready(dataflow);
}

void weir__dataflow_apply(weir__dataflow *dataflow)
{
    apply(dataflow, false);
}

weir_status weir__dataflow_receive(weir__dataflow *dataflow, const void *data, size_t size,
                                   weir_error *error)
{
    weir__changes *changes = &dataflow->pass; /* empty between passes: borrowed for decoding */
    weir_status status = weir__changes_read(changes, weir__topology_depths(
                                                dataflow->graph->topology), data, size, error);
    if (status != WEIR_OK)
        return status;
    uint32_t count;
    const weir__change *entries = weir__changes_entries(changes, &count);
    if (dataflow->clocked_count)
        hear(dataflow, entries, count);
    weir__hook_changes(dataflow, WEIR_EVENT_APPLIED, changes, size);
    weir__tracker_apply(dataflow->tracker, changes);
    weir__changes_clear(changes);
    dataflow->touched = true;
    weir__dataflow_ready(dataflow);
    return WEIR_OK;
}

/* A graph of very many nodes has left the cache when a wave comes round again: what the nodes
 * behind this one need is asked for while it is looked at. Where there are fewer that costs more
 * than it brings. Always inlined, since gcc takes functions that only prefetch for empty ones. */
enum { WAVE = 4096, NEAR = 6, FAR = 2 * NEAR };

static inline const weir_node *owner_of(const weir__dataflow *dataflow, uint32_t port)
{
    return port < dataflow->graph->port_count ? dataflow->graph->input_owner[port] : NULL;
}

static inline __attribute__((always_inline)) void fetch_moved(const weir__dataflow *dataflow,
                                                              const uint32_t *moved)
{
    const weir_node *near = owner_of(dataflow, moved[NEAR]);
    __builtin_prefetch(owner_of(dataflow, moved[FAR]));
    if (!near)
        return;
    __builtin_prefetch(near->spec.inputs);
    __builtin_prefetch(&dataflow->nodes[near->id].step.frontier_moved_ns);
}

static inline __attribute__((always_inline)) void fetch_nodes(const weir__dataflow *dataflow,
                                                              uint32_t id)
{
    const uint32_t count = dataflow->graph->nodes.count;
    if (id + FAR >= count)
        return;
    const weir__node_instance *nodes = dataflow->nodes + id;
    const weir_step *far = &nodes[FAR].step, *near = &nodes[NEAR].step;
    __builtin_prefetch(far, 1);
    __builtin_prefetch(&far->steps, 1);
    __builtin_prefetch(near->queues);
    __builtin_prefetch(near->state);
}

/* Frontiers are brought up to date; the nodes that want to know become active. Whether there were
 * any. */
static bool propagate(weir__dataflow *dataflow)
{
    bool asked = false;
    uint32_t count;
    dataflow->touched = false;
    const uint32_t *moved = weir__tracker_propagate(dataflow->tracker, &count);
    uint64_t told_before_ns = weir__hook_frontiers(dataflow, count);
    for (uint32_t i = 0; i < count; i++) {
        if (count >= WAVE && i + FAR < count)
            fetch_moved(dataflow, moved + i);
        if (moved[i] >= dataflow->graph->port_count)
            continue;
        weir_node *description = dataflow->graph->input_owner[moved[i]];
        if (!description || dataflow->discards)
            continue;
        weir__node_instance *node = &dataflow->nodes[description->id];
        weir_interest interest =
            description->spec.inputs[moved[i] - description->first_input].interest;
        if (WEIR_UNLIKELY(node->step.frontier_moved_ns < told_before_ns))
            weir__event_frontier(node, moved[i]);
        node->step.frontier_moved_ns = dataflow->context->now_ns;
        if (interest == WEIR_ALWAYS ||
            (interest == WEIR_IF_HOLDING &&
             (node->step.caps_held > WEIR_PLANTED(HOLDING_MISSED) ||
              weir_frontier_is_empty(weir__tracker_frontier(dataflow->tracker, moved[i]))))) {
            weir__node_activate(node);
            asked = true;
        }
    }
    if (weir_frontier_is_empty(dataflow->done) && !dataflow->complete) {
        __atomic_store_n(&dataflow->complete, true, __ATOMIC_RELAXED);
        dataflow->context->agenda.incomplete--;
        weir__hook_dataflow(dataflow, WEIR_EVENT_COMPLETE);
        weir_log(WEIR_LOG_DEBUG, "dataflow '%s' is complete on worker %u",
                 dataflow->graph->name ? dataflow->graph->name : "?", dataflow->context->self);
    }
    return asked;
}

static void run_pass(weir__dataflow *dataflow)
{
    uint64_t steps = 0;
    bool wave = dataflow->active_count >= WAVE;
    for (uint32_t w = 0; w < dataflow->active_words && dataflow->active_count; w++) {
        uint64_t ahead = UINT64_MAX; /* the nodes of this word that did not run in this pass */
        while (dataflow->active[w] & ahead) {
            unsigned bit = (unsigned)__builtin_ctzll(dataflow->active[w] & ahead);
            ahead = bit == 63 ? 0 : UINT64_MAX << (bit + 1);
            dataflow->active[w] &= ~(1ull << bit);
            dataflow->active_count--;
            if (wave)
                fetch_nodes(dataflow, w * 64 + bit);
            weir__node_step(&dataflow->nodes[w * 64 + bit]);
            steps++;
        }
    }
    weir__hook_pass(dataflow, steps);
}

void weir__node_wait_for_idle(weir__node_instance *node)
{
    weir__dataflow *dataflow = node->step.dataflow;
    uint32_t id = node->step.node->id;
    uint64_t bit = 1ull << (id & 63);
    if (dataflow->idle[id >> 6] & bit)
        return;
    dataflow->idle[id >> 6] |= bit;
    dataflow->idle_count++;
    weir__agenda_add_idle(dataflow);
}

void weir__node_activate_idle(weir__dataflow *dataflow)
{
    uint32_t nodes = dataflow->graph->nodes.count, id = dataflow->idle_next;
    for (; dataflow->idle_count; id++) {
        id = id < nodes ? id : 0;
        uint64_t bit = 1ull << (id & 63);
        if (!(dataflow->idle[id >> 6] & bit))
            continue;
        dataflow->idle[id >> 6] &= ~bit;
        dataflow->idle_count--;
        dataflow->idle_next = id + 1;
        dataflow->nodes[id].step.is_idle = true;
        weir__node_activate(&dataflow->nodes[id]);
        return;
    }
}

static void wake_due(weir__dataflow *dataflow)
{
    uint64_t now = dataflow->context->now_ns, next = UINT64_MAX;
    for (uint32_t i = 0; i < dataflow->graph->nodes.count; i++) {
        weir_step *step = &dataflow->nodes[i].step;
        if (step->due_ns <= now) {
            step->due_ns = UINT64_MAX;
            weir__node_activate(&dataflow->nodes[i]);
        } else if (step->due_ns < next && !WEIR_PLANTED(TIMER_FORGOTTEN)) {
            next = step->due_ns;
        }
    }
    dataflow->next_due_ns = next;
}

static void wake_waiting(weir__dataflow *dataflow)
{
    if (!weir__flow_has_room(&dataflow->flow))
        return;
    for (uint32_t i = 0; i < dataflow->graph->nodes.count; i++)
        if (dataflow->nodes[i].step.waits_for_room)
            weir__node_activate(&dataflow->nodes[i]);
}

bool weir__dataflow_turn(weir__dataflow *dataflow, uint64_t slice_ns)
{
    weir__context *context = dataflow->context;
    bool ran = dataflow->flow.outbox_count && weir__flow_pump(dataflow);
    dataflow->told_first = false;
    if (WEIR_PLANTED(LATE_FLUSH))
        weir__planted_flush(dataflow);
    if (dataflow->next_due_ns <= context->now_ns)
        wake_due(dataflow);
    for (unsigned passes = 1;; passes++) {
        /* before all else: turns of the clock count as well, and may come every other time */
        if (passes % 16 == 0 &&
            context->env->now_ns(context->env->ctx) >= context->now_ns + slice_ns)
            break;
        if (dataflow->touched) {
            bool asked = propagate(dataflow);
            ran = true; /* probes may have moved: whoever waits for one looks before parking */
            if (passes > 1) /* otherwise it is what others have done */
                note_asked(dataflow, asked);
            /* What a node does once its input is complete may take long, and the others wait for
             * the very changes by which it got so: they are told before it starts. */
            if (asked &&
                (dataflow->told_first || !weir__changes_is_empty(&dataflow->unpublished)))
                context->tell(context, dataflow);
        }
        if (dataflow->clocked_count && weir__clock_turn(dataflow)) {
            weir__dataflow_apply(dataflow);
            ran = true;
            continue;
        }
        if (dataflow->waiting_count)
            wake_waiting(dataflow);
        if (dataflow->active_count == 0 || context->failed)
            break;
        weir__flow_return(dataflow);
        run_pass(dataflow);
        apply(dataflow, true);
        ran = true;
    }
    if (dataflow->active_count == 0)
        weir__flow_rest(dataflow);
    else
        weir__flow_return(dataflow);
    return ran;
}
