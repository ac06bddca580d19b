/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs as their host sees them: woken and called from other threads, stepped by a loop of the
 * host's own, stopped, failed; and bytes in flight and the epoch clock on several workers.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <weir/observe.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static const unsigned worker_counts[] = { 1, 2, 3, 8 };

static weir_status keep_ctx(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

/* A source of numbers that follows the epoch clock; its state is ctx. */
static weir_stream(number) source(weir_graph *g, void (*step)(weir_step *, void *), void *ctx)
{
    weir_node_output output = { .type = number_type() };
    weir_node *made = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "source", .name = "source",
        .output_count = 1, .outputs = &output, .follows_clock = true, .ctx = ctx,
        .init = keep_ctx, .step = step }, NULL);
    return (weir_stream(number)){ .port = weir_node_output_port(made, 0) };
}

static uint64_t captured_count(const weir_captured *seen)
{
    uint64_t count = 0;
    for (unsigned w = 0; w < weir_captured_workers(seen); w++)
        count += weir_captured_count(seen, w);
    return count;
}

static weir_runtime *make(unsigned workers, weir_build_fn *build, void *ctx)
{
    weir_config config = { .struct_size = sizeof config, .workers = workers, .no_spin = true };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_ptr_nonnull(runtime);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, ctx, NULL), WEIR_OK);
    return runtime;
}

/* ---- woken from another thread: one number each time ---- */

enum { WAKES = 300 };

typedef struct woken {
    _Atomic(weir_waker *) waker;
    atomic_uint asked, done;
    weir_captured *seen;
} woken;

static void woken_step(weir_step *step, void *state)
{
    woken *w = state;
    if (weir_step_worker(step) != 0) {
        weir_step_finish(step);
        return;
    }
    atomic_store(&w->waker, weir_step_waker(step));
    weir_time t = weir_step_epoch(step);
    unsigned asked = atomic_load(&w->asked);
    for (unsigned done = atomic_load(&w->done); done < asked; done++) {
        weir_out(number) out = { .builder = weir_step_output(step, 0, &t) };
        number_emit(out, (number){ done });
    }
    atomic_store(&w->done, asked);
    if (asked == WAKES)
        weir_step_finish(step);
}

static void build_woken(weir_graph *g, void *ctx)
{
    woken *w = ctx;
    weir_capture(weir_exchange(source(g, woken_step, w), WEIR_KEY(number, value)), w->seen);
}

static void *wake_often(void *ctx)
{
    woken *w = ctx;
    for (uint64_t looks = 0; !atomic_load(&w->waker);)
        test_look_again(&looks, "the operator's waker");
    for (unsigned i = 1; i <= WAKES; i++) {
        atomic_store(&w->asked, i);
        weir_wake(atomic_load(&w->waker));
        uint64_t looks = 0;
        while (i < WAKES && i % 3 == 0 && atomic_load(&w->done) < i) /* parked in between */
            test_look_again(&looks, "a step that was asked for");
    }
    return NULL;
}

START_TEST(woken_by_another_thread)
{
    for (size_t k = 0; k < 4; k++) {
        woken w = { .seen = weir_captured_create() };
        weir_runtime *runtime = make(worker_counts[k], build_woken, &w);
        pthread_t thread;
        pthread_create(&thread, NULL, wake_often, &w);
        ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
        pthread_join(thread, NULL);
        weir_runtime_destroy(runtime);
        ck_assert_uint_eq(captured_count(w.seen), WAKES);
        weir_captured_destroy(w.seen);
    }
}
END_TEST

/* ---- a source that goes on until it is stopped ---- */

typedef struct endless {
    atomic_uint sent, calls;
    weir_captured *seen;
    pthread_t thread[8];
} endless;

static void endless_step(weir_step *step, void *state)
{
    endless *e = state;
    weir_time t = weir_step_epoch(step);
    weir_out(number) out = { .builder = weir_step_output(step, 0, &t) };
    number_emit(out, (number){ atomic_fetch_add(&e->sent, 1) });
    weir_step_again(step);
}

