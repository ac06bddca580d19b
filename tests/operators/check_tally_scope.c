/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums, averages and accumulations at every depth of time against adding up from scratch: floats,
 * null values, states and results with long strings, results that do not begin with the key; values
 * that are of the key.
 */
#include "tally.h"

#include <stdio.h>
#include <weir/operators/accumulate.h>
#include <weir/operators/count_distinct.h>
#include <weir/operators/min.h>
#include <weir/operators/quantile.h>
#include <weir/operators/sum.h>

#include "oracle.h"

#define SALE(F) F(opt_i32, points) F(f64, weight) F(u32, key) F(str, who)
#define TOTAL(F) F(u32, key) F(f64, weight)
#define POINTS(F) F(u32, key) F(opt_i64, points)
#define MEAN(F) F(u32, key) F(opt_f64, points)
#define STATE(F) F(i64, n) F(i64, points) F(str, who)
#define REPORT(F) F(str, text) F(i64, n) F(u32, key)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(total, TOTAL)
WEIR_RECORD(points, POINTS)
WEIR_RECORD(mean, MEAN)
WEIR_RECORD(state, STATE)
WEIR_RECORD(report, REPORT)

static const double weights[VALUES] = { 0.125, 1e16, -1e16, 3, -0.25, 0x1p600, -0x1p600 };
static const char *const people[] = { "ann", "somebody of a long name" };

static sale to_sale(const fact *f)
{
    return (sale){ { f->value > 0, f->value > 0 ? (int32_t)f->value - 3 : 0 }, weights[f->value],
                   f->key, weir_str_of(people[f->key % 2]) };
}
WEIR_MAP(to_sale, fact, sale)

static void change(const sale *s, int64_t n, state *to)
{
    to->n += n;
    to->points += n * (s->points.set ? s->points.value : 0);
    to->who = s->who; /* the same for all of a key */
}
static report result(const sale *key, const state *s)
{
    ck_assert_uint_eq(key->who.len, 0);
    return (report){ s->who, s->points, key->key };
}
WEIR_ACCUMULATE(change, result, sale, state, report)

static void build(const weir_stream(fact) *in)
{
    weir_stream(sale) s = weir_map(in[0], to_sale);
    weir_stream(total) sums = weir_sum(s, total, WEIR_KEY(sale, key), weight);
    ck_assert_uint_eq(weir_port_unique_key(sums.port)->count, 1);
    weir_test_output(sums);
    weir_test_output(weir_sum(s, points, WEIR_KEY(sale, key), points));
    weir_test_output(weir_average(s, mean, WEIR_KEY(sale, key), points));
    weir_test_output(weir_accumulate(s, WEIR_KEY(sale, key), change));
}

static void expect_key(unsigned output, bag *b, const int64_t *counts, uint32_t k)
{
    int64_t n = 0, with = 0, sum = 0;
    long double weight = 0;
    for (uint32_t v = 0; v < VALUES; v++) {
        n += counts[v];
        with += v > 0 ? counts[v] : 0;
        sum += v > 0 ? counts[v] * ((int64_t)v - 3) : 0;
    }
    if (n == 0)
        return;
    weight += (long double)(counts[5] - counts[6]) * 0x1p600L;
    if (counts[5] == counts[6]) {
        weight = (long double)(counts[1] - counts[2]) * 1e16L;
        weight += (long double)counts[0] * 0.125L + (long double)counts[3] * 3 -
                  (long double)counts[4] * 0.25L;
    }
    if (output == 0)
        bag_add_record(b, total_type(), &(total){ k, (double)weight }, 1);
    else if (output == 1)
        bag_add_record(b, points_type(), &(points){ k, { with != 0, with ? sum : 0 } }, 1);
    else if (output == 2)
        bag_add_record(b, mean_type(),
                       &(mean){ k, { with != 0, with ? (double)sum / (double)with : 0 } }, 1);
    else
        bag_add_record(b, report_type(), &(report){ weir_str_of(people[k % 2]), sum, k }, 1);
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    for (uint32_t k = 0; k < KEYS; k++)
        expect_key(output, b, sums[0].of[k], k);
}

START_TEST(like_adding_up)
{
    oracle o = { .inputs = 1, .outputs = 4, .depth_max = 3, .build = build, .expect = expect,
                 .types = { total_type(), points_type(), mean_type(), report_type() },
                 .seeds = 45 };
    oracle_check(&o);
    o.negative = true;
    o.outputs = 3; /* an accumulation forgets the state of a key that has as many less as more */
    oracle_check(&o);
}
END_TEST

