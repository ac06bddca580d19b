/* SPDX-License-Identifier: Apache-2.0
 *
 * The logic of reductions by hand: which times are looked at, what stays pending, what is put out
 * at a time of which neither input had an update, overflow, how often long pasts are gone through.
 */
#include <weir/history.h>

#include <stdio.h>
#include <string.h>

#include "support.h"

/* The key at hand, and where times are not complete yet. */
static weir_history h;
static weir_frontier upper;

static weir_time at(uint64_t epoch, uint64_t round)
{
    return (weir_time){ { epoch, round, 0, 0 } };
}

static void begin(unsigned depth)
{
    weir_history_init(&h, depth);
    weir_frontier_init(&upper, depth);
    weir_history_begin(&h);
}

static void end(void)
{
    weir_history_fini(&h);
    weir_frontier_fini(&upper);
}

static void input(uint32_t value, uint64_t epoch, uint64_t round, int64_t diff)
{
    weir_history_input(&h, value, &(weir_time){ { epoch, round, 0, 0 } }, diff);
}
static void output(uint32_t value, uint64_t epoch, uint64_t round, int64_t diff)
{
    weir_history_output(&h, value, &(weir_time){ { epoch, round, 0, 0 } }, diff);
}
static void seed(uint64_t epoch, uint64_t round)
{
    weir_history_seed(&h, &(weir_time){ { epoch, round, 0, 0 } });
}

/* Counts the values: "visited / put out / pending". */
static const char *run(void)
{
    static char text[1000];
    char one[100];
    size_t count, used = 0;
    for (weir_time t; weir_history_next(&h, &upper, &t);) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s ",
                                 weir_time_text(&t, h.depth, one, sizeof one));
        if (h.input.count)
            weir_history_want(&h, (uint32_t)h.input.count, 1);
    }
    const weir_history_update *out = weir_history_corrections(&h, &count);
    used += (size_t)snprintf(text + used, sizeof text - used, "/");
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, " %u@%s%+d", out[i].value,
                                 weir_time_text(&out[i].time, h.depth, one, sizeof one),
                                 (int)out[i].diff);
    snprintf(text + used, sizeof text - used, " / %s",
             weir_frontier_text(&h.pending, one, sizeof one));
    return text;
}

START_TEST(one_coordinate)
{
    begin(1);
    weir_time six = at(6, 0);
    weir_frontier_insert(&upper, &six);
    input(0, 2, 0, 1);
    input(1, 5, 0, 1);
    input(2, 7, 0, 1);
    output(1, 2, 0, 1);
    seed(7, 0);
    seed(5, 0);
    seed(5, 0);
    ck_assert_str_eq(run(), "5 / 2@5+1 1@5-1 / {7}");
    weir_history_begin(&h);
    ck_assert_str_eq(run(), "/ / {}");
    end();
}
END_TEST

/* An update at (1, 0) and one at (0, 1) meet at (1, 1), where neither lies. */
START_TEST(times_that_meet)
{
    begin(2);
    input(0, 0, 1, 1);
    input(1, 1, 0, 1);
    output(1, 0, 1, 1);
    seed(1, 0);
    ck_assert_str_eq(run(), "(1, 0) (1, 1) / 1@(1, 0)+1 2@(1, 1)+1 1@(1, 1)-2 / {}");
    end();
}
END_TEST

START_TEST(what_is_not_complete_is_pending)
{
    begin(2);
    weir_time later = at(1, 1);
    weir_frontier_insert(&upper, &later);
    input(0, 0, 1, 1);
    input(0, 0, 2, 1);
    input(1, 1, 0, 1);
    output(1, 0, 1, 1);
    seed(1, 0);
    ck_assert_str_eq(run(), "(1, 0) / 1@(1, 0)+1 / {(1, 1)}");
    weir_history_begin(&h);
    weir_frontier_clear(&upper);
    input(0, 0, 1, 1);
    input(0, 0, 2, 1);
    input(1, 1, 0, 1);
    output(1, 0, 1, 1);
    output(1, 1, 0, 1);
    seed(1, 1);
    ck_assert_str_eq(run(), "(1, 1) (1, 2) / 2@(1, 1)+1 1@(1, 1)-2 / {}");
    end();
}
END_TEST

