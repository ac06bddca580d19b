/* SPDX-License-Identifier: Apache-2.0
 *
 * A runtime's life in pieces: several dataflows, services, what can only be done before the start,
 * and what is refused.
 */
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

typedef struct fixture {
    weir_input(number) input;
    weir_captured *seen;
    int ended;
} fixture;

static void at_end(void *ctx) { ++*(int *)ctx; }

static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_graph_at_end(g, at_end, &f->ended);
    char *memory = weir_graph_alloc(g, 1000);
    for (int i = 0; i < 1000; i++)
        if (memory[i])
            ck_abort_msg("memory of a graph is not zero");
    ck_assert_ptr_null(weir_graph_text(g, NULL));
    ck_assert_ptr_null(weir_graph_service(g, "nobody"));
    weir_capture(weir_input_add(g, number, &f->input), f->seen);
}

static void ck_error(const weir_error *error, weir_status status, const char *what,
                     const char *hint)
{
    ck_assert_int_eq(error->status, status);
    ck_assert_str_eq(error->what, what);
    ck_assert_str_eq(error->hint, hint);
}

START_TEST(several_dataflows)
{
    enum { DATAFLOWS = 20, WORKERS = 2 };
    fixture f[DATAFLOWS] = { { .seen = NULL } };
    weir_config config = { .struct_size = sizeof config, .workers = WORKERS };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_uint_eq(weir_runtime_workers(runtime), WORKERS);
    for (int i = 0; i < DATAFLOWS; i++) {
        char name[32];
        snprintf(name, sizeof name, "flow %d", i);
        f[i].seen = weir_captured_create();
        ck_assert_int_eq(weir_runtime_build(runtime, name, build, &f[i], NULL), WEIR_OK);
        for (unsigned w = 0; w < WORKERS; w++) {
            weir_input_handle(number) h = weir_input_open(f[i].input, w);
            for (uint64_t k = 0; k < 100; k++)
                ck_assert_int_eq(weir_input_send(h, number, { k }), WEIR_OK);
            weir_input_close(h);
        }
    }
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK); /* once more is harmless */
    weir_process_info info;
    weir_observe_process(runtime, &info);
    ck_assert_uint_eq(info.dataflows, DATAFLOWS);
    ck_assert_uint_eq(info.dataflows_done, DATAFLOWS);
    ck_assert_int_eq(f[0].ended, 0);
    weir_runtime_destroy(runtime);
    for (int i = 0; i < DATAFLOWS; i++) {
        ck_assert_int_eq(f[i].ended, 1);
        for (unsigned w = 0; w < WORKERS; w++)
            ck_assert_uint_eq(weir_captured_count(f[i].seen, w), 100);
        weir_captured_destroy(f[i].seen);
    }
}
END_TEST

START_TEST(never_started)
{
    fixture f = { .seen = weir_captured_create() };
    weir_config config = { .struct_size = sizeof config, .workers = 3 };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, &f, NULL), WEIR_OK);
    weir_runtime_destroy(runtime);
    ck_assert_int_eq(f.ended, 1);
    weir_captured_destroy(f.seen);
    weir_runtime_destroy(NULL);
}
END_TEST

static void refuse(weir_graph *g, void *ctx)
{
    weir_graph_at_end(g, at_end, ctx);
    weir_graph_fail(g, WEIR_UNAVAILABLE, NULL, NULL, "nothing to be had");
}

static bool too_late(weir_runtime *runtime, fixture *f)
{
    weir_error error = { 0 };
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, f, &error), WEIR_INVALID);
    ck_error(&error, WEIR_INVALID, "a dataflow was built after the start",
             "build it before weir_runtime_start, or register what builds it there, and call "
             "weir_runtime_add");
    ck_assert_ptr_null(weir_runtime_take_worker(runtime, 0, &error));
    ck_error(&error, WEIR_INVALID, "worker 0 cannot be taken",
             "take a worker that exists, after the builds, before the start");
    return true;
}

