/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordered multisets against counting through an array: random words that come and go, words in
 * order, counts below 0, counts that do not fit.
 */
#include "ranks.h"

#include "support.h"

enum { WORDS = 5000 };

static int64_t counts[WORDS];

static void check(const weir__ranks *r, uint64_t seed)
{
    int64_t rank = 0;
    for (uint64_t w = 0; w < WORDS; w++) {
        if (counts[w] <= 0)
            continue;
        ck_assert_msg(weir__ranks_at(r, rank) == w, "WEIR_SEED=%llu", (unsigned long long)seed);
        rank += counts[w];
        ck_assert_msg(weir__ranks_at(r, rank - 1) == w, "WEIR_SEED=%llu",
                      (unsigned long long)seed);
    }
    ck_assert_int_eq(r->total, rank);
}

static void change(weir__ranks *r, uint64_t word, int64_t diff)
{
    counts[word] += diff;
    ck_assert(weir__ranks_change(r, word, diff));
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    weir__ranks r = { .blocks = NULL };
    for (int w = 0; w < WORDS; w++)
        counts[w] = 0;
    for (int turn = 0; turn < 30; turn++) {
        uint64_t kind = test_below(&random, 4), at = test_below(&random, WORDS);
        for (uint64_t n = test_below(&random, 2000); n > 0; n--, at = (at + 1) % WORDS) {
            if (kind == 0)
                change(&r, test_below(&random, WORDS), (int64_t)test_below(&random, 5) - 2);
            else if (kind == 1)
                change(&r, at, 1);
            else if (counts[at] != 0)
                change(&r, at, kind == 2 ? -counts[at] : -1);
        }
        check(&r, seed);
    }
    for (uint64_t w = 0; w < WORDS; w++)
        change(&r, w, -counts[w]);
    ck_assert(weir__ranks_is_empty(&r));
    ck_assert_int_eq(r.total, 0);
    weir__ranks_fini(&r);
}

START_TEST(like_counting)
{
    test_each_seed(run, 40);
}
END_TEST

/* Of many words few are left, spread over all: what they take is in proportion to them. */
START_TEST(room)
{
    enum { MANY = 200000, LEFT = 1000 };
    weir__ranks r = { .blocks = NULL };
    for (uint64_t w = 0; w < MANY; w++)
        ck_assert(weir__ranks_change(&r, w, 1));
    ck_assert_uint_ge(r.bytes, MANY * 24);
    for (uint64_t w = 0; w < MANY; w++)
        ck_assert(w % (MANY / LEFT) == 0 || weir__ranks_change(&r, w, -1));
    ck_assert_uint_le(r.bytes, 8 * LEFT * 24);
    for (uint64_t i = 0; i < LEFT; i++)
        ck_assert(weir__ranks_at(&r, (int64_t)i) == i * (MANY / LEFT));
    weir__ranks_fini(&r);
}
END_TEST

START_TEST(overflow)
{
    weir__ranks r = { .blocks = NULL };
    ck_assert(weir__ranks_change(&r, 5, INT64_MAX));
    ck_assert(!weir__ranks_change(&r, 5, 1));
    ck_assert(!weir__ranks_change(&r, 6, 1)); /* the number of ranks */
    ck_assert(weir__ranks_change(&r, 6, -1));
    ck_assert_int_eq(r.total, INT64_MAX);
    ck_assert(weir__ranks_at(&r, INT64_MAX - 1) == 5);
    weir__ranks_fini(&r);
    ck_assert(weir__ranks_is_empty(&r));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_counting, room, overflow, NULL };
    return test_run(test_suite("ranks", tests));
}
