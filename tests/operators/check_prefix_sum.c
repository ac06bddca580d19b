/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix_sum: against adding up from scratch at every time; floats, decimals, null values, records
 * that went before they came; refusals and sums that do not fit.
 */
#include <weir/operators/prefix_sum.h>

#include <stdio.h>
#include <string.h>
#include <weir/test.h>

#include "oracle.h"
#include "steps.h"

#define ENTRY(F) F(opt_i64, cents) F(u32, day) F(u32, key) F(f64, weight) F(decimal(2), price)
#define BALANCE(F) F(u32, key) F(u32, day) F(opt_i64, cents)
#define WEIGHT(F) F(u32, key) F(u32, day) F(f64, weight)
#define PRICE(F) F(u32, key) F(u32, day) F(decimal(2), price)
WEIR_RECORD(entry, ENTRY)
WEIR_RECORD(balance, BALANCE)
WEIR_RECORD(weight, WEIGHT)
WEIR_RECORD(price, PRICE)
#define DAYS(F) F(u32, key) F(u32, day)
#define SUMMED(F) F(u32, key) F(u32, day) F(i64, sum)
#define OWN(F) F(u32, key) F(u32, again) F(i64, sum)
WEIR_RECORD(days, DAYS)
WEIR_RECORD(summed, SUMMED)
WEIR_RECORD(own, OWN)

/* Values 2n and 2n + 1 are of one day; value 0 and 3 are null. */
static bool is_set(uint32_t v) { return v != 0 && v != 3; }
static int64_t cents_of(uint32_t v) { return (int64_t)v * 10 - 25; }

static entry to_entry(const fact *f)
{
    return (entry){ { is_set(f->value), is_set(f->value) ? cents_of(f->value) : 0 },
                    f->value / 2, f->key, f->value * 0.1, { cents_of(f->value) } };
}
WEIR_MAP(to_entry, fact, entry)

static void build(const weir_stream(fact) *in)
{
    weir_stream(entry) e = weir_map(in[0], to_entry);
    weir_stream(balance) b = weir_prefix_sum(e, balance, WEIR_KEY(entry, key), day, cents);
    ck_assert_uint_eq(weir_port_unique_key(b.port)->count, 2);
    weir_test_output(b);
    weir_test_output(weir_prefix_sum(e, weight, WEIR_KEY(entry, key), day, weight));
    weir_test_output(weir_prefix_sum(e, price, WEIR_KEY(entry, key), day, price));
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    for (uint32_t k = 0; k < KEYS; k++) {
        int64_t cents = 0, set = 0, all = 0, tenths = 0;
        for (uint32_t v = 0; v < VALUES; v++) {
            int64_t count = sums[0].of[k][v];
            int64_t day = count + (v % 2 ? sums[0].of[k][v - 1] : 0);
            cents += is_set(v) ? count * cents_of(v) : 0;
            set += is_set(v) ? count : 0;
            all += count * cents_of(v);
            tenths += count * v;
            if ((v % 2 == 0 && v + 1 < VALUES) || day <= 0)
                continue;
            if (output == 0)
                bag_add_record(b, balance_type(),
                               &(balance){ k, v / 2, { set != 0, set != 0 ? cents : 0 } }, 1);
            else if (output == 1) /* rounded, so that it does not matter how it was added up */
                bag_add_record(b, weight_type(), &(weight){ k, v / 2, (double)tenths }, 1);
            else
                bag_add_record(b, price_type(), &(price){ k, v / 2, { all } }, 1);
        }
    }
}

static weight to_tenths(const weight *w)
{
    double tenths = w->weight * 10;
    int64_t whole = (int64_t)(tenths + (tenths < 0 ? -0.5 : 0.5));
    return (weight){ w->key, w->day, (double)whole };
}
WEIR_MAP(to_tenths, weight, weight)

static void build_rounded(const weir_stream(fact) *in)
{
    weir_stream(entry) e = weir_map(in[0], to_entry);
    weir_test_output(weir_prefix_sum(e, balance, WEIR_KEY(entry, key), day, cents));
    weir_test_output(weir_map(weir_prefix_sum(e, weight, WEIR_KEY(entry, key), day, weight),
                              to_tenths));
    weir_test_output(weir_prefix_sum(e, price, WEIR_KEY(entry, key), day, price));
}

START_TEST(like_adding_up)
{
    oracle o = { .inputs = 1, .outputs = 3, .depth_max = 3, .build = build_rounded,
                 .expect = expect,
                 .types = { balance_type(), weight_type(), price_type() }, .seeds = 75 };
    oracle_check(&o);
    o.negative = true;
    oracle_check(&o);
    o.build = build;
    o.outputs = 1;
    o.seeds = 3;
    oracle_check(&o);
}
END_TEST

/* ---- what cannot be ---- */

static weir_prefix_sum_spec wrong;

