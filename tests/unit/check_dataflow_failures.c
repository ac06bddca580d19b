/* SPDX-License-Identifier: Apache-2.0
 *
 * Dataflows that come and go: what is refused, what fails on the way, what is asked from inside of
 * a step, a thousand of them beside one that runs, and memory that runs out.
 */
#include <semaphore.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static void build_plain(weir_graph *g, void *ctx)
{
    weir_input(number) *input_of = ctx;
    weir_stream(number) in = weir_input_add(g, number, input_of, .manual = true);
    weir_probe_add(weir_exchange(in, WEIR_KEY(number, value)).port, "out");
}

static void build_refused(weir_graph *g, void *ctx)
{
    build_plain(g, ctx);
    weir_graph_fail(g, WEIR_UNAVAILABLE, "nowhere", "come again", "nothing to be had");
}

static weir_status init_fails(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)state;
    if (weir_step_worker(step) == weir_step_workers(step) - 1)
        return weir_error_set(error, WEIR_DENIED, "no such thing here");
    return WEIR_OK;
}

static void rest(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
}

/* Its last worker cannot make it; the others send meanwhile. */
static void build_broken(weir_graph *g, void *ctx)
{
    weir_input(number) *input_of = ctx;
    weir_stream(number) in = weir_input_add(g, number, input_of, .manual = true);
    weir_port *all = weir_broadcast(in).port;
    weir_node_input input = { .type = number_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "broken",
                                        .input_count = 1, .inputs = &input, .init = init_fails,
                                        .step = rest }, &all);
}

/* All workers give up, and are called again before they are gone. */
static void quit(weir_step *step, void *state)
{
    (void)state;
    weir_step_fail_dataflow(step, WEIR_DENIED, "%s is enough", "it");
    weir_step_again(step);
}

static void build_quitter(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_node_output output = { .type = number_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "quitter",
                                        .output_count = 1, .outputs = &output,
                                        .initial_capabilities = true, .step = quit }, NULL);
}

typedef struct fixture {
    weir_input(number) inputs[4];
    weir_runtime *runtime;
    weir_dataflow *asked;
    unsigned calls;
} fixture;

/* A source that asks for a dataflow, then for its removal, then for its own. */
static void ask(weir_step *step, void *state)
{
    fixture *f = *(fixture **)state;
    weir_dataflow_info info;
    if (weir_step_worker(step) != 0) {
        weir_cap_drop(step, 0);
        return;
    }
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "plain" };
    if (f->calls++ == 0)
        ck_assert_int_eq(weir_runtime_add(weir_step_runtime(step), &spec, &f->asked, NULL),
                         WEIR_OK);
    weir_dataflow_get_info(f->asked, &info);
    if (f->calls == 1)
        ck_assert_uint_lt(info.workers, weir_step_workers(step)); /* not here, in this step */
    if (info.state == WEIR_DATAFLOW_RUNNING) {
        ck_assert_int_eq(weir_dataflow_remove(f->asked, NULL), WEIR_OK);
        weir_dataflow_get_info(f->asked, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_REMOVING);
        ck_assert_uint_eq(info.workers, weir_step_workers(step));
    }
    if (info.state == WEIR_DATAFLOW_GONE)
        weir_cap_drop(step, 0);
    else
        weir_step_at_ns(step, weir_step_now_ns(step) + 100000);
}

static weir_status asker_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    *state = weir_alloc(sizeof(fixture *));
    if (!*state)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory");
    *(fixture **)*state = ctx;
    return WEIR_OK;
}

static void asker_fini(void *state) { weir_free(state, sizeof(fixture *)); }

static void build_asker(weir_graph *g, void *ctx)
{
    weir_node_output output = { .type = number_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "asker",
                                        .output_count = 1, .outputs = &output, .ctx = ctx,
                                        .initial_capabilities = true, .init = asker_init,
                                        .step = ask, .fini = asker_fini }, NULL);
}

static void ck_error(const weir_error *error, weir_status status, const char *what,
                     const char *hint)
{
    ck_assert_int_eq(error->status, status);
    ck_assert_str_eq(error->what, what);
    ck_assert_str_eq(error->hint, hint);
}

