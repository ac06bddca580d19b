/* SPDX-License-Identifier: Apache-2.0
 *
 * distinct and threshold: against counts from scratch at every epoch, with insertions and deletions
 * in any order; plain streams; overflow; refusals.
 */
#include <weir/operators/threshold.h>

#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "support.h"

#define ITEM(F) F(str, name) F(opt_u32, size)
#define OTHER(F) F(u64, name)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(other, OTHER)

enum { ITEMS = 12, EPOCHS = 10 };

static item make(unsigned i)
{
    static const char *const names[] = { "a", "a name of over twelve bytes", "", "b" };
    return (item){ weir_str_of(names[i % 4]), { i % 3 > 0, i % 3 > 0 ? i / 4 : 0 } };
}

/* Negative answers, too: they are changes like others. */
static int64_t odd(const item *i, int64_t count)
{
    return count % 3 - (i->size.set ? 1 : 0);
}
WEIR_THRESHOLD(odd, item)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_test_collection(g, item);
    weir_stream(item) once = weir_distinct(items);
    ck_assert_uint_eq(weir_port_unique_key(once.port)->count, 2);
    weir_stream(item) some = weir_threshold(items, odd);
    ck_assert_uint_eq(weir_port_unique_key(some.port)->count, 0);
    weir_test_output(once);
    weir_test_output(some);
}

static void compare(weir_test *t, int64_t diffs[EPOCHS][ITEMS])
{
    int64_t counts[ITEMS] = { 0 };
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        bag wanted[2] = { { .count = 0 } };
        weir_time time = weir_time_1(epoch);
        for (unsigned i = 0; i < ITEMS; i++) {
            item record = make(i);
            counts[i] += diffs[epoch][i];
            bag_add_record(&wanted[0], item_type(), &record, counts[i] > 0);
            bag_add_record(&wanted[1], item_type(), &record,
                           counts[i] ? odd(&record, counts[i]) : 0);
        }
        for (unsigned o = 0; o < 2; o++) {
            bag_expect(&wanted[o], t, o, item_type(), &time);
        }
    }
}

static void run(uint64_t seed)
{
    int64_t diffs[EPOCHS][ITEMS] = { { 0 } };
    uint64_t random = seed;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 256 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, 30); n > 0; n--) {
            unsigned i = (unsigned)test_below(&random, ITEMS);
            uint64_t epoch = now + test_below(&random, 3);
            int64_t diff = (int64_t)test_below(&random, 5) - 2;
            item record = make(i);
            epoch = epoch < EPOCHS ? epoch : EPOCHS - 1;
            diffs[epoch][i] += diff;
            weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &record, epoch, diff);
        }
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_advance(t, 0, now + 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(t, diffs);
    weir_test_destroy(t);
}

START_TEST(like_counts)
{
    test_each_seed(run, 30);
}
END_TEST

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_distinct(weir_test_input(g, item)));
}

START_TEST(of_a_plain_stream)
{
    weir_test *t = weir_test_create(build_plain, NULL, .workers = 2);
    for (uint64_t i = 0; i < 3; i++)
        weir_test_push(t, 0, item, i, 1, { weir_str_of("x"), { 0 } });
    weir_test_push(t, 0, item, 2, 1, { weir_str_of("y"), { 0 } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(name: \"x\", size: null) @0 +1\n"
                                           "(name: \"y\", size: null) @2 +1\n");
    weir_test_destroy(t);
}
END_TEST

static int64_t much(const other *o, int64_t count)
{
    (void)o;
    return count > 0 ? INT64_MAX : INT64_MIN;
}
WEIR_THRESHOLD(much, other)

static void build_much(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_threshold(weir_test_collection(g, other), much));
}

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build_much, NULL);
    weir_test_push(t, 0, other, 0, 1, { 5 });
    weir_test_push(t, 0, other, 1, -2, { 5 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what, "the change of how often (name: 5) is there leaves "
                                               "the range of 64 bits");
    weir_test_destroy(t);
}
END_TEST

/* ---- in a scope ---- */

static void build_scope(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) inside =
        weir_enter(weir_test_collection(g, item), weir_scope_add(g, NULL, "rounds"));
    weir_stream(item) once = weir_distinct(inside);
    ck_assert_uint_eq(weir_port_unique_key(once.port)->count, 2);
    ck_assert_uint_eq(weir_port_unique_key(weir_leave(once).port)->count, 2);
    ck_assert_uint_eq(weir_port_unique_key(weir_threshold(inside, odd).port)->count, 0);
    weir_test_output(weir_leave(once));
}

START_TEST(in_a_scope)
{
    weir_test *t = weir_test_create(build_scope, NULL, .workers = 2);
    weir_test_push(t, 0, item, 1, 2, { weir_str_of("x"), { 0 } });
    weir_test_push(t, 0, item, 2, -2, { weir_str_of("x"), { 0 } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(name: \"x\", size: null) @1 +1\n"
                                           "(name: \"x\", size: null) @2 -1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

static void refuse_stream(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(weir_distinct_erased(NULL));
    ck_assert_ptr_null(weir_threshold_erased(weir_test_input(g, other).port, item_type(),
                                             weir_threshold_of_odd, "odd"));
}

static void refused(weir_build_fn *fn, weir_status status, const char *what)
{
    weir_test *t = weir_test_create(fn, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    ck_assert(weir_test_error(t)->hint[0]);
    weir_test_destroy(t);
}

START_TEST(refusals)
{
    refused(refuse_stream, WEIR_TYPE_MISMATCH,
            "the stream carries 'other', the function takes 'item'");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_counts, of_a_plain_stream, overflow, in_a_scope,
                                   refusals,    NULL };
    return test_run(test_suite("threshold", tests));
}
