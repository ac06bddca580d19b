/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/replay.h. Capturing is one node, whose events have a time of their own. For
 * replay the events of a part go to one worker, and first events to all: so each knows how many
 * parts there are, and keeps the beginning of time for those of its own that have not begun.
 */
#include <weir/operators/replay.h>

#include <string.h>

#include <weir/dataflow.h>
#include <weir/node.h>
#include <weir/observe.h>
#include <weir/operators/cap_set.h>
#include <weir/operators/filter.h>

#include "captured_event.h"
#include "owned.h"
#include "planted.h"

/* ---- capturing ---- */

typedef struct capture {
    weir__captured_form form;
    uint64_t number; /* of the next event */
    weir_frontier written;
    bool begun;
    weir_bytes_out payload;
} capture;

static weir_status capture_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)error;
    capture *c = weir_alloc_must(sizeof *c);
    *c = (capture){ .form = *(const weir__captured_form *)ctx };
    c->form.parts = weir_step_workers(step);
    weir_frontier_init(&c->written, c->form.depth);
    weir_frontier_insert(&c->written, &(weir_time){ { 0 } });
    *made = c;
    return WEIR_OK;
}

static void capture_fini(void *ctx)
{
    capture *c = ctx;
    weir_frontier_fini(&c->written);
    weir_bytes_out_fini(&c->payload);
    weir_free(c, sizeof *c);
}

/* Emits what is in the payload, if it could be made. */
static bool emit_event(weir_step *step, capture *c, weir_status status, const weir_error *error)
{
    if (status != WEIR_OK) {
        weir_step_fail(step, status, "an event cannot be written: %s",
                       error && error->what[0] ? error->what : weir_status_text(status));
        return false;
    }
    weir_time start = { { 0 } };
    weir_out(weir_captured_event) out = { weir_step_output(step, 0, &start) };
    weir_captured_event event = { .part = weir_step_worker(step), .number = c->number++ };
    event.payload = weir_builder_str(out.builder, c->payload.data, c->payload.len);
    event.checksum = weir_captured_event_checksum(&event);
    weir_captured_event_emit(out, event);
    c->payload.len = 0;
    return true;
}

static void capture_step(weir_step *step, void *ctx)
{
    capture *c = ctx;
    weir_error error = { .status = WEIR_OK };
    if (!weir_cap_held(step, 0))
        return;
    if (!c->begun &&
        !emit_event(step, c, weir__event_put_stream(&c->payload, &c->form), NULL))
        return;
    c->begun = true;
    while (weir_step_waiting(step, 0)) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        const weir_batch *batch = weir_step_take(step, 0);
        if (weir_step_waiting(step, 0) > 0 && WEIR_PLANTED(CAPTURE_SKIPS))
            continue;
        if (!emit_event(step, c, weir__event_put_batch(&c->payload, batch, &error), &error))
            return;
    }
    const weir_frontier *now = weir_step_frontier(step, 0);
    if (weir_frontier_equal(now, &c->written))
        return;
    if (!emit_event(step, c, weir__event_put_progress(&c->payload, now), NULL))
        return;
    weir_frontier_set(&c->written, now);
    if (weir_frontier_is_empty(now))
        weir_cap_drop(step, 0);
}

weir_port *weir_capture_events_erased(weir_port *in, const char *name)
{
    weir_error error;
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    weir__captured_form *form = weir_graph_alloc(graph, sizeof *form);
    *form = (weir__captured_form){ .type = weir_port_type(in), .depth = weir_port_depth(in),
                                   .collection = weir_port_is_collection(in) };
    weir_encode_options options = { .struct_size = sizeof options, .codec = WEIR_CODEC_MSGPACK };
    if (weir_encode_check(form->type, &options, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, name ? name : "capture_events", error.hint, "%s",
                        error.what);
        return NULL;
    }
    weir_node_input input = { .type = form->type, .interest = WEIR_ALWAYS, .takes_diffs = true,
                              .settles = true };
    weir_node_output output = { .type = weir_captured_event_type() };
    weir_summary none = { .depth = 0 };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "capture_events", .name = name,
        .input_count = 1, .output_count = 1, .inputs = &input, .outputs = &output,
        .summaries = &none, .initial_capabilities = true, .ctx = form, .init = capture_init,
        .step = capture_step, .fini = capture_fini }, &in);
    return weir_node_output_port(node, 0);
}

/* ---- replaying ---- */

/* One of this worker's parts. */
typedef struct part {
    uint64_t next; /* number of the next event */
    weir_frontier frontier;
} part;

typedef struct replay {
    const weir__captured_form *form;
    weir_step *step;
    weir_decoder *decoder;
    char *record;
    weir_cap_set set;
    unsigned parts;  /* of all workers; 0: not known yet */
    part *own;       /* parts w, w + workers, … of worker w */
    unsigned own_count;
    bool ended;
    weir_error error;
} replay;

