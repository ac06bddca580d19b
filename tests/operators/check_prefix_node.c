/* SPDX-License-Identifier: Apache-2.0
 *
 * Prefix sums of groups of many records: those before a change are not looked at, and a
 * step does only so much. That sums are right is what check_prefix_sum.c compares.
 */
#include "prefix_node.h"

#include <stdio.h>
#include <weir/operators/prefix_sum.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "looked.h"
#include "round.h"
#include "support.h"

#define WEIGHT(F) F(u32, key) F(u32, day) F(f64, weight)
WEIR_RECORD(weight, WEIGHT)

static void build_large(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weight) in = weir_test_collection(g, weight);
    weir_test_output(weir_prefix_sum(in, weight, WEIR_KEY(weight, key), day, weight));
}

/* Balances of a day each: only those from a change on are gone through, and come anew. */
START_TEST(from_the_change_on)
{
    enum { DAYS = 20000 };
    weir_test *t = weir_test_create(build_large, NULL, .no_delays = true);
    for (uint32_t i = 0; i < DAYS; i++)
        weir_test_push(t, 0, weight, 0, 1, { 7, i, 0.1 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), DAYS);
    weir_test_take(t, 0);
    int64_t before = looked(t);
    for (uint32_t i = 1; i <= 100; i++) { /* at the end, and in its midst */
        uint32_t behind = i % 10;
        weir_test_push(t, 0, weight, i, 1, { 7, DAYS - 1 - behind, i % 3 ? 0.1 : -0.3 });
        weir_test_advance(t, 0, i + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 2 * (behind + 1));
        weir_test_take(t, 0);
    }
    ck_assert_int_lt(looked(t) - before, 100 * 100);
    weir_test_destroy(t);
}
END_TEST

static void add_steps(const weir_node_info *info, void *ctx)
{
    if (strcmp(info->kind, "prefix_sum") == 0)
        *(int64_t *)ctx += (int64_t)info->steps;
}

static int64_t steps_of(weir_test *t)
{
    int64_t steps = 0;
    weir_observe(weir_test_worker(t, 0), &(weir_observer){ .node = add_steps, .ctx = &steps });
    return steps;
}

/* Reading changes of a key, then what lies behind the first one twice: a part in each step. */
START_TEST(a_key_takes_several_steps)
{
    enum { STEP = WEIR__ROUND_VALUES, MANY = 6 * STEP };
    weir_test *t = weir_test_create(build_large, NULL, .no_delays = true, .workers = 1);
    for (uint32_t i = 0; i < MANY; i++)
        weir_test_push(t, 0, weight, 0, 1, { 7, i * 2654435761U, 1 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    int64_t steps = steps_of(t); /* those in which runs came */
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), MANY);
    steps = steps_of(t) - steps;
    ck_assert_int_le(looked(t) + MANY, steps * (STEP + WEIR__ROUND_READ));
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("prefix_node", (const TTest *const[]){ from_the_change_on,
                                                                      a_key_takes_several_steps,
                                                                      NULL }));
}
