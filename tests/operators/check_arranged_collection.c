/* SPDX-License-Identifier: Apache-2.0
 *
 * The collection of an arrangement: what is left of each epoch on several workers, what leaves of a
 * large one before it is complete.
 */
#include <weir/operators/arrange.h>

#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define EDGE(F) F(u64, from) F(u64, to) F(str, name)
WEIR_RECORD(edge, EDGE)

static const char *const long_name = "a name of more than twelve bytes";

static void build_one(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_arranged(edge) by_from = weir_arrange(edges, WEIR_KEY(edge, from));
    weir_test_output(weir_arranged_collection(by_from));
}

static void push(weir_test *t, uint64_t from, uint64_t to, uint64_t epoch, int64_t diff)
{
    weir_test_push(t, 0, edge, epoch, diff, { from, to, weir_str_of(to % 2 ? "odd" : long_name) });
}

/* Sums leave when their epoch is complete, on the worker that owns the key. */
START_TEST(as_collection)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_one, NULL, .workers = workers);
        push(t, 1, 1, 1, 2);
        push(t, 1, 2, 2, 1);
        push(t, 1, 1, 1, 1);
        push(t, 2, 3, 1, 1);
        push(t, 2, 3, 1, -1);
        push(t, 1, 2, 2, -2);
        weir_test_advance(t, 0, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "");
        weir_test_advance(t, 0, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 1, name: \"odd\") @1 +3\n");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{2}");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 2, name: \"a name of more than "
                                               "twelve bytes\") @2 -1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* More than a run takes leaves before its epoch is complete: sooner where the budget is small. */
START_TEST(large_epoch)
{
    enum { COUNT = 400000 };
    static const size_t budgets[] = { 4 << 20, 0 };
    for (size_t b = 0; b < 2; b++) {
        weir_test *t = weir_test_create(build_one, NULL, .workers = 2, .budget_bytes = budgets[b]);
        for (uint64_t i = 0; i < COUNT; i++)
            push(t, i % 1000, i, 5, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        size_t early = weir_test_count(t, 0);
        ck_assert_int_eq(early > 0, budgets[b] > 0);
        ck_assert_uint_lt(early, COUNT);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), COUNT);
        weir_test_destroy(t);
    }
}
END_TEST

/* The same of few records that are wide. */
START_TEST(wide_epoch)
{
    enum { COUNT = 10000, WIDE = 2000 };
    weir_test *t = weir_test_create(build_one, NULL, .workers = 1);
    static char name[WIDE];
    memset(name, 'x', WIDE);
    for (uint64_t i = 0; i < COUNT; i++)
        weir_test_push(t, 0, edge, 5, 1, { i % 1000, i, { 0 } });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 0);
    for (uint64_t i = 0; i < COUNT; i++)
        weir_test_push(t, 0, edge, 5, 1, { i % 1000, i, weir_str_view(name, WIDE) });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    size_t early = weir_test_count(t, 0);
    ck_assert_uint_gt(early, 0);
    ck_assert_uint_lt(early, 2 * COUNT);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 2 * COUNT);
    weir_test_destroy(t);
}
END_TEST

static void same(const edge *e, weir_out(edge) out)
{
    edge_emit(out, *e);
}
WEIR_FLAT_MAP(same, edge, edge)

static void build_handed_on(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_arranged(edge) by_from = weir_arrange(edges, WEIR_KEY(edge, from));
    weir_stream(edge) all = weir_flat_map(weir_arranged_collection(by_from), same);
    weir_test_output(weir_exchange(all, WEIR_KEY(edge, to)));
}

/* Where a batch ends between a record and its strings, both leave with the one they belong to. */
START_TEST(strings_of_full_batches)
{
    enum { COUNT = 3000 };
    weir_test *t = weir_test_create(build_handed_on, NULL, .workers = 2, .batch_bytes = 256);
    char name[64];
    for (uint64_t i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "number %llu of many long names", (unsigned long long)i);
        weir_test_push(t, 0, edge, 0, 1, { 0, i, weir_str_of(name) });
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    const char *line = weir_test_take(t, 0);
    for (unsigned long long i = 0; i < COUNT; i++) {
        char expected[128];
        int size = snprintf(expected, sizeof expected,
                            "(from: 0, to: %llu, name: \"number %llu of many long names\") @0 +1\n",
                            i, i);
        ck_assert_msg(strncmp(line, expected, (size_t)size) == 0, "%.100s, not %s", line, expected);
        line += size;
    }
    ck_assert_str_eq(line, "");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { as_collection, large_epoch, wide_epoch,
                                   strings_of_full_batches, NULL };
    return test_run(test_suite("arranged_collection", tests));
}