START_TEST(refusals)
{
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config, .workers = WEIR_WORKERS_MAX + 1 };
    ck_assert_ptr_null(weir_runtime_create(&config, &error));
    ck_error(&error, WEIR_INVALID, "257 workers: at most 256 are possible", "");
    ck_assert_int_eq(weir_run(&config, build, NULL, NULL), WEIR_INVALID);

    int ended = 0;
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, refuse, &ended, &error),
                     WEIR_UNAVAILABLE);
    ck_error(&error, WEIR_UNAVAILABLE, "nothing to be had", "");
    ck_assert_str_eq(error.detail, "");
    ck_assert_int_eq(ended, 1);
    ck_assert_ptr_null(weir_runtime_take_worker(runtime, 1, &error));
    ck_error(&error, WEIR_INVALID, "worker 1 cannot be taken",
             "take a worker that exists, after the builds, before the start");
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    fixture f = { 0 };
    ck_assert(too_late(runtime, &f));
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
    weir_runtime_destroy(runtime);
}
END_TEST

static void find_service(weir_graph *g, void *ctx)
{
    ck_assert_ptr_eq(weir_graph_service(g, "second"), ctx);
    ck_assert_uint_eq(weir_graph_workers(g), 4);
}

START_TEST(services_and_small_configs)
{
    int object;
    weir_service services[2] = { { "first", NULL }, { "second", &object } };
    weir_config config = { .struct_size = sizeof config, .workers = 4, .services = services,
                           .service_count = 2 };
    ck_assert_int_eq(weir_run(&config, find_service, &object, NULL), WEIR_OK);
    /* an older caller, whose struct had no services yet */
    config.struct_size = offsetof(weir_config, services);
    ck_assert_int_eq(weir_run(&config, find_service, NULL, NULL), WEIR_OK);
}
END_TEST

/* Every worker's turns are the host's: taken and stepped here, with their index and clock. */
START_TEST(taken_workers)
{
    fixture f = { .seen = weir_captured_create() };
    weir_config config = { .struct_size = sizeof config, .workers = 2 };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, &f, NULL), WEIR_OK);
    weir_worker *workers[2];
    for (unsigned w = 0; w < 2; w++) {
        workers[w] = weir_runtime_take_worker(runtime, w, NULL);
        ck_assert_uint_eq(weir_worker_index(workers[w]), w);
        ck_assert_uint_eq(weir_worker_count(workers[w]), 2);
        ck_assert_ptr_eq(weir_worker_runtime(workers[w]), runtime);
    }
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    uint64_t before = weir_worker_now_ns(workers[0]);
    for (unsigned w = 0; w < 2; w++)
        weir_input_close(weir_input_open(f.input, w));
    for (bool more = true; more;) {
        more = weir_worker_step(workers[0]);
        more |= weir_worker_step_or_park(workers[1], 1000);
    }
    ck_assert_uint_gt(weir_worker_now_ns(workers[1]), before);
    ck_assert(!weir_worker_step(workers[0]));
    uint64_t timeout;
    ck_assert(!weir_worker_prepare_wait(workers[0], &timeout));
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
    weir_runtime_destroy(runtime);
    weir_captured_destroy(f.seen);
}
END_TEST

/* ---- timers of the real loop: its worker parks until they are due ---- */

typedef struct timed {
    uint64_t due_ns;
    unsigned called, early;
} timed;

static weir_status timed_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void timed_step(weir_step *step, void *state)
{
    timed *t = state;
    uint64_t now = weir_step_now_ns(step);
    if (t->due_ns) {
        t->called++;
        t->early += now < t->due_ns;
    }
    if (t->called == 5) {
        weir_cap_drop(step, 0);
        return;
    }
    t->due_ns = now + 3000000;
    weir_step_at_ns(step, t->due_ns + 60000000000); /* the earliest counts */
    weir_step_at_ns(step, t->due_ns);
}

static void build_timed(weir_graph *g, void *ctx)
{
    weir_node_output output = { .type = number_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "timed",
                                        .output_count = 1, .outputs = &output, .ctx = ctx,
                                        .initial_capabilities = true, .init = timed_init,
                                        .step = timed_step }, NULL);
}

START_TEST(timers_wake_a_parked_worker)
{
    timed t = { 0 };
    weir_config config = { .struct_size = sizeof config, .no_spin = true };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build_timed, &t, NULL), WEIR_OK);
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
    weir_process_info info;
    weir_observe_process(runtime, &info);
    ck_assert_uint_eq(t.called, 5);
    ck_assert_uint_eq(t.early, 0);
    ck_assert_uint_gt(info.parks, 0);
    ck_assert_uint_lt(info.turns, 1000);
    weir_runtime_destroy(runtime);
}
END_TEST

int main(void)
{
    return test_run(test_suite("runtime", (const TTest *const[]){
        several_dataflows, never_started, refusals, services_and_small_configs, taken_workers,
        timers_wake_a_parked_worker, NULL }));
}
