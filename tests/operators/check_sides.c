/* SPDX-License-Identifier: Apache-2.0
 *
 * semijoin, antijoin and the full outer join against looking for keys from scratch, at every time:
 * depth 1 to 3, several workers, counts below 0. What they do by hand is in their own tests.
 */
#include <weir/operators/outer_join.h>
#include <weir/operators/semijoin.h>
#include <weir/test.h>

#include "oracle.h"

#define BOTH(F) F(u32, key) F(opt_u32, left) F(opt_u32, right)
WEIR_RECORD(both, BOTH)

static void put_together(const fact *a, const fact *b, weir_out(both) out)
{
    both_emit(out, (both){ a ? a->key : b->key, { a != NULL, a ? a->value : 0 },
                           { b != NULL, b ? b->value : 0 } });
}
WEIR_OUTER_JOIN(put_together, fact, fact, both)

static void build(const weir_stream(fact) *in)
{
    weir_test_output(weir_semijoin(in[0], WEIR_KEY(fact, key), in[1], WEIR_KEY(fact, key)));
    weir_test_output(weir_antijoin(in[0], WEIR_KEY(fact, key), in[1], WEIR_KEY(fact, key)));
    weir_test_output(weir_full_join(in[0], WEIR_KEY(fact, key), in[1], WEIR_KEY(fact, key),
                                    put_together));
}

static bool has(const oracle_sums *sums, uint32_t key)
{
    int64_t count = 0;
    for (uint32_t v = 0; v < VALUES; v++)
        count += sums->of[key][v];
    return count > 0;
}

static void expect_both(bag *b, const oracle_sums *sums, uint32_t k, uint32_t v)
{
    int64_t left = sums[0].of[k][v], right = sums[1].of[k][v];
    for (uint32_t other = 0; other < VALUES; other++)
        bag_add_record(b, both_type(), &(both){ k, { true, v }, { true, other } },
                       left * sums[1].of[k][other]);
    if (!has(&sums[1], k))
        bag_add_record(b, both_type(), &(both){ .key = k, .left = { true, v } }, left);
    if (!has(&sums[0], k))
        bag_add_record(b, both_type(), &(both){ .key = k, .right = { true, v } }, right);
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t v = 0; v < VALUES; v++)
            if (output == 2)
                expect_both(b, sums, k, v);
            else if (has(&sums[1], k) == (output == 0))
                bag_add_record(b, fact_type(), &(fact){ k, v }, sums[0].of[k][v]);
}

START_TEST(like_looking_for_keys)
{
    oracle o = { .inputs = 2, .outputs = 3, .depth_max = 3, .build = build, .expect = expect,
                 .types = { fact_type(), fact_type(), both_type() }, .seeds = 45 };
    oracle_check(&o);
    o.negative = true;
    oracle_check(&o);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_looking_for_keys, NULL };
    return test_run(test_suite("sides", tests));
}
