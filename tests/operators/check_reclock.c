/* SPDX-License-Identifier: Apache-2.0
 *
 * reclock: what goes when, against the definition; what no clock covers; records with times of
 * their own.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "operators/timed.h"
#include "support.h"

#define ITEM(F) F(u64, i) F(str, name)
#define TICK(F) F(u64, n)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(tick, TICK)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_input(g, item);
    weir_stream(tick) clock = weir_test_input(g, tick);
    weir_test_output(weir_reclock(in, weir_broadcast(clock)));
}

START_TEST(at_the_times_of_the_clock)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        for (uint64_t i = 0; i < 6; i++)
            weir_test_push(t, 0, item, i, +1, { i, weir_str_of("a name of many letters") });
        weir_test_push(t, 1, tick, 2, +1, { 1 });
        weir_test_push(t, 1, tick, 2, +1, { 2 });
        weir_test_advance(t, 0, 6);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "");
        weir_test_advance(t, 1, 3);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(i: 0, name: \"a name of many letters\") @2 +1\n"
                                               "(i: 1, name: \"a name of many letters\") @2 +1\n"
                                               "(i: 2, name: \"a name of many letters\") @2 +1\n");
        weir_test_push(t, 1, tick, 4, +1, { 3 });
        weir_test_advance(t, 1, 5);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(i: 3, name: \"a name of many letters\") @4 +1\n"
                                               "(i: 4, name: \"a name of many letters\") @4 +1\n");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "");
        weir_test_destroy(t);
    }
}
END_TEST

/* Random times of both: each record goes at the least time of the clock that covers it. */
static void against_definition(uint64_t seed, unsigned workers)
{
    enum { COUNT = 400, EPOCHS = 30 };
    uint64_t random = seed, at[COUNT];
    bool ticks[EPOCHS] = { false };
    weir_test *t =
        weir_test_create(build, NULL, .workers = workers, .seed = seed, .batch_bytes = 256);
    for (uint64_t i = 0; i < COUNT; i++) {
        at[i] = test_below(&random, EPOCHS);
        weir_test_push(t, 0, item, at[i], +1, { i, weir_str_of("x") });
    }
    for (int i = 0; i < 8; i++) {
        uint64_t epoch = test_below(&random, EPOCHS);
        ticks[epoch] = true;
        weir_test_push(t, 1, tick, epoch, +1, { epoch });
    }
    for (uint64_t e = 3; e < EPOCHS; e += 5) {
        weir_test_advance(t, test_below(&random, 2) ? 0 : 1, e);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    size_t expected = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        for (; at[i] < EPOCHS && !ticks[at[i]]; at[i]++)
            ;
        expected += at[i] < EPOCHS;
    }
    ck_assert_uint_eq(weir_test_count(t, 0), expected);
    for (size_t k = 0; k < expected; k++) {
        weir_test_change c = weir_test_at(t, 0, k);
        ck_assert_msg(c.time.at[0] == at[((const item *)c.record)->i], "WEIR_SEED=%llu",
                      (unsigned long long)seed);
    }
    weir_test_destroy(t);
}

START_TEST(random_clocks)
{
    uint64_t fixed = test_seed(0);
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 12); seed++)
        against_definition(seed, 1 + (unsigned)seed % 3);
}
END_TEST

static void build_timed(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(timed) in = timed_source(g);
    weir_stream(tick) clock = weir_test_input(g, tick);
    weir_test_output(weir_reclock(in, weir_broadcast(clock)));
}

START_TEST(of_several_times)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_timed, NULL, .workers = workers);
        weir_test_push(t, 0, tick, 1, +1, { 0 });
        weir_test_push(t, 0, tick, 5, +1, { 0 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        size_t expected = 0;
        for (uint64_t i = 0; i < TIMED_COUNT; i++)
            expected += timed_time(i) <= 5;
        ck_assert_uint_eq(weir_test_count(t, 0), expected);
        for (size_t k = 0; k < expected; k++) {
            weir_test_change c = weir_test_at(t, 0, k);
            const timed *r = c.record;
            weir_str name = weir_str_view(timed_text, r->i % 40);
            ck_assert_uint_eq(c.time.at[0], timed_time(r->i) <= 1 ? 1 : 5);
            ck_assert_int_eq(c.diff, timed_diff(r->i));
            ck_assert(weir_str_equal(&name, &r->name));
        }
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("reclock", (const TTest *const[]){
        at_the_times_of_the_clock, random_clocks, of_several_times, NULL }));
}
