/* SPDX-License-Identifier: Apache-2.0
 *
 * distinct and threshold in scopes of any depth, of records of few fields and of more than a key
 * has, against counts from scratch at every time.
 */
#include <weir/operators/threshold.h>

#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define NINE(F)                                                                                    \
    F(u8, a) F(str, b) F(u8, c) F(u8, d) F(opt_u8, e) F(u8, f) F(u8, g) F(u8, h) F(u32, i)         \
    F(str, j)
WEIR_RECORD(nine, NINE)

/* Records of one key differ behind the eighth field. */
static nine to_nine(const fact *f)
{
    static const char *const texts[] = { "", "a text of over twelve bytes" };
    return (nine){ .a = (uint8_t)f->key, .b = weir_str_of(texts[f->key % 2]),
                   .i = f->value / 2, .j = weir_str_of(texts[f->value % 2]) };
}
WEIR_MAP(to_nine, fact, nine)

static int64_t odd(uint32_t value, int64_t count) { return count % 3 - (value % 2 ? 1 : 0); }
static int64_t odd_fact(const fact *f, int64_t count) { return odd(f->value, count); }
WEIR_THRESHOLD(odd_fact, fact)
static int64_t odd_nine(const nine *n, int64_t count)
{
    return odd(2 * n->i + (n->j.len > 0), count);
}
WEIR_THRESHOLD(odd_nine, nine)

static void build(const weir_stream(fact) *in)
{
    weir_stream(nine) wide = weir_map(in[0], to_nine);
    ck_assert_uint_eq(weir_port_unique_key(weir_distinct(wide).port)->count, 0);
    ck_assert_uint_eq(weir_port_unique_key(weir_distinct(in[0]).port)->count, 2);
    weir_test_output(weir_distinct(in[0]));
    weir_test_output(weir_threshold(in[0], odd_fact));
    weir_test_output(weir_distinct(wide));
    weir_test_output(weir_threshold(wide, odd_nine));
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t v = 0; v < VALUES; v++) {
            int64_t is = sums[0].of[k][v];
            int64_t wanted = output % 2 == 0 ? is > 0 : is == 0 ? 0 : odd(v, is);
            fact f = { k, v };
            nine n = to_nine(&f);
            if (output < 2)
                bag_add_record(b, fact_type(), &f, wanted);
            else
                bag_add_record(b, nine_type(), &n, wanted);
        }
}

START_TEST(like_counts)
{
    oracle o = { .inputs = 1, .outputs = 4, .depth_max = 3, .build = build, .expect = expect,
                 .types = { fact_type(), fact_type(), nine_type(), nine_type() }, .seeds = 60 };
    oracle_check(&o);
    o.negative = true;
    oracle_check(&o);
}
END_TEST

int main(void)
{
    return test_run(test_suite("threshold_scope", (const TTest *const[]){ like_counts, NULL }));
}
