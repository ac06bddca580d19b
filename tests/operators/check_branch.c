/* SPDX-License-Identifier: Apache-2.0
 *
 * branch: each record goes one way, and the function decides which.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
WEIR_RECORD(item, ITEM)

static bool is_third(const item *i) { return i->id % 3 == 0; }
WEIR_FILTER(is_third, item)
static bool is_large(const item *i) { return i->id >= 1500; }
WEIR_FILTER(is_large, item)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_collection(g, item), third, others, large, small;
    in.port = weir_port_with_key(in.port, &(weir_key){ .count = 1, .field = { 0 } });
    weir_branch(in, is_third, &third, &others);
    weir_branch(others, is_large, &large, &small);
    ck_assert_uint_eq(weir_port_unique_key(small.port)->count, 1);
    ck_assert_str_eq(weir_port_name(small.port), "not_is_large");
    weir_test_output(third);
    weir_test_output(large);
    weir_test_output(small);
    ck_assert_ptr_null(weir__filter_not(NULL, item_type(), weir_filter_kernel_is_third, "x"));
}

START_TEST(one_way_each)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        for (uint64_t i = 0; i < 3000; i++)
            weir_test_push(t, 0, item, 0, (int64_t)i, { i, weir_str_of("a name that is long") });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        uint64_t expected[3] = { 0 }, found[3] = { 0 };
        for (uint64_t i = 0; i < 3000; i++)
            expected[i % 3 == 0 ? 0 : i >= 1500 ? 1 : 2]++;
        for (unsigned o = 0; o < 3; o++) {
            found[o] = weir_test_count(t, o);
            for (size_t i = 0; i < found[o]; i++) {
                weir_test_change c = weir_test_at(t, o, i);
                const item *r = c.record;
                ck_assert_int_eq(c.diff, (int64_t)r->id);
                ck_assert_uint_eq(o, r->id % 3 == 0 ? 0 : r->id >= 1500 ? 1 : 2);
            }
            ck_assert_uint_eq(found[o], expected[o]);
        }
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("branch", (const TTest *const[]){
        one_way_each, NULL }));
}