static void build_endless(weir_graph *g, void *ctx)
{
    endless *e = ctx;
    weir_capture(weir_exchange(source(g, endless_step, e), WEIR_KEY(number, value)), e->seen);
}

static void called(weir_worker *worker, void *ctx)
{
    endless *e = ctx;
    unsigned index = weir_worker_index(worker);
    if (atomic_fetch_add(&e->calls, 1) < weir_worker_count(worker))
        e->thread[index] = pthread_self();
    else
        ck_assert(pthread_equal(e->thread[index], pthread_self()));
}

START_TEST(stopped_and_called)
{
    for (size_t k = 0; k < 4; k++) {
        unsigned workers = worker_counts[k];
        endless e = { .seen = weir_captured_create() };
        weir_runtime *runtime = make(workers, build_endless, &e);
        ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
        for (unsigned round = 1; round <= 20; round++) {
            for (unsigned w = 0; w < workers; w++)
                weir_runtime_call(runtime, w, called, &e);
            for (uint64_t looks = 0; atomic_load(&e.calls) < round * workers;)
                test_look_again(&looks, "calls on all workers");
        }
        for (uint64_t looks = 0; atomic_load(&e.sent) < 100;)
            test_look_again(&looks, "100 records");
        weir_runtime_stop(runtime);
        ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
        weir_runtime_call(runtime, 0, called, &e); /* too late: is dropped */
        weir_runtime_destroy(runtime);
        ck_assert_uint_eq(atomic_load(&e.calls), 20 * workers);
        /* what was under way was completed */
        ck_assert_uint_eq(captured_count(e.seen), atomic_load(&e.sent));
        weir_captured_destroy(e.seen);
    }
}
END_TEST

START_TEST(stopped_twice)
{
    endless e = { .seen = weir_captured_create() };
    weir_runtime *runtime = make(3, build_endless, &e);
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    for (uint64_t looks = 0; atomic_load(&e.sent) < 100;)
        test_look_again(&looks, "100 records");
    weir_runtime_stop(runtime);
    weir_runtime_stop(runtime);
    weir_status status = weir_runtime_wait(runtime, NULL);
    ck_assert(status == WEIR_OK || status == WEIR_CANCELLED);
    weir_runtime_destroy(runtime);
    ck_assert_uint_le(captured_count(e.seen), atomic_load(&e.sent));
    weir_captured_destroy(e.seen);
}
END_TEST

/* ---- a worker stepped by its host's loop ---- */

START_TEST(stepped_by_the_host)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        woken w = { .seen = weir_captured_create() };
        weir_error error = { 0 };
        weir_runtime *runtime = make(workers, build_woken, &w);
        ck_assert_ptr_null(weir_runtime_take_worker(runtime, workers, &error));
        ck_assert_int_eq(error.status, WEIR_INVALID);
        weir_worker *worker = weir_runtime_take_worker(runtime, 0, NULL);
        ck_assert_ptr_nonnull(worker);
        ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
        ck_assert_ptr_null(weir_runtime_take_worker(runtime, 0, NULL)); /* too late */
        pthread_t thread;
        unsigned waits = 0; /* nobody wakes the worker before it waits for the first time */
        while (weir_worker_step(worker)) {
            uint64_t timeout_ns;
            if (!weir_worker_prepare_wait(worker, &timeout_ns))
                continue;
            if (waits++ == 0)
                pthread_create(&thread, NULL, wake_often, &w);
            struct pollfd fd = { .fd = weir_worker_fd(worker), .events = POLLIN };
            uint64_t ms = timeout_ns == UINT64_MAX ? UINT64_MAX : timeout_ns / 1000000 + 1;
            ck_assert_int_ge(poll(&fd, 1, ms > 100000 ? -1 : (int)ms), 0);
        }
        ck_assert_uint_gt(waits, 0);
        pthread_join(thread, NULL);
        ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
        weir_runtime_destroy(runtime);
        ck_assert_uint_eq(captured_count(w.seen), WAKES);
        weir_captured_destroy(w.seen);
    }
}
END_TEST

