/* SPDX-License-Identifier: Apache-2.0
 *
 * consolidate: what is left of each epoch, against sums, on several workers; large epochs, long
 * strings, refusals, overflow.
 */
#include <weir/operators/consolidate.h>

#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(str, name) F(opt_i64, price) F(str, colour)
WEIR_RECORD(item, ITEM)
#define WIDE(F) \
    F(u8, a) F(u8, b) F(u8, c) F(u8, d) F(u8, e) F(u8, f) F(u8, g) F(u8, h) F(u32, i) F(str, j)
WEIR_RECORD(wide, WIDE)

static void build_all(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) left = weir_consolidate(weir_test_collection(g, item));
    weir_test_output(left);
    if (left.port)
        ck_assert(weir_port_is_collection(left.port));
}

static void build_by_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_key key = { .count = 2, .field = { 0, 2 } };
    weir_stream(item) in = weir_test_collection(g, item);
    in.port = weir_port_with_key(in.port, &key);
    weir_stream(item) left = weir_consolidate_by(in, WEIR_KEY(item, colour));
    weir_test_output(left);
    ck_assert_uint_eq(weir_port_unique_key(left.port)->count, 2);
}

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_consolidate(weir_test_input(g, item)));
}

static void push(weir_test *t, const char *name, uint64_t epoch, int64_t diff)
{
    weir_test_push(t, 0, item, epoch, diff, { weir_str_of(name), { true, 3 }, weir_str_of("red") });
}

START_TEST(what_is_left)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t =
            weir_test_create(workers == 2 ? build_by_key : build_all, NULL, .workers = workers);
        push(t, "pear", 1, 2);
        push(t, "a name of many letters", 2, 1);
        push(t, "fig", 1, 1);
        push(t, "pear", 1, 3);
        push(t, "fig", 1, -1);
        push(t, "fig", 2, -1);
        push(t, "a name of many letters", 2, 1);
        weir_test_advance(t, 0, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{1}");
        weir_test_advance(t, 0, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0),
                         "(name: \"pear\", price: 3, colour: \"red\") @1 +5\n");
        push(t, "pear", 2, 1);
        push(t, "pear", 2, -1);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0),
                         "(name: \"a name of many letters\", price: 3, colour: \"red\") @2 +2\n"
                         "(name: \"fig\", price: 3, colour: \"red\") @2 -1\n");
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(plain_records_count)
{
    weir_test *t = weir_test_create(build_plain, NULL, .workers = 2);
    for (int i = 0; i < 7; i++)
        push(t, "pear", 0, 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(name: \"pear\", price: 3, colour: \"red\") @0 +7\n");
    weir_test_destroy(t);
}
END_TEST

/* More than one run an epoch, many epochs, random diffs. */
enum { RECORDS = 500, EPOCHS = 6 };

static void against_sums(uint64_t seed, unsigned workers)
{
    static int64_t sums[EPOCHS][RECORDS];
    static char names[RECORDS][32];
    uint64_t random = seed;
    size_t expected = 0;
    weir_test *t =
        weir_test_create(build_all, NULL, .workers = workers, .seed = seed, .batch_bytes = 4096);
    memset(sums, 0, sizeof sums);
    for (int r = 0; r < RECORDS; r++)
        snprintf(names[r], sizeof names[r], r % 3 ? "%d" : "many letters and %d", r);
    for (uint64_t n = 0; n < 40000; n++) {
        uint64_t epoch = test_below(&random, 4) ? 2 : test_below(&random, EPOCHS);
        unsigned r = (unsigned)test_below(&random, RECORDS);
        int64_t diff = (int64_t)test_below(&random, 3) - 1;
        push(t, names[r], epoch, diff);
        sums[epoch][r] += diff;
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (int e = 0; e < EPOCHS; e++)
        for (int r = 0; r < RECORDS; r++)
            expected += sums[e][r] != 0;
    ck_assert_uint_eq(weir_test_count(t, 0), expected);
    for (size_t i = 0; i < expected; i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        const item *it = c.record;
        int r = 0;
        weir_str name = weir_str_of(names[0]);
        while (!weir_str_equal(&name, &it->name))
            name = weir_str_of(names[++r]);
        ck_assert_msg(sums[c.time.at[0]][r] == c.diff, "WEIR_SEED=%llu: %s at %d",
                      (unsigned long long)seed, names[r], (int)c.time.at[0]);
    }
    weir_test_destroy(t);
}

START_TEST(like_sums)
{
    uint64_t fixed = test_seed(0);
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 3); seed++)
        against_sums(seed, 1 + (unsigned)seed % 3);
}
END_TEST

