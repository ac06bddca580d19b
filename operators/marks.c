/* SPDX-License-Identifier: Apache-2.0
 *
 * See marks.h.
 */
#include "marks.h"

#include <string.h>

#include <weir/record.h>

#define MARK(F) F(i64, us)
WEIR_RECORD(mark_record, MARK)

const weir_type *weir__mark_type(void)
{
    return mark_record_type();
}

/* ---- by event time ---- */

typedef struct measure {
    const weir_field *field;
    int64_t lateness_us;
} measure;

/* The last mark made: it also stands for later epochs. */
typedef struct state {
    const measure *measure;
    bool made;
    uint64_t epoch;
    int64_t us;
} state;

static weir_status measure_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)step;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory to measure event time");
    s->measure = ctx;
    *made = s;
    return WEIR_OK;
}

static void measure_fini(void *ctx)
{
    weir_free(ctx, sizeof(state));
}

static void mark(weir_step *step, state *s, uint64_t epoch, int64_t us)
{
    if (s->made && s->epoch <= epoch && s->us >= us)
        return;
    weir_time t = weir_time_1(epoch);
    mark_record_emit((weir_out(mark_record)){ weir_step_output(step, 1, &t) }, (mark_record){ us });
    *s = (state){ s->measure, true, epoch, us };
}

/* The instant of a record, less the lateness; INT64_MIN: it has none. */
static int64_t instant_of(const measure *m, const weir_batch *batch, size_t i)
{
    const char *record = weir_batch_record(batch, i);
    weir_instant at;
    if (m->field->optional && !record[m->field->set_offset])
        return INT64_MIN;
    memcpy(&at, record + m->field->offset, sizeof at);
    return at.us < INT64_MIN + m->lateness_us ? INT64_MIN : at.us - m->lateness_us;
}

static void measure_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        int64_t greatest = INT64_MIN;
        for (size_t i = 0; i < batch->count; i++) {
            int64_t us = instant_of(s->measure, batch, i);
            if (batch->times)
                mark(step, s, batch->times[i], us);
            greatest = us > greatest ? us : greatest;
        }
        if (!batch->times)
            mark(step, s, batch->time.at[0], greatest);
        weir_step_send(step, 0, batch, NULL);
    }
}

weir_port *weir__marks_by_event(weir_port **in, unsigned field, int64_t lateness_us)
{
    const weir_type *type = weir_port_type(*in);
    measure *m = weir_graph_alloc(weir_port_graph(*in), sizeof *m);
    *m = (measure){ &type->fields[field], lateness_us };
    bool collection = weir_port_is_collection(*in);
    weir_node_input input = { .type = type, .takes_diffs = collection };
    weir_node_output outputs[] = { { .type = type, .collection = collection },
                                   { .type = weir__mark_type() } };
    weir_node *node = weir_node_add(weir_port_graph(*in), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "event_time", .input_count = 1,
        .output_count = 2, .inputs = &input, .outputs = outputs, .deterministic = true, .ctx = m,
        .init = measure_init, .step = measure_step, .fini = measure_fini }, in);
    *in = weir_node_output_port(node, 0);
    return weir_port_to_all(weir_node_output_port(node, 1));
}

/* ---- by the clock ---- */

static weir_status clock_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)error;
    weir__clock *clock = (weir__clock *)ctx + weir_step_worker(step);
    clock->waker = weir_step_waker(step);
    *made = clock;
    return WEIR_OK;
}

/* It looks again after a day at the latest: an instant may be further away than any clock goes. */
static const uint64_t LONG_US = UINT64_C(86400) * 1000000;

static void clock_step(weir_step *step, void *ctx)
{
    weir__clock *clock = ctx;
    int64_t now = weir_step_wall_us(step);
    if (clock->due_us <= now) {
        clock->due_us = INT64_MAX;
        weir_time t = weir_step_epoch(step);
        mark_record_emit((weir_out(mark_record)){ weir_step_output(step, 0, &t) },
                        (mark_record){ now });
    } else if (clock->due_us < INT64_MAX) {
        uint64_t wait = (uint64_t)clock->due_us - (uint64_t)now;
        weir_step_at_ns(step, weir_step_now_ns(step) + 1000 * (wait < LONG_US ? wait : LONG_US));
    }
    if (clock->ended)
        weir_step_finish(step);
}

static void clock_fini(void *ctx)
{
    ((weir__clock *)ctx)->waker = NULL;
}

weir_port *weir__marks_by_clock(weir_graph *graph, weir__clock **clocks)
{
    unsigned workers = weir_graph_workers(graph);
    *clocks = weir_graph_alloc(graph, workers * sizeof **clocks);
    for (unsigned w = 0; w < workers; w++)
        (*clocks)[w].due_us = INT64_MAX;
    weir_node_output output = { .type = weir__mark_type() };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "clock", .output_count = 1,
        .outputs = &output, .follows_clock = true, .state_kind = WEIR_STATE_PER_PARTITION,
        .ctx = *clocks, .init = clock_init, .step = clock_step, .fini = clock_fini }, NULL);
    return weir_node_output_port(node, 0);
}

void weir__clock_set(weir__clock *clock, int64_t due_us)
{
    if (due_us >= clock->due_us)
        return;
    clock->due_us = due_us;
    if (clock->waker)
        weir_wake(clock->waker);
}

void weir__clock_end(weir__clock *clock)
{
    if (clock->ended)
        return;
    clock->ended = true;
    if (clock->waker)
        weir_wake(clock->waker);
}

/* ---- what is kept of them ---- */

typedef struct mark_of {
    weir_time epoch;
    int64_t us;
} mark_of;

void weir__marks_init(weir__marks *marks)
{
    *marks = (weir__marks){ .now = INT64_MIN, .told = INT64_MIN };
    weir__times_init(&marks->epochs, 1, sizeof(mark_of));
}

void weir__marks_fini(weir__marks *marks)
{
    weir__times_fini(&marks->epochs);
}

static void note(weir__marks *marks, const weir_time *epoch, int64_t us)
{
    mark_of *of = weir__times_find(&marks->epochs, epoch);
    if (!of) {
        of = weir__times_add(&marks->epochs, epoch);
        of->us = us;
    }
    of->us = us > of->us ? us : of->us;
    marks->told = us > marks->told ? us : marks->told;
}

void weir__marks_take(weir__marks *marks, weir_step *step, weir__stash *stash)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 1));)
        for (size_t i = 0; i < batch->count; i++) {
            weir_time epoch = weir_time_1(weir_batch_time(batch, i).at[0]);
            weir__stash_touch(stash, step, epoch.at[0]);
            note(marks, &epoch, ((const int64_t *)batch->records)[i]);
        }
}

void weir__marks_use(weir__marks *marks, uint64_t epoch)
{
    for (const mark_of *of; marks->epochs.count > 0; weir__times_drop_first(&marks->epochs)) {
        of = weir__times_at(&marks->epochs, 0);
        if (of->epoch.at[0] > epoch)
            break;
        marks->now = of->us > marks->now ? of->us : marks->now;
    }
}