/* ---- failures ---- */

typedef struct failing {
    unsigned worker; /* the one that fails */
    bool in_init;
    atomic_int alive;
} failing;

static weir_status failing_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    failing *f = ctx;
    if (f->in_init && weir_step_worker(step) == f->worker) {
        weir_error_set(error, WEIR_IO, "the disk is gone");
        weir_error_hint(error, "look for it");
        return WEIR_IO;
    }
    atomic_fetch_add(&f->alive, 1);
    *state = f;
    return WEIR_OK;
}

static void failing_step(weir_step *step, void *state)
{
    failing *f = state;
    if (!f->in_init && weir_step_worker(step) == f->worker)
        weir_step_fail(step, WEIR_BAD_DATA, "record %d of %s", 7, "many");
    weir_step_again(step);
}

static void failing_fini(void *state)
{
    failing *f = state;
    atomic_fetch_sub(&f->alive, 1);
}

static void build_failing(weir_graph *g, void *ctx)
{
    weir_node_output output = { .type = number_type() };
    weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "failing", .name = "frail",
        .output_count = 1, .outputs = &output, .follows_clock = true, .ctx = ctx,
        .init = failing_init, .step = failing_step, .fini = failing_fini }, NULL);
}

START_TEST(failures_end_the_run)
{
    for (size_t k = 0; k < 4; k++)
        for (unsigned in_init = 0; in_init < 2; in_init++) {
            failing f = { .worker = worker_counts[k] - 1, .in_init = in_init };
            weir_error error = { 0 };
            weir_config config = { .struct_size = sizeof config, .workers = worker_counts[k],
                                   .no_spin = true };
            weir_status status = weir_run(&config, build_failing, &f, &error);
            ck_assert_int_eq(status, in_init ? WEIR_IO : WEIR_BAD_DATA);
            ck_assert_str_eq(error.what, in_init ? "the disk is gone" : "record 7 of many");
            ck_assert_msg(strstr(error.detail, "frail") != NULL, "%s", error.detail);
            ck_assert_int_eq(atomic_load(&f.alive), 0);
        }
}
END_TEST

/* ---- bytes in flight: a source that asks, and a slow node behind an exchange ---- */

enum { BUDGET = 1 << 20, FLOW = 400000 };

typedef struct flow {
    atomic_uint_fast64_t taken, most;
    weir_runtime *runtime;
} flow;

typedef struct flow_source {
    uint64_t sent;
} flow_source;

static weir_status flow_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(flow_source));
    return WEIR_OK;
}

static void flow_step(weir_step *step, void *state)
{
    flow_source *s = state;
    weir_time t = weir_step_epoch(step);
    while (s->sent < FLOW && !weir_step_spent(step)) {
        if (weir_step_full(step))
            return; /* called again when there is room */
        weir_out(number) out = { .builder = weir_step_output(step, 0, &t) };
        for (unsigned i = 0; i < 1000; i++, s->sent++)
            number_emit(out, (number){ s->sent });
    }
    if (s->sent < FLOW)
        weir_step_again(step);
    else
        weir_step_finish(step);
}

static void slow_step(weir_step *step, void *state)
{
    flow *f = state;
    const weir_batch *b = weir_step_take(step, 0); /* one each time */
    if (b)
        atomic_fetch_add(&f->taken, b->count);
    weir_process_info info;
    weir_observe_process(f->runtime, &info);
    uint64_t most = atomic_load(&f->most);
    while (info.in_flight_bytes < UINT64_MAX / 2 && info.in_flight_bytes > most &&
           !atomic_compare_exchange_weak(&f->most, &most, info.in_flight_bytes))
        ;
    if (weir_step_waiting(step, 0))
        weir_step_again(step);
}