/* What is corrected at two times was corrected twice where they meet, though no update lies at any
 * of the three. */
START_TEST(corrections_that_meet)
{
    begin(2);
    input(0, 0, 0, 1);
    seed(1, 0);
    seed(0, 1);
    ck_assert_str_eq(run(), "(0, 1) (1, 0) (1, 1) / 1@(0, 1)+1 1@(1, 0)+1 1@(1, 1)-1 / {}");
    end();
}
END_TEST

/* A change of an earlier epoch in a loop of many rounds: each later round is looked at once, and
 * not more often because there are many. */
START_TEST(long_pasts)
{
    enum { ROUNDS = 500 };
    size_t visits = 0;
    begin(2);
    for (uint32_t r = 0; r < ROUNDS; r++)
        input(r, 0, r, 1);
    input(ROUNDS, 1, 10, 1);
    seed(1, 10);
    for (weir_time t; weir_history_next(&h, &upper, &t); visits++) {
        ck_assert_uint_eq(t.at[0], 1);
        ck_assert_uint_eq(t.at[1], 10 + visits);
        ck_assert_uint_eq(h.input.count, 12 + visits);
    }
    ck_assert_uint_eq(visits, ROUNDS - 10);
    end();
}
END_TEST

START_TEST(overflow)
{
    weir_time t = at(3, 0);
    begin(1);
    input(0, 1, 0, INT64_MAX);
    input(0, 2, 0, 1);
    seed(3, 0);
    ck_assert(!weir_history_next(&h, &upper, &t));
    ck_assert_int_eq(h.failed, WEIR_OVERFLOWED);
    weir_history_begin(&h);
    seed(3, 0);
    ck_assert(weir_history_next(&h, &upper, &t));
    weir_history_want(&h, 4, INT64_MAX);
    weir_history_want(&h, 4, 1);
    ck_assert(!weir_history_next(&h, &upper, &t));
    ck_assert_int_eq(h.failed, WEIR_OVERFLOWED);
    weir_history_begin(&h);
    input(0, 1, 0, INT64_MAX); /* only the whole sum has to fit */
    input(0, 2, 0, 1);
    input(0, 3, 0, -1);
    seed(3, 0);
    ck_assert(weir_history_next(&h, &upper, &t));
    ck_assert_int_eq(h.input.diffs[0], INT64_MAX);
    weir_history_want(&h, 4, INT64_MAX);
    weir_history_want(&h, 4, 1);
    weir_history_want(&h, 4, -1);
    ck_assert(!weir_history_next(&h, &upper, &t));
    ck_assert_int_eq(h.failed, WEIR_OK);
    weir_history_begin(&h);
    output(0, 1, 0, INT64_MIN);
    seed(3, 0);
    ck_assert(weir_history_next(&h, &upper, &t));
    ck_assert(!weir_history_next(&h, &upper, &t));
    ck_assert_int_eq(h.failed, WEIR_OVERFLOWED);
    weir_history_begin(&h);
    seed(3, 0);
    ck_assert(weir_history_next(&h, &upper, &t));
    weir_history_want(&h, 4, 2);
    ck_assert(!weir_history_next(&h, &upper, &t));
    size_t count;
    ck_assert_int_eq(weir_history_corrections(&h, &count)[0].diff, 2);
    ck_assert_uint_eq(count, 1);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { one_coordinate, times_that_meet,
                                   what_is_not_complete_is_pending, corrections_that_meet,
                                   long_pasts, overflow, NULL };
    return test_run(test_suite("history", tests));
}
