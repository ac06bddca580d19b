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
    weir_test_push(t, input, tick, epoch, diff, { 7, at });
    return looked_at_end(t, 2, epoch++, most);
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

enum { N = 4000 };

static void advance_both(weir_test *t, uint64_t to)
{
    weir_test_advance(t, 0, to);
    weir_test_advance(t, 1, to);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
}

/* As many records of both sides in an epoch, then all of the second one go: each is looked at a few
 * times, and for each there is a search, but they are not all looked at for each other. */
START_TEST(all_come_and_go_at_once)
{
    weir_test *t = weir_test_create(build_large, NULL, .workers = 1);
    for (uint32_t i = 0; i < N; i++) {
        weir_test_push(t, 0, tick, 0, 1, { 7, i });
        weir_test_push(t, 1, tick, 0, 1, { 7, i });
    }
    advance_both(t, 1);
    ck_assert_uint_eq(weir_test_count(t, 0), N);
    int64_t load = looked(t);
    ck_assert_int_lt(load, 30 * N);
    for (uint32_t i = 0; i < N; i++)
        weir_test_push(t, 1, tick, 1, -1, { 7, i });
    advance_both(t, 2);
    ck_assert_uint_eq(weir_test_count(t, 0), 3 * N);
    ck_assert_int_lt(looked(t) - load, 50 * N);
    weir_test_destroy(t);
}
END_TEST

/* Newer ones of the second side have gone: they are passed over one by one once. Then some come
 * and go again in their midst. */
START_TEST(newer_ones_have_gone)
{
    weir_test *t = weir_test_create(build_large, NULL, .no_delays = true, .workers = 1);
    for (uint32_t i = 0; i < 2 * N; i++)
        weir_test_push(t, 1, tick, 0, 1, { 7, i });
    advance_both(t, 1);
    for (uint32_t i = N + N / 4; i < 2 * N; i++)
        weir_test_push(t, 1, tick, 1, -1, { 7, i });
    advance_both(t, 2);
    epoch = 2;
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_uint_eq(change_one(t, 0, 3 * N + i, 1, i ? 200 : N), 1);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t at = 2 * N - 60 * (i + 1);
        ck_assert_uint_eq(change_one(t, 1, at, 1, 1400), 40);
        ck_assert_uint_eq(change_one(t, 1, at, -1, 1400), 40);
    }
    weir_test_destroy(t);
}
END_TEST

/* The same of the first side: all but the last one of those after a record of the second. */
START_TEST(firsts_have_gone)
{
    weir_test *t = weir_test_create(build_large, NULL, .no_delays = true, .workers = 1);
    for (uint32_t i = 0; i < 2 * N; i++)
        weir_test_push(t, 0, tick, 0, 1, { 7, i });
    advance_both(t, 1);
    for (uint32_t i = N / 2; i < 2 * N - 1; i++)
        weir_test_push(t, 0, tick, 1, -1, { 7, i });
    advance_both(t, 2);
    weir_test_take(t, 0);
    epoch = 2;
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_uint_eq(change_one(t, 1, N + i, 1, i ? 200 : 50 * N), 2);
    weir_test_destroy(t);
}
END_TEST

static void add_steps(const weir_node_info *info, void *ctx)
{
    if (strcmp(info->kind, "with_tick") == 0)
        *(int64_t *)ctx += (int64_t)info->steps;
}

/* However much changes of one key, a step does only a part of it. */
START_TEST(a_key_takes_several_steps)
{
    enum { GROUP = 60000, STEP = 64 << 10 };
    weir_test *t = weir_test_create(build_large, NULL, .no_delays = true, .workers = 1);
    weir_test_push(t, 0, tick, 0, 1, { 7, 2 * GROUP });
    for (uint32_t i = 0; i < GROUP; i++) {
        weir_test_push(t, 1, tick, 0, 1, { 7, i });
        weir_test_push(t, 0, tick, 0, 1, { 7, i });
    }
    advance_both(t, 1);
    ck_assert_uint_eq(weir_test_count(t, 0), GROUP + 1);
    int64_t steps = 0;
    weir_observe(weir_test_worker(t, 0), &(weir_observer){ .node = add_steps, .ctx = &steps });
    ck_assert_int_gt(looked(t), 4 * STEP);
    ck_assert_int_lt(looked(t), steps * (STEP + 1000));
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
    const TTest *const tests[] = { few_are_looked_at,    all_come_and_go_at_once,
                                   newer_ones_have_gone, firsts_have_gone,
                                   a_key_takes_several_steps, places, NULL };
    return test_run(test_suite("asof_node", tests));
}
