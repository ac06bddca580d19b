/* SPDX-License-Identifier: Apache-2.0
 *
 * input: records from the worker's own thread and from others, times and the clock, strings of all
 * sizes, flow control, and every way in which an input can end.
 */
#include <pthread.h>
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
WEIR_RECORD(item, ITEM)

/* One input, captured. */
typedef struct fixture {
    bool manual, collection;
    weir_input(item) input;
    weir_captured *seen;
    weir_probe *probe;
    uint64_t count;
    unsigned full;
} fixture;

static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(item) s = weir_input_add(g, item, &f->input, .name = "items",
                                         .manual = f->manual, .collection = f->collection);
    ck_assert_int_eq(weir_port_is_collection(s.port), f->collection);
    weir_capture(s, f->seen);
    f->probe = weir_probe(s, NULL);
}

static uint64_t captured(const weir_captured *seen, uint64_t *sum)
{
    uint64_t count = 0;
    *sum = 0;
    for (unsigned w = 0; w < weir_captured_workers(seen); w++)
        for (size_t i = 0; i < weir_captured_count(seen, w); i++, count++)
            *sum += ((const item *)weir_captured_at(seen, w, i).record)->id;
    return count;
}

static weir_status run(fixture *f, const weir_config *config)
{
    weir_captured_destroy(f->seen);
    f->seen = weir_captured_create();
    weir_error error = { 0 };
    weir_status status = weir_run(config, build, f, &error);
    ck_assert_int_eq(status, error.status);
    return status;
}

/* ---- times, diffs, strings ---- */

static const char long_text[] = "a text that begins with names of many lengths, some long";

static void feed_times(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(item) h = weir_input_open(f->input, weir_worker_index(worker));
    ck_assert_ptr_null(weir_input_open(f->input, weir_worker_index(worker)).handle);
    ck_assert_ptr_null(weir_input_open(f->input, weir_worker_count(worker)).handle);
    for (uint64_t i = 0; i < f->count; i++) {
        weir_time now = weir_time_1(i / 10);
        weir_input_advance_to(h, &now);
        ck_assert_uint_eq(weir_input_time(h).at[0], i / 10);
        weir_str name = weir_str_view(long_text, i % sizeof long_text);
        ck_assert_int_eq(weir_input_change(h, item, ((item){ i, name }), (int64_t)(i % 3) - 1),
                         WEIR_OK);
        if (i % 7 == 0)
            weir_input_flush(h);
        if (i % 17 == 0)
            weir_worker_step(worker);
    }
    weir_input_close(h);
    weir_input_close(h);
    weir_input_advance_to(h, &(weir_time){ { 0 } });
    ck_assert_int_eq(weir_input_send(h, item, { .id = 1 }), WEIR_CLOSED);
}

START_TEST(manual_times_and_diffs)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        fixture f = { .manual = true, .collection = true, .count = 5000 };
        weir_config config = { .struct_size = sizeof config, .workers = workers,
                               .worker_main = feed_times, .ctx = &f };
        ck_assert_int_eq(run(&f, &config), WEIR_OK);
        for (unsigned w = 0; w < workers; w++) {
            ck_assert_uint_eq(weir_captured_count(f.seen, w), 5000);
            for (size_t i = 0; i < 5000; i++) {
                weir_capture_entry e = weir_captured_at(f.seen, w, i);
                const item *r = e.record;
                weir_str name = weir_str_view(long_text, i % sizeof long_text);
                ck_assert_uint_eq(r->id, i);
                ck_assert(weir_str_equal(&r->name, &name));
                ck_assert_uint_eq(e.time.at[0], i / 10);
                ck_assert_int_eq(e.diff, (int64_t)(i % 3) - 1);
            }
        }
        weir_captured_destroy(f.seen);
    }
}
END_TEST

static const char *large_text(void)
{
    static char text[100000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    return text;
}

/* Strings larger than any block, many of them in one hand-over. */
static void feed_large(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    const char *text = large_text();
    weir_input_handle(item) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t i = 0; i < 100; i++) {
        item r = { i, weir_str_view(text, i * 1000) };
        while (weir_input_change(h, item, r, 1) == WEIR_FULL) {
            f->full++;
            weir_worker_step(worker);
        }
    }
}

START_TEST(large_strings)
{
    fixture f = { 0 };
    weir_config config = { .struct_size = sizeof config, .worker_main = feed_large, .ctx = &f };
    ck_assert_int_eq(run(&f, &config), WEIR_OK);
    ck_assert_uint_eq(weir_captured_count(f.seen, 0), 100);
    for (size_t i = 0; i < 100; i++) {
        const item *r = weir_captured_at(f.seen, 0, i).record;
        ck_assert_uint_eq(r->name.len, i * 1000);
        ck_assert_int_eq(memcmp(weir_str_data(&r->name), large_text(), r->name.len), 0);
    }
    ck_assert_uint_gt(f.full, 0);
    weir_captured_destroy(f.seen);
}
END_TEST

