/* SPDX-License-Identifier: Apache-2.0
 *
 * aggregate: against sums by key and epoch; keys and states with strings; refusals; memory.
 */
#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define SALE(F) F(i64, cents) F(str, who) F(opt_i32, shop)
#define BASKET(F) F(i64, cents) F(u64, count) F(str, greatest)
#define RECEIPT(F) F(str, who) F(opt_i32, shop) F(i64, cents) F(u64, count) F(str, greatest)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(basket, BASKET)
WEIR_RECORD(receipt, RECEIPT)

static void add(const sale *s, basket *b)
{
    b->cents += s->cents;
    b->count++;
    if (weir_str_compare(&s->who, &b->greatest) > 0)
        b->greatest = s->who;
}
static receipt finish(const sale *key, const basket *b)
{
    ck_assert_int_eq(key->cents, 0);
    return (receipt){ key->who, key->shop, b->cents, b->count, b->greatest };
}
WEIR_AGGREGATE(add, finish, sale, basket, receipt)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(
        weir_aggregate(weir_test_input(g, sale), WEIR_KEY(sale, who, shop), add));
}

enum { PEOPLE = 40, SHOPS = 3, EPOCHS = 5 };

static char people[PEOPLE][40];

static int person_of(const weir_str *who)
{
    for (int p = 0; p < PEOPLE; p++) {
        weir_str name = weir_str_of(people[p]);
        if (weir_str_equal(&name, who))
            return p;
    }
    return -1;
}

static void against_sums(uint64_t seed, unsigned workers)
{
    static int64_t cents[EPOCHS][PEOPLE][SHOPS];
    static uint64_t counts[EPOCHS][PEOPLE][SHOPS];
    uint64_t random = seed;
    size_t expected = 0;
    memset(cents, 0, sizeof cents);
    memset(counts, 0, sizeof counts);
    for (int p = 0; p < PEOPLE; p++)
        snprintf(people[p], sizeof people[p], p % 3 ? "%d" : "many letters and %d", p);
    weir_test *t = weir_test_create(build, NULL, .workers = workers, .seed = seed,
                                    .batch_bytes = seed % 2 ? 400 : 0);
    for (int n = 0; n < 8000; n++) {
        uint64_t e = test_below(&random, EPOCHS), p = test_below(&random, PEOPLE),
                 k = test_below(&random, SHOPS);
        int64_t amount = (int64_t)test_below(&random, 100);
        weir_opt_i32 shop = { k > 0, k > 0 ? (int32_t)k : 0 };
        weir_test_push(t, 0, sale, e, +1, { amount, weir_str_of(people[p]), shop });
        cents[e][p][k] += amount;
        counts[e][p][k]++;
    }
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (size_t i = 0; i < (size_t)EPOCHS * PEOPLE * SHOPS; i++)
        expected += (&counts[0][0][0])[i] > 0;
    ck_assert_uint_eq(weir_test_count(t, 0), expected);
    for (size_t i = 0; i < expected; i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        const receipt *r = c.record;
        int p = person_of(&r->who), k = r->shop.set ? r->shop.value : 0;
        ck_assert_int_ge(p, 0);
        ck_assert_msg(cents[c.time.at[0]][p][k] == r->cents, "WEIR_SEED=%llu",
                      (unsigned long long)seed);
        ck_assert_uint_eq(counts[c.time.at[0]][p][k], r->count);
        ck_assert(weir_str_equal(&r->greatest, &r->who));
    }
    weir_test_destroy(t);
}

START_TEST(like_sums)
{
    uint64_t fixed = test_seed(0);
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 6); seed++)
        against_sums(seed, 1 + (unsigned)seed % 3);
}
END_TEST

START_TEST(epoch_by_epoch)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        weir_str who = weir_str_of("somebody with a name");
        weir_test_push(t, 0, sale, 1, +1, { 5, who, { false, 0 } });
        weir_test_push(t, 0, sale, 2, +1, { 6, who, { false, 0 } });
        weir_test_push(t, 0, sale, 1, +1, { 7, who, { false, 0 } });
        weir_test_advance(t, 0, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0),
                         "(who: \"somebody with a name\", shop: null, cents: 12, count: 2, "
                         "greatest: \"somebody with a name\") @1 +1\n");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{2}");
        weir_test_destroy(t);
    }
}
END_TEST

static void build_wrong(weir_graph *g, void *ctx)
{
    weir_stream(sale) in = weir_test_input(g, sale);
    weir_stream(basket) other = weir_test_input(g, basket);
    if (*(const int *)ctx == 0)
        (void)weir_aggregate_add_add(in.port, (const char *const[]){ "nobody", NULL });
    else if (*(const int *)ctx == 1)
        (void)weir_aggregate_add_add(other.port, (const char *const[]){ "cents", NULL });
    else
        (void)weir_aggregate(weir_as_collection(in), WEIR_KEY(sale, who), add);
    ck_assert_ptr_null(weir_aggregate_add_add(NULL, NULL).port);
}

START_TEST(refusals)
{
    static const char *const texts[] = { "record 'sale' has no field 'nobody'",
                                         "the stream carries 'basket', the function takes 'sale'",
                                         "input 0 does not take the changes of a collection" };
    for (int i = 0; i < 3; i++) {
        weir_test *t = weir_test_create(build_wrong, &i);
        ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
        ck_assert_str_eq(weir_test_error(t)->what, texts[i]);
        weir_test_destroy(t);
    }
}
END_TEST

/* Whichever allocation fails while it runs: it goes on, or says so. */
START_TEST(memory_runs_out)
{
    int failures = 0;
    for (uint64_t nth = 1; nth < 60; nth++) {
        char texts[300][40];
        weir_test *t = weir_test_create(build, NULL);
        for (int i = 0; i < 300; i++) {
            snprintf(texts[i], sizeof texts[i], "a name of many letters, %d", i);
            weir_test_push(t, 0, sale, (uint64_t)i % 2, 1,
                           { 1, weir_str_of(texts[i]), { false, 0 } });
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
    return test_run(test_suite("aggregate", (const TTest *const[]){
        like_sums, epoch_by_epoch, refusals, memory_runs_out, NULL }));
}
