/* SPDX-License-Identifier: Apache-2.0
 *
 * The node of semijoins outside of scopes: what is arranged comes in runs of many times, of an
 * import's past, and each of them is looked at as it is then. What a semijoin means is in
 * check_semijoin.c, and from scratch at every time in check_sides.c.
 */
#include "semijoin_node.h"

#include <stdio.h>
#include <string.h>
#include <weir/operators/publish.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define BID(F) F(u64, item) F(u64, price)
WEIR_RECORD(bid, BID)

enum { EPOCHS = 10 };

static bool is_even(const bid *b) { return b->price % 2 == 0; }
WEIR_FILTER(is_even, bid)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(bid) bids = weir_test_collection(g, bid);
    weir_arranged_publish(weir_arrange(bids, WEIR_KEY(bid, item)), "bids", .keep_history = true);
}

static void build_semijoin(weir_graph *g, void *ctx)
{
    (void)ctx;
    const uint64_t *as_of = weir_graph_args(g, NULL);
    weir_arranged(bid) bids = weir_arranged_import(g, bid, WEIR_KEY(bid, item), "bids",
                                                   .as_of = *as_of);
    weir_stream(bid) all = weir_arranged_collection(bids);
    weir_test_output(weir_semijoin(all, WEIR_KEY(bid, item), weir_filter(all, is_even),
                                   WEIR_KEY(bid, item)));
}
static const weir_test_build builds[] = { { "publish", build, NULL },
                                          { "semijoin", build_semijoin, NULL } };

/* The price rises by one each epoch: it leaves when it is even. */
static void semijoin_as_of(uint64_t as_of, unsigned workers)
{
    char expected[2000] = "";
    weir_test *t = weir_test_create(build, NULL, .workers = workers, .builds = builds,
                                    .build_count = 2);
    for (uint64_t e = 1; e <= EPOCHS; e++) {
        weir_test_push(t, 0, bid, e, 1, { 1, e });
        if (e > 1)
            weir_test_push(t, 0, bid, e, -1, { 1, e - 1 });
        weir_test_advance(t, 0, e + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "semijoin", .args = &as_of,
                                .args_size = sizeof as_of };
    ck_assert_ptr_nonnull(weir_test_add(t, &spec));
    ck_assert_msg(weir_test_finish(t) == WEIR_OK, "%s", weir_test_error(t)->what);
    for (uint64_t e = as_of > 1 ? as_of : 1, first = e; e <= EPOCHS; e++) {
        size_t used = strlen(expected);
        if (e % 2 == 0)
            snprintf(expected + used, sizeof expected - used, "(item: 1, price: %d) @%d +1\n",
                     (int)e, (int)e);
        else if (e > first)
            snprintf(expected + used, sizeof expected - used, "(item: 1, price: %d) @%d -1\n",
                     (int)e - 1, (int)e);
    }
    ck_assert_str_eq(weir_test_take_sums(t, 0), expected);
    weir_test_destroy(t);
}

START_TEST(runs_of_many_times)
{
    for (unsigned workers = 1; workers <= 3; workers++)
        for (uint64_t as_of = 0; as_of < EPOCHS; as_of += 3)
            semijoin_as_of(as_of, workers);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { runs_of_many_times, NULL };
    return test_run(test_suite("semijoin_node", tests));
}
