/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of reductions: more of them than a run has, and longer ones.
 */
#include "results.h"

#include <weir/operators/reduce.h>

#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define BY_KEY(F) F(u32, key) F(u32, value)
#define TEXT(F) F(u32, key) F(str, of)
WEIR_RECORD(by_key, BY_KEY)
WEIR_RECORD(text, TEXT)

/* More keys than a step works on, and more results than a run has. */
static void spread(const by_key *key, weir_group(by_key) group, weir_out(by_key) out)
{
    (void)group;
    for (uint32_t i = 0; i < 20; i++)
        by_key_emit(out, (by_key){ key->key, i });
}
WEIR_REDUCE(spread, by_key, by_key)

static void build_spread(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_reduce(weir_test_collection(g, by_key), WEIR_KEY(by_key, key), spread));
}

START_TEST(many_keys)
{
    enum { MANY = 20000 };
    weir_test *t = weir_test_create(build_spread, NULL, .workers = 1);
    for (uint32_t i = 0; i < MANY; i++)
        weir_test_push(t, 0, by_key, 0, 1, { i, 1 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 20 * MANY);
    (void)weir_test_take(t, 0);
    for (uint32_t i = 0; i < MANY; i += 2)
        weir_test_push(t, 0, by_key, 1, -1, { i, 1 });
    for (uint32_t i = 1; i < MANY; i += 2) /* no other result */
        weir_test_push(t, 0, by_key, 1, 1, { i, 2 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 10 * MANY);
    for (size_t i = 0; i < 10 * MANY; i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        ck_assert_int_eq(c.diff, -1);
        ck_assert_uint_eq(((const by_key *)c.record)->key % 2, 0);
    }
    weir_test_destroy(t);
}
END_TEST

/* Results that are long make more runs, each of which is bounded. */
static void enlarge(const by_key *key, weir_group(by_key) group, weir_out(text) out)
{
    static char long_one[20000];
    (void)group;
    text_emit(out, (text){ key->key, weir_str_view(memset(long_one, 'x', sizeof long_one),
                                                   sizeof long_one) });
}
WEIR_REDUCE(enlarge, by_key, text)

static void build_enlarge(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_reduce(weir_test_collection(g, by_key), WEIR_KEY(by_key, key), enlarge));
}

static void count_runs(const weir_trace_shown *shown, void *ctx)
{
    *(uint64_t *)ctx += strcmp(shown->place.node, "enlarge-1") == 0 ? shown->appended : 0;
}

START_TEST(long_results)
{
    enum { MANY = 2000 };
    weir_test *t = weir_test_create(build_enlarge, NULL, .no_delays = true);
    for (uint32_t i = 0; i < MANY; i++)
        weir_test_push(t, 0, by_key, 0, 1, { i, 1 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), MANY);
    uint64_t runs = 0;
    weir_traces_each(weir_runtime_traces(weir_test_runtime(t)), count_runs, &runs);
    ck_assert_uint_eq(runs, 3);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { many_keys, long_results, NULL };
    return test_run(test_suite("results", tests));
}