static void build_flow(weir_graph *g, void *ctx)
{
    weir_node_output output = { .type = number_type() };
    weir_node *made = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "source", .output_count = 1,
        .outputs = &output, .follows_clock = true, .init = flow_init, .step = flow_step,
        .fini = free }, NULL);
    weir_port *port = weir_node_output_port(made, 0);
    weir_node_input input = { .type = number_type(), .route = WEIR_BY_KEY,
                              .key = { .count = 1, .field = { 0 } } };
    weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "slow", .input_count = 1,
        .inputs = &input, .ctx = ctx, .init = keep_ctx, .step = slow_step }, &port);
}

START_TEST(in_flight_is_bounded)
{
    for (size_t k = 0; k < 4; k++) {
        unsigned workers = worker_counts[k];
        flow f = { .runtime = NULL };
        weir_config config = { .struct_size = sizeof config, .workers = workers, .no_spin = true,
                               .budget_bytes = BUDGET, .batch_bytes = 4096 };
        f.runtime = weir_runtime_create(&config, NULL);
        ck_assert_int_eq(weir_runtime_build(f.runtime, NULL, build_flow, &f, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_start(f.runtime, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_wait(f.runtime, NULL), WEIR_OK);
        weir_process_info info;
        weir_observe_process(f.runtime, &info);
        ck_assert_uint_eq(info.in_flight_bytes, 0); /* every credit came back */
        ck_assert_uint_eq(info.budget_bytes, BUDGET);
        weir_runtime_destroy(f.runtime);
        ck_assert_uint_eq(atomic_load(&f.taken), (uint64_t)FLOW * workers);
        /* a worker goes beyond its share by what it sends between two questions, and by a batch
         * begun for each receiver, charged with the whole of its buffers */
        uint64_t over = (uint64_t)workers * ((32 << 10) + workers * (16 << 10));
        ck_assert_uint_gt(atomic_load(&f.most), 0);
        ck_assert_uint_le(atomic_load(&f.most), BUDGET + over);
    }
}
END_TEST

/* ---- the epoch clock moves on though most sources are idle ---- */

typedef struct clocked {
    weir_input(number) busy, idle;
    weir_probe *probe;
    atomic_uint left;
} clocked;

static void build_clock(weir_graph *g, void *ctx)
{
    clocked *c = ctx;
    weir_stream(number) busy = weir_input_add(g, number, &c->busy, .name = "busy");
    weir_stream(number) idle = weir_input_add(g, number, &c->idle, .name = "idle");
    weir_stream(number) both = weir_exchange(weir_concat(busy, idle), WEIR_KEY(number, value));
    c->probe = weir_probe(both, "both");
}

/* Worker 0 sends; each worker waits until the clock has left three epochs that carried something,
 * and none closes its inputs before all have seen that. */
static void clock_main(weir_worker *worker, void *ctx)
{
    clocked *c = ctx;
    unsigned index = weir_worker_index(worker);
    weir_input_handle(number) busy = weir_input_open(c->busy, index);
    weir_input_handle(number) idle = weir_input_open(c->idle, index);
    weir_time third = weir_time_1(3);
    bool seen = false;
    for (uint64_t n = 0; atomic_load(&c->left) > 0; n++) {
        if (index == 0 && weir_input_send(busy, number, { n }) == WEIR_OK)
            weir_input_flush(busy);
        if (!weir_worker_step_or_park(worker, 1000000))
            break;
        if (!seen && !weir_probe_less_than(c->probe, worker, &third)) {
            seen = true;
            atomic_fetch_sub(&c->left, 1);
        }
    }
    weir_input_close(busy);
    weir_input_close(idle);
}

START_TEST(clock_passes_idle_sources)
{
    for (size_t k = 0; k < 4; k++) {
        clocked c = { .left = worker_counts[k] };
        weir_error error = { 0 };
        weir_config config = { .struct_size = sizeof config, .workers = worker_counts[k],
                               .no_spin = true, .worker_main = clock_main, .ctx = &c };
        ck_assert_int_eq(weir_run(&config, build_clock, &c, &error), WEIR_OK);
        ck_assert_uint_eq(atomic_load(&c.left), 0);
    }
}
END_TEST

/* ---- an epoch lasts a tick where nothing that settles is in a hurry ---- */

typedef struct paced {
    unsigned sinks;         /* bit 0: one in a hurry, bit 1: one that is not */
    unsigned tick_ms, every_ms;
    unsigned steps, epochs; /* of the source: how often it sent, and at how many epochs */
    uint64_t last;
} paced;

/* One number each time. */
static void paced_step(weir_step *step, void *state)
{
    paced *p = state;
    weir_time t = weir_step_epoch(step);
    p->epochs += p->steps++ == 0 || t.at[0] != p->last;
    p->last = t.at[0];
    number_emit((weir_out(number)){ weir_step_output(step, 0, &t) }, (number){ p->steps });
    weir_step_again(step);
}

static void drop_step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
}

static void build_paced(weir_graph *g, void *ctx)
{
    paced *p = ctx;
    weir_stream(number) s = source(g, paced_step, p);
    for (unsigned i = 0; i < 2; i++)
        if (p->sinks >> i & 1) {
            weir_node_input input = { .type = number_type(), .interest = WEIR_ALWAYS,
                                      .settles = true,
                                      .settles_every_ms = i == 1 ? p->every_ms : 0 };
            weir_node_add(g, &(weir_node_spec){
                .struct_size = sizeof(weir_node_spec), .kind = "sink",
                .name = i ? "unhurried" : "hurried", .input_count = 1, .inputs = &input,
                .init = keep_ctx, .step = drop_step }, &s.port);
        }
}

/* Until the source has sent so often, and at so many epochs. */
static void run_paced(paced *p, unsigned steps, unsigned epochs)
{
    weir_config config = { .struct_size = sizeof config, .workers = 1, .no_spin = true,
                           .epoch_tick_ms = p->tick_ms };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_ptr_nonnull(runtime);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build_paced, p, NULL), WEIR_OK);
    weir_worker *worker = weir_runtime_take_worker(runtime, 0, NULL);
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    while (p->steps < steps || p->epochs < epochs)
        ck_assert(weir_worker_step(worker));
    weir_runtime_stop(runtime);
    while (weir_worker_step(worker))
        ;
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
    weir_runtime_destroy(runtime);
}

