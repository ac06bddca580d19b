/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and summaries: order, lattice, text, and that composing summaries is applying them in turn.
 */
#include <weir/time.h>

#include <string.h>

#include "support.h"

static const uint64_t samples[] = { 0, 1, 2, 7, UINT64_MAX - 1, UINT64_MAX };
enum { SAMPLES = sizeof samples / sizeof *samples };

static weir_time sample_time(uint64_t *state, unsigned depth)
{
    weir_time t = { { 0 } };
    for (unsigned i = 0; i < depth; i++)
        t.at[i] = samples[test_below(state, SAMPLES)];
    return t;
}

static weir_summary sample_summary(uint64_t *state, unsigned from, unsigned to)
{
    weir_summary s = { .depth = (uint8_t)to };
    unsigned limit = from < to ? from : to;
    s.keep = (uint8_t)(1 + test_below(state, limit));
    for (unsigned i = 0; i < to; i++)
        s.add[i] = test_below(state, 3) ? 0 : samples[test_below(state, SAMPLES)];
    return s;
}

START_TEST(order)
{
    weir_time a = { { 1, 5 } }, b = { { 2, 3 } }, c = { { 2, 5 } };
    ck_assert(!weir_time_less_equal(&a, &b, 2) && !weir_time_less_equal(&b, &a, 2));
    ck_assert(weir_time_less_equal(&a, &c, 2) && weir_time_less_than(&b, &c, 2));
    ck_assert(!weir_time_less_than(&c, &c, 2) && weir_time_less_equal(&c, &c, 2));
    ck_assert(weir_time_equal(&b, &c, 1) && !weir_time_equal(&b, &c, 2));
    ck_assert_int_eq(weir_time_compare(&a, &b, 2), -1);
    ck_assert_int_eq(weir_time_compare(&c, &b, 2), 1);
    ck_assert_int_eq(weir_time_compare(&c, &b, 1), 0);
    weir_time join = weir_time_join(&a, &b, 2), meet = weir_time_meet(&a, &b, 2);
    ck_assert(join.at[0] == 2 && join.at[1] == 5 && meet.at[0] == 1 && meet.at[1] == 3);
    ck_assert(weir_time_1(9).at[0] == 9 && weir_time_1(9).at[3] == 0);
}
END_TEST

START_TEST(lattice_and_linear_extension)
{
    uint64_t seed = test_seed(1), state = seed;
    for (int i = 0; i < 20000; i++) {
        unsigned depth = 1 + (unsigned)test_below(&state, WEIR_TIME_COORDS);
        weir_time a = sample_time(&state, depth), b = sample_time(&state, depth);
        weir_time c = sample_time(&state, depth);
        weir_time join = weir_time_join(&a, &b, depth), meet = weir_time_meet(&a, &b, depth);
        bool above = weir_time_less_equal(&a, &c, depth) && weir_time_less_equal(&b, &c, depth);
        bool below = weir_time_less_equal(&c, &a, depth) && weir_time_less_equal(&c, &b, depth);
        ck_assert_msg(above == weir_time_less_equal(&join, &c, depth), "WEIR_SEED=%lu", (long)seed);
        ck_assert_msg(below == weir_time_less_equal(&c, &meet, depth), "WEIR_SEED=%lu", (long)seed);
        if (weir_time_less_than(&a, &b, depth))
            ck_assert_msg(weir_time_compare(&a, &b, depth) < 0, "WEIR_SEED=%lu", (long)seed);
        ck_assert_int_eq(weir_time_compare(&a, &b, depth), -weir_time_compare(&b, &a, depth));
    }
}
END_TEST

START_TEST(text)
{
    weir_time t = { { 5, 2, UINT64_MAX, 0 } };
    char room[128];
    ck_assert_str_eq(weir_time_text(&t, 1, room, sizeof room), "5");
    ck_assert_str_eq(weir_time_text(&t, 2, room, sizeof room), "(5, 2)");
    ck_assert_str_eq(weir_time_text(&t, 4, room, sizeof room), "(5, 2, 18446744073709551615, 0)");
    char whole[] = "(5, 2, 18446744073709551615)";
    for (size_t size = 0; size <= sizeof whole; size++) {
        memset(room, 'x', sizeof room);
        weir_time_text(&t, 3, room, size);
        if (size > 0)
            ck_assert(strncmp(room, whole, size - 1) == 0 && room[size - 1] == 0);
        ck_assert_int_eq(room[size], 'x');
    }
}
END_TEST