static weir_status replay_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    replay *r = weir_alloc_must(sizeof *r);
    *r = (replay){ .form = ctx };
    weir_decoder_options options = { .struct_size = sizeof options, .codec = WEIR_CODEC_MSGPACK,
                                     .size_max = 1 << 30 };
    weir_status status = weir_decoder_create(r->form->type, &options, &r->decoder, error);
    if (status != WEIR_OK) {
        weir_free(r, sizeof *r);
        return status;
    }
    r->record = weir_alloc_must(r->form->type->size);
    weir_cap_set_insert(&r->set, step, 0);
    *made = r;
    return WEIR_OK;
}

static void replay_fini(void *ctx)
{
    replay *r = ctx;
    for (unsigned i = 0; i < r->own_count; i++)
        weir_frontier_fini(&r->own[i].frontier);
    weir_free(r->own, r->own_count * sizeof *r->own);
    weir_free(r->record, r->form->type->size);
    weir_decoder_destroy(r->decoder);
    weir_cap_set_fini(&r->set);
    weir_free(r, sizeof *r);
}

static weir_status emit_record(const weir_time *t, int64_t diff, const weir_str *bytes, void *ctx)
{
    replay *r = ctx;
    if (diff < 0 && WEIR_PLANTED(REPLAY_SKIPS))
        return WEIR_OK;
    weir_builder *out = weir_step_output(r->step, 0, t);
    weir_decode_sink sink = weir_builder_sink(out);
    weir_status status = weir_decode(r->decoder, bytes, &sink, r->record, &r->error);
    if (status != WEIR_OK)
        return status;
    weir_builder_set_diff(out, diff);
    weir__emit_owned(out, r->record);
    return WEIR_OK;
}

/* How many parts there are, as the first event of any of them tells. */
static weir_status learn_parts(replay *r, const weir_str *payload)
{
    unsigned parts = 0, workers = weir_step_workers(r->step);
    weir_status status = weir__event_get_stream(payload, r->form, &parts, &r->error);
    if (status != WEIR_OK || r->parts == parts)
        return status;
    if (r->parts)
        return weir_error_set(&r->error, WEIR_BAD_DATA, "events of captures with %u and %u parts",
                              r->parts, parts);
    unsigned self = weir_step_worker(r->step);
    r->parts = parts;
    r->own_count = parts > self ? (parts - self + workers - 1) / workers : 0;
    r->own = weir_alloc_must(r->own_count * sizeof *r->own);
    for (unsigned i = 0; i < r->own_count; i++) {
        r->own[i].next = 0;
        weir_frontier_init(&r->own[i].frontier, r->form->depth);
        weir_frontier_insert(&r->own[i].frontier, &(weir_time){ { 0 } });
    }
    return WEIR_OK;
}

/* A batch before what its part has promised would be sent without a capability. */
static weir_status check_times(const weir_time *t, int64_t diff, const weir_str *bytes, void *ctx)
{
    const part *p = ctx;
    (void)diff;
    (void)bytes;
    return weir_frontier_less_equal(&p->frontier, t) ? WEIR_OK : WEIR_BAD_DATA;
}

static weir_status apply(replay *r, part *p, const weir_captured_event *event)
{
    int kind = weir__event_kind(&event->payload);
    if ((kind == WEIR__EVENT_STREAM) != (event->number == 0))
        return weir_error_set(&r->error, WEIR_BAD_DATA, "it is no first event, or not the first");
    if (kind == WEIR__EVENT_STREAM)
        return WEIR_OK;
    weir_frontier next;
    weir_frontier_init(&next, r->form->depth);
    weir__event_sink check = { check_times, &next, p }, sink = { emit_record, &next, r };
    weir_status status = weir__event_get(&event->payload, r->form->depth, &check, &r->error);
    if (status == WEIR_OK && kind == WEIR__EVENT_PROGRESS &&
        !weir_frontier_dominates(&p->frontier, &next))
        status = WEIR_BAD_DATA;
    if (status == WEIR_BAD_DATA && !r->error.what[0])
        weir_error_set(&r->error, status, "its times are before those of an earlier frontier");
    if (status == WEIR_OK && kind == WEIR__EVENT_PROGRESS)
        weir_frontier_set(&p->frontier, &next);
    else if (status == WEIR_OK)
        status = weir__event_get(&event->payload, r->form->depth, &sink, &r->error);
    weir_frontier_fini(&next);
    return status;
}

static weir_status take_event(replay *r, const weir_captured_event *event)
{
    unsigned workers = weir_step_workers(r->step);
    weir_status status = WEIR_OK;
    if (event->checksum != weir_captured_event_checksum(event))
        return weir_error_set(&r->error, WEIR_BAD_DATA, "its checksum does not fit");
    if (event->number == 0)
        status = learn_parts(r, &event->payload);
    if (status != WEIR_OK)
        return status;
    if (!r->parts || event->part >= r->parts)
        return weir_error_set(&r->error, WEIR_BAD_DATA, "no first event of its part came before");
    part *p = &r->own[event->part / workers];
    if (event->number < p->next)
        return WEIR_OK; /* once more */
    if (event->number > p->next)
        return weir_error_set(&r->error, WEIR_BAD_DATA, "event %llu is missing before it",
                              (unsigned long long)p->next);
    p->next++;
    return apply(r, p, event);
}

