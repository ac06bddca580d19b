/* SPDX-License-Identifier: Apache-2.0
 *
 * As-of joins of groups of many records: few of them are looked at for a change of either side.
 * That they are right is what check_asof_join.c compares.
 */
#include "asof_node.h"

#include <stdio.h>
#include <weir/operators/asof_join.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "looked.h"
#include "support.h"

#define TICK(F) F(u32, key) F(u32, at)
WEIR_RECORD(tick, TICK)

static void with_tick(const tick *a, const tick *b, weir_out(tick) out)
{
    tick_emit(out, (tick){ a->at, b ? b->at : 0 });
}
WEIR_ASOF_JOIN(with_tick, tick, tick, tick)

static void build_large(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(tick) a = weir_test_collection(g, tick), b = weir_test_collection(g, tick);
    weir_test_output(weir_asof_join(a, WEIR_KEY(tick, key), at, b, WEIR_KEY(tick, key), at,
                                    with_tick));
}

static uint64_t epoch; /* the one that is open */

/* An epoch with one change. How many changes it gave, and that few values were looked at. */
static size_t change_one(weir_test *t, unsigned input, uint32_t at, int64_t diff, int64_t most)
{
    int64_t before = looked(t);
    weir_test_push(t, input, tick, epoch, diff, { 7, at });
    epoch++;
    weir_test_advance(t, 0, epoch);
    weir_test_advance(t, 1, epoch);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_lt(looked(t) - before, most);
    size_t count = weir_test_count(t, 0);
    weir_test_take(t, 0);
    return count;
}

/* Of each record of the second side ten of the first have it as the newest one. */
START_TEST(few_are_looked_at)
{
    enum { GROUP = 20000, EACH = 10 };
    weir_test *t = weir_test_create(build_large, NULL, .no_delays = true);
    for (uint32_t i = 0; i < GROUP; i++) {
        weir_test_push(t, 0, tick, 0, 1, { 7, i });
        if (i % EACH == 0)
            weir_test_push(t, 1, tick, 0, 1, { 7, i });
    }
    weir_test_advance(t, 0, 1);
    weir_test_advance(t, 1, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), GROUP);
    weir_test_take(t, 0);
    ck_assert_int_gt(looked(t), 0);
    epoch = 1;
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t at = 900 * i + 400;
        ck_assert_uint_eq(change_one(t, 0, at + 3, -1, 200), 1);
        ck_assert_uint_eq(change_one(t, 0, at + 3, 1, 200), 1);
        ck_assert_uint_eq(change_one(t, 1, at, -1, 2500), 2 * EACH);
        ck_assert_uint_eq(change_one(t, 1, at + 1, 1, 2500), 2 * (EACH - 1));
        ck_assert_uint_eq(change_one(t, 1, at, 1, 2500), 2);
    }
    weir_test_destroy(t);
}
END_TEST

/* Where records lie: the second side's first, newest ones first, and a place between any two. */
START_TEST(places)
{
    weir__asof_place older = { WEIR__ASOF_SECOND, { weir__asof_second(5) }, false };
    weir__asof_place newer = { WEIR__ASOF_SECOND, { weir__asof_second(6) }, false };
    weir__asof_place first = { WEIR__ASOF_FIRST, { weir__asof_first(-3) }, false };
    const weir_type *type = weir__asof_place_type();
    ck_assert_int_lt(weir_record_compare(type, &newer, &older), 0);
    ck_assert_int_lt(weir_record_compare(type, &older, &first), 0);
    ck_assert(weir__asof_time(&older) == 5 && weir__asof_time(&newer) == 6);
    ck_assert(weir__asof_time(&first) == -3);
    newer.at.unscaled++;
    ck_assert_int_lt(weir_record_compare(type, &newer, &older), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { few_are_looked_at, places, NULL };
    return test_run(test_suite("asof_node", tests));
}
