/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of many records: the first ones against a naive search when records come and go at the
 * front, behind it and everywhere, with texts, with several times open; and how many values are
 * looked at for a change, which is counted.
 */
#include "top_node.h"

#include <stdio.h>
#include <string.h>
#include <weir/operators/min.h>
#include <weir/operators/top.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "front_changes.h"
#include "looked.h"
#include "steps.h"
#include "support.h"

#define ROW(F) F(u32, value) F(u32, key) F(str, text)
#define LEAST(F) F(u32, key) F(u32, value)
WEIR_RECORD(row, ROW)
WEIR_RECORD(least, LEAST)

enum { TOP = 5, KEYS = 3 };

/* Sanitizers make it slow, and what is counted is the same. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 6, MANY = 50000, MOST = 500000, LEAVE = 1000, GROUPS = 700 };
#else
enum { SEEDS = 24, MANY = 1000000, MOST = 10000000, LEAVE = 10000, GROUPS = 1500 };
#endif

static bool with_text; /* after the value, so that it does not change the order */

static row row_of(uint32_t value, uint32_t key)
{
    static char text[64];
    if (!with_text)
        return (row){ value, key, weir_str_of("") };
    snprintf(text, sizeof text, "a text of many letters of value %u", value);
    return (row){ value, key, weir_str_of(text) };
}

static void build_top(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(row) in = weir_test_collection(g, row);
    weir_test_output(weir_top(in, WEIR_KEY(row, key), TOP, WEIR_DESC(row, value)));
}

static void build_min(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(least) in = weir_test_collection(g, least);
    weir_test_output(weir_min(in, least, WEIR_KEY(least, key), value));
}

static void build_all(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(least) in = weir_test_collection(g, least);
    weir_test_output(weir_min(in, least, WEIR_KEY(least, key), value));
    weir_test_output(weir_max(in, least, WEIR_KEY(least, key), value));
    weir_test_output(weir_top(in, WEIR_KEY(least, key), TOP, WEIR_DESC(least, value)));
}

/* ---- like a naive search ---- */

enum { VALUES = 2000, EPOCHS = 60, OPEN = 3 };

/* How often each is there, and was put out; what is still to come of the epochs that are open. */
typedef struct model {
    int64_t there[KEYS][VALUES], shown[KEYS][VALUES];
    int64_t later[OPEN][KEYS][VALUES];
} model;

static void expect_shown(const model *m, uint64_t seed, uint64_t epoch)
{
    for (uint32_t k = 0; k < KEYS; k++) {
        int64_t left = TOP;
        for (uint32_t v = VALUES; v-- > 0;) {
            int64_t there = m->there[k][v] > 0 ? m->there[k][v] : 0;
            int64_t wanted = there < left ? there : left;
            ck_assert_msg(m->shown[k][v] == wanted,
                          "WEIR_SEED=%llu: epoch %llu: value %u of key %u is shown %lld times, "
                          "not %lld",
                          (unsigned long long)seed, (unsigned long long)epoch, v, k,
                          (long long)m->shown[k][v], (long long)wanted);
            left -= wanted;
        }
    }
}

static void end_epoch(weir_test *t, model *m, uint64_t epoch)
{
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t v = 0; v < VALUES; v++)
            m->there[k][v] += m->later[0][k][v];
    memmove(m->later[0], m->later[1], (OPEN - 1) * sizeof m->later[0]);
    memset(m->later[OPEN - 1], 0, sizeof m->later[0]);
    weir_test_advance(t, 0, epoch + 1);
    ck_assert_msg(weir_test_run(t) == WEIR_OK, "%s", weir_test_error(t)->what);
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        const row *r = c.record;
        ck_assert_uint_eq(c.time.at[0], epoch);
        row same = row_of(r->value, r->key);
        ck_assert(weir_record_equal(row_type(), r, &same));
        m->shown[r->key][r->value] += c.diff;
    }
    weir_test_take(t, 0);
}

static void change(weir_test *t, model *m, uint64_t *random, uint64_t epoch, const row *r,
                   int64_t diff)
{
    uint64_t later = test_below(random, OPEN);
    m->later[later][r->key][r->value] += diff;
    weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, r, epoch + later, diff);
}

static void change_some(weir_test *t, model *m, uint64_t *random, uint64_t epoch)
{
    uint32_t key = (uint32_t)test_below(random, KEYS), kind = (uint32_t)test_below(random, 5);
    front_changes changes = front_changes_of(random, m->there[key], VALUES, kind);
    for (uint64_t n = test_below(random, kind < 2 ? 200 : 30); n > 0; n--) {
        row r = row_of(front_change_value(&changes), key);
        change(t, m, random, epoch, &r, front_change_diff(&changes, m->there[key][r.value]));
    }
}

#include "random_epochs.h"

static void run_random(uint64_t seed)
{
    uint64_t random = seed;
    model *m = calloc(1, sizeof *m);
    with_text = seed % 2;
    weir_test *t = weir_test_create(build_top, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed / 2 % 2 ? 512 : 0);
    for (uint64_t n = seed % 5 * 1500; n > 0; n--) {
        row r = row_of((uint32_t)test_below(&random, VALUES), (uint32_t)test_below(&random, KEYS));
        change(t, m, &random, 0, &r, 1);
    }
    run_epochs(t, m, seed, &random, 4);
}

