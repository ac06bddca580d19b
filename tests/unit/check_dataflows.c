/* SPDX-License-Identifier: Apache-2.0
 *
 * Dataflows added and removed while others run: every state and refusal, from inside and from
 * outside of the workers' threads, with things under way, and that nothing is left.
 */
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value) F(str, name)
WEIR_RECORD(number, NUMBER)

/* What the build functions are given, and what building gives out: by the slot in the args. */
typedef struct slot {
    weir_dataflow *dataflow;
    weir_input(number) input;
    weir_probe *probe;
    weir_captured *seen;
    unsigned built, ended, removed;
} slot;

enum { SLOTS = 8 };
typedef struct fixture {
    weir_runtime *runtime;
    slot slots[SLOTS];
    unsigned inits, finis; /* atomic: of the nodes that count */
    bool init_fails;       /* on the last worker */
} fixture;

static slot *slot_of(weir_graph *g, fixture *f)
{
    size_t size;
    const unsigned *index = weir_graph_args(g, &size);
    if (!index)
        return &f->slots[0];
    ck_assert_uint_eq(size, sizeof *index);
    return &f->slots[*index];
}

static void at_end(void *ctx) { ((slot *)ctx)->ended++; }
static void at_removal(void *ctx) { ((slot *)ctx)->removed++; }

static weir_status keeper_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    fixture *f = ctx;
    if (f->init_fails && weir_step_worker(step) == weir_step_workers(step) - 1)
        return weir_error_set(error, WEIR_UNAVAILABLE, "there is nothing to keep in");
    __atomic_fetch_add(&f->inits, 1, __ATOMIC_RELAXED);
    *state = f;
    return WEIR_OK;
}

/* Keeps a capability for each batch, for ever. */
static void keeper_step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        (void)weir_cap_retain(step, 0, NULL);
}

static void keeper_fini(void *state)
{
    __atomic_fetch_add(&((fixture *)state)->finis, 1, __ATOMIC_RELAXED);
}

/* Goes round for ever: something is always under way, between the workers too. */
static weir_port *whirl(weir_graph *g, weir_port *in)
{
    weir_scope *scope = weir_scope_add(g, NULL, "whirl");
    weir_feedback *back = weir_feedback_add(g, scope, number_type(), 1);
    weir_port *both[2] = { weir_port_enter(in, scope), weir_feedback_port(back) };
    weir_port *all = weir_port_by_key(weir_port_concat(both, 2),
                                      &(weir_key){ .count = 1, .field = { 0 } });
    weir_feedback_connect(back, all);
    return weir_port_leave(all);
}

static weir_port *keep(weir_graph *g, weir_port *in, fixture *f)
{
    weir_node_input input = { .type = number_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output output = { .type = number_type() };
    return weir_node_output_port(weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "keeper", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .ctx = f, .init = keeper_init,
        .step = keeper_step, .fini = keeper_fini }, &in), 0);
}

static slot *begin(weir_graph *g, fixture *f)
{
    slot *s = slot_of(g, f);
    ck_assert_ptr_eq(weir_graph_runtime(g), f->runtime);
    s->dataflow = weir_graph_dataflow(g);
    s->built++;
    weir_graph_at_end(g, at_end, s);
    weir_graph_at_removal(g, at_removal, s);
    return s;
}

static void build_plain(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    slot *s = begin(g, f);
    weir_stream(number) in = weir_input_add(g, number, &s->input, .manual = true);
    weir_stream(number) out = weir_exchange(in, WEIR_KEY(number, value));
    s->probe = weir_probe_add(out.port, "out");
    if (s->seen)
        weir_capture(out, s->seen);
}

static void build_keeper(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    slot *s = begin(g, f);
    weir_stream(number) in = weir_input_add(g, number, &s->input, .manual = true);
    weir_port *kept = keep(g, weir_exchange(in, WEIR_KEY(number, value)).port, f);
    s->probe = weir_probe_add(kept, "kept");
}

static void build_whirl(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    slot *s = begin(g, f);
    weir_stream(number) in = weir_input_add(g, number, &s->input, .manual = true);
    s->probe = weir_probe_add(whirl(g, in.port), "out");
}

static void build_empty(weir_graph *g, void *ctx) { (void)begin(g, ctx); }

static void build_refused(weir_graph *g, void *ctx)
{
    (void)begin(g, ctx);
    weir_graph_fail(g, WEIR_UNAVAILABLE, "nowhere", "come again", "nothing to be had");
}