/* ---- what does not fit ---- */

#define AMOUNT(F) F(u32, key) F(i64, cents)
WEIR_RECORD(amount, AMOUNT)

static void build_amounts(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(amount) in = weir_enter(weir_test_input(g, amount), weir_scope_add(g, NULL, "s"));
    weir_test_output(weir_sum(in, amount, WEIR_KEY(amount, key), cents));
}

static void build_collected_amounts(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(amount) in = weir_test_collection(g, amount);
    in = weir_enter(in, weir_scope_add(g, NULL, "s"));
    weir_test_output(weir_sum(in, amount, WEIR_KEY(amount, key), cents));
}

/* Values are read in their order: how many records there are leaves 64 bits by the second one, and
 * the sum does by the first. */
START_TEST(back_in_its_range)
{
    const int64_t third = 6148914691236517206; /* of 2^64 + 2 */
    weir_test *t = weir_test_create(build_collected_amounts, NULL);
    weir_test_push(t, 0, amount, 0, INT64_MAX, { 7, third - 2 });
    weir_test_push(t, 0, amount, 0, 2, { 7, third - 1 });
    weir_test_push(t, 0, amount, 0, -INT64_MAX + 1, { 7, third });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(key: 7, cents: 2) @(0, 0) +1\n");
    weir_test_destroy(t);
}
END_TEST

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build_amounts, NULL);
    weir_test_push(t, 0, amount, 0, 1, { 7, INT64_MAX });
    weir_test_push(t, 0, amount, 0, 1, { 7, 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "counts or sums of the key of (key: 7, cents: 0) leave their range");
    weir_test_destroy(t);
}
END_TEST

/* ---- a field of the key ---- */

#define VALUE(F) F(u32, key) F(i64, value) F(u32, other)
#define SUM_OF(F) F(u32, key) F(i64, value) F(i64, sum)
#define MEAN_OF(F) F(u32, key) F(i64, value) F(f64, mean)
#define DIFFERENT(F) F(u32, key) F(i64, value) F(i64, count)
WEIR_RECORD(value, VALUE)
WEIR_RECORD(sum_of, SUM_OF)
WEIR_RECORD(mean_of, MEAN_OF)
WEIR_RECORD(different, DIFFERENT)

static void build_of_key(weir_graph *g, void *scope)
{
    weir_stream(value) in = weir_test_collection(g, value);
    if (scope)
        in = weir_enter(in, weir_scope_add(g, NULL, scope));
    weir_test_output(weir_sum(in, sum_of, WEIR_KEY(value, key, value), value));
    weir_test_output(weir_average(in, mean_of, WEIR_KEY(value, key, value), value));
    weir_test_output(weir_max(in, sum_of, WEIR_KEY(value, key, value), value));
    weir_test_output(weir_median(in, mean_of, WEIR_KEY(value, key, value), value));
    weir_test_output(weir_count_distinct(in, different, WEIR_KEY(value, key, value), value));
}

START_TEST(of_the_key)
{
    for (int scoped = 0; scoped < 2; scoped++) {
        weir_test *t = weir_test_create(build_of_key, scoped ? "rounds" : NULL, .workers = 1);
        ck_assert_msg(t && !weir_test_error(t)->status, "%s", weir_test_error(t)->what);
        weir_test_push(t, 0, value, 0, 2, { 7, 11, 1 });
        weir_test_push(t, 0, value, 0, 1, { 7, 11, 2 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        static const char *const wanted[] = { "(key: 7, value: 11, sum: 33)",
                                              "(key: 7, value: 11, mean: 11)",
                                              "(key: 7, value: 11, sum: 11)",
                                              "(key: 7, value: 11, mean: 11)",
                                              "(key: 7, value: 11, count: 1)" };
        for (unsigned output = 0; output < 5; output++) {
            char line[100];
            snprintf(line, sizeof line, "%s @%s +1\n", wanted[output], scoped ? "(0, 0)" : "0");
            ck_assert_str_eq(weir_test_take(t, output), line);
        }
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_adding_up, overflow, back_in_its_range, of_the_key, NULL };
    return test_run(test_suite("tally_scope", tests));
}
