/* SPDX-License-Identifier: Apache-2.0
 *
 * map: types, strings, diffs and times; in place and not; what a graph refuses.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ORDER(F) F(str, customer) F(i64, cents)
#define SALE(F) F(i64, cents) F(str, customer) F(flag, large)
#define CENTS(F) F(i64, cents)
WEIR_RECORD(order, ORDER)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(cents, CENTS)

static sale to_sale(const order *o)
{
    return (sale){ o->cents, o->customer, o->cents > 100 };
}
WEIR_MAP(to_sale, order, sale)

static cents to_cents(const sale *s) { return (cents){ s->cents }; }
WEIR_MAP(to_cents, sale, cents)
static cents next(const cents *c) { return (cents){ c->cents + 1 }; }
WEIR_MAP(next, cents, cents)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(order) orders = weir_test_collection(g, order);
    weir_stream(sale) sales = weir_map(orders, to_sale);
    weir_test_output(sales);
    /* the same stream used three times: none of them may see another's records */
    weir_stream(cents) c = weir_map(sales, to_cents);
    weir_test_output(weir_map(weir_map(c, next), next));
    weir_test_output(weir_map(c, next));
    weir_test_output(c);
}

START_TEST(maps_records)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        weir_test_push(t, 0, order, 1, +2, { weir_str_of("a customer with a long name"), 5 });
        weir_test_push(t, 0, order, 2, -1, { weir_str_of("b"), 500 });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0),
                         "(cents: 5, customer: \"a customer with a long name\", large: false)"
                         " @1 +2\n"
                         "(cents: 500, customer: \"b\", large: true) @2 -1\n");
        ck_assert_str_eq(weir_test_take(t, 1), "(cents: 7) @1 +2\n(cents: 502) @2 -1\n");
        ck_assert_str_eq(weir_test_take(t, 2), "(cents: 6) @1 +2\n(cents: 501) @2 -1\n");
        ck_assert_str_eq(weir_test_take(t, 3), "(cents: 5) @1 +2\n(cents: 500) @2 -1\n");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

/* A chain of a hundred over more records than one batch holds. */
static void build_chain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(cents) c = weir_test_input(g, cents);
    for (int i = 0; i < 100; i++)
        c = weir_map(c, next);
    weir_test_output(c);
}

START_TEST(long_chains)
{
    weir_test *t = weir_test_create(build_chain, NULL, .workers = 2);
    for (int64_t i = 0; i < 5000; i++)
        weir_test_push(t, 0, cents, 0, +1, { i });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 5000);
    for (size_t i = 0; i < 5000; i++)
        ck_assert_int_eq(((const cents *)weir_test_at(t, 0, i).record)->cents, (int64_t)i + 100);
    weir_test_destroy(t);
}
END_TEST

static void build_wrong(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(order) orders = weir_test_input(g, order);
    ck_assert_ptr_null(weir__map(orders.port, cents_type(), cents_type(), NULL, "next"));
    ck_assert_ptr_null(weir__map(orders.port, cents_type(), cents_type(),
                                 weir_map_kernel_next, "next"));
    ck_assert_ptr_null(weir__map(NULL, cents_type(), cents_type(), weir_map_kernel_next, "next"));
}

static void build_wrong_type(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir__map(weir_test_input(g, order).port, cents_type(), cents_type(), weir_map_kernel_next,
              "next");
}

START_TEST(refuses_other_records)
{
    weir_test *t = weir_test_create(build_wrong, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_INVALID);
    ck_assert_str_eq(weir_test_error(t)->what, "a stage with 0 functions");
    weir_test_destroy(t);
    t = weir_test_create(build_wrong_type, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "the stream carries 'order', the function takes 'cents'");
    ck_assert_str_eq(weir_test_error(t)->detail, "in operator 'next'");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("map", (const TTest *const[]){
        maps_records, long_chains, refuses_other_records, NULL }));
}