static void create(fixture *f, unsigned workers, bool until_stopped)
{
    weir_config config = { .struct_size = sizeof config, .workers = workers,
                           .until_stopped = until_stopped };
    f->runtime = weir_runtime_create(&config, NULL);
    weir_runtime_register(f->runtime, "plain", build_plain, &f->inputs[0], NULL);
    weir_runtime_register(f->runtime, "refused", build_refused, &f->inputs[1], NULL);
    weir_runtime_register(f->runtime, "broken", build_broken, &f->inputs[2], NULL);
    weir_runtime_register(f->runtime, "asker", build_asker, f, NULL);
    weir_runtime_register(f->runtime, "quitter", build_quitter, f, NULL);
}

static void finish(fixture *f)
{
    weir_process_info info;
    weir_runtime_stop(f->runtime);
    ck_assert_int_eq(weir_runtime_wait(f->runtime, NULL), WEIR_OK);
    weir_observe_process(f->runtime, &info);
    ck_assert_uint_eq(info.late_mail, 0);
    weir_runtime_destroy(f->runtime);
}

static weir_dataflow *add(fixture *f, const char *build)
{
    weir_dataflow *dataflow;
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = build };
    ck_assert_int_eq(weir_runtime_add(f->runtime, &spec, &dataflow, NULL), WEIR_OK);
    return dataflow;
}

START_TEST(refusals)
{
    fixture f = { 0 };
    weir_error error = { 0 };
    create(&f, 2, false);
    ck_assert_int_eq(weir_runtime_register(f.runtime, "plain", build_plain, NULL, &error),
                     WEIR_EXISTS);
    ck_error(&error, WEIR_EXISTS, "a build function 'plain' is registered already", "");
    ck_assert_int_eq(weir_runtime_register(f.runtime, "", build_plain, NULL, &error),
                     WEIR_INVALID);
    ck_error(&error, WEIR_INVALID, "a build function needs a name", "");
    weir_dataflow *none;
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "fancy" };
    ck_assert_int_eq(weir_runtime_add(f.runtime, &spec, &none, &error), WEIR_NOT_FOUND);
    ck_error(&error, WEIR_NOT_FOUND, "no build function 'fancy' is registered",
             "call weir_runtime_register before the start");
    ck_assert_ptr_null(none);
    ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
    ck_assert_int_eq(weir_runtime_register(f.runtime, "late", build_plain, NULL, &error),
                     WEIR_INVALID);
    ck_error(&error, WEIR_INVALID, "the build function 'late' was registered after the start",
             "register it before weir_runtime_start, in every process");
    ck_assert_int_eq(weir_runtime_wait(f.runtime, NULL), WEIR_OK); /* there was nothing to do */
    spec.build = "plain";
    ck_assert_int_eq(weir_runtime_add(f.runtime, &spec, &none, &error), WEIR_CLOSED);
    ck_error(&error, WEIR_CLOSED, "the runtime has ended: all its dataflows were complete",
             "set until_stopped in the config to have it wait for more");
    ck_assert_ptr_null(weir_runtime_find(f.runtime, "plain-0"));
    weir_runtime_destroy(f.runtime);

    create(&f, 1, true);
    ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
    weir_runtime_stop(f.runtime);
    ck_assert_int_eq(weir_runtime_add(f.runtime, &spec, &none, &error), WEIR_CLOSED);
    ck_error(&error, WEIR_CLOSED, "the runtime is ending: nothing can be asked of it", "");
    ck_assert_int_eq(weir_runtime_wait(f.runtime, NULL), WEIR_OK);
    weir_runtime_destroy(f.runtime);
    ck_assert_str_eq(weir_dataflow_state_name((weir_dataflow_state)77), "?");
}
END_TEST

