/* SPDX-License-Identifier: Apache-2.0
 *
 * notify: times are told when they are complete, once, in their order, with the right to send; one
 * input and two, total and partial orders, requests from within a notice.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define READING(F) F(u64, round) F(u64, value)
#define TOTAL(F) F(u64, sum) F(u64, told)
WEIR_RECORD(reading, READING)
WEIR_RECORD(total, TOTAL)

enum { SUMS = 64 };

typedef struct sum {
    weir_time time;
    uint64_t sum;
} sum;

typedef struct totals {
    weir_notify notify;
    sum sums[SUMS];
    unsigned count, told_count;
    weir_time told[SUMS];
    unsigned inputs;
} totals;

static weir_status totals_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    totals *t = weir_alloc_zero(sizeof *t);
    t->inputs = ctx ? 2 : 1;
    t->notify.inputs = ctx ? 2 : 0;
    *state = t;
    return WEIR_OK;
}

static void totals_fini(void *state)
{
    totals *t = state;
    weir_notify_fini(&t->notify);
    weir_free(t, sizeof *t);
}

static sum *sum_of(totals *t, const weir_time *time)
{
    for (unsigned i = 0; i < t->count; i++)
        if (weir_time_equal(&t->sums[i].time, time, WEIR_TIME_COORDS))
            return &t->sums[i];
    ck_assert_uint_lt(t->count, SUMS);
    t->sums[t->count] = (sum){ .time = *time };
    return &t->sums[t->count++];
}

static void totals_step(weir_step *step, void *state)
{
    totals *t = state;
    for (unsigned k = 0; k < t->inputs; k++)
        for (const weir_batch *b; (b = weir_step_take(step, k));) {
            const reading *readings = b->records;
            for (unsigned again = 0; again < 2; again++)
                weir_notify_at(&t->notify, step, again ? NULL : &b->time);
            for (size_t i = 0; i < b->count; i++)
                sum_of(t, &b->time)->sum += readings[i].value;
        }
    for (weir_time at; weir_notify_next(&t->notify, step, &at);) {
        for (unsigned i = 0; i < t->told_count; i++) {
            ck_assert(!weir_time_less_equal(&at, &t->told[i], WEIR_TIME_COORDS));
            if (weir_step_frontier(step, 0)->depth == 1)
                ck_assert_uint_lt(t->told[i].at[0], at.at[0]);
        }
        t->told[t->told_count++] = at;
        for (unsigned k = 0; k < t->inputs; k++)
            ck_assert(!weir_frontier_less_equal(weir_step_frontier(step, k), &at));
        total_emit((weir_out(total)){ weir_step_output(step, 0, &at) },
                   (total){ sum_of(t, &at)->sum, at.at[0] });
        if (at.at[0] % 2) { /* once more, later */
            weir_time later = at;
            later.at[0] += 101;
            weir_notify_at(&t->notify, step, &later);
        }
    }
}

static void build_one(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(reading) in = weir_exchange(weir_test_input(g, reading), WEIR_KEY(reading, round));
    weir_test_output(weir_unary(in, total, totals_step, .init = totals_init, .fini = totals_fini,
                                .interest = WEIR_IF_HOLDING));
}

static void build_two(weir_graph *g, void *ctx)
{
    weir_stream(reading) a = weir_test_input(g, reading), b = weir_test_input(g, reading);
    weir_test_output(weir_binary(weir_exchange(a, WEIR_KEY(reading, round)),
                                 weir_exchange(b, WEIR_KEY(reading, round)), total, totals_step,
                                 .init = totals_init, .fini = totals_fini, .ctx = ctx,
                                 .interest = WEIR_IF_HOLDING));
}

