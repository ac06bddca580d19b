/* SPDX-License-Identifier: Apache-2.0
 *
 * Who keeps a worker for long is named, while it lasts and afterwards; who holds a frontier back is
 * named, and nobody is where nobody waits. On a virtual clock, but for the thread that watches.
 */
#include <semaphore.h>
#include <stdio.h>
#include <weir/weir.h>

#include "dataflow/hooks.h"
#include "harness/harness.h"
#include "support.h"
#include "worker/watch.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

#define SECOND 1000000000u

typedef struct fixture {
    weir__test_env *env;
    weir_runtime *runtime;
    weir_worker *worker;
    weir_input(number) inputs[2];
    weir_input_handle(number) handles[2];
    uint64_t step_takes_ns;
    unsigned looks; /* within a step */
    char log[10000];
    bool waits; /* the real thread's next step, for this: */
    sem_t returns;
} fixture;

static fixture f;

static void on_log(weir_log_level level, const char *text, void *ctx)
{
    (void)ctx;
    size_t used = strlen(f.log);
    if (level != WEIR_LOG_WARN)
        return;
    snprintf(f.log + used, sizeof f.log - used, "%s\n", text);
    if (strstr(text, "not returned yet") && !f.env)
        sem_post(&f.returns);
}

static bool logged(const char *text)
{
    bool found = strstr(f.log, text) != NULL;
    return found;
}

static void look(void)
{
    weir__watch_look(f.runtime->watch, weir_worker_now_ns(f.worker));
}

static void slow_step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
    if (!f.env) {
        while (__atomic_exchange_n(&f.waits, false, __ATOMIC_ACQ_REL) && sem_wait(&f.returns))
            __atomic_store_n(&f.waits, true, __ATOMIC_RELEASE); /* interrupted */
        return;
    }
    look();
    for (unsigned i = 0; i < f.looks; i++) {
        weir__test_env_pass_time(f.env, f.step_takes_ns / f.looks);
        look();
    }
}

/* Keeps a capability for every time until that is complete. */
static void patient_step(weir_step *step, void *state)
{
    weir_cap *cap = state;
    while (weir_step_take(step, 0))
        if (*cap == WEIR_CAP_NONE)
            *cap = weir_cap_retain(step, 0, NULL);
    if (*cap == WEIR_CAP_NONE)
        return;
    weir_time t = weir_cap_time(step, *cap);
    if (!weir_frontier_less_equal(weir_step_frontier(step, 0), &t)) {
        weir_cap_drop(step, *cap);
        *cap = WEIR_CAP_NONE;
    }
}

static weir_cap patient_cap;

static weir_status patient_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    patient_cap = WEIR_CAP_NONE;
    *state = &patient_cap;
    return WEIR_OK;
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) a = weir_input_add(g, number, &f.inputs[0], .name = "a", .manual = true);
    weir_stream(number) b = weir_input_add(g, number, &f.inputs[1], .name = "b", .manual = true);
    weir_stream(number) both = weir_concat(a, b);
    weir_stream(number) s = weir_unary(both, number, patient_step, .name = "patient",
                                       .interest = WEIR_IF_HOLDING, .init = patient_init);
    weir_node_input takes = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "sink",
                                        .name = "slow", .input_count = 1, .inputs = &takes,
                                        .step = slow_step }, &a.port);
    (void)weir_probe(s, "end");
}

static void begin(bool simulated, unsigned long_ms)
{
    weir_error error = { 0 };
    f = (fixture){ .looks = 1 };
    sem_init(&f.returns, 0, 0);
    weir_log_set(on_log, NULL, WEIR_LOG_WARN);
    if (simulated)
        f.env = weir__test_env_create(1, 1, false);
    weir_config config = { .struct_size = sizeof config, .long_step_ms = long_ms, .held_ms = 2000,
                           .flight = WEIR_FLIGHT_OFF,
                           .env = simulated ? weir__test_env_table(f.env) : NULL };
    f.runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(f.runtime, "watched", build, NULL, &error), WEIR_OK);
    f.worker = simulated ? weir_runtime_take_worker(f.runtime, 0, &error) : NULL;
    ck_assert_int_eq(weir_runtime_start(f.runtime, &error), WEIR_OK);
    for (int i = 0; i < 2; i++)
        f.handles[i] = weir_input_open(f.inputs[i], 0);
    if (simulated)
        weir_worker_step(f.worker);
}

