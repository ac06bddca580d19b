/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks of time: the greatest instant up to each epoch, whatever the order of arrival, to all
 * workers; the clock's only when a timer is due.
 */
#include "marks.h"

#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define SEEN(F) F(u64, id) F(opt_instant, at)
#define MARK(F) F(i64, us)
WEIR_RECORD(seen, SEEN)
WEIR_RECORD(mark, MARK)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(seen) in = weir_test_input(g, seen);
    weir_stream(mark) marks = { .port = weir__marks_by_event(&in.port, 1, 5) };
    weir_test_output(in);
    weir_test_output(marks);
}

enum { EPOCHS = 6 };

START_TEST(the_greatest_so_far)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        uint64_t random = workers;
        int64_t greatest[EPOCHS], shown[3][EPOCHS];
        weir_test *t =
            weir_test_create(build, NULL, .workers = workers, .batch_bytes = 100);
        for (int e = 0; e < EPOCHS; e++) {
            greatest[e] = INT64_MIN;
            for (int w = 0; w < 3; w++)
                shown[w][e] = INT64_MIN;
        }
        for (uint64_t i = 0; i < 300; i++) {
            uint64_t e = test_below(&random, EPOCHS);
            int64_t at = (int64_t)(e * 30 + test_below(&random, 100));
            bool set = i % 7 > 0;
            weir_test_push(t, 0, seen, e, +1, { i, { set, { set ? at : 0 } } });
            greatest[e] = set && at - 5 > greatest[e] ? at - 5 : greatest[e];
        }
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 300);
        for (size_t k = 0; k < weir_test_count(t, 1); k++) {
            weir_test_change c = weir_test_at(t, 1, k);
            int64_t us = ((const mark *)c.record)->us;
            if (us > shown[c.worker][c.time.at[0]])
                shown[c.worker][c.time.at[0]] = us;
        }
        for (unsigned w = 0; w < workers; w++) {
            int64_t expected = INT64_MIN, got = INT64_MIN;
            for (int e = 0; e < EPOCHS; e++) {
                expected = greatest[e] > expected ? greatest[e] : expected;
                got = shown[w][e] > got ? shown[w][e] : got;
                ck_assert_int_eq(got, expected);
            }
        }
        weir_test_destroy(t);
    }
}
END_TEST

static weir__clock *clocks;

static void build_clock(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output((weir_stream(mark)){ .port = weir__marks_by_clock(g, &clocks) });
}

static void ck_marks(weir_test *t, size_t expected)
{
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), expected);
}

START_TEST(when_a_timer_is_due)
{
    weir_test *t = weir_test_create(build_clock, NULL, .workers = 2);
    int64_t now = 1700000000000000 + (int64_t)(weir_worker_now_ns(weir_test_worker(t, 0)) / 1000);
    ck_marks(t, 0);
    weir__clock_set(&clocks[0], now + 10000000);
    weir__clock_set(&clocks[0], now + 20000000);
    weir_test_pass_time(t, 9000000000);
    ck_marks(t, 0);
    weir_test_pass_time(t, 2000000000);
    ck_marks(t, 1);
    ck_assert_int_ge(((const mark *)weir_test_at(t, 0, 0).record)->us, now + 10000000);
    ck_assert_uint_eq(weir_test_at(t, 0, 0).worker, 0);
    weir_test_pass_time(t, 90000000000);
    ck_marks(t, 1);
    weir__clock_set(&clocks[1], now);
    ck_marks(t, 2);
    weir__clock_set(&clocks[0], now + (INT64_C(1) << 61)); /* 73,000 years, more than 2^64 ns */
    weir_test_pass_time(t, 1000000000);
    ck_marks(t, 2);
    weir__clock_end(&clocks[0]);
    weir__clock_end(&clocks[0]);
    weir__clock_end(&clocks[1]);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("marks", (const TTest *const[]){
        the_greatest_so_far, when_a_timer_is_due, NULL }));
}