START_TEST(unhurried_epochs_last_a_tick)
{
    enum { HOUR_MS = 3600000, MANY = 500 };
    paced hurried = { .sinks = 1, .tick_ms = HOUR_MS };
    paced both = { .sinks = 3, .tick_ms = HOUR_MS, .every_ms = 4 * HOUR_MS };
    paced patient = { .sinks = 2, .tick_ms = HOUR_MS, .every_ms = 4 * HOUR_MS };
    paced impatient = { .sinks = 2, .tick_ms = HOUR_MS, .every_ms = 4 * HOUR_MS - 1 };
    paced ticking = { .sinks = 2, .tick_ms = 1, .every_ms = 4 };
    run_paced(&hurried, MANY, 3); /* they end: epochs close long before the tick */
    run_paced(&both, MANY, 3);
    run_paced(&impatient, MANY, 3);
    run_paced(&patient, MANY, 1);
    ck_assert_uint_eq(patient.epochs, 1);
    run_paced(&ticking, 1, 3);
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_run", (const TTest *const[]){
        woken_by_another_thread, stopped_and_called, stopped_twice, stepped_by_the_host,
        failures_end_the_run, in_flight_is_bounded, clock_passes_idle_sources,
        unhurried_epochs_last_a_tick, NULL }));
}