static void feed_diff(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(item) h = weir_input_open(f->input, weir_worker_index(worker));
    ck_assert_int_eq(weir_input_change(h, item, ((item){ .id = 1 }), 2), WEIR_TYPE_MISMATCH);
    ck_assert_int_eq(weir_input_change(h, item, ((item){ .id = 1 }), 1), WEIR_OK);
    weir_input_close(h);
}

START_TEST(plain_inputs_take_no_diffs)
{
    fixture f = { 0 };
    weir_config config = { .struct_size = sizeof config, .worker_main = feed_diff, .ctx = &f };
    ck_assert_int_eq(run(&f, &config), WEIR_OK);
    ck_assert_uint_eq(weir_captured_count(f.seen, 0), 1);
    weir_captured_destroy(f.seen);
}
END_TEST

/* ---- the clock ---- */

/* What was flushed is in a complete epoch some time later, without any call that moves time. */
static void feed_clocked(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(item) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t i = 0; i < f->count; i++) {
        ck_assert_int_eq(weir_input_send(h, item, { .id = i }), WEIR_OK);
        weir_input_flush(h);
        weir_worker_step(worker); /* it is taken, at the epoch that was open */
        while (weir_captured_count(f->seen, 0) <= i)
            ck_assert(weir_worker_step_or_park(worker, UINT64_MAX));
        weir_time at = weir_captured_at(f->seen, 0, i).time;
        while (weir_probe_less_equal(f->probe, worker, &at))
            ck_assert(weir_worker_step_or_park(worker, UINT64_MAX));
    }
    weir_input_close(h);
}

START_TEST(epochs_complete_by_themselves)
{
    fixture f = { .count = 50 };
    weir_config config = { .struct_size = sizeof config, .worker_main = feed_clocked, .ctx = &f };
    ck_assert_int_eq(run(&f, &config), WEIR_OK);
    uint64_t epoch = 0;
    for (size_t i = 0; i < 50; i++) {
        weir_time at = weir_captured_at(f.seen, 0, i).time;
        ck_assert(i == 0 || at.at[0] > epoch);
        epoch = at.at[0];
    }
    weir_captured_destroy(f.seen);
}
END_TEST

/* ---- other threads, flow control ---- */

typedef struct feeder {
    pthread_t thread;
    weir_input_handle(item) handle;
    uint64_t first, count;
} feeder;

static void *feed_from_outside(void *ctx)
{
    feeder *f = ctx;
    for (uint64_t i = f->first, looks = 0; i < f->first + f->count; i++, looks = 0)
        while (weir_input_send(f->handle, item, { i, weir_str_of(long_text) }) == WEIR_FULL)
            test_look_again(&looks, "room for a record");
    weir_input_close(f->handle);
    return NULL;
}

/* One batch a step, so that others have to wait. */
static void slow_step(weir_step *step, void *state)
{
    (void)state;
    const weir_batch *batch = weir_step_take(step, 0);
    if (batch)
        weir_step_send(step, 0, batch, NULL);
    if (weir_step_waiting(step, 0))
        weir_step_again(step);
}

static void build_slow(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(item) s = weir_input_add(g, item, &f->input);
    weir_capture(weir_unary(weir_exchange(s, WEIR_KEY(item, id)), item, slow_step), f->seen);
}

START_TEST(other_threads_and_a_small_budget)
{
    enum { COUNT = 30000, BUDGET = 256 << 10 };
    for (unsigned workers = 1; workers <= 3; workers++) {
        fixture f = { .seen = weir_captured_create() };
        weir_config config = { .struct_size = sizeof config, .workers = workers,
                               .budget_bytes = BUDGET };
        weir_runtime *runtime = weir_runtime_create(&config, NULL);
        ck_assert_int_eq(weir_runtime_build(runtime, NULL, build_slow, &f, NULL), WEIR_OK);
        feeder feeders[3];
        ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
        for (unsigned w = 0; w < workers; w++) {
            feeders[w] = (feeder){ .handle = weir_input_open(f.input, w), .first = w * COUNT,
                                   .count = COUNT };
            pthread_create(&feeders[w].thread, NULL, feed_from_outside, &feeders[w]);
        }
        ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
        for (unsigned w = 0; w < workers; w++)
            pthread_join(feeders[w].thread, NULL);
        weir_process_info info;
        weir_observe_process(runtime, &info);
        ck_assert_uint_eq(info.in_flight_bytes, 0);
        weir_runtime_destroy(runtime);
        uint64_t sum, all = (uint64_t)workers * COUNT;
        ck_assert_uint_eq(captured(f.seen, &sum), all);
        ck_assert_uint_eq(sum, all * (all - 1) / 2);
        weir_captured_destroy(f.seen);
    }
}
END_TEST

