/* SPDX-License-Identifier: Apache-2.0
 *
 * What the hooks of dataflow/hooks.h lead to: events for readers, entries for the flight recorder.
 * Readers' queues are reader.c's, the file is event/flight.c's.
 */
#include "worker/event.h"

#include <string.h>

#include "dataflow/hooks.h"
#include "worker/watch.h"

enum {
    PARK_SLOT_NS = 100 * 1000, /* a summary before a sleep, if the last one is that old */
    FRONTIERS_A_SLOT = 8,
    IS_SLOW_NS = 20 * 1000, /* against which two looks at the clock are nothing */
};

const char *weir_event_kind_text(uint32_t kind)
{
    static const char *const texts[] = { "?",
#define TEXT(name, text, holds) text,
                                         WEIR_EVENT_KINDS(TEXT)
#undef TEXT
    };
    return kind < WEIR_EVENT_KIND_COUNT ? texts[kind] : "?";
}

static weir_worker *worker_of(weir__context *context)
{
    return (weir_worker *)context;
}

static uint64_t now_ns(const weir__context *context)
{
    return context->env->now_ns(context->env->ctx);
}

static const char *name_of(const weir__dataflow *dataflow)
{
    return dataflow->graph->name ? dataflow->graph->name : "main";
}

/* ---- where events go ---- */

weir_status weir__events_start(weir_runtime *runtime, weir_error *error)
{
    const weir_config *config = &runtime->config;
    bool given = config->flight_dir && *config->flight_dir;
    weir_error why = { .status = WEIR_OK };
#ifdef WEIR_NO_EVENTS
    return WEIR_OK;
#endif
    if (config->flight == WEIR_FLIGHT_OFF || (!runtime->owns_env && !given))
        return WEIR_OK;
    runtime->flight = weir__flight_create(&(weir__flight_options){
        .dir = config->flight_dir, .workers = config->workers, .now_ns = runtime->created_ns,
        .wall_us = runtime->env->wall_us(runtime->env->ctx) }, &why);
    if (!runtime->flight && !given)
        weir_log(WEIR_LOG_INFO, "no flight recorder: %s", why.what);
    if (runtime->flight || !given)
        return WEIR_OK;
    if (error)
        *error = why;
    return why.status;
}

void weir__events_init(weir_worker *worker)
{
    weir_runtime *runtime = worker->runtime;
    weir__context *context = &worker->context;
    context->live = &worker->own_live;
    context->slot_due_ns = context->stood_ns = UINT64_MAX;
    if (!runtime->flight)
        return;
    context->live = weir__flight_live(runtime->flight, context->local);
    context->slot_due_ns = 0;
    context->stood_ns = WEIR__FLIGHT_SLOT_NS;
    worker->events.ring = weir__flight_ring_of(runtime->flight, context->local);
    worker->events.ring_all = runtime->config.flight == WEIR_FLIGHT_ALL;
    worker->events.last_ns = context->now_ns;
    if (worker->events.ring_all)
        context->hooks = WEIR__HOOK_READERS;
}

void weir__event_record(weir_worker *worker, weir__event *event)
{
    if (worker->events.ring.entries)
        weir__flight_put(&worker->events.ring, event);
}

void weir__event_put(weir_worker *worker, weir__event *event, const char *text)
{
    for (weir_event_reader *r = worker->events.readers; r; r = r->next)
        weir__reader_put(r, event, text);
    if (worker->events.ring_all)
        weir__event_record(worker, event);
}

/* Rare ones are in the flight recorder whatever it keeps. */
static void put_rare(weir_worker *worker, weir__event *event, const char *text)
{
    weir__event_put(worker, event, text);
    if (!worker->events.ring_all)
        weir__event_record(worker, event);
}

/* ---- steps ---- */

static weir__event event_of(const weir_step *step, weir_event_kind kind)
{
    return (weir__event){ .kind = (uint16_t)kind, .dataflow = step->dataflow->graph->id,
                          .node = step->node->id };
}

static bool is_read(const weir__context *context)
{
    return __atomic_load_n(&context->hooks, __ATOMIC_RELAXED) & WEIR__HOOK_READERS;
}

