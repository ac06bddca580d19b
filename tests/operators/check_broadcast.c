/* SPDX-License-Identifier: Apache-2.0
 *
 * broadcast: a copy for every worker, of plain streams and of collections.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
WEIR_RECORD(item, ITEM)

static item next(const item *i) { return (item){ i->id + 1, i->name }; }
WEIR_MAP(next, item, item)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_collection(g, item);
    weir_stream(item) all = weir_broadcast(in);
    weir_test_output(all);
    weir_test_output(weir_map(all, next)); /* none may change what another has */
}

START_TEST(reaches_all)
{
    for (unsigned workers = 1; workers <= 5; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        for (uint64_t i = 0; i < 300; i++)
            weir_test_push(t, 0, item, i % 3, (int64_t)(i % 5) - 2,
                           { i, weir_str_of("a name of more than a few letters") });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (unsigned o = 0; o < 2; o++) {
            uint64_t sums[5] = { 0 };
            int64_t diffs[5] = { 0 };
            ck_assert_uint_eq(weir_test_count(t, o), 300 * workers);
            for (size_t i = 0; i < 300 * workers; i++) {
                weir_test_change c = weir_test_at(t, o, i);
                const item *r = c.record;
                ck_assert_uint_eq(r->name.len, 33);
                ck_assert_int_eq(memcmp(weir_str_data(&r->name), "a name of more", 14), 0);
                sums[c.worker] += r->id;
                diffs[c.worker] += c.diff;
            }
            for (unsigned w = 0; w < workers; w++) {
                ck_assert_uint_eq(sums[w], 300 * 299 / 2 + o * 300);
                ck_assert_int_eq(diffs[w], 0);
            }
        }
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("broadcast", (const TTest *const[]){
        reaches_all, NULL }));
}