START_TEST(makers)
{
    weir_time t = { { 5, 2 } }, r;
    weir_summary same = weir_summary_identity(2), enter = weir_summary_enter(2);
    weir_summary leave = weir_summary_leave(2), back = weir_summary_feedback(2, 3);
    ck_assert(weir_summary_is_identity(&same, 2) && !weir_summary_is_identity(&same, 1));
    ck_assert(!weir_summary_is_identity(&back, 2) && !weir_summary_is_identity(&leave, 2));
    ck_assert(weir_summary_apply(&same, &t, &r) && weir_time_equal(&r, &t, 4));
    ck_assert(weir_summary_apply(&enter, &t, &r) && r.at[1] == 2 && r.at[2] == 0);
    ck_assert_int_eq(enter.depth, 3);
    ck_assert(weir_summary_apply(&back, &t, &r) && r.at[0] == 5 && r.at[1] == 5);
    ck_assert(weir_summary_apply(&leave, &t, &r) && r.at[0] == 5 && r.at[1] == 0);
    t.at[1] = UINT64_MAX - 2;
    r = weir_time_1(77);
    ck_assert(!weir_summary_apply(&back, &t, &r) && r.at[0] == 77);
    t.at[1]--;
    ck_assert(weir_summary_apply(&back, &t, &r) && r.at[1] == UINT64_MAX);
}
END_TEST

/* The composition may exist where the steps do not: what overflows in between can be dropped
 * after. */
START_TEST(composition_is_application_in_turn)
{
    uint64_t seed = test_seed(2), state = seed;
    for (int i = 0; i < 100000; i++) {
        unsigned d[3];
        for (int k = 0; k < 3; k++)
            d[k] = 1 + (unsigned)test_below(&state, WEIR_TIME_COORDS);
        weir_summary a = sample_summary(&state, d[0], d[1]), b = sample_summary(&state, d[1], d[2]);
        weir_summary both;
        weir_time t = sample_time(&state, d[0]), middle, end, direct;
        bool steps = weir_summary_apply(&a, &t, &middle) && weir_summary_apply(&b, &middle, &end);
        if (!weir_summary_follow(&a, &b, &both)) {
            ck_assert_msg(!steps, "WEIR_SEED=%lu", (long)seed);
            continue;
        }
        ck_assert_msg(both.depth == d[2] && both.keep >= 1, "WEIR_SEED=%lu", (long)seed);
        bool whole = weir_summary_apply(&both, &t, &direct);
        ck_assert_msg(!steps || whole, "WEIR_SEED=%lu", (long)seed);
        if (steps)
            ck_assert_msg(weir_time_equal(&end, &direct, 4), "WEIR_SEED=%lu", (long)seed);
    }
}
END_TEST

START_TEST(less_equal_is_less_equal_for_every_time)
{
    uint64_t seed = test_seed(3), state = seed;
    for (int i = 0; i < 20000; i++) {
        unsigned from = 1 + (unsigned)test_below(&state, WEIR_TIME_COORDS);
        unsigned to = 1 + (unsigned)test_below(&state, WEIR_TIME_COORDS);
        weir_summary a = sample_summary(&state, from, to), b = sample_summary(&state, from, to);
        if (test_below(&state, 2))
            b.keep = a.keep;
        bool always = true;
        for (int k = 0; k < 200 && always; k++) {
            weir_time t = sample_time(&state, from), x, y;
            if (weir_summary_apply(&b, &t, &y))
                always = weir_summary_apply(&a, &t, &x) && weir_time_less_equal(&x, &y, to);
        }
        if (weir_summary_less_equal(&a, &b))
            ck_assert_msg(always, "WEIR_SEED=%lu", (long)seed);
    }
    weir_summary keep = { .keep = 2, .depth = 2 }, drop = { .keep = 1, .depth = 2 };
    ck_assert(weir_summary_less_equal(&drop, &keep) && !weir_summary_less_equal(&keep, &drop));
    drop.add[1] = 1;
    ck_assert(!weir_summary_less_equal(&drop, &keep) && !weir_summary_less_equal(&keep, &drop));
    keep.add[1] = 2;
    ck_assert(weir_summary_less_equal(&drop, &keep));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        order,  lattice_and_linear_extension,       text,
        makers, composition_is_application_in_turn, less_equal_is_less_equal_for_every_time,
        NULL,
    };
    return test_run(test_suite("time", tests));
}