static void count_hold(const weir_hold *hold, void *ctx)
{
    (void)hold;
    ++*(uint64_t *)ctx;
}

/* What the step has changed of the node's traces. */
static void put_traces(const weir_step *step, uint64_t at_ns)
{
    for (weir__step_trace *t = step->traces; t; t = t->next) {
        weir_trace_info info;
        uint64_t readers = 0;
        weir_trace_get_info(t->trace, &info);
        weir_trace_each_hold(t->trace, count_hold, &readers);
        if (info.updates == t->updates && info.runs == t->runs && info.appended == t->appended &&
            readers == t->readers)
            continue;
        *t = (weir__step_trace){ t->next, t->trace, info.updates, info.runs, info.appended,
                                 readers };
        weir__event event = event_of(step, WEIR_EVENT_TRACE);
        event.at_ns = at_ns;
        event.records = info.updates;
        event.bytes = info.bytes;
        event.port = info.runs < UINT16_MAX ? (uint16_t)info.runs : UINT16_MAX;
        event.peer = (uint32_t)readers;
        event.t[0] = info.appended;
        weir__event_put(worker_of(step->context), &event, NULL);
    }
}

void weir__event_step(weir_step *step)
{
    weir_worker *worker = worker_of(step->context);
    if (!is_read(step->context) || step->dataflow->graph->watches)
        return;
    weir__event event = event_of(step, WEIR_EVENT_STEP);
    event.at_ns = worker->events.step_ns = now_ns(step->context);
    weir__event_put(worker, &event, NULL);
}

void weir__event_stepped(weir_step *step)
{
    weir_worker *worker = worker_of(step->context);
    if (!is_read(step->context) || step->dataflow->graph->watches)
        return;
    weir__event event = event_of(step, WEIR_EVENT_STEPPED);
    event.at_ns = now_ns(step->context);
    event.ns = event.at_ns - worker->events.step_ns;
    weir__event_put(worker, &event, NULL);
    put_traces(step, event.at_ns);
}

void weir__event_timed(weir_step *step, uint64_t ns)
{
    weir__events *events = &worker_of(step->context)->events;
    step->is_slow = ns >= IS_SLOW_NS;
    if (step->is_slow)
        step->next_timed = 0;
    if (ns > step->longest_ns)
        __atomic_store_n(&step->longest_ns, ns, __ATOMIC_RELAXED);
    if (ns > events->busiest_ns) {
        events->busiest_ns = ns;
        events->busiest_place = step->place;
    }
    weir__watch_timed(step, ns);
}

void weir__event_long_step(weir_step *step, uint64_t ns)
{
    weir__event event = event_of(step, WEIR_EVENT_LONG_STEP);
    event.at_ns = now_ns(step->context);
    event.ns = ns;
    if (step->dataflow->graph->watches)
        weir__event_record(worker_of(step->context), &event);
    else
        put_rare(worker_of(step->context), &event, NULL);
}

/* ---- batches, changes, frontiers ---- */

static void set_time(weir__event *event, const weir_time *time, unsigned depth)
{
    event->depth = (uint16_t)depth;
    for (unsigned i = 0; i < depth; i++)
        event->t[i] = time->at[i];
}

static void put_batch(weir__dataflow *dataflow, weir__event *event, const weir_batch *batch)
{
    event->at_ns = now_ns(dataflow->context);
    event->dataflow = dataflow->graph->id;
    event->records = batch->count;
    event->bytes = batch->bytes;
    set_time(event, &batch->time, batch->depth);
    weir__event_put(worker_of(dataflow->context), event, NULL);
}

void weir__event_sent(const weir__leaf *leaf, unsigned to, const weir_batch *batch)
{
    const weir__edge *edge = leaf->edge;
    if (!is_read(leaf->dataflow->context) || leaf->dataflow->graph->watches)
        return;
    put_batch(leaf->dataflow, &(weir__event){
        .kind = WEIR_EVENT_SENT, .node = edge->from->node->id, .peer = edge->to->id,
        .port = (uint16_t)edge->input, .to_worker = (uint16_t)to }, batch);
}