static void send_at(int input, uint64_t time)
{
    weir_time t = weir_time_1(time);
    ck_assert_int_eq(weir_input_send(f.handles[input], number, { time }), WEIR_OK);
    weir_input_advance_to(f.handles[input], &t);
    for (int turns = 0; f.env && turns < 3; turns++)
        weir_worker_step(f.worker);
}

static void end(void)
{
    f.step_takes_ns = 0;
    for (int i = 0; i < 2; i++)
        weir_input_close(f.handles[i]);
    while (f.env && weir_worker_step(f.worker))
        ;
    ck_assert_int_eq(weir_runtime_wait(f.runtime, NULL), WEIR_OK);
    weir_runtime_destroy(f.runtime);
    weir_log_set(NULL, NULL, WEIR_LOG_OFF);
    if (f.env)
        weir__test_env_destroy(f.env);
    sem_destroy(&f.returns);
}

static void on_node(const weir_node_info *info, void *ctx)
{
    if (strcmp(info->name, "slow") == 0)
        *(weir_node_info *)ctx = *info;
}

START_TEST(a_long_step_that_is_measured_is_named)
{
    weir_node_info info = { 0 };
    begin(true, 0);
    send_at(0, 1);
    ck_assert_str_eq(f.log, "");
    f.step_takes_ns = 99 * 1000000;
    send_at(0, 2);
    f.step_takes_ns = 0;
    ck_assert_str_eq(f.log, "");
    f.step_takes_ns = SECOND / 4;
    send_at(0, 3);
    f.step_takes_ns = 0;
    ck_assert(logged("operator 'slow' has kept worker 0 for 0.25"));
    ck_assert(logged("operator 'slow' kept worker 0 for 0.25"));
    weir_observe(f.worker, &(weir_observer){ .node = on_node, .ctx = &info });
    ck_assert_uint_ge(info.longest_step_ns, SECOND / 4);
    ck_assert_uint_lt(info.longest_step_ns, SECOND / 4 + 100000);
    ck_assert_uint_ge(info.long_steps, 1);
    end();
}
END_TEST

/* One of the many steps that no clock is looked at for. */
START_TEST(a_long_step_that_is_not_measured_is_named)
{
    weir_node_info info = { 0 };
    begin(true, 200);
    for (uint64_t t = 1; t <= 100; t++)
        send_at(0, t);
    f.looks = 4;
    f.step_takes_ns = SECOND;
    weir_time t = weir_time_1(101);
    weir_input_advance_to(f.handles[0], &t);
    weir_worker_step(f.worker); /* one step: while it lasts */
    f.step_takes_ns = 0;
    ck_assert(logged("operator 'slow' has kept worker 0 for 0.25"));
    ck_assert(logged("has not returned yet"));
    ck_assert(!logged("operator 'slow' kept"));
    weir_worker_step(f.worker); /* and afterwards */
    ck_assert(logged("operator 'slow' kept worker 0 for 1.0"));
    weir_observe(f.worker, &(weir_observer){ .node = on_node, .ctx = &info });
    ck_assert_uint_eq(info.long_steps, 1);
    ck_assert_uint_ge(info.longest_step_ns, SECOND);
    f.log[0] = '\0';
    for (unsigned i = 0; i < 5; i++) {
        weir__test_env_pass_time(f.env, SECOND);
        look();
        weir_worker_step(f.worker);
    }
    ck_assert_str_eq(f.log, ""); /* at rest nobody is to blame */
    end();
}
END_TEST

/* Named at the 1st, 2nd, 4th, … */
START_TEST(who_is_always_slow_fills_no_log)
{
    begin(true, 0);
    f.step_takes_ns = SECOND;
    for (uint64_t t = 1; t <= 33; t++)
        send_at(0, t);
    f.step_takes_ns = 0;
    unsigned lines = 0;
    for (const char *at = f.log; (at = strstr(at, "'slow' kept")); at++)
        lines++;
    ck_assert(lines >= 6 && lines <= 7);
    end();
}
END_TEST

START_TEST(off_is_off)
{
    begin(true, UINT32_MAX);
    f.step_takes_ns = 100ull * SECOND;
    send_at(0, 1);
    ck_assert_str_eq(f.log, "");
    end();
}
END_TEST

