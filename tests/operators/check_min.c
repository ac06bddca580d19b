/* SPDX-License-Identifier: Apache-2.0
 *
 * min, max: against looking at all values from scratch at every time; texts, floats, null values,
 * keys of several fields; refusals.
 */
#include <weir/operators/min.h>

#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define MEASURE(F) F(opt_i64, value) F(str, name) F(u32, key) F(f64, number)
#define EXTREME(F) F(u32, key) F(opt_i64, value)
#define NAMED(F) F(u32, key) F(str, name)
#define NUMBER(F) F(str, name) F(u32, key) F(f64, number)
WEIR_RECORD(measure, MEASURE)
WEIR_RECORD(extreme, EXTREME)
WEIR_RECORD(named, NAMED)
WEIR_RECORD(number, NUMBER)

static const char *const names[] = { "b", "a name of many letters", "a name of many", "c", "",
                                     "bb", "z" };
static const double numbers[] = { 1.5, -3, 0, 1e300, -1e-300, 7, 2 };

/* Value 0 is null. */
static measure to_measure(const fact *f)
{
    return (measure){ { f->value > 0, (int64_t)f->value - 3 }, weir_str_of(names[f->value]), f->key,
                      numbers[f->value] };
}
WEIR_MAP(to_measure, fact, measure)

static void build(const weir_stream(fact) *in)
{
    weir_stream(measure) m = weir_map(in[0], to_measure);
    weir_stream(extreme) least = weir_min(m, extreme, WEIR_KEY(measure, key), value);
    ck_assert_uint_eq(weir_port_unique_key(least.port)->count, 1);
    weir_test_output(least);
    weir_test_output(weir_max(m, extreme, WEIR_KEY(measure, key), value));
    weir_test_output(weir_min(m, named, WEIR_KEY(measure, key), name));
    weir_test_output(weir_max(m, number, WEIR_KEY(measure, name, key), number));
}

static void expect_values(unsigned output, bag *b, const oracle_sums *sums, uint32_t k)
{
    extreme e = { k, { .set = false } };
    bool any = false;
    for (uint32_t n = 0; n < VALUES; n++) {
        uint32_t v = output == 0 ? VALUES - n - 1 : n; /* the last one that is there */
        if (sums[0].of[k][v] <= 0)
            continue;
        any = true;
        if (v > 0)
            e.value = (weir_opt_i64){ true, (int64_t)v - 3 };
    }
    bag_add_record(b, extreme_type(), &e, any);
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    static const uint32_t by_name[] = { 4, 2, 1, 0, 5, 3, 6 };
    for (uint32_t k = 0; k < KEYS; k++) {
        if (output < 2)
            expect_values(output, b, sums, k);
        for (uint32_t n = 0; n < VALUES && output == 2; n++)
            if (sums[0].of[k][by_name[n]] > 0) {
                bag_add_record(b, named_type(), &(named){ k, weir_str_of(names[by_name[n]]) }, 1);
                break;
            }
        for (uint32_t v = 0; v < VALUES && output == 3; v++)
            bag_add_record(b, number_type(), &(number){ weir_str_of(names[v]), k, numbers[v] },
                           sums[0].of[k][v] > 0);
    }
}

START_TEST(like_looking_at_all)
{
    oracle o = { .inputs = 1, .outputs = 4, .depth_max = 3, .build = build, .expect = expect,
                 .types = { extreme_type(), extreme_type(), named_type(), number_type() },
                 .seeds = 45 };
    oracle_check(&o);
    o.negative = true;
    oracle_check(&o);
}
END_TEST

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_min(weir_test_input(g, measure), extreme, WEIR_KEY(measure, key), value));
}

START_TEST(of_a_plain_stream)
{
    weir_test *t = weir_test_create(build_plain, NULL, .workers = 2);
    weir_test_push(t, 0, measure, 0, 1, { .key = 1, .value = { true, 3 } });
    weir_test_push(t, 0, measure, 1, 1, { .key = 1, .value = { true, 4 } });
    weir_test_push(t, 0, measure, 2, 1, { .key = 1, .value = { true, 2 } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(key: 1, value: 3) @0 +1\n"
                                           "(key: 1, value: 2) @2 +1\n"
                                           "(key: 1, value: 3) @2 -1\n");
    weir_test_destroy(t);
}
END_TEST

static void refuse_name(weir_graph *g, void *ctx)
{
    const char *const key[] = { "key", NULL };
    (void)ctx;
    ck_assert_ptr_null(weir__min(NULL, extreme_type(), key, "value"));
    ck_assert_ptr_null(weir__min(weir_test_input(g, measure).port, extreme_type(), key, "size"));
}

static void refuse_field(weir_graph *g, void *ctx)
{
    weir_key key = { .count = 1, .field = { 2 } };
    (void)ctx;
    ck_assert_ptr_null(weir_max_erased(NULL, &key, 0, extreme_type()));
    ck_assert_ptr_null(weir_max_erased(weir_test_input(g, measure).port, &key, 4, extreme_type()));
}

static void refuse_result(weir_graph *g, void *ctx)
{
    weir_key key = { .count = 1, .field = { 2 } };
    (void)ctx;
    ck_assert_ptr_null(weir_min_erased(weir_test_input(g, measure).port, &key, 1, extreme_type()));
}

START_TEST(refusals)
{
    oracle_refused(refuse_name, WEIR_TYPE_MISMATCH, "record 'measure' has no field 'size'");
    oracle_refused(refuse_field, WEIR_TYPE_MISMATCH,
                   "the key or the field is none of the stream's records 'measure'");
    oracle_refused(refuse_result, WEIR_TYPE_MISMATCH,
                   "record 'extreme' cannot hold the min of 'name' of 'measure' by this key");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_looking_at_all, of_a_plain_stream, refusals, NULL };
    return test_run(test_suite("min", tests));
}
