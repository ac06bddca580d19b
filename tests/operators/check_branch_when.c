/* SPDX-License-Identifier: Apache-2.0
 *
 * branch_when: by the times of batches, and of records with times of their own.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "operators/timed.h"
#include "support.h"

static bool is_late(weir_time now) { return now.at[0] >= 4; }

static void build(weir_graph *g, void *ctx)
{
    weir_stream(timed) in = ctx ? timed_source(g) : weir_test_collection(g, timed), late, early;
    weir_branch_when(in, is_late, &late, &early);
    weir_test_output(late);
    weir_test_output(early);
}

static void run(unsigned workers, void *own_times)
{
    weir_test *t = weir_test_create(build, own_times, .workers = workers, .batch_bytes = 512);
    for (uint64_t i = 0; !own_times && i < TIMED_COUNT; i++)
        weir_test_push(t, 0, timed, timed_time(i), timed_diff(i),
                       { i, weir_str_view(timed_text, i % 40) });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    uint64_t sum = 0;
    for (unsigned o = 0; o < 2; o++)
        for (size_t k = 0; k < weir_test_count(t, o); k++) {
            weir_test_change c = weir_test_at(t, o, k);
            const timed *r = c.record;
            weir_str name = weir_str_view(timed_text, r->i % 40);
            ck_assert_uint_eq(c.time.at[0], timed_time(r->i));
            ck_assert_int_eq(timed_time(r->i) >= 4, o == 0);
            ck_assert_int_eq(c.diff, timed_diff(r->i));
            ck_assert(weir_str_equal(&r->name, &name));
            sum += r->i;
        }
    ck_assert_uint_eq(weir_test_count(t, 0) + weir_test_count(t, 1), TIMED_COUNT);
    ck_assert_uint_eq(sum, (uint64_t)TIMED_COUNT * (TIMED_COUNT - 1) / 2);
    weir_test_destroy(t);
}

START_TEST(by_time)
{
    int own_times;
    for (unsigned workers = 1; workers <= 3; workers++) {
        run(workers, NULL);
        run(workers, &own_times);
    }
}
END_TEST

static void build_nothing(weir_graph *g, void *ctx)
{
    (void)g;
    (void)ctx;
    weir_port *yes, *no;
    weir_branch_when_erased(NULL, is_late, &yes, &no);
    ck_assert_ptr_null(yes);
    ck_assert_ptr_null(no);
}

START_TEST(of_nothing)
{
    weir_test *t = weir_test_create(build_nothing, NULL);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("branch_when", (const TTest *const[]){
        by_time, of_nothing, NULL }));
}