/* The real thread sees a step that does not return before it has been named. */
START_TEST(the_thread_sees_it_while_it_lasts_and_sleeps_otherwise)
{
    begin(false, 1);
    weir_worker *worker = &f.runtime->workers[0];
    uint64_t looks = 0; /* until it has asked to be woken: it may sleep without end from now on */
    while (!(__atomic_load_n(&worker->context.hooks, __ATOMIC_SEQ_CST) & WEIR__HOOK_ASLEEP))
        test_look_again(&looks, "a worker to sleep");
    __atomic_store_n(&f.waits, true, __ATOMIC_RELEASE);
    send_at(0, 1);
    end();
    ck_assert(logged("operator 'slow' has kept worker 0 for "));
    ck_assert(logged("operator 'slow' kept worker 0 for "));
}
END_TEST

/* ---- frontiers ---- */

static void held_after(uint64_t ns)
{
    f.log[0] = '\0';
    weir__test_env_pass_time(f.env, ns);
    weir_worker_step(f.worker);
    weir__watch_held(f.worker);
}

START_TEST(who_holds_a_frontier_back_is_named)
{
    begin(true, 0);
    send_at(0, 5);
    send_at(1, 4);
    held_after(SECOND); /* b at 4, a at 5: for less than two seconds */
    ck_assert_str_eq(f.log, "");
    held_after(SECOND + SECOND / 10);
    ck_assert_ptr_nonnull(strstr(f.log, "operator 'b' on worker 0 has held time 4 for 2.1 s by a "
                                        "capability; input 0 of 'patient' waits for it"));
    ck_assert(!logged("operator 'a'"));
    held_after(SECOND);
    ck_assert_str_eq(f.log, ""); /* once */
    held_after(2 * SECOND);
    ck_assert(logged("has held time 4 for 5.1 s")); /* and when it has doubled */
    send_at(1, 5);
    held_after(SECOND);
    ck_assert_str_eq(f.log, "");
    end();
}
END_TEST

START_TEST(nobody_is_named_where_nobody_waits)
{
    begin(true, 0);
    held_after(100ull * SECOND);
    ck_assert_str_eq(f.log, "");
    send_at(0, 7);
    send_at(1, 7);
    held_after(100ull * SECOND);
    ck_assert_str_eq(f.log, ""); /* all stand at one epoch */
    end();
}
END_TEST

/* What waits may be a capability at the very time that is held. */
START_TEST(a_capability_waits)
{
    begin(true, 0);
    weir_time t = weir_time_1(3);
    weir_input_advance_to(f.handles[0], &t);
    weir_input_advance_to(f.handles[1], &t);
    ck_assert_int_eq(weir_input_send(f.handles[0], number, { 1 }), WEIR_OK);
    weir_input_flush(f.handles[0]);
    for (int i = 0; i < 3; i++)
        weir_worker_step(f.worker);
    ck_assert_uint_ne(patient_cap, WEIR_CAP_NONE);
    held_after(3ull * SECOND);
    ck_assert(logged("operator 'a' on worker 0 has held time 3"));
    ck_assert(logged("operator 'b' on worker 0 has held time 3"));
    end();
}
END_TEST

START_TEST(what_a_worker_does_is_known_to_others)
{
    weir_worker_info info;
    begin(true, 0);
    weir_observe_worker(f.runtime, 0, &info);
    ck_assert(!info.in_step);
    ck_assert_uint_gt(info.steps, 0);
    __atomic_store_n(&f.worker->context.live->in_step, (uint64_t)1 << 32 | 2, __ATOMIC_RELAXED);
    weir_observe_worker(f.runtime, 0, &info);
    ck_assert(info.in_step);
    ck_assert_ptr_nonnull(strstr(info.node, "operator '"));
    __atomic_store_n(&f.worker->context.live->in_step, (uint64_t)9 << 32 | 2, __ATOMIC_RELAXED);
    weir_observe_worker(f.runtime, 0, &info);
    ck_assert_str_eq(info.node, "operator 2 of dataflow 8");
    __atomic_store_n(&f.worker->context.live->in_step, 0, __ATOMIC_RELAXED);
    end();
}
END_TEST

int main(void)
{
    return test_run(test_suite("watch", (const TTest *const[]){
        a_long_step_that_is_measured_is_named, a_long_step_that_is_not_measured_is_named,
        who_is_always_slow_fills_no_log, off_is_off,
        the_thread_sees_it_while_it_lasts_and_sleeps_otherwise, who_holds_a_frontier_back_is_named,
        nobody_is_named_where_nobody_waits, a_capability_waits,
        what_a_worker_does_is_known_to_others, NULL }));
}
