/* SPDX-License-Identifier: Apache-2.0
 *
 * quantile, median: against sorting from scratch at every time; all kinds, null values, many values
 * of a key; refusals.
 */
#include <weir/operators/quantile.h>

#include <math.h>
#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define MEASURE(F) F(opt_i32, value) F(u32, key) F(f32, number) F(decimal(2), price) F(instant, at)
#define VALUE_OF(F) F(u32, key) F(opt_i32, low) F(opt_i32, middle) F(opt_i32, high)
#define NUMBER_OF(F) F(u32, key) F(f32, number)
#define MEDIAN_OF(F) F(u32, key) F(f64, price)
#define INSTANT_OF(F) F(u32, key) F(instant, at)
WEIR_RECORD(measure, MEASURE)
WEIR_RECORD(value_of, VALUE_OF)
WEIR_RECORD(number_of, NUMBER_OF)
WEIR_RECORD(median_of, MEDIAN_OF)
WEIR_RECORD(instant_of, INSTANT_OF)

/* Ascending, as the values of facts are; value 0 is null. */
static const float numbers[] = { -INFINITY, -3.5F, -0.25F, 0, 1e-40F, 7, NAN };
static const int prices[] = { -1000, -150, -1, 0, 1, 2, 5000 };

static measure to_measure(const fact *f)
{
    return (measure){ { f->value > 0, (int32_t)f->value - 3 }, f->key, numbers[f->value],
                      { prices[f->value] }, { (int64_t)f->value * 1000 } };
}
WEIR_MAP(to_measure, fact, measure)

static void build(const weir_stream(fact) *in)
{
    weir_stream(measure) m = weir_map(in[0], to_measure);
    weir_stream(value_of) values = weir_quantile(m, value_of, WEIR_KEY(measure, key), value, 0,
                                                 0.5, 1);
    ck_assert_uint_eq(weir_port_unique_key(values.port)->count, 1);
    weir_test_output(values);
    weir_test_output(weir_quantile(m, number_of, WEIR_KEY(measure, key), number, 0.8));
    weir_test_output(weir_median(m, median_of, WEIR_KEY(measure, key), price));
    weir_test_output(weir_quantile(m, instant_of, WEIR_KEY(measure, key), at, 0.25));
}

/* The value at a rank from 1 on, of those from `first` on. */
static uint32_t at_rank(const int64_t *counts, uint32_t first, int64_t rank)
{
    uint32_t v = first;
    for (;; v++) {
        int64_t there = counts[v] > 0 ? counts[v] : 0;
        if (rank <= there)
            return v;
        rank -= there;
    }
}

static int64_t rank_of(int64_t total, int64_t hundredths)
{
    int64_t rank = (total * hundredths + 99) / 100;
    return rank < 1 ? 1 : rank;
}

static weir_opt_i32 optional(uint32_t v) { return (weir_opt_i32){ true, (int32_t)v - 3 }; }

static void expect_key(unsigned output, bag *b, const int64_t *counts, uint32_t k)
{
    int64_t all = 0, set = 0;
    for (uint32_t v = 0; v < VALUES; v++) {
        all += counts[v] > 0 ? counts[v] : 0;
        set += v > 0 && counts[v] > 0 ? counts[v] : 0;
    }
    if (all == 0)
        return;
    value_of values = { .key = k };
    if (set > 0) {
        values.low = optional(at_rank(counts, 1, 1));
        values.middle = optional(at_rank(counts, 1, rank_of(set, 50)));
        values.high = optional(at_rank(counts, 1, set));
    }
    double middle = (double)(prices[at_rank(counts, 0, (all + 1) / 2)] +
                             prices[at_rank(counts, 0, all / 2 + 1)]) / 2 / 100;
    if (output == 0)
        bag_add_record(b, value_of_type(), &values, 1);
    else if (output == 1)
        bag_add_record(b, number_of_type(),
                       &(number_of){ k, numbers[at_rank(counts, 0, rank_of(all, 80))] }, 1);
    else if (output == 2)
        bag_add_record(b, median_of_type(), &(median_of){ k, middle }, 1);
    else
        bag_add_record(b, instant_of_type(),
                       &(instant_of){ k, { at_rank(counts, 0, rank_of(all, 25)) * 1000 } }, 1);
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    for (uint32_t k = 0; k < KEYS; k++)
        expect_key(output, b, sums[0].of[k], k);
}

START_TEST(like_sorting)
{
    oracle o = { .inputs = 1, .outputs = 4, .depth_max = 3, .build = build, .expect = expect,
                 .types = { value_of_type(), number_of_type(), median_of_type(),
                            instant_of_type() },
                 .seeds = 45 };
    oracle_check(&o);
    o.negative = true;
    oracle_check(&o);
}
END_TEST

