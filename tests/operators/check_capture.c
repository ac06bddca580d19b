/* SPDX-License-Identifier: Apache-2.0
 *
 * capture: what it keeps, how long, and who may read it when.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define NAMED(F) F(u64, value) F(str, name)
WEIR_RECORD(named, NAMED)

typedef struct fixture {
    weir_input(named) input;
    weir_captured *seen, *second;
    atomic_bool ended;
    uint64_t read;
} fixture;

static named make(uint64_t i, char *text, size_t size)
{
    snprintf(text, size, i % 2 ? "number %llu" : "the number that is called %llu",
             (unsigned long long)i);
    return (named){ i, weir_str_of(text) };
}

static void ck_entry(const weir_capture_entry *e)
{
    char text[64];
    const named *r = e->record;
    named expected = make(r->value, text, sizeof text);
    ck_assert(weir_record_equal(named_type(), r, &expected));
    ck_assert_int_eq(e->diff, (int64_t)(r->value % 5) - 2);
    ck_assert_uint_eq(e->time.at[0], r->value / 100);
}

static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(named) s = weir_input_add(g, named, &f->input, .manual = true,
                                          .collection = true);
    weir_capture(s, f->seen);
    if (f->second)
        weir_capture(s, f->second);
}

enum { COUNT = 5000 };

static void feed(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(named) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t i = weir_worker_index(worker); i < COUNT; i += weir_worker_count(worker)) {
        char text[64];
        named r = make(i, text, sizeof text);
        weir_time t = weir_time_1(i / 100);
        weir_input_advance_to(h, &t);
        ck_assert_int_eq(weir_input_change(h, named, r, (int64_t)(i % 5) - 2), WEIR_OK);
        weir_worker_step(worker);
    }
    weir_input_close(h);
}

/* Reads along while the workers write. */
static void *read_along(void *ctx)
{
    fixture *f = ctx;
    size_t next[8] = { 0 };
    weir_frontier frontier;
    weir_frontier_init(&frontier, 1);
    for (bool last = false; !last;) {
        last = atomic_load(&f->ended);
        for (unsigned w = 0; w < weir_captured_workers(f->seen); w++) {
            weir_captured_frontier(f->seen, w, &frontier);
            for (; next[w] < weir_captured_count(f->seen, w); next[w]++, f->read++) {
                weir_capture_entry e = weir_captured_at(f->seen, w, next[w]);
                ck_entry(&e);
            }
        }
    }
    ck_assert(weir_frontier_is_empty(&frontier));
    weir_frontier_fini(&frontier);
    return NULL;
}

START_TEST(is_read_during_and_after_the_run)
{
    for (unsigned workers = 1; workers <= 4; workers++) {
        fixture f = { .seen = weir_captured_create(), .second = weir_captured_create() };
        weir_config config = { .struct_size = sizeof config, .workers = workers,
                               .worker_main = feed, .ctx = &f };
        ck_assert_ptr_null(weir_captured_type(f.seen));
        ck_assert_uint_eq(weir_captured_workers(f.seen), 0);
        ck_assert_uint_eq(weir_captured_count(f.seen, 0), 0);
        weir_runtime *runtime = weir_runtime_create(&config, NULL);
        ck_assert_int_eq(weir_runtime_build(runtime, NULL, build, &f, NULL), WEIR_OK);
        pthread_t reader;
        pthread_create(&reader, NULL, read_along, &f);
        ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
        ck_assert_int_eq(weir_runtime_wait(runtime, NULL), WEIR_OK);
        weir_runtime_destroy(runtime);
        atomic_store(&f.ended, true);
        pthread_join(reader, NULL);
        ck_assert_uint_eq(f.read, COUNT);
        uint64_t sum = 0;
        for (unsigned w = 0; w < workers; w++)
            for (size_t i = 0; i < weir_captured_count(f.second, w); i++) {
                weir_capture_entry e = weir_captured_at(f.second, w, i);
                ck_entry(&e);
                sum += ((const named *)e.record)->value;
            }
        ck_assert_uint_eq(sum, (uint64_t)COUNT * (COUNT - 1) / 2);
        ck_assert_ptr_eq(weir_captured_type(f.seen), named_type());
        ck_assert_uint_eq(weir_captured_depth(f.seen), 1);
        ck_assert_uint_eq(weir_captured_count(f.seen, workers), 0);
        ck_assert_ptr_null(weir_captured_at(f.seen, workers, 0).record);
        ck_assert_ptr_null(weir_captured_at(f.seen, 0, COUNT).record);
        weir_frontier none;
        weir_frontier_init(&none, 1);
        weir_captured_frontier(f.seen, workers, &none);
        ck_assert(weir_frontier_is_empty(&none));
        weir_captured_destroy(f.seen);
        weir_captured_destroy(f.second);
    }
}
END_TEST

START_TEST(has_one_stream)
{
    fixture f = { .seen = weir_captured_create() };
    f.second = f.seen;
    weir_error error = { 0 };
    ck_assert_int_eq(weir_run(NULL, build, &f, &error), WEIR_EXISTS);
    ck_assert_str_eq(error.what, "this weir_captured has a stream already");
    weir_captured_destroy(f.seen);
    f.seen = f.second = NULL;
    ck_assert_int_eq(weir_run(NULL, build, &f, &error), WEIR_NO_MEMORY);
    ck_assert_str_eq(error.what, "no weir_captured was given: it could not be created");
    weir_captured_destroy(NULL);
}
END_TEST

int main(void)
{
    return test_run(test_suite("capture", (const TTest *const[]){
        is_read_during_and_after_the_run, has_one_stream, NULL }));
}