/* ---- more fields than a key has; refusals ---- */

static void build_wide(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_consolidate(weir_test_collection(g, wide)));
}

START_TEST(wide_records)
{
    weir_test *t = weir_test_create(build_wide, NULL, .workers = 3);
    for (uint32_t i = 0; i < 20; i++)
        weir_test_push(t, 0, wide, 0, i < 15 ? 1 : -1,
                       { .a = 1, .i = i % 10, .j = weir_str_of("of many letters") });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 5);
    weir_test_destroy(t);
}
END_TEST

static weir_input(item) in;

static void refuse_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_input_add(g, item, &in, .name = "in");
    ck_assert_ptr_null(weir__consolidate(items.port, (const char *const[]){ "weight", NULL }));
    ck_assert_ptr_null(weir__consolidate(NULL, NULL));
}

static uint64_t by_price(const item *i) { return (uint64_t)i->price.value; }
WEIR_ENTER_AT(by_price, item)

static void build_in_scope(weir_graph *g, void *ctx)
{
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(item) all = weir_enter_at(ctx ? weir_test_collection(g, item)
                                              : weir_test_input(g, item), rounds, by_price);
    weir_test_output(weir_consolidate(all));
    weir_test_output(weir_consolidate_by(all, WEIR_KEY(item, colour)));
}

/* At every time of a scope for itself; of a plain stream, too. */
START_TEST(in_a_scope)
{
    for (int plain = 0; plain < 2; plain++) {
        weir_test *t = weir_test_create(build_in_scope, plain ? NULL : &plain, .workers = 2);
        for (uint64_t i = 0; i < 12; i++)
            weir_test_push(t, 0, item, 1, plain || i < 9 ? 1 : -1,
                           { weir_str_of("pear"), { true, i % 3 }, weir_str_of("red") });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (unsigned out = 0; out < 2; out++) {
            ck_assert_uint_eq(weir_test_count(t, out), 3);
            for (uint64_t k = 0; k < 3; k++) {
                weir_test_change c = weir_test_at(t, out, k);
                ck_assert_uint_eq(c.time.at[1], k);
                ck_assert_int_eq(c.diff, plain ? 4 : 2);
            }
        }
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(refusals)
{
    weir_error error;
    ck_assert_int_eq(weir_run(NULL, refuse_key, NULL, &error), WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(error.what, "record 'item' has no field 'weight'");
}
END_TEST

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build_all, NULL, .workers = 1);
    push(t, "pear", 0, INT64_MAX);
    push(t, "pear", 0, 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert(strstr(weir_test_error(t)->what, "64 bits") != NULL);
    weir_test_destroy(t);
    /* In two runs of one epoch. */
    t = weir_test_create(build_all, NULL, .workers = 1);
    push(t, "pear", 0, INT64_MAX);
    for (int i = 0; i < 9000; i++)
        push(t, "fig", 0, 1);
    push(t, "pear", 0, 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    weir_test_destroy(t);
}
END_TEST

/* Whichever allocation fails while it runs: it goes on, or says so. */
START_TEST(memory_runs_out)
{
    int failures = 0;
    for (uint64_t nth = 1; nth < 120; nth += nth < 60 ? 1 : 7) {
        char texts[300][40];
        weir_test *t = weir_test_create(build_all, NULL, .workers = 1);
        for (int i = 0; i < 300; i++) {
            snprintf(texts[i], sizeof texts[i], "a name of many letters, %d", i);
            push(t, texts[i], (uint64_t)i % 2, 1);
        }
        weir_test_advance(t, 0, 2);
        weir_memory_fail_nth(nth, 0);
        weir_status status = weir_test_run(t);
        weir_memory_fail_nth(0, 0);
        ck_assert(status == WEIR_OK || status == WEIR_NO_MEMORY);
        failures += status != WEIR_OK;
        weir_test_destroy(t);
        weir_memory_exhausted_reset();
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { what_is_left,    plain_records_count,
                                   like_sums,       wide_records,
                                   in_a_scope,      refusals,
                                   overflow,        memory_runs_out,
                                   NULL };
    return test_run(test_suite("consolidate", tests));
}
