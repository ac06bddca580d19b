/* SPDX-License-Identifier: Apache-2.0
 *
 * As-of joins of large groups in scopes: against looking for the newest record at every round, when
 * records of either side come and go in any round of two scopes, some of them less than never, with
 * several times open; and how many values are looked at for a change.
 */
#include "asof_window.h"

#include <stdlib.h>
#include <string.h>
#include <weir/operators/asof_join.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "looked.h"
#include "support.h"

#define TICK_AT(F) F(u32, at) F(u32, round) F(u32, inner)
#define TICK(F) F(u32, key) F(u32, at) F(u32, tie)
#define BOTH(F) F(u32, at) F(u32, newest)
WEIR_RECORD(tick_at, TICK_AT)
WEIR_RECORD(tick, TICK)
WEIR_RECORD(both, BOTH)

/* Rounds are numbered, INNERS of them in one of the outer scope. */
enum { INNERS = 2, ROUNDS = 3 * INNERS };

/* Two numbers of the second side are of one time, of the first one number. */
enum { TIES = 2, VALUES = 120, EPOCHS = 30, OPEN = 3, NONE = TIES * VALUES };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 10, GROUP = 4000 };
#else
enum { SEEDS = 40, GROUP = 20000 };
#endif

static uint64_t round_of(const tick_at *r)
{
    return r->round;
}
static uint64_t inner_of(const tick_at *r)
{
    return r->inner;
}
WEIR_ENTER_AT(round_of, tick_at)
WEIR_ENTER_AT(inner_of, tick_at)
static tick to_first(const tick_at *r)
{
    return (tick){ 7, r->at, 0 };
}
static tick to_second(const tick_at *r)
{
    return (tick){ 7, r->at / TIES, r->at % TIES };
}
WEIR_MAP(to_first, tick_at, tick)
WEIR_MAP(to_second, tick_at, tick)

static void with_tick(const tick *a, const tick *b, weir_out(both) out)
{
    both_emit(out, (both){ a->at, b ? b->at * TIES + b->tie : NONE });
}
WEIR_ASOF_JOIN(with_tick, tick, tick, both)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *outer = weir_scope_add(g, NULL, "rounds"), *in = weir_scope_add(g, outer, "inner");
    weir_stream(tick_at) sides[2];
    for (int s = 0; s < 2; s++)
        sides[s] = weir_enter_at(weir_enter_at(weir_test_collection(g, tick_at), outer, round_of),
                                 in, inner_of);
    weir_test_output(weir_asof_join(weir_map(sides[0], to_first), WEIR_KEY(tick, key), at,
                                    weir_map(sides[1], to_second), WEIR_KEY(tick, key), at,
                                    with_tick));
}

/* ---- like looking for it ---- */

/* How often numbers of each side are there by a round. */
typedef struct sides {
    int64_t of[2][ROUNDS][NONE];
} sides;

typedef struct model {
    sides there, later[OPEN]; /* of epochs that are open: what is to come */
    int64_t shown[ROUNDS][VALUES][NONE + 1];
} model;

static void expect_shown(const model *m, uint64_t seed, uint64_t epoch)
{
    for (uint32_t n = 0; n < ROUNDS * VALUES; n++) {
        uint32_t round = n / VALUES, at = n % VALUES, newest = NONE;
        for (uint32_t k = 0; k < TIES * (at + 1); k++)
            newest = m->there.of[1][round][k] > 0 ? k : newest;
        for (uint32_t k = 0; k <= NONE; k++) {
            int64_t wanted = k == newest ? m->there.of[0][round][at] : 0;
            ck_assert_msg(m->shown[round][at][k] == wanted,
                          "WEIR_SEED=%llu: at (%llu, %u): %u is shown with %u %lld times, not %lld",
                          (unsigned long long)seed, (unsigned long long)epoch, round, at, k,
                          (long long)m->shown[round][at][k], (long long)wanted);
        }
    }
}

/* Whether what is there from a round of both scopes on is there in this one. */
static bool has(uint64_t number, uint64_t round, uint64_t inner)
{
    return number / INNERS >= round && number % INNERS >= inner;
}