void weir__event_received(weir__dataflow *dataflow, const weir_batch *batch)
{
    const weir_node *node = dataflow->graph->input_owner[batch->mail_port];
    if (!is_read(dataflow->context) || dataflow->graph->watches)
        return;
    put_batch(dataflow, &(weir__event){
        .kind = WEIR_EVENT_RECEIVED, .node = node->id,
        .port = (uint16_t)(batch->mail_port - node->first_input),
        .to_worker = (uint16_t)batch->mail_from }, batch);
}

void weir__event_changes(weir__dataflow *dataflow, uint32_t kind, weir__changes *changes,
                         size_t bytes)
{
    uint32_t count;
    if (!is_read(dataflow->context) || dataflow->graph->watches)
        return;
    (void)weir__changes_entries(changes, &count);
    weir__event event = { .kind = (uint16_t)kind, .at_ns = now_ns(dataflow->context),
                          .dataflow = dataflow->graph->id, .records = count, .bytes = bytes };
    weir__event_put(worker_of(dataflow->context), &event, NULL);
}

void weir__event_frontier(weir__node_instance *node, uint32_t port)
{
    const weir_step *step = &node->step;
    weir_worker *worker = worker_of(step->context);
    bool read = is_read(step->context);
    if (step->dataflow->graph->watches || (!read && worker->events.frontiers_left == 0))
        return;
    const weir_frontier *f = weir__tracker_frontier(step->dataflow->tracker, port);
    weir__event event = event_of(step, WEIR_EVENT_FRONTIER);
    event.port = (uint16_t)(port - step->node->first_input);
    event.records = f->count;
    event.depth = (uint16_t)f->depth;
    if (f->count)
        set_time(&event, weir_frontier_times(f), f->depth);
    event.at_ns = read ? now_ns(step->context) : step->context->now_ns;
    if (read)
        weir__event_put(worker, &event, NULL);
    if (worker->events.frontiers_left > 0 && !worker->events.ring_all) {
        worker->events.frontiers_left--;
        event.ns = step->context->now_ns - step->frontier_moved_ns;
        weir__event_record(worker, &event);
    }
}

/* ---- dataflows ---- */

/* What the dataflow is made of: to one reader, or to all and, by name, to the flight recorder. */
void weir__event_describe(weir__dataflow *dataflow, weir_event_reader *reader)
{
    const weir_graph *graph = dataflow->graph;
    weir_worker *worker = worker_of(dataflow->context);
    weir__event event = { .kind = WEIR_EVENT_DATAFLOW, .dataflow = graph->id,
                          .at_ns = now_ns(dataflow->context) };
    if (graph->watches)
        return;
    weir__reader_put_each(worker, reader, &event, name_of(dataflow));
    for (uint32_t i = 0; i < graph->nodes.count; i++) {
        const weir_node *node = weir__graph_node(graph, i);
        event.kind = WEIR_EVENT_OPERATOR;
        event.node = i;
        event.records = node->spec.input_count;
        event.bytes = node->spec.output_count;
        weir__reader_put_each(worker, reader, &event, node->name);
    }
    event.records = event.bytes = 0;
    for (uint32_t i = 0; i < graph->edges.count; i++) {
        const weir__edge *edge = graph->edges.items[i];
        event.kind = WEIR_EVENT_EDGE;
        event.node = edge->from->node->id;
        event.peer = edge->to->id;
        event.port = (uint16_t)edge->input;
        weir__reader_put_each(worker, reader, &event, weir__route_text(edge));
    }
}

/* Names are a process's, so its first worker writes them. */
static void write_names(const weir__dataflow *dataflow)
{
    const weir_graph *graph = dataflow->graph;
    weir__flight *flight = worker_of(dataflow->context)->runtime->flight;
    if (!flight || dataflow->context->local != 0)
        return;
    weir__flight_add_name(flight, graph->id, UINT32_MAX, name_of(dataflow));
    for (uint32_t i = 0; i < graph->nodes.count; i++)
        weir__flight_add_name(flight, graph->id, i, weir__graph_node(graph, i)->name);
}