/* Neither ends the run, nor what runs beside it. */
START_TEST(what_cannot_be_built)
{
    fixture f = { 0 };
    create(&f, 3, true);
    ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
    weir_dataflow *d[] = { add(&f, "plain"), add(&f, "refused"), add(&f, "broken") };
    weir_error error = { 0 };
    ck_assert_int_eq(weir_dataflow_wait(d[1], WEIR_DATAFLOW_RUNNING, &error), WEIR_UNAVAILABLE);
    ck_error(&error, WEIR_UNAVAILABLE, "nothing to be had", "come again");
    ck_assert_int_eq(weir_dataflow_wait(d[2], WEIR_DATAFLOW_GONE, &error), WEIR_DENIED);
    ck_error(&error, WEIR_DENIED, "no such thing here", "");
    ck_assert_str_eq(error.detail, "in operator 'broken-1' on worker 2");
    weir_dataflow_info info;
    weir_dataflow_get_info(d[2], &info);
    ck_assert_int_eq(info.state, WEIR_DATAFLOW_FAILED);
    ck_assert_str_eq(info.error.what, "no such thing here");
    ck_assert_int_eq(weir_dataflow_remove(d[1], NULL), WEIR_OK); /* nothing is left to remove */
    ck_assert_int_eq(weir_dataflow_remove(d[2], NULL), WEIR_OK);
    ck_assert_int_eq(weir_dataflow_wait(d[0], WEIR_DATAFLOW_RUNNING, NULL), WEIR_OK);
    weir_dataflow *found = weir_runtime_find(f.runtime, "plain-0");
    ck_assert_ptr_eq(found, d[0]);
    weir_dataflow_release(found);
    weir_dataflow *last = add(&f, "asker"); /* comes after their removal in the order */
    ck_assert_int_eq(weir_dataflow_wait(last, WEIR_DATAFLOW_GONE, NULL), WEIR_OK);
    weir_process_info process;
    weir_observe_process(f.runtime, &process);
    ck_assert_uint_eq(process.dataflows, 1);
    ck_assert_uint_eq(process.dataflows_gone, 4);
    weir_dataflow_release(f.asked);
    weir_dataflow_release(last);
    for (int i = 0; i < 3; i++)
        weir_dataflow_release(d[i]);
    finish(&f);
}
END_TEST

/* In a step: the dataflow alone, unless it was there from the start. */
START_TEST(what_gives_up)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        fixture f = { 0 };
        weir_error error = { 0 };
        create(&f, workers, true);
        ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
        weir_dataflow *plain = add(&f, "plain"), *quitter = add(&f, "quitter");
        ck_assert_int_eq(weir_dataflow_wait(quitter, WEIR_DATAFLOW_GONE, &error), WEIR_DENIED);
        ck_error(&error, WEIR_DENIED, "it is enough", "");
        ck_assert_ptr_nonnull(strstr(error.detail, "in operator 'quitter-1' on worker "));
        weir_dataflow *last = add(&f, "asker"); /* comes after its removal in the order */
        ck_assert_int_eq(weir_dataflow_wait(last, WEIR_DATAFLOW_GONE, NULL), WEIR_OK);
        weir_dataflow_info info;
        weir_dataflow_get_info(quitter, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_FAILED);
        ck_assert_uint_eq(info.workers, 0);
        weir_dataflow_get_info(plain, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_RUNNING);
        weir_dataflow_release(f.asked);
        weir_dataflow_release(last);
        weir_dataflow_release(plain);
        weir_dataflow_release(quitter);
        finish(&f);

        create(&f, workers, true);
        ck_assert_int_eq(weir_runtime_build(f.runtime, "main", build_quitter, &f, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_wait(f.runtime, &error), WEIR_DENIED);
        ck_error(&error, WEIR_DENIED, "it is enough", "");
        weir_runtime_destroy(f.runtime);
    }
}
END_TEST

/* The asker is the only dataflow and the runtime ends by itself. */
START_TEST(asked_for_in_a_step)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        fixture f = { 0 };
        create(&f, workers, false);
        ck_assert_int_eq(weir_runtime_build(f.runtime, "asker", build_asker, &f, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_wait(f.runtime, NULL), WEIR_OK);
        weir_dataflow_info info;
        weir_dataflow_get_info(f.asked, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_GONE);
        weir_dataflow_release(f.asked);
        weir_runtime_destroy(f.runtime);
    }
}
END_TEST

/* ---- many ---- */

static void post(weir_worker *worker, void *ctx)
{
    (void)worker;
    sem_post(ctx);
}

/* The least memory in use while no dataflow is there but the one that stays, after rounds through
 * the workers in which they free what they still have in hand. */
