/* SPDX-License-Identifier: Apache-2.0
 *
 * assert_equal, assert_empty: collections that are equal though their changes are not, at every
 * depth; the first difference with its time and record; streams that cannot be compared.
 */
#include <weir/operators/assert_equal.h>

#include <weir/test.h>

#include "oracle.h"

/* The same by another way: each record, and once more what is taken away again. */
static void build(const weir_stream(fact) *in)
{
    weir_stream(fact) twice = weir_concat(in[0], in[0]);
    weir_assert_equal(in[0], weir_concat(twice, weir_negate(in[0])));
    weir_assert_empty(weir_concat(in[0], weir_negate(weir_consolidate(in[0]))));
    weir_test_output(in[0]);
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    (void)output;
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t v = 0; v < VALUES; v++)
            bag_add_record(b, fact_type(), &(fact){ k, v }, sums[0].of[k][v]);
}

START_TEST(equal_ones)
{
    oracle_check(&(oracle){ .inputs = 1, .outputs = 1, .depth_max = 3, .negative = true,
                            .types = { fact_type() }, .build = build, .expect = expect,
                            .seeds = 20 });
}
END_TEST

static void build_two(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(fact) a = weir_test_collection(g, fact);
    weir_assert_equal(a, weir_test_input(g, fact));
}

static void build_one(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(fact) a = weir_test_collection(g, fact);
    weir_assert_empty_erased(a.port, "nothing here");
}

static uint64_t round_of(const fact *f) { return f->value; }
WEIR_ENTER_AT(round_of, fact)

static void build_in_scope(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(fact) a = weir_test_collection(g, fact);
    weir_assert_empty(weir_enter_at(a, weir_scope_add(g, NULL, "rounds"), round_of));
}

START_TEST(differences)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_two, NULL, .workers = workers);
        weir_test_push(t, 0, fact, 1, 1, { 1, 2 });
        weir_test_push(t, 1, fact, 1, 1, { 1, 2 });
        weir_test_push(t, 0, fact, 2, 2, { 3, 4 }); /* the second one has it only once */
        weir_test_push(t, 1, fact, 2, 1, { 3, 4 });
        weir_test_push(t, 0, fact, 3, -1, { 3, 4 });
        weir_test_advance(t, 0, 3);
        weir_test_advance(t, 1, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK); /* may still be equal */
        ck_assert_int_eq(weir_test_finish(t), WEIR_FAILED);
        ck_assert_str_eq(weir_test_error(t)->what,
                         "at time 2 the collections differ: (key: 3, value: 4) is in the first one "
                         "1 time more than in the second");
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(more_in_the_second)
{
    weir_test *t = weir_test_create(build_two, NULL);
    weir_test_push(t, 0, fact, 1, -1, { 1, 2 });
    weir_test_push(t, 1, fact, 1, 1, { 1, 2 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_FAILED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "at time 1 the collections differ: (key: 1, value: 2) is in the second one 2 "
                     "times more than in the first");
    weir_test_destroy(t);
}
END_TEST

START_TEST(something)
{
    weir_test *t = weir_test_create(build_one, NULL);
    weir_test_push(t, 0, fact, 5, 1, { 1, 2 });
    weir_test_push(t, 0, fact, 5, -1, { 1, 2 });
    weir_test_push(t, 0, fact, 7, -3, { 1, 2 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_FAILED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "at time 7 (key: 1, value: 2) has gone 3 times more than it came, and nothing "
                     "may be there");
    weir_test_destroy(t);
    t = weir_test_create(build_in_scope, NULL);
    weir_test_push(t, 0, fact, 5, 1, { 1, 2 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_FAILED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "at time (5, 2) (key: 1, value: 2) is there 1 time, and nothing may be");
    weir_test_destroy(t);
}
END_TEST

static void build_wrong(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(fact) a = weir_test_collection(g, fact);
    weir_assert_equal_erased(NULL, a.port, NULL);
    weir_assert_empty_erased(NULL, NULL);
    ck_assert(!weir_graph_failed(g));
    weir_assert_equal(a, weir_enter(a, weir_scope_add(g, NULL, "rounds")));
}

START_TEST(refusals)
{
    oracle_refused(build_wrong, WEIR_TYPE_MISMATCH,
                   "concat of 'fact' and 'fact': their records or scopes differ");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { equal_ones, differences, more_in_the_second,
                                   something, refusals, NULL };
    return test_run(test_suite("assert_equal", tests));
}