START_TEST(like_naive_search)
{
    test_each_seed(run_random, SEEDS);
}
END_TEST

/* ---- values looked at ---- */

static void push(weir_test *t, uint32_t value, uint64_t epoch, int64_t diff)
{
    least r = { 0, value };
    weir_test_push_record(t, 0, 0, &r, epoch, diff);
}

static weir_test *load(weir_build_fn *build, uint32_t many, uint32_t step)
{
    weir_test *t = weir_test_create(build, NULL, .no_delays = true);
    for (uint32_t i = 0; i < many; i++) {
        push(t, i * step, 0, 1);
        if (i % MANY == MANY - 1)
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    for (unsigned output = 0; output < (build == build_all ? 3 : 1); output++)
        weir_test_take(t, output);
    return t;
}

/* This output has given two changes: one that comes and one that goes. */
static void is_now(weir_test *t, unsigned output, uint32_t comes, uint32_t goes)
{
    ck_assert_uint_eq(weir_test_count(t, output), 2);
    for (size_t i = 0; i < 2; i++) {
        weir_test_change c = weir_test_at(t, output, i);
        ck_assert_uint_eq(((const least *)c.record)->value, c.diff > 0 ? comes : goes);
    }
    weir_test_take(t, output);
}

/* The epoch ends; the least value is then this one. */
static void is_least(weir_test *t, uint64_t epoch, uint32_t value)
{
    weir_test_advance(t, 0, epoch + 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        ck_assert((c.diff > 0) == (((const least *)c.record)->value == value));
    }
    weir_test_take(t, 0);
}

/* Two go in each epoch, in the order in which they are the least, and the greatest one. The values
 * that all three have looked at. */
static int64_t leave_in_order(uint32_t many)
{
    weir_test *t = load(build_all, many, 1);
    ck_assert_int_lt(looked(t), 3 * 1000);
    for (uint32_t i = 0; i < LEAVE; i++) {
        uint32_t last = many - 1 - i;
        push(t, i, i + 1, -1);
        push(t, last, i + 1, -1);
        weir_test_advance(t, 0, i + 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        is_now(t, 0, i + 1, i);
        is_now(t, 1, last - 1, last);
        is_now(t, 2, last - TOP, last);
    }
    int64_t all = looked(t);
    ck_assert_int_lt(all, 3 * 10 * (int64_t)LEAVE);
    weir_test_destroy(t);
    return all;
}

START_TEST(leaving_in_order)
{
    int64_t of_fewer = leave_in_order(MANY);
    /* nor does it grow with the group, but for some more runs */
    ck_assert_int_le(leave_in_order(MOST), of_fewer + 3 * 2 * LEAVE);
}
END_TEST

/* The same when many have gone behind the front before, and others come before it meanwhile. */
START_TEST(leaving_with_gaps)
{
    weir_test *t = load(build_min, MANY, 2);
    for (uint32_t i = 1; i < MANY / 4; i++)
        push(t, 2 * i, 1, -1);
    is_least(t, 1, 0);
    int64_t before = looked(t);
    push(t, 0, 2, -1);
    is_least(t, 2, MANY / 4 * 2);
    ck_assert_int_lt(looked(t) - before, MANY); /* once through the gap */
    before = looked(t);
    for (uint32_t n = 0; n < LEAVE; n += 200) { /* a few before the gap come, and go again */
        for (uint32_t i = 0; i < 200; i++)
            push(t, 2 * i + 1, 2 * n + 3, 1);
        is_least(t, 2 * n + 3, 1);
        for (uint32_t i = 0; i < 200; i++)
            push(t, 2 * i + 1, 2 * n + 4, -1);
        is_least(t, 2 * n + 4, MANY / 4 * 2);
    }
    ck_assert_int_lt(looked(t) - before, 100 * (int64_t)LEAVE);
    weir_test_destroy(t);
}
END_TEST

/* A step is bounded by the values that it looks at. */
static void build_many(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(row) in = weir_test_collection(g, row);
    weir_test_output(weir_top(in, WEIR_KEY(row, key), 200, WEIR_ASC(row, value)));
}

START_TEST(small_groups)
{
    enum { SMALL = 200 };
    with_text = false;
    weir_test *t = weir_test_create(build_many, NULL, .no_delays = true);
    for (uint32_t i = 0; i < GROUPS * SMALL; i++) {
        row r = row_of(i / GROUPS, i % GROUPS);
        weir_test_push_record(t, 0, 0, &r, 0, 1);
    }
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_take(t, 0);
    for (uint32_t i = 0; i < GROUPS; i++) {
        row r = row_of(SMALL, i);
        weir_test_push_record(t, 0, 0, &r, 1, 1);
    }
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    uint64_t before = steps_of(t, "top");
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_ge(steps_of(t, "top") - before, GROUPS * SMALL / 70000);
    ck_assert_uint_eq(weir_test_count(t, 0), 0);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_naive_search, leaving_in_order, leaving_with_gaps,
                                   small_groups, NULL };
    return test_run(test_suite("top_node", tests));
}