static void start(fixture *f, unsigned workers)
{
    weir_config config = { .struct_size = sizeof config, .workers = workers,
                           .until_stopped = true };
    f->runtime = weir_runtime_create(&config, NULL);
    static const struct { const char *name; weir_build_fn *fn; } builds[] = {
        { "plain", build_plain }, { "keeper", build_keeper }, { "whirl", build_whirl },
        { "empty", build_empty }, { "refused", build_refused } };
    for (unsigned i = 0; i < sizeof builds / sizeof *builds; i++)
        ck_assert_int_eq(weir_runtime_register(f->runtime, builds[i].name, builds[i].fn, f, NULL),
                         WEIR_OK);
    ck_assert_int_eq(weir_runtime_start(f->runtime, NULL), WEIR_OK);
}

static void stop(fixture *f)
{
    weir_process_info info;
    weir_runtime_stop(f->runtime);
    ck_assert_int_eq(weir_runtime_wait(f->runtime, NULL), WEIR_OK);
    weir_observe_process(f->runtime, &info);
    ck_assert_uint_eq(info.late_mail, 0);
    weir_runtime_destroy(f->runtime);
    for (unsigned i = 0; i < SLOTS; i++) {
        ck_assert_uint_eq(f->slots[i].ended, f->slots[i].built);
        weir_dataflow_release(f->slots[i].dataflow);
        weir_captured_destroy(f->slots[i].seen);
    }
    ck_assert_uint_eq(f->inits, f->finis);
}

static weir_dataflow *add(fixture *f, const char *build, unsigned index, bool kept)
{
    weir_dataflow *dataflow;
    weir_error error = { 0 };
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = build, .args = &index,
                                .args_size = sizeof index, .keep = kept };
    ck_assert_msg(weir_runtime_add(f->runtime, &spec, &dataflow, &error) == WEIR_OK, "%s",
                  error.what);
    return dataflow;
}

static void reach(weir_dataflow *dataflow, weir_dataflow_state state)
{
    weir_error error = { 0 };
    ck_assert_msg(weir_dataflow_wait(dataflow, state, &error) == WEIR_OK, "%s", error.what);
}

static weir_dataflow_info info_of(const weir_dataflow *dataflow)
{
    weir_dataflow_info info;
    weir_dataflow_get_info(dataflow, &info);
    return info;
}

static void ck_error(const weir_error *error, weir_status status, const char *what)
{
    ck_assert_int_eq(error->status, status);
    ck_assert_str_eq(error->what, what);
}

/* ---- one dataflow ---- */

START_TEST(from_asked_to_gone)
{
    fixture f = { .slots = { { .seen = weir_captured_create() } } };
    start(&f, 3);
    weir_dataflow *d = add(&f, "plain", 0, true);
    reach(d, WEIR_DATAFLOW_RUNNING);
    weir_dataflow_info info = info_of(d);
    ck_assert_int_eq(info.state, WEIR_DATAFLOW_RUNNING);
    ck_assert_uint_eq(info.id, 0);
    ck_assert_uint_eq(info.workers, 3);
    ck_assert_str_eq(info.name, "plain-0");
    ck_assert_str_eq(info.build, "plain");
    ck_assert_uint_eq(f.slots[0].built, 1);
    for (unsigned w = 0; w < 3; w++) {
        weir_input_handle(number) h = weir_input_open(f.slots[0].input, w);
        for (uint64_t i = 0; i < 1000; i++)
            ck_assert_int_eq(weir_input_send(h, number, { .value = i }), WEIR_OK);
        weir_input_close(h);
    }
    reach(d, WEIR_DATAFLOW_COMPLETE);
    ck_assert_int_eq(info_of(d).state, WEIR_DATAFLOW_COMPLETE); /* it is kept */
    ck_assert_uint_eq(info_of(d).workers, 3);
    size_t seen = 0;
    for (unsigned w = 0; w < 3; w++)
        seen += weir_captured_count(f.slots[0].seen, w);
    ck_assert_uint_eq(seen, 3000);
    ck_assert_int_eq(weir_dataflow_remove(d, NULL), WEIR_OK);
    reach(d, WEIR_DATAFLOW_GONE);
    info = info_of(d);
    ck_assert_int_eq(info.state, WEIR_DATAFLOW_GONE);
    ck_assert_uint_eq(info.workers, 0);
    ck_assert_uint_eq(f.slots[0].removed, 1);
    ck_assert_uint_eq(f.slots[0].ended, 0); /* it is still referred to */
    weir_error error = { 0 };
    ck_assert_int_eq(weir_dataflow_remove(d, &error), WEIR_CLOSED);
    ck_error(&error, WEIR_CLOSED, "the removal of 'plain-0' was asked for already");
    weir_dataflow_release(d);
    stop(&f);
}
END_TEST