static void build_wrong(weir_graph *g, void *ctx)
{
    static const char *const key[] = { "key", NULL };
    (void)ctx;
    wrong.struct_size = sizeof wrong;
    wrong.key = wrong.key ? wrong.key : key;
    ck_assert_ptr_null(weir_prefix_sum_erased(NULL, &wrong));
    weir_port *made = weir_prefix_sum_erased(weir_test_collection(g, balance).port, &wrong);
    if (made)
        weir__test_output(made);
}

#define WIDE(F) F(u8, a) F(u8, b) F(u8, c) F(u8, d) F(u8, e) F(u8, f) F(u8, g) F(u8, h) F(u8, i)
WEIR_RECORD(wide, WIDE)

static void build_wide(weir_graph *g, void *ctx)
{
    static const char *const key[] = { "a", "b", "c", "d", "e", "f", "g", "h", NULL };
    (void)ctx;
    wrong.key = key;
    ck_assert_ptr_null(weir_prefix_sum_erased(weir_test_input(g, wide).port, &wrong));
}

START_TEST(refusals)
{
    wrong = (weir_prefix_sum_spec){ .out = balance_type(), .by = "week", .field = "cents" };
    oracle_refused(build_wrong, WEIR_TYPE_MISMATCH, "record 'balance' has no field 'week'");
    wrong = (weir_prefix_sum_spec){ .out = balance_type(), .by = "day", .field = "euros" };
    oracle_refused(build_wrong, WEIR_TYPE_MISMATCH, "record 'balance' has no field 'euros'");
    wrong = (weir_prefix_sum_spec){ .out = weight_type(), .by = "day", .field = "cents" };
    oracle_refused(build_wrong, WEIR_TYPE_MISMATCH,
                   "record 'weight' cannot hold prefix sums of 'cents' of 'balance' by this key");
    wrong = (weir_prefix_sum_spec){ .struct_size = sizeof wrong, .out = balance_type(),
                                    .by = "i", .field = "a" };
    oracle_refused(build_wide, WEIR_INVALID, "a key of 8 fields");
}
END_TEST