#define MIDDLE(F) F(u8, key) F(u64, low) F(u64, high)
#define VALUE(F) F(u64, value) F(u8, key)
WEIR_RECORD(middle, MIDDLE)
WEIR_RECORD(value, VALUE)

static void build_many(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_quantile(weir_test_collection(g, value), middle, WEIR_KEY(value, key),
                                   value, 0.5, 0.999));
}

/* One key of many values: half of them go, in the order in which they are least. */
START_TEST(many_values)
{
    enum { MANY = 50000 };
    weir_test *t = weir_test_create(build_many, NULL, .no_delays = true);
    for (uint64_t i = 0; i < MANY; i++)
        weir_test_push(t, 0, value, 0, 1, { i * 7919 % MANY, 1 });
    for (uint64_t i = 0; i < MANY / 2; i++)
        weir_test_push(t, 0, value, 1, -1, { i, 1 });
    weir_test_push(t, 0, value, 2, MANY, { UINT64_MAX, 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0),
                     "(key: 1, low: 24999, high: 49949) @0 +1\n"
                     "(key: 1, low: 24999, high: 49949) @1 -1\n"
                     "(key: 1, low: 37499, high: 49974) @1 +1\n"
                     "(key: 1, low: 37499, high: 49974) @2 -1\n"
                     "(key: 1, low: 18446744073709551615, high: 18446744073709551615) @2 +1\n");
    weir_test_destroy(t);
}
END_TEST

static void build_hundred(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_quantile(weir_test_collection(g, value), middle, WEIR_KEY(value, key),
                                   value, 0.55, 0.07));
}

/* 0.55 times 100 is more than 55 in binary. */
START_TEST(whole_ranks)
{
    weir_test *t = weir_test_create(build_hundred, NULL, .no_delays = true);
    for (uint64_t i = 1; i <= 100; i++)
        weir_test_push(t, 0, value, 0, 1, { i, 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(key: 1, low: 55, high: 7) @0 +1\n");
    weir_test_destroy(t);
}
END_TEST

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build_many, NULL);
    weir_test_push(t, 0, value, 0, INT64_MAX - 1, { 1, 1 });
    weir_test_push(t, 0, value, 0, -3, { 2, 1 });
    weir_test_push(t, 0, value, 0, 2, { 1, 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "how often a value is there for (key: 1) leaves the range of 64 bits");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

#define TEXT(F) F(u8, key) F(str, text) F(date, day)
WEIR_RECORD(text, TEXT)

static weir_quantile_spec wrong;

static void refuse(weir_graph *g, void *ctx)
{
    static const char *const key[] = { "key", NULL };
    (void)ctx;
    wrong.struct_size = sizeof wrong;
    wrong.key = key;
    ck_assert_ptr_null(weir_quantile_erased(NULL, &wrong));
    ck_assert_ptr_null(weir_quantile_erased(weir_test_input(g, text).port, &wrong));
}

START_TEST(refusals)
{
    static const double half = 0.5, more = 1.5;
    wrong = (weir_quantile_spec){ .out = middle_type(), .field = "colour" };
    oracle_refused(refuse, WEIR_TYPE_MISMATCH, "record 'text' has no field 'colour'");
    wrong = (weir_quantile_spec){ .out = middle_type(), .field = "text", .count = 1,
                                  .fractions = &half };
    oracle_refused(refuse, WEIR_TYPE_MISMATCH, "field 'text' of record 'text' is no number");
    wrong = (weir_quantile_spec){ .out = middle_type(), .field = "day" };
    oracle_refused(refuse, WEIR_TYPE_MISMATCH, "field 'day' of record 'text' is no number");
    wrong = (weir_quantile_spec){ .out = middle_type(), .field = "day", .count = 1,
                                  .fractions = &more };
    oracle_refused(refuse, WEIR_INVALID, "a quantile of no fraction of the records");
    wrong.fractions = &half;
    oracle_refused(refuse, WEIR_TYPE_MISMATCH,
                   "record 'middle' cannot hold the quantile of 'day' of 'text' by this key");
    wrong = (weir_quantile_spec){ .out = middle_type(), .field = "key" };
    oracle_refused(refuse, WEIR_TYPE_MISMATCH,
                   "record 'middle' cannot hold the median of 'key' of 'text' by this key");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_sorting, many_values, whole_ranks,
                                   overflow,     refusals,    NULL };
    return test_run(test_suite("quantile", tests));
}