void weir__event_dataflow(weir__dataflow *dataflow, uint32_t kind)
{
    weir_worker *worker = worker_of(dataflow->context);
    weir__event event = { .kind = (uint16_t)kind, .dataflow = dataflow->graph->id,
                          .at_ns = now_ns(dataflow->context) };
    if (kind == WEIR_EVENT_REMOVED && !dataflow->started)
        return;
    if (kind == WEIR_EVENT_DATAFLOW) {
        write_names(dataflow);
        weir__event_describe(dataflow, NULL);
        weir__event_record(worker, &event);
    } else if (!dataflow->graph->watches) {
        put_rare(worker, &event, name_of(dataflow));
    }
    for (weir_event_reader *r = worker->events.readers; r; r = r->next)
        weir__reader_wake(r); /* whatever it reads: it may be over */
}

/* ---- the flight recorder's summaries ---- */

static uint64_t done_epoch(const weir_worker *worker, uint64_t place)
{
    uint32_t id = (uint32_t)(place >> 32) - 1;
    const weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, id);
    if (!dataflow || weir_frontier_is_empty(dataflow->done))
        return UINT64_MAX;
    return weir_frontier_times(dataflow->done)->at[0];
}

static void summarise(weir_worker *worker, uint64_t now)
{
    weir__events *events = &worker->events;
    const weir__live *live = worker->context.live, *last = &events->last;
    weir__event event = {
        .kind = WEIR_EVENT_SUMMARY, .at_ns = now,
        .records = live->steps - last->steps,
        .bytes = live->sent_bytes - last->sent_bytes,
        .ns = now - events->last_ns,
        .port = (uint16_t)(worker->parks - events->last_parks),
        .t = { live->sent_batches - last->sent_batches,
               live->received_batches - last->received_batches,
               live->frontiers - last->frontiers, worker->turns - events->last_turns } };
    events->last_ns = now;
    events->last_turns = worker->turns;
    events->last_parks = worker->parks;
    events->frontiers_left = FRONTIERS_A_SLOT;
    worker->context.slot_due_ns = now + WEIR__FLIGHT_SLOT_NS;
    __atomic_store_n(&worker->context.live->turn_ns, now, __ATOMIC_RELAXED);
    if (!event.records && !event.t[0] && !event.t[1] && !event.t[2])
        return;
    events->last = *live;
    weir__event_record(worker, &event);
    if (events->busiest_ns) {
        weir__event busiest = { .kind = WEIR_EVENT_BUSIEST, .at_ns = now,
                                .dataflow = (uint32_t)((events->busiest_place >> 32) - 1),
                                .node = (uint32_t)events->busiest_place,
                                .ns = events->busiest_ns,
                                .t = { done_epoch(worker, events->busiest_place) } };
        weir__event_record(worker, &busiest);
        events->busiest_ns = 0;
    }
}

void weir__event_turn(weir__context *context)
{
    weir_worker *worker = worker_of(context);
    if (__atomic_load_n(&context->hooks, __ATOMIC_RELAXED) & ~(uint32_t)WEIR__HOOK_READERS)
        weir__watch_hooked(worker);
    if (context->now_ns >= context->slot_due_ns)
        summarise(worker, context->now_ns);
}

/* ---- sleeping ---- */

void weir__event_park(weir__context *context, uint64_t now)
{
    weir_worker *worker = worker_of(context);
    worker->events.parked_ns = now;
    if (__atomic_load_n(&context->hooks, __ATOMIC_RELAXED) & WEIR__HOOK_MARKED)
        weir__watch_hooked(worker);
    if (worker->events.ring.entries && now - worker->events.last_ns >= PARK_SLOT_NS)
        summarise(worker, now);
    __atomic_store_n(&context->live->parked, now, __ATOMIC_RELAXED);
    if (is_read(context))
        weir__event_put(worker, &(weir__event){ .kind = WEIR_EVENT_PARK, .at_ns = now }, NULL);
}

void weir__event_unpark(weir__context *context, uint64_t now)
{
    weir_worker *worker = worker_of(context);
    weir__event event = { .kind = WEIR_EVENT_UNPARK, .at_ns = now,
                          .ns = now - worker->events.parked_ns };
    __atomic_store_n(&context->live->parked, 0, __ATOMIC_RELAXED);
    if (is_read(context))
        weir__event_put(worker, &event, NULL);
    if (event.ns >= WEIR__FLIGHT_SLOT_NS && !worker->events.ring_all)
        weir__event_record(worker, &event);
}