START_TEST(overflow)
{
    wrong = (weir_prefix_sum_spec){ .out = balance_type(), .by = "day", .field = "cents" };
    weir_test *t = weir_test_create(build_wrong, NULL);
    weir_test_push(t, 0, balance, 0, 1, { 3, 4, { true, INT64_MAX } });
    weir_test_push(t, 0, balance, 0, 1, { 3, 5, { true, 1 } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "counts or sums of the key of (key: 3) leave their range");
    weir_test_destroy(t);
}
END_TEST

/* In a scope, where one is named, and outside. */
static void build_both(weir_graph *g, void *scope)
{
    weir_stream(balance) in = weir_test_collection(g, balance);
    weir_stream(days) d = weir_test_collection(g, days);
    if (scope) {
        weir_scope *s = weir_scope_add(g, NULL, scope);
        in = weir_enter(in, s);
        d = weir_enter(d, s);
    }
    weir_test_output(weir_prefix_sum(in, balance, WEIR_KEY(balance, key), day, cents));
    weir_test_output(weir_prefix_sum(d, summed, WEIR_KEY(days, key), day, day));
    weir_test_output(weir_prefix_sum(d, summed, WEIR_KEY(days, key), day, key));
    weir_test_output(weir_prefix_sum(d, own, WEIR_KEY(days, key), key, key));
}

/* Many more of a value went than came, though it is 0, and no sum leaves its range. */
START_TEST(the_least_count)
{
    for (int scoped = 0; scoped < 2; scoped++) {
        weir_test *t = weir_test_create(build_both, scoped ? "rounds" : NULL, .workers = 1);
        weir_test_push(t, 0, balance, 0, INT64_MIN, { 1, 5, { true, 0 } });
        weir_test_advance(t, 0, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_push(t, 0, balance, 1, 1, { 1, 2, { true, 3 } });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0),
                         scoped ? "(key: 1, day: 2, cents: 3) @(1, 0) +1\n"
                                : "(key: 1, day: 2, cents: 3) @1 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* The field that is summed is the one that orders, or one of the key, or all are one. */
START_TEST(a_field_twice)
{
    for (int scoped = 0; scoped < 2; scoped++) {
        weir_test *t = weir_test_create(build_both, scoped ? "rounds" : NULL, .workers = 1);
        weir_test_push(t, 1, days, 0, 2, { 7, 3 });
        weir_test_push(t, 1, days, 0, 1, { 7, 5 });
        weir_test_advance(t, 1, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_push(t, 1, days, 1, -1, { 7, 3 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        const int64_t wanted[2][3][2] = { { { 6, 11 }, { 14, 21 }, { 21 } },
                                          { { 3, 8 }, { 7, 14 }, { 14 } } };
        for (unsigned output = 1; output < 4; output++)
            for (uint64_t e = 0; e < 2; e++) {
                const weir_type *type = output == 3 ? own_type() : summed_type();
                bag is = { .count = 0 }, expected = { .count = 0 };
                bag_of_output(&is, t, output, type, &(weir_time){ { e, 0 } });
                const int64_t *sums = wanted[e][output - 1];
                if (output == 3)
                    bag_add_record(&expected, type, &(own){ 7, 7, sums[0] }, 1);
                for (uint32_t d = 0; output < 3 && d < 2; d++)
                    bag_add_record(&expected, type, &(summed){ 7, 3 + 2 * d, sums[d] }, 1);
                ck_assert_ptr_null(bag_difference(&is, &expected));
                bag_free(&is);
                bag_free(&expected);
            }
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- a large group ---- */

enum { MANY = 200000, VALUES_OF_A_STEP = 64 << 10 };

static void build_large(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(entry) in = weir_test_collection(g, entry);
    weir_test_output(weir_prefix_sum(in, weight, WEIR_KEY(entry, key), day, weight));
}

/* A change at its beginning goes through all of it twice, and between steps others have their turn,
 * or the run is over; floats of all sizes keep memory of their own meanwhile. */
START_TEST(a_large_group_takes_several_steps)
{
    for (int ends = 0; ends < 2; ends++) {
        weir_test *t = weir_test_create(build_large, NULL, .no_delays = true);
        for (uint32_t i = 1; i <= MANY; i++)
            weir_test_push(t, 0, entry, 0, 1,
                           { .key = 7, .day = i, .weight = i % 2 ? 1 : 1e300 });
        weir_test_advance(t, 0, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        uint64_t before = steps_of(t, "prefix_sum");
        weir_test_push(t, 0, entry, 1, 1, { .key = 7, .day = 0, .weight = 5 });
        weir_test_advance(t, 0, 2);
        while (!ends && steps_of(t, "prefix_sum") < before + 4)
            (void)weir_worker_step(weir_test_worker(t, 0));
        if (ends) {
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            ck_assert_uint_gt(steps_of(t, "prefix_sum") - before, 2 * MANY / VALUES_OF_A_STEP);
            ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
            ck_assert_uint_eq(weir_test_count(t, 0), MANY + 3);
        }
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- sums that fit, on their way ---- */

__extension__ typedef __int128 wide_price;

/* In a scope, where one is named, and outside. */
static void build_prices(weir_graph *g, void *scope)
{
    weir_stream(entry) in = weir_test_collection(g, entry);
    if (scope)
        in = weir_enter(in, weir_scope_add(g, NULL, scope));
    weir_test_output(weir_prefix_sum(in, price, WEIR_KEY(entry, key), day, price));
}

/* Every prefix fits before and after, so it matters neither in which epoch its records came nor in
 * which order those of a day are added up. */
START_TEST(what_fits_does_so_whenever_it_came)
{
    const wide_price half = (wide_price)1 << 126, more = half + half / 2;
    for (uint64_t later = 0; later < 4; later++) {
        weir_test *t = weir_test_create(build_prices, later / 2 ? "rounds" : NULL,
                                        .no_delays = true);
        weir_test_push(t, 0, entry, 0, 1, { .key = 7, .day = 1, .price = { -half } });
        weir_test_push(t, 0, entry, 0, 1, { .key = 7, .day = 2, .price = { more } });
        weir_test_push(t, 0, entry, 0, 1, { .key = 7, .day = 3, .price = { -more } });
        weir_test_push(t, 0, entry, 0, 1, { .key = 7, .day = 4, .price = { -more } });
        weir_test_push(t, 0, entry, 0, 1, { .key = 7, .day = 4, .price = { more } });
        weir_test_advance(t, 0, later % 2);
        weir_test_push(t, 0, entry, later % 2, 1, { .key = 7, .day = 2, .price = { 1 } });
        ck_assert_msg(weir_test_finish(t) == WEIR_OK, "later: %d: %s", (int)later,
                      weir_test_error(t) ? weir_test_error(t)->what : "");
        /* the sums of four days; those of three change later */
        ck_assert_uint_eq(weir_test_count(t, 0), later % 2 ? 4 + 2 * 3 : 4);
        weir_test_destroy(t);
    }
}
END_TEST

/* A decimal has 128 bits, and what leaves them in the end is told. */
START_TEST(a_decimal_that_does_not_fit)
{
    const wide_price half = (wide_price)1 << 126;
    for (int scoped = 0; scoped < 2; scoped++) {
        weir_test *t = weir_test_create(build_prices, scoped ? "rounds" : NULL);
        weir_test_push(t, 0, entry, 0, INT64_MAX, { .key = 7, .day = 1, .price = { half } });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
        ck_assert_ptr_nonnull(strstr(weir_test_error(t)->what,
                                     "counts or sums of the key of (key: 7"));
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_adding_up,  refusals,      overflow,
                                   the_least_count, a_field_twice,
                                   a_large_group_takes_several_steps,
                                   what_fits_does_so_whenever_it_came,
                                   a_decimal_that_does_not_fit, NULL };
    return test_run(test_suite("prefix_sum", tests));
}
