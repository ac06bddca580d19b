/* SPDX-License-Identifier: Apache-2.0
 *
 * Tallies: an operator that gives nothing, one or two changes of a key, over more keys than a step
 * emits; results without the key; which values are forgotten and what is charged for them.
 */
#include "tally.h"

#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "steps.h"
#include "support.h"

#define ITEM(F) F(u64, key) F(i64, n)
#define RESULT(F) F(i64, sum)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(result, RESULT)

enum { KEYS = 30000, TOUCHED = 200000 };

typedef struct value {
    weir__tally tally;
    int64_t sum, shown;
    void *block; /* stands for what a value keeps outside the table */
} value;

static int alive; /* blocks */

static bool add(weir__tally *tally, const void *record, int64_t diff, const void *ctx,
                weir__tally_error *error)
{
    value *v = (value *)(void *)tally;
    (void)ctx;
    v->sum += diff * ((const item *)record)->n;
    if (!v->block) {
        v->block = weir_alloc_must(16);
        alive++;
    }
    if (v->sum < 1000)
        return true;
    *error = (weir__tally_error){ WEIR_OVERFLOWED, "too much for", "of all" };
    return false;
}

static int put(weir__tally *tally, weir__tally_changes *changes, const void *ctx)
{
    value *v = (value *)(void *)tally;
    int count = 0;
    (void)ctx;
    ck_assert_uint_lt(*(const uint64_t *)changes->key, TOUCHED);
    changes->error = (weir__tally_error){ WEIR_FAILED, "not", "so" };
    if (v->sum < 0)
        return -1;
    if (v->shown) {
        ((result *)(void *)changes->records[count])->sum = v->shown;
        changes->diffs[count++] = -1;
    }
    if (v->sum) {
        ((result *)(void *)changes->records[count])->sum = v->sum;
        changes->diffs[count++] = 1;
    }
    v->shown = v->sum;
    return count;
}

static bool is_blank(const weir__tally *tally)
{
    return ((const value *)(const void *)tally)->sum == 0;
}
static size_t bytes_of(const weir__tally *tally)
{
    return ((const value *)(const void *)tally)->block ? 16 : 0;
}
static void end_value(weir__tally *tally)
{
    value *v = (value *)(void *)tally;
    alive -= v->block != NULL;
    weir_free(v->block, 16);
}

static void build(weir_graph *g, void *ctx)
{
    weir_port *in = weir_test_collection(g, item).port;
    weir__tally_spec spec = { .kind = "tally", .in = item_type(), .out = result_type(),
                              .key = { 1, { 0 } }, .value_size = sizeof(value), .add = add,
                              .put = put, .is_blank = is_blank, .bytes = bytes_of,
                              .fini = end_value };
    (void)ctx;
    ck_assert(weir__tally_check(in, &spec.key, "tally"));
    weir__test_output(weir__tally_add(in, &spec));
}

START_TEST(many_keys)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers, .batch_bytes = 64);
        for (uint64_t i = 0; i < KEYS; i++) {
            weir_test_push(t, 0, item, 0, 1, { i, (int64_t)(i % 3) });
            if (i % 2)
                weir_test_push(t, 0, item, 1, 1, { i, 1 });
        }
        weir_test_advance(t, 0, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        char wanted[300];
        snprintf(wanted, sizeof wanted,
                 "(sum: 1) @0 +%d\n(sum: 2) @0 +%d\n(sum: 3) @1 +%d\n", KEYS / 3, KEYS / 3,
                 KEYS / 6);
        ck_assert_str_eq(weir_test_take_sums(t, 0), wanted);
        ck_assert_int_eq(alive, KEYS);
        weir_test_destroy(t);
        ck_assert_int_eq(alive, 0);
    }
}
END_TEST

/* Without records, and with nothing left of them. */
START_TEST(what_is_forgotten)
{
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 0, item, 0, 1, { 1, 5 });
    weir_test_push(t, 0, item, 0, 1, { 2, 5 });
    weir_test_push(t, 0, item, 1, -1, { 1, 5 });
    weir_test_push(t, 0, item, 1, -1, { 2, 4 });
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_eq(alive, 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
    ck_assert_int_eq(alive, 0);
}
END_TEST

static void fails(int64_t n, int64_t diff, weir_status status, const char *what)
{
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 0, item, 0, 1, { 7, 1 });
    weir_test_push(t, 0, item, 1, diff, { 7, n });
    ck_assert_int_eq(weir_test_finish(t), status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    weir_test_destroy(t);
}

START_TEST(failures)
{
    fails(1000, 1, WEIR_OVERFLOWED, "too much for (key: 7) of all");
    fails(0, INT64_MAX, WEIR_OVERFLOWED,
          "the number of records of (key: 7) leaves the range of 64 bits");
    fails(2, -1, WEIR_FAILED, "not (key: 7) so");
}
END_TEST

/* In whichever order an epoch's records come, their number has to fit when it is complete. */
START_TEST(numbers_that_come_back)
{
    static const int64_t diffs[] = { INT64_MAX, INT64_MAX, -INT64_MAX, -INT64_MAX + 2,
                                     INT64_MIN, INT64_MIN, INT64_MAX,  INT64_MAX };
    for (int from = 0; from < 8; from += 4) {
        weir_test *t = weir_test_create(build, NULL, .no_delays = true);
        for (int i = from; i < from + 4; i++)
            weir_test_push(t, 0, item, 0, diffs[i], { 7, 0 });
        weir_test_push(t, 0, item, 0, 1, { 7, 5 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sum: 5) @0 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* Values that give nothing are gone through in several steps, too. */
START_TEST(nothing_of_many)
{
    weir_test *t = weir_test_create(build, NULL, .no_delays = true);
    for (uint64_t i = 0; i < TOUCHED; i++)
        weir_test_push(t, 0, item, 0, 1, { i, 0 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    uint64_t before = steps_of(t, "tally");
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_gt(steps_of(t, "tally") - before, TOUCHED / 65536);
    ck_assert_uint_eq(weir_test_count(t, 0), 0);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { many_keys, what_is_forgotten, nothing_of_many, failures,
                                   numbers_that_come_back, NULL };
    return test_run(test_suite("tally", tests));
}
