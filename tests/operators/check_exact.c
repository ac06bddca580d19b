/* SPDX-License-Identifier: Apache-2.0
 *
 * Exact sums of floats: every order gives the same, what is taken away leaves nothing, results are
 * the nearest doubles, over the whole range; infinities and NaN come and go.
 */
#include "exact.h"

#include <float.h>
#include <string.h>

#include <weir/memory.h>

#include "support.h"

static double sum_of(const double *values, const int64_t *times, size_t count)
{
    weir__exact sum = { .wide = NULL };
    for (size_t i = 0; i < count; i++)
        ck_assert(weir__exact_add(&sum, values[i], times ? times[i] : 1));
    double result = weir__exact_read(&sum);
    weir__exact_fini(&sum);
    return result;
}
#define SUM(...)                                                                                   \
    sum_of((const double[]){ __VA_ARGS__ }, NULL,                                                  \
           sizeof(const double[]){ __VA_ARGS__ } / sizeof(double))

static void is(double a, double b)
{
    ck_assert_msg(memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b), "%a, not %a", a, b);
}

START_TEST(nearest)
{
    is(sum_of(NULL, NULL, 0), 0);
    is(SUM(0.1, 0.2), 0.1 + 0.2);
    is(SUM(1e300, 1, -1e300), 1);
    is(SUM(1e308, 1e308, -1e308, -1e308, 0x1p-1074), 0x1p-1074);
    is(SUM(1, -1), 0);
    is(SUM(-0.0), 0);
    is(SUM(DBL_MAX, DBL_MAX), __builtin_inf());
    is(SUM(-DBL_MAX, -DBL_MAX), -__builtin_inf());
    is(SUM(DBL_MAX, DBL_MAX, -DBL_MAX), DBL_MAX);
    is(SUM(0x1p-1074, 0x1p-1074), 0x1p-1073);
    is(SUM(0x1p-1022, -0x1p-1074), 0x0.fffffffffffffp-1022);
    is(SUM(0x0.fffffffffffffp-1022, 0x1p-1074), 0x1p-1022);
    /* ties go to even, and the least bit far below decides them */
    is(SUM(1, 0x1p-53), 1);
    is(SUM(1, 0x1p-53, 0x1p-1074), 1 + 0x1p-52);
    is(SUM(1 + 0x1p-52, 0x1p-53), 1 + 0x1p-51);
    is(SUM(1 + 0x1p-52, 0x1p-53, -0x1p-1000), 1 + 0x1p-52);
    is(SUM(-1, -0x1p-53, -0x1p-1074), -1 - 0x1p-52);
    is(SUM(0x1.fffffffffffffp0, 0x1p-53), 2);
}
END_TEST

START_TEST(times)
{
    const double values[] = { 0.1, 1e-300, 3 };
    is(sum_of(values, (const int64_t[]){ 3, 0, 0 }, 3), 0x1.3333333333334p-2);
    is(sum_of(values, (const int64_t[]){ 0, 0, INT64_MAX }, 3), 3 * 0x1p63);
    is(sum_of(values, (const int64_t[]){ 0, 0, INT64_MIN }, 3), -3 * 0x1p63);
    const double largest[] = { DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX };
    is(sum_of(largest, (const int64_t[]){ INT64_MAX, INT64_MAX, -INT64_MAX, -INT64_MAX }, 4), 0);
    is(sum_of(largest, (const int64_t[]){ INT64_MIN, INT64_MAX, 1, 1 }, 4), DBL_MAX);
}
END_TEST

START_TEST(what_is_no_number)
{
    double inf = __builtin_inf(), nan = __builtin_nan("");
    is(SUM(inf, 1), inf);
    is(SUM(-inf, 1e300), -inf);
    is(SUM(inf, -inf), nan);
    is(SUM(nan, inf), nan);
    const double values[] = { inf, nan, -inf, 2, inf, nan, -inf };
    const int64_t diffs[] = { 1, 2, 1, 1, -1, -2, -1 };
    is(sum_of(values, diffs, 4), nan);
    is(sum_of(values, diffs, 5), nan);
    is(sum_of(values, diffs, 6), -inf);
    is(sum_of(values, diffs, 7), 2);
    const double infs[] = { inf, inf, inf, inf, 3 };
    const int64_t often[] = { INT64_MAX, INT64_MAX, -INT64_MAX, -INT64_MAX, 1 };
    is(sum_of(infs, often, 3), inf);
    is(sum_of(infs, often, 5), 3);
}
END_TEST

/* Floats of all sizes, so that windows overflow, move and widen; whole numbers, whose sums are
 * known; each order gives the same, and taking away in any order leaves what is left. */
START_TEST(in_any_order)
{
    enum { COUNT = 60 };
    uint64_t random = test_seed(3);
    for (int round = 0; round < 400; round++) {
        double values[2 * COUNT];
        int64_t diffs[2 * COUNT], whole = 0;
        uint64_t spread = test_below(&random, 4);
        for (int i = 0; i < COUNT; i++) {
            uint64_t bits = test_random(&random);
            int64_t number = (int64_t)(bits >> 18) - ((int64_t)1 << 45);
            diffs[i] = (int64_t)test_below(&random, 7) - 3;
            values[i] = (double)number;
            whole += number * diffs[i];
            if (spread == 0)
                continue;
            uint64_t exponent = spread == 1 ? 1000 + bits % 40 : spread == 2 ? bits % 2046 : 0;
            bits = (bits >> 63 << 63) | exponent << 52 | bits >> 12;
            memcpy(&values[i], &bits, sizeof bits);
        }
        double first = sum_of(values, diffs, COUNT);
        if (spread == 0)
            is(first, (double)whole);
        for (int i = COUNT - 1; i > 0; i--) {
            int k = (int)test_below(&random, (uint64_t)i + 1);
            double v = values[i];
            int64_t d = diffs[i];
            values[i] = values[k], diffs[i] = diffs[k];
            values[k] = v, diffs[k] = d;
        }
        is(sum_of(values, diffs, COUNT), first);
        for (int i = 0; i < COUNT; i++)
            values[COUNT + i] = values[(i * 7) % COUNT], diffs[COUNT + i] = -diffs[(i * 7) % COUNT];
        is(sum_of(values, diffs, 2 * COUNT), 0);
        values[COUNT] = 1.5, diffs[COUNT] = 1;
        is(sum_of(values, diffs, COUNT), first);
    }
}
END_TEST

START_TEST(memory_runs_out)
{
    weir__exact sum = { .wide = NULL };
    ck_assert(weir__exact_add(&sum, 1, 1));
    ck_assert_uint_eq(weir__exact_bytes(&sum), 0);
    weir_memory_fail_nth(1, 0);
    ck_assert(!weir__exact_add(&sum, 1e300, 1));
    weir_memory_fail_nth(1, 0);
    ck_assert(!weir__exact_add(&sum, __builtin_inf(), 1));
    weir_memory_fail_nth(0, 0);
    is(weir__exact_read(&sum), 1);
    ck_assert(weir__exact_add(&sum, 1e300, 1));
    ck_assert_uint_gt(weir__exact_bytes(&sum), 0);
    ck_assert(weir__exact_add(&sum, 1e300, -1));
    is(weir__exact_read(&sum), 1);
    weir__exact_fini(&sum);
    ck_assert_uint_eq(weir__exact_bytes(&sum), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { nearest, times, what_is_no_number, in_any_order,
                                   memory_runs_out, NULL };
    return test_run(test_suite("exact", tests));
}