START_TEST(in_order_of_time)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_one, NULL, .workers = workers);
        for (uint64_t i = 0; i < 40; i++)
            weir_test_push(t, 0, reading, (i * 7) % 8, +1, { 1, i });
        weir_test_advance(t, 0, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sum: 80, told: 0) @0 +1\n"
                                               "(sum: 115, told: 1) @1 +1\n");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{2}");
        weir_test_advance(t, 0, 4);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sum: 110, told: 2) @2 +1\n"
                                               "(sum: 105, told: 3) @3 +1\n");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sum: 100, told: 4) @4 +1\n"
                                               "(sum: 95, told: 5) @5 +1\n"
                                               "(sum: 90, told: 6) @6 +1\n"
                                               "(sum: 85, told: 7) @7 +1\n"
                                               "(sum: 0, told: 102) @102 +1\n"
                                               "(sum: 0, told: 104) @104 +1\n"
                                               "(sum: 0, told: 106) @106 +1\n"
                                               "(sum: 0, told: 108) @108 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(both_inputs_are_waited_for)
{
    int two;
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_two, &two, .workers = workers);
        weir_test_push(t, 0, reading, 2, +1, { 1, 5 });
        weir_test_push(t, 1, reading, 0, +1, { 1, 6 });
        weir_test_push(t, 1, reading, 2, +1, { 1, 7 });
        weir_test_advance(t, 0, 9);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "");
        weir_test_advance(t, 1, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sum: 6, told: 0) @0 +1\n");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sum: 12, told: 2) @2 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- a partial order ---- */

static uint64_t round_of(const reading *r) { return r->round; }
WEIR_ENTER_AT(round_of, reading)

static void build_inside(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(reading) in = weir_enter_at(weir_test_input(g, reading), rounds, round_of);
    weir_test_output(weir_unary(weir_exchange(in, WEIR_KEY(reading, value)), total, totals_step,
                                .init = totals_init, .fini = totals_fini,
                                .interest = WEIR_ALWAYS));
}

START_TEST(partial_orders)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_inside, NULL, .workers = workers);
        for (uint64_t i = 0; i < 12; i++)
            weir_test_push(t, 0, reading, 2 * (i % 3), +1, { 3 - i % 4, 1 });
        weir_test_advance(t, 0, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sum: 1, told: 0) @(0, 0) +1\n"
                                               "(sum: 1, told: 0) @(0, 1) +1\n"
                                               "(sum: 1, told: 0) @(0, 2) +1\n"
                                               "(sum: 1, told: 0) @(0, 3) +1\n");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 8);
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- with a capability of one's own ---- */

static void with_step(weir_step *step, void *state)
{
    totals *t = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        size_t before = weir_notify_count(&t->notify);
        weir_cap cap = weir_cap_retain(step, 0, NULL);
        weir_notify_with(&t->notify, step, weir_cap_delayed(step, cap, NULL));
        ck_assert(weir_cap_held(step, cap)); /* the other one was taken over */
        weir_notify_with(&t->notify, step, cap);
        ck_assert(!weir_cap_held(step, cap)); /* it has one for this time */
        ck_assert_uint_le(weir_notify_count(&t->notify), before + 1);
    }
    size_t waiting = weir_notify_count(&t->notify);
    for (weir_time at; weir_notify_next(&t->notify, step, &at);) {
        ck_assert_uint_eq(weir_notify_count(&t->notify), --waiting);
        total_emit((weir_out(total)){ weir_step_output(step, 0, &at) },
                   (total){ waiting, at.at[0] });
    }
}

static void build_with(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_unary(weir_test_input(g, reading), total, with_step, .init = totals_init,
                                .fini = totals_fini, .interest = WEIR_IF_HOLDING));
}

START_TEST(capabilities_are_taken_over)
{
    weir_test *t = weir_test_create(build_with, NULL);
    for (uint64_t i = 0; i < 6; i++)
        weir_test_push(t, 0, reading, i % 3 + 1, +1, { 1, i });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "");
    ck_assert_str_eq(weir_test_frontier(t, 0), "{0}");
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(sum: 2, told: 1) @1 +1\n");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(sum: 1, told: 2) @2 +1\n"
                                           "(sum: 0, told: 3) @3 +1\n");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite(
        "notify", (const TTest *const[]){ in_order_of_time, both_inputs_are_waited_for,
                                          partial_orders, capabilities_are_taken_over, NULL }));
}
