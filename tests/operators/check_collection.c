/* SPDX-License-Identifier: Apache-2.0
 *
 * as_collection and negate: signs, keys, and what cannot be negated.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id)
WEIR_RECORD(item, ITEM)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) plain = weir_test_input(g, item);
    weir_stream(item) changes = weir_as_collection(plain);
    ck_assert(!weir_port_is_collection(plain.port));
    ck_assert(weir_port_is_collection(changes.port));
    ck_assert(weir_port_is_collection(weir_as_collection(changes).port));
    changes.port = weir_port_with_key(changes.port, &(weir_key){ .count = 1, .field = { 0 } });
    weir_stream(item) negated = weir_negate(changes);
    ck_assert_uint_eq(weir_port_unique_key(negated.port)->count, 1);
    weir_test_output(negated);
    weir_test_output(weir_concat(changes, negated));
    weir_test_output(weir_negate(weir_test_collection(g, item)));
    weir_test_output(plain);
    ck_assert_ptr_null(weir_port_as_collection(NULL));
    ck_assert_ptr_null(weir__negate(NULL));
}

START_TEST(turns_signs)
{
    weir_test *t = weir_test_create(build, NULL, .workers = 2);
    weir_test_push(t, 0, item, 1, +1, { 5 });
    weir_test_push(t, 0, item, 2, +1, { 6 });
    weir_test_push(t, 1, item, 2, -3, { 7 });
    weir_test_push(t, 1, item, 2, +4, { 8 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(id: 5) @1 -1\n(id: 6) @2 -1\n");
    ck_assert_uint_eq(weir_test_count(t, 1), 4);
    ck_assert_str_eq(weir_test_take_sums(t, 1), "");
    ck_assert_str_eq(weir_test_take(t, 2), "(id: 7) @2 +3\n(id: 8) @2 -4\n");
    ck_assert_str_eq(weir_test_take(t, 3), "(id: 5) @1 +1\n(id: 6) @2 +1\n");
    weir_test_destroy(t);
}
END_TEST

static void build_one(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_negate(weir_test_collection(g, item)));
}

START_TEST(signs_that_cannot_be_turned)
{
    weir_test *t = weir_test_create(build_one, NULL);
    weir_test_push(t, 0, item, 1, INT64_MAX, { 5 });
    weir_test_push(t, 0, item, 1, INT64_MIN, { 7 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "a record is there -9223372036854775808 times, which has no opposite");
    weir_test_destroy(t);
}
END_TEST

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    (void)weir_negate(weir_test_input(g, item));
}

START_TEST(refuses_plain_streams)
{
    weir_test *t = weir_test_create(build_plain, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what, "only a collection can be negated");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("collection", (const TTest *const[]){
        turns_signs, signs_that_cannot_be_turned, refuses_plain_streams, NULL }));
}