static size_t least_used(fixture *f, size_t enough)
{
    enum { ROUNDS = 100, ROUNDS_MAX = 20000 };
    size_t least = SIZE_MAX;
    sem_t done;
    sem_init(&done, 0, 0);
    for (int i = 0; i < ROUNDS_MAX && (i < ROUNDS || least > enough); i++) {
        for (unsigned w = 0; w < 2; w++)
            weir_runtime_call(f->runtime, w, post, &done);
        for (unsigned w = 0; w < 2; w++)
            sem_wait(&done);
        weir_process_info info;
        weir_observe_process(f->runtime, &info);
        size_t used = weir_memory_used();
        if (info.dataflows == 1 && used < least)
            least = used;
    }
    sem_destroy(&done);
    return least;
}

static void come_and_go(fixture *f, unsigned count)
{
    weir_dataflow **all = calloc(count, sizeof *all);
    for (unsigned i = 0; i < count; i++) {
        all[i] = add(f, i % 7 ? "plain" : "broken");
        if (i % 3 == 0)
            (void)weir_dataflow_wait(all[i], WEIR_DATAFLOW_RUNNING, NULL);
        ck_assert_int_eq(weir_dataflow_remove(all[i], NULL), WEIR_OK);
        if (i % 5 == 0)
            (void)weir_dataflow_wait(all[i], WEIR_DATAFLOW_GONE, NULL);
    }
    for (unsigned i = 0; i < count; i++)
        weir_dataflow_release(all[i]);
    free(all);
}

START_TEST(a_thousand_leave_nothing)
{
    fixture f = { 0 };
    create(&f, 2, true);
    ck_assert_int_eq(weir_runtime_build(f.runtime, "stays", build_plain, &f.inputs[3], NULL),
                     WEIR_OK);
    ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
    weir_input_handle(number) h = weir_input_open(f.inputs[3], 0);
    come_and_go(&f, 20); /* what is kept for reuse is there after that */
    size_t before = least_used(&f, SIZE_MAX);
    come_and_go(&f, 1000);
    /* before, the calls that ask may not have been freed in any round: then it is less now */
    ck_assert_uint_le(least_used(&f, before), before);
    ck_assert_int_eq(weir_input_send(h, number, { 7 }), WEIR_OK);
    weir_input_close(h);
    finish(&f);
}
END_TEST

/* ---- memory that runs out ---- */

static void build_tested(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_test_input(g, number);
    weir_test_output(weir_exchange(in, WEIR_KEY(number, value)));
}

/* Builds one, sends, removes it and builds another. */
static weir_status run_once(void)
{
    const weir_test_build builds[] = { { "tested", build_tested, NULL } };
    const weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "tested" };
    weir_test *t = weir_test_create(NULL, NULL, .workers = 2, .seed = 3, .builds = builds,
                                    .build_count = 1);
    weir_dataflow *d = weir_test_add(t, &spec);
    weir_test_run(t);
    for (uint64_t i = 0; i < 20 && weir_test_error(t)->status == WEIR_OK; i++)
        weir_test_push(t, 0, number, 0, 1, { i });
    if (weir_test_worker(t, 0)) /* NULL: it could not be created */
        weir_worker_step(weir_test_worker(t, 0));
    weir_test_remove(t, d);
    weir_test_add(t, &spec);
    weir_test_run(t);
    weir_status status = weir_test_error(t)->status;
    weir_test_destroy(t);
    return status;
}

START_TEST(each_allocation_fails_once)
{
    size_t before = weir_memory_used();
    unsigned refused = 0;
    ck_assert_int_eq(run_once(), WEIR_OK);
    ck_assert_uint_eq(weir_memory_used(), before);
    for (uint64_t nth = 1; nth <= 220; nth++) {
        weir_memory_fail_nth(nth, 0);
        weir_status status = run_once();
        weir_memory_fail_nth(0, 0);
        weir_memory_exhausted_reset();
        ck_assert_msg(status == WEIR_OK || status == WEIR_NO_MEMORY, "allocation %llu: %d",
                      (unsigned long long)nth, status);
        refused += status == WEIR_NO_MEMORY;
        ck_assert_msg(weir_memory_used() == before, "allocation %llu: %zu bytes are left",
                      (unsigned long long)nth, weir_memory_used() - before);
    }
    ck_assert_uint_gt(refused, 50);
}
END_TEST

int main(void)
{
    return test_run(test_suite("dataflow_failures", (const TTest *const[]){
        refusals, what_cannot_be_built, what_gives_up, asked_for_in_a_step,
        a_thousand_leave_nothing, each_allocation_fails_once, NULL }));
}