static void end_epoch(weir_test *t, model *m, uint64_t epoch)
{
    for (uint32_t n = 0; n < 2 * ROUNDS * NONE; n++)
        (&m->there.of[0][0][0])[n] += (&m->later[0].of[0][0][0])[n];
    memmove(&m->later[0], &m->later[1], (OPEN - 1) * sizeof m->later[0]);
    memset(&m->later[OPEN - 1], 0, sizeof m->later[0]);
    weir_test_advance(t, 0, epoch + 1);
    weir_test_advance(t, 1, epoch + 1);
    ck_assert_msg(weir_test_run(t) == WEIR_OK, "%s", weir_test_error(t)->what);
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        const both *b = c.record;
        ck_assert_uint_le(c.time.at[0], epoch);
        for (uint64_t round = 0; round < ROUNDS; round++)
            if (has(round, c.time.at[1], c.time.at[2]))
                m->shown[round][b->at][b->newest] += c.diff;
    }
    weir_test_take(t, 0);
}

/* A few changes near each other: something comes, or what is there goes. */
static void change_some(weir_test *t, model *m, uint64_t *random, uint64_t epoch)
{
    unsigned side = (unsigned)test_below(random, 2);
    uint32_t most = side ? NONE : VALUES, first = (uint32_t)test_below(random, most);
    for (uint64_t n = test_below(random, 8); n > 0; n--) {
        uint32_t at = (first + (uint32_t)test_below(random, 10)) % most;
        uint32_t round = (uint32_t)test_below(random, ROUNDS);
        uint64_t later = test_below(random, OPEN);
        int64_t there = m->there.of[side][round][at];
        int64_t diff = test_below(random, 12) ? 1 : -1;
        tick_at record = { at, round / INNERS, round % INNERS };
        if (there > 0 && test_below(random, 3))
            diff = -there;
        weir_test_push_record(t, side, WEIR_TEST_IN_TURN, &record, epoch + later, diff);
        for (uint64_t r = 0; r < ROUNDS; r++)
            if (has(r, record.round, record.inner))
                m->later[later].of[side][r][at] += diff;
    }
}

#include "random_epochs.h"

static void run_random(uint64_t seed)
{
    uint64_t random = seed;
    model *m = calloc(1, sizeof *m);
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3), .seed = seed,
                                    .batch_bytes = seed / 2 % 2 ? 512 : 0);
    for (uint64_t n = seed % 5 * 20; n > 0; n--)
        change_some(t, m, &random, 0);
    run_epochs(t, m, seed, &random, 6);
}

START_TEST(like_looking_for_it)
{
    test_each_seed(run_random, SEEDS);
}
END_TEST

/* ---- values looked at ---- */

static uint64_t epoch; /* the one that is open */

/* An epoch with one change. How many changes it gave, and that few values were looked at. */
static size_t change_one(weir_test *t, unsigned side, tick_at record, int64_t diff)
{
    weir_test_push_record(t, side, 0, &record, epoch, diff);
    return looked_at_end(t, 2, epoch++, 1000);
}

/* Of each record of the second side ten of the first have it as the newest one. Changes of later
 * rounds concern those of earlier ones at no time that is looked at. */
START_TEST(few_are_looked_at)
{
    enum { EACH = 10 };
    weir_test *t = weir_test_create(build, NULL, .no_delays = true);
    for (uint32_t i = 0; i < GROUP; i++) {
        tick_at first = { i, 0, 0 }, second = { TIES * i, 0, 0 };
        weir_test_push_record(t, 0, 0, &first, 0, 1);
        if (i % EACH == 0)
            weir_test_push_record(t, 1, 0, &second, 0, 1);
    }
    weir_test_advance(t, 0, 1);
    weir_test_advance(t, 1, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), GROUP);
    weir_test_take(t, 0);
    ck_assert_int_gt(looked(t), 0);
    epoch = 1;
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t at = GROUP / 25 / EACH * EACH * i + 40;
        ck_assert_uint_eq(change_one(t, 0, (tick_at){ at + 3, 1, 0 }, -1), 1);
        ck_assert_uint_eq(change_one(t, 0, (tick_at){ at + 3, 1, 0 }, 1), 1);
        ck_assert_uint_eq(change_one(t, 1, (tick_at){ TIES * at, i % 2, 0 }, -1), 2 * EACH);
        ck_assert_uint_eq(change_one(t, 1, (tick_at){ TIES * (at + 1), 1, 0 }, 1), 2 * (EACH - 1));
    }
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_looking_for_it, few_are_looked_at, NULL };
    return test_run(test_suite("asof_window", tests));
}
