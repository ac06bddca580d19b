/* SPDX-License-Identifier: Apache-2.0
 *
 * concat: everything of all streams, in the scope and with the types that they share.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id)
WEIR_RECORD(item, ITEM)
#define OTHER(F) F(i64, id)
WEIR_RECORD(other, OTHER)

static item next(const item *i) { return (item){ i->id + 1 }; }
WEIR_MAP(next, item, item)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) a = weir_test_input(g, item), b = weir_test_collection(g, item);
    weir_stream(item) all = weir_concat(a, weir_exchange(b, WEIR_KEY(item, id)),
                                        weir_concat(a, b), weir_map(a, next));
    ck_assert(weir_port_is_collection(all.port));
    ck_assert(!weir_port_is_collection(weir_concat(a).port));
    weir_test_output(all);
    weir_test_output(weir_map(all, next));
    weir_test_output(weir_exchange(weir_concat(a, a), WEIR_KEY(item, id)));
}

START_TEST(everything_of_all)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        weir_test_push(t, 0, item, 2, +1, { 5 });
        weir_test_push(t, 1, item, 1, -4, { 7 });
        weir_test_advance(t, 1, 9);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take_sums(t, 0),
                         "(id: 7) @1 -8\n(id: 5) @2 +2\n(id: 6) @2 +1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 1),
                         "(id: 8) @1 -8\n(id: 6) @2 +2\n(id: 7) @2 +1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 2), "(id: 5) @2 +2\n");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{0}");
        weir_test_advance(t, 0, 4);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{4}");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

static void build_types(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_port *both[2] = { weir_test_input(g, item).port, weir_test_input(g, other).port };
    ck_assert_ptr_null(weir_port_concat(both, 2));
    ck_assert_ptr_null(weir_port_concat(both, 0));
    both[1] = NULL;
    ck_assert_ptr_null(weir_port_concat(both, 2));
}

static void build_scopes(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_input(g, item), inside;
    inside.port = weir_port_enter(in.port, weir_scope_add(g, NULL, "inside"));
    weir_concat(in, inside);
}

START_TEST(refuses_what_differs)
{
    weir_test *t = weir_test_create(build_types, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "concat of 'item' and 'other': their records or scopes differ");
    weir_test_destroy(t);
    t = weir_test_create(build_scopes, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "concat of 'item' and 'item': their records or scopes differ");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("concat", (const TTest *const[]){
        everything_of_all, refuses_what_differs, NULL }));
}