/* ---- endings ---- */

/* Its program returns without closing: what it sent arrives all the same. */
static void feed_and_leave(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(item) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t i = 0; i < f->count; i++)
        ck_assert_int_eq(weir_input_send(h, item, { .id = 1 }), WEIR_OK);
}

static void leave_at_once(weir_worker *worker, void *ctx)
{
    (void)worker;
    (void)ctx;
}

START_TEST(left_open)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        fixture f = { .count = 5000 };
        weir_config config = { .struct_size = sizeof config, .workers = workers,
                               .worker_main = feed_and_leave, .ctx = &f };
        uint64_t sum;
        ck_assert_int_eq(run(&f, &config), WEIR_OK);
        ck_assert_uint_eq(captured(f.seen, &sum), f.count * workers);
        config.worker_main = leave_at_once;
        ck_assert_int_eq(run(&f, &config), WEIR_OK);
        ck_assert_uint_eq(captured(f.seen, &sum), 0);
        weir_captured_destroy(f.seen);
    }
}
END_TEST

/* A stop while others feed: all that was flushed arrives, then they are told that it has ended. */
typedef struct stopped {
    pthread_t thread;
    weir_input_handle(item) handle;
    weir_runtime *runtime;
    uint64_t flushed; /* records, all in the graph before the stop */
    bool stops;
} stopped;

static void *feed_until_closed(void *ctx)
{
    stopped *s = ctx;
    weir_status status = WEIR_OK;
    for (uint64_t i = 0, looks = 0; i < s->flushed || s->stops; i++, looks = 0) {
        while ((status = weir_input_send(s->handle, item, { .id = 1 })) == WEIR_FULL)
            test_look_again(&looks, "room for a record");
        if (status == WEIR_CLOSED)
            return NULL;
        if (i + 1 == s->flushed) {
            weir_input_flush(s->handle);
            if (s->stops)
                weir_runtime_stop(s->runtime);
        }
    }
    return NULL;
}

START_TEST(stop_loses_nothing_that_was_flushed)
{
    fixture f = { .seen = weir_captured_create() };
    weir_config config = { .struct_size = sizeof config, .workers = 2, .budget_bytes = 64 << 10 };
    weir_runtime *runtime = weir_runtime_create(&config, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build_slow, &f, NULL), WEIR_OK);
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    stopped s[2] = { { .handle = weir_input_open(f.input, 0), .flushed = 20000 },
                     { .handle = weir_input_open(f.input, 1), .flushed = 20000, .stops = true,
                       .runtime = runtime } };
    pthread_create(&s[0].thread, NULL, feed_until_closed, &s[0]);
    pthread_join(s[0].thread, NULL);
    pthread_create(&s[1].thread, NULL, feed_until_closed, &s[1]);
    ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
    pthread_join(s[1].thread, NULL);
    weir_runtime_destroy(runtime);
    uint64_t sum;
    ck_assert_uint_ge(captured(f.seen, &sum), 40000);
    weir_captured_destroy(f.seen);
}
END_TEST

/* Nobody steps: 1 MiB, and no more. What was never taken is freed with the runtime. */
START_TEST(waiting_is_bounded)
{
    fixture f = { .seen = weir_captured_create() };
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, &f, NULL), WEIR_OK);
    weir_input_handle(item) h = weir_input_open(f.input, 0);
    size_t before = weir_memory_used(), sent = 0;
    while (weir_input_send(h, item, { sent, weir_str_of(long_text) }) == WEIR_OK)
        sent++;
    ck_assert_int_eq(weir_input_send(h, item, { .id = 1 }), WEIR_FULL);
    ck_assert_uint_gt(sent, 1000);
    ck_assert_uint_lt(weir_memory_used() - before, 3 << 20);
    weir_runtime_destroy(runtime);
    weir_captured_destroy(f.seen);
}
END_TEST

START_TEST(leaves_no_memory_behind)
{
    size_t before = weir_memory_used();
    fixture f = { .manual = true, .collection = true, .count = 200 };
    weir_config config = { .struct_size = sizeof config, .workers = 2, .worker_main = feed_times,
                           .ctx = &f };
    ck_assert_int_eq(run(&f, &config), WEIR_OK);
    weir_captured_destroy(f.seen);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

int main(void)
{
    return test_run(test_suite("input_run", (const TTest *const[]){
        manual_times_and_diffs, large_strings, plain_inputs_take_no_diffs,
        epochs_complete_by_themselves, other_threads_and_a_small_budget, left_open,
        stop_loses_nothing_that_was_flushed, waiting_is_bounded, leaves_no_memory_behind, NULL }));
}
