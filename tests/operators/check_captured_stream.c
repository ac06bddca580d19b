/* SPDX-License-Identifier: Apache-2.0
 *
 * captured_stream: what was captured, with other numbers of workers; refusals.
 */
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, i) F(str, name)
#define OTHER(F) F(u64, i)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(other, OTHER)

static bool collection;

static void build_capture(weir_graph *g, void *ctx)
{
    weir_capture(collection ? weir_test_collection(g, item) : weir_test_input(g, item),
                 (weir_captured *)ctx);
}

static void build_again(weir_graph *g, void *ctx)
{
    weir_test_output(collection ? weir_captured_collection(g, item, (weir_captured *)ctx)
                                : weir_captured_stream(g, item, (weir_captured *)ctx));
}

static weir_captured *capture(unsigned workers, int64_t diff)
{
    weir_captured *seen = weir_captured_create();
    weir_test *t = weir_test_create(build_capture, seen, .workers = workers);
    for (uint64_t i = 0; i < 500; i++)
        weir_test_push(t, 0, item, i / 100, diff, { i, weir_str_of("a name of many letters") });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
    return seen;
}

START_TEST(all_again)
{
    for (unsigned k = 0; k < 18; k++) {
        collection = k >= 9;
        weir_captured *seen = capture(1 + k % 3, collection ? -2 : 1);
        weir_test *t = weir_test_create(build_again, seen, .workers = 1 + k / 3 % 3,
                                        .batch_bytes = 300, .budget_bytes = 3000);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 500);
        for (uint64_t i = 0; i < 500; i++) {
            weir_test_change c = weir_test_at(t, 0, i);
            weir_str name = weir_str_of("a name of many letters");
            ck_assert_uint_eq(((const item *)c.record)->i, i);
            ck_assert(weir_str_equal(&((const item *)c.record)->name, &name));
            ck_assert_int_eq(c.diff, collection ? -2 : 1);
            ck_assert_uint_eq(c.time.at[0], 0);
        }
        weir_test_destroy(t);
        weir_captured_destroy(seen);
    }
}
END_TEST

static void build_other(weir_graph *g, void *ctx)
{
    ck_assert_ptr_null(weir_captured_stream(g, other, (weir_captured *)ctx).port);
    ck_assert_ptr_null(weir_captured_stream(g, item, (weir_captured *)ctx).port);
}

START_TEST(refusals)
{
    collection = true;
    weir_captured *seen = capture(1, 2), *empty = weir_captured_create();
    weir_test *t = weir_test_create(build_other, seen);
    ck_assert_str_eq(weir_test_error(t)->what, "records 'item' were captured, not 'other'");
    weir_test_destroy(t);
    t = weir_test_create(build_other, empty);
    ck_assert_str_eq(weir_test_error(t)->what, "nothing was captured of 'other'");
    weir_test_destroy(t);
    collection = false;
    t = weir_test_create(build_again, seen);
    ck_assert_int_eq(weir_test_finish(t), WEIR_TYPE_MISMATCH);
    ck_assert_ptr_nonnull(strstr(weir_test_error(t)->what, "weir_captured_collection"));
    weir_test_destroy(t);
    weir_captured_destroy(seen);
    weir_captured_destroy(empty);
}
END_TEST

int main(void)
{
    return test_run(test_suite("captured_stream", (const TTest *const[]){
        all_again, refusals, NULL }));
}
