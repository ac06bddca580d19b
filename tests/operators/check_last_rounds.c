/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds up to the greatest that there is: operators in scopes give there what they give at the
 * first ones.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "support.h"

#define TIMED(F) F(u32, key) F(i64, value) F(u32, day) F(u64, round)
#define ITEM(F) F(u32, key) F(i64, value) F(u32, day)
#define COUNTED(F) F(u32, key) F(i64, count)
#define LEAST(F) F(u32, key) F(i64, value)
#define RUNNING(F) F(u32, key) F(u32, day) F(i64, value)
#define PAIR(F) F(u32, key) F(i64, a) F(i64, b)
WEIR_RECORD(timed, TIMED)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(counted, COUNTED)
WEIR_RECORD(least, LEAST)
WEIR_RECORD(running, RUNNING)
WEIR_RECORD(pair, PAIR)

enum { EPOCHS = 4, ROUNDS = 4, CHANGES = 120, OUTPUTS = 12 };

static item strip(const timed *t) { return (item){ t->key, t->value, t->day }; }
WEIR_MAP(strip, timed, item)
static uint64_t round_of(const timed *t) { return t->round; }
WEIR_ENTER_AT(round_of, timed)
static int64_t up_to_two(const item *i, int64_t count)
{
    (void)i;
    return count < 2 ? count : 2;
}
WEIR_THRESHOLD(up_to_two, item)
static void pairs(const item *a, const item *b, weir_out(pair) out)
{
    pair_emit(out, (pair){ a->key, a->value, b ? b->value : -1 });
}
WEIR_JOIN(pairs, item, item, pair)
WEIR_ASOF_JOIN(pairs, item, item, pair)
static void values(const item *key, weir_group(item) group, weir_out(counted) out)
{
    counted_emit(out, (counted){ key->key, (int64_t)group.count });
}
WEIR_REDUCE(values, item, counted)

static weir_stream(item) entered(weir_graph *g, weir_scope *rounds)
{
    return weir_map(weir_enter_at(weir_test_collection(g, timed), rounds, round_of), strip);
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(item) a = entered(g, rounds), b = entered(g, rounds);
    weir_test_output(weir_count(a, counted, WEIR_KEY(item, key)));
    weir_test_output(weir_sum(a, least, WEIR_KEY(item, key), value));
    weir_test_output(weir_distinct(a));
    weir_test_output(weir_threshold(a, up_to_two));
    weir_test_output(weir_min(a, least, WEIR_KEY(item, key), value));
    weir_test_output(weir_top(a, WEIR_KEY(item, key), 2, WEIR_DESC(item, value)));
    weir_test_output(weir_reduce(a, WEIR_KEY(item, key), values));
    weir_test_output(weir_prefix_sum(a, running, WEIR_KEY(item, key), day, value));
    weir_test_output(weir_join(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key), pairs));
    weir_test_output(weir_antijoin(a, WEIR_KEY(item, key), b, WEIR_KEY(item, key)));
    weir_test_output(weir_consolidate(a));
    weir_test_output(
        weir_asof_join(a, WEIR_KEY(item, key), day, b, WEIR_KEY(item, key), day, pairs));
}

/* The same changes from the seed, with rounds from the first one given on. */
static weir_test *run(uint64_t seed, uint64_t first)
{
    uint64_t random = seed;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 2), .seed = seed);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (unsigned n = 0; n < CHANGES / EPOCHS; n++) {
            timed r = { (uint32_t)test_below(&random, 3), (int64_t)test_below(&random, 4),
                        (uint32_t)test_below(&random, 5), first + test_below(&random, ROUNDS) };
            uint64_t epoch = now + test_below(&random, EPOCHS - now);
            int64_t diff = test_below(&random, 3) ? 1 : -1;
            weir_test_push_record(t, n % 2, WEIR_TEST_IN_TURN, &r, epoch, diff);
        }
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        for (unsigned i = 0; i < 2; i++)
            weir_test_advance(t, i, now + 1);
    }
    ck_assert_msg(weir_test_finish(t) == WEIR_OK, "%s", weir_test_error(t)->what);
    return t;
}

static void compare(uint64_t seed)
{
    const weir_type *const types[OUTPUTS] = { counted_type(), least_type(), item_type(),
                                              item_type(), least_type(), item_type(),
                                              counted_type(), running_type(), pair_type(),
                                              item_type(), item_type(), pair_type() };
    uint64_t last = UINT64_MAX - ROUNDS + 1;
    weir_test *at_first = run(seed, 0), *at_last = run(seed, last);
    for (uint64_t n = 0; n < EPOCHS * ROUNDS * OUTPUTS; n++) {
        uint64_t epoch = n % EPOCHS, round = n / EPOCHS % ROUNDS;
        unsigned output = (unsigned)(n / EPOCHS / ROUNDS);
        bag wanted = { .count = 0 }, is = { .count = 0 };
        bag_of_output(&wanted, at_first, output, types[output], &(weir_time){ { epoch, round } });
        bag_of_output(&is, at_last, output, types[output],
                      &(weir_time){ { epoch, last + round } });
        const char *difference = bag_difference(&is, &wanted);
        ck_assert_msg(!difference, "WEIR_SEED=%llu: output %u, epoch %d, round %d: %s",
                      (unsigned long long)seed, output, (int)epoch, (int)round, difference);
        bag_free(&is);
        bag_free(&wanted);
    }
    weir_test_destroy(at_first);
    weir_test_destroy(at_last);
}

START_TEST(like_the_first_ones)
{
    uint64_t seed = test_seed(0);
    if (seed) {
        compare(seed);
        return;
    }
    for (seed = 1; seed <= 20; seed++)
        compare(seed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_the_first_ones, NULL };
    return test_run(test_suite("last_rounds", tests));
}