/* One that is not kept goes when it is complete; to remove it then is no error. */
START_TEST(goes_by_itself)
{
    fixture f = { 0 };
    start(&f, 2);
    weir_dataflow *d = add(&f, "plain", 0, false), *empty = add(&f, "empty", 1, false);
    reach(empty, WEIR_DATAFLOW_GONE);
    reach(d, WEIR_DATAFLOW_RUNNING);
    for (unsigned w = 0; w < 2; w++)
        weir_input_close(weir_input_open(f.slots[0].input, w));
    reach(d, WEIR_DATAFLOW_GONE);
    ck_assert_int_eq(info_of(d).state, WEIR_DATAFLOW_GONE);
    ck_assert_uint_eq(f.slots[0].removed, 1);
    ck_assert_int_eq(weir_dataflow_remove(d, NULL), WEIR_OK);
    ck_assert_int_eq(weir_dataflow_remove(d, NULL), WEIR_CLOSED);
    weir_dataflow_release(d);
    weir_dataflow_release(empty);
    stop(&f);
}
END_TEST

/* ---- removal with things under way ---- */

static void feed(slot *s, unsigned workers)
{
    for (unsigned w = 0; w < workers; w++) {
        weir_input_handle(number) h = weir_input_open(s->input, w);
        for (uint64_t i = 0; i < 2000; i++)
            ck_assert_int_eq(weir_input_send(h, number, {
                .value = i, .name = weir_str_of("a name that is not a short one") }), WEIR_OK);
        weir_input_flush(h);
    }
}

static void remove_busy(const char *build, unsigned workers, bool wait)
{
    fixture f = { 0 };
    start(&f, workers);
    weir_dataflow *d = add(&f, build, 0, false);
    reach(d, WEIR_DATAFLOW_RUNNING);
    feed(&f.slots[0], workers);
    if (wait) { /* until others have had their share of it */
        weir_dataflow *other = add(&f, "empty", 1, false);
        reach(other, WEIR_DATAFLOW_GONE);
        weir_dataflow_release(other);
    }
    ck_assert_int_eq(weir_dataflow_remove(d, NULL), WEIR_OK);
    reach(d, WEIR_DATAFLOW_GONE);
    weir_process_info info;
    weir_observe_process(f.runtime, &info);
    ck_assert_uint_eq(info.dataflows, 0);
    ck_assert_uint_eq(info.dataflows_gone, 1 + (unsigned)wait);
    ck_assert_uint_eq(info.in_flight_bytes, 0);
    weir_dataflow_release(d);
    stop(&f);
}

START_TEST(removed_while_it_is_busy)
{
    static const char *const builds[] = { "plain", "keeper", "whirl" };
    for (unsigned b = 0; b < 3; b++)
        for (unsigned workers = 1; workers <= 4; workers++) {
            remove_busy(builds[b], workers, false);
            remove_busy(builds[b], workers, true);
        }
}
END_TEST

/* What building gave out is safe to use when the dataflow has gone. */
static void use_after(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    slot *s = &f->slots[0];
    ck_assert(weir_probe_done(s->probe, worker));
    ck_assert(!weir_probe_less_than(s->probe, worker, &(weir_time){ { 5 } }));
    ck_assert(!weir_probe_less_equal(s->probe, worker, &(weir_time){ { 5 } }));
    f->slots[1].built++;
    f->slots[1].ended++;
}

START_TEST(handles_outlive_it)
{
    fixture f = { 0 };
    start(&f, 2);
    weir_dataflow *d = add(&f, "keeper", 0, false);
    reach(d, WEIR_DATAFLOW_RUNNING);
    weir_input_handle(number) h = weir_input_open(f.slots[0].input, 0);
    ck_assert_int_eq(weir_input_send(h, number, { .value = 1 }), WEIR_OK);
    ck_assert_int_eq(weir_dataflow_remove(d, NULL), WEIR_OK);
    reach(d, WEIR_DATAFLOW_GONE);
    weir_dataflow_release(d); /* the build function has another reference */
    weir_input_flush(h);
    ck_assert_int_eq(weir_input_send(h, number, { .value = 2 }), WEIR_CLOSED);
    weir_input_advance_to(h, &(weir_time){ { 7 } });
    weir_input_close(h);
    weir_input_close(weir_input_open(f.slots[0].input, 1));
    weir_runtime_call(f.runtime, 0, use_after, &f);
    weir_runtime_call(f.runtime, 1, use_after, &f);
    weir_dataflow *last = add(&f, "empty", 2, false);
    reach(last, WEIR_DATAFLOW_GONE);
    weir_dataflow_release(last);
    stop(&f);
    ck_assert_uint_eq(f.slots[1].built, 2);
}
END_TEST

int main(void)
{
    return test_run(test_suite("dataflows", (const TTest *const[]){
        from_asked_to_gone, goes_by_itself, removed_while_it_is_busy, handles_outlive_it, NULL }));
}
