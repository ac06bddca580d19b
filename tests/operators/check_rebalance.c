/* SPDX-License-Identifier: Apache-2.0
 *
 * rebalance: all records, as many on each worker; not for collections.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, i) F(str, name)
WEIR_RECORD(item, ITEM)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_rebalance(weir_test_input(g, item)));
}

START_TEST(evenly)
{
    enum { COUNT = 1200 };
    for (unsigned workers = 1; workers <= 4; workers++) {
        unsigned on[4] = { 0 };
        uint64_t sum = 0;
        weir_test *t = weir_test_create(build, NULL, .workers = workers, .batch_bytes = 300);
        for (uint64_t i = 0; i < COUNT; i++) /* all of them on one worker */
            weir_test_push_on(t, 0, 0, item, i / 100, +1, { i, weir_str_of("a name like others") });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), COUNT);
        for (size_t k = 0; k < COUNT; k++) {
            weir_test_change c = weir_test_at(t, 0, k);
            const item *r = c.record;
            on[c.worker]++;
            sum += r->i;
            ck_assert_uint_eq(c.time.at[0], r->i / 100);
        }
        for (unsigned w = 0; w < workers; w++)
            ck_assert_uint_eq(on[w], COUNT / workers);
        ck_assert_uint_eq(sum, (uint64_t)COUNT * (COUNT - 1) / 2);
        weir_test_destroy(t);
    }
}
END_TEST

static void build_collection(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(weir_rebalance_erased(NULL));
    ck_assert_ptr_null(weir_rebalance(weir_test_collection(g, item)).port);
}

START_TEST(no_collections)
{
    weir_test *t = weir_test_create(build_collection, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("rebalance", (const TTest *const[]){
        evenly, no_collections, NULL }));
}