/* Holds what the worker's parts may still have. */
static void hold(replay *r)
{
    weir_frontier all;
    if (!r->parts)
        return;
    weir_frontier_init(&all, r->form->depth);
    for (unsigned i = 0; i < r->own_count; i++)
        for (uint32_t k = 0; k < r->own[i].frontier.count; k++)
            weir_frontier_insert(&all, &weir_frontier_times(&r->own[i].frontier)[k]);
    (void)weir_cap_set_downgrade(&r->set, r->step, &all);
    weir_frontier_fini(&all);
}

static void check_end(replay *r)
{
    unsigned workers = weir_step_workers(r->step), self = weir_step_worker(r->step);
    weir_process_info process;
    r->ended = true;
    weir_observe_process(weir_step_runtime(r->step), &process);
    if (process.stopping) { /* its source was told to end early */
        weir_cap_set_clear(&r->set, r->step);
        return;
    }
    if (!r->parts)
        weir_step_fail(r->step, WEIR_BAD_DATA, "there are no events to replay");
    for (unsigned i = 0; i < r->own_count; i++) {
        if (weir_frontier_is_empty(&r->own[i].frontier))
            continue;
        weir_step_fail(r->step, WEIR_BAD_DATA,
                       "part %u of %u has no last event after %llu: its capture did not end, or "
                       "events were lost", self + i * workers, r->parts,
                       (unsigned long long)r->own[i].next);
        return;
    }
}

static void replay_step(weir_step *step, void *ctx)
{
    replay *r = ctx;
    r->step = step;
    weir_status status = WEIR_OK;
    for (const weir_batch *b; status == WEIR_OK && (b = weir_step_take(step, 1));)
        for (size_t i = 0; i < b->count && status == WEIR_OK; i++)
            status = learn_parts(r, &((const weir_captured_event *)b->records)[i].payload);
    while (status == WEIR_OK && weir_step_waiting(step, 0)) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            break;
        }
        const weir_batch *b = weir_step_take(step, 0);
        const weir_captured_event *events = b->records;
        for (size_t i = 0; i < b->count && status == WEIR_OK; i++) {
            status = take_event(r, &events[i]);
            if (status != WEIR_OK)
                weir_step_fail(step, status, "event %llu of part %u: %s",
                               (unsigned long long)events[i].number, events[i].part,
                               r->error.what);
        }
    }
    if (status != WEIR_OK) {
        weir_step_fail(step, status, "%s", r->error.what);
        return;
    }
    hold(r);
    if (!r->ended && weir_frontier_is_empty(weir_step_frontier(step, 0)) &&
        weir_frontier_is_empty(weir_step_frontier(step, 1)) && weir_step_waiting(step, 0) == 0)
        check_end(r);
}

static bool is_first(const weir_captured_event *event)
{
    return event->number == 0;
}
WEIR_FILTER(is_first, weir_captured_event)

static void by_part(const void *records, size_t count, uint64_t *out, void *ctx)
{
    const weir_captured_event *events = records;
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        out[i] = events[i].part;
}

weir_port *weir_replay_erased(weir_port *events, const weir_type *type, bool collection)
{
    if (!events)
        return NULL;
    weir_graph *graph = weir_port_graph(events);
    if (!weir_type_same_layout(weir_port_type(events), weir_captured_event_type()) ||
        weir_port_is_collection(events)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, "replay", "replay what weir_capture_events made",
                        "the stream carries '%s', not captured events",
                        weir_port_type(events)->name);
        return NULL;
    }
    weir__captured_form *form = weir_graph_alloc(graph, sizeof *form);
    *form = (weir__captured_form){ .type = type, .depth = weir_port_depth(events),
                                   .collection = collection };
    weir_stream(weir_captured_event) all = { .port = events };
    weir_port *ports[] = { events, weir_filter(all, is_first).port };
    weir_node_input inputs[] = {
        { .type = weir_captured_event_type(), .interest = WEIR_ALWAYS,
          .route = WEIR_BY_FUNCTION, .route_fn = by_part },
        { .type = weir_captured_event_type(), .interest = WEIR_ALWAYS, .route = WEIR_TO_ALL },
    };
    weir_node_output output = { .type = type, .collection = collection };
    weir_summary none[2] = { { .depth = 0 }, { .depth = 0 } };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "replay", .input_count = 2,
        .output_count = 1, .inputs = inputs, .outputs = &output, .summaries = none,
        .initial_capabilities = true, .deterministic = true, .ctx = form, .init = replay_init,
        .step = replay_step, .fini = replay_fini }, ports);
    return weir_node_output_port(node, 0);
}
