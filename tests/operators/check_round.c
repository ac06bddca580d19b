/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds: each complete epoch by itself, in order, whatever comes when; of a key what changed at
 * it, and all that there is then, but nothing of later epochs; work that takes several steps;
 * changes that are read little by little.
 */
#include "round.h"

#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define FACT(F) F(u32, key) F(u32, value)
#define SEEN(F) F(u32, key) F(i64, changed) F(i64, there)
WEIR_RECORD(fact, FACT)
WEIR_RECORD(seen, SEEN)

typedef struct state {
    weir__round round;
    weir__round_changes changes;
    weir_status failed;
} state;

static weir_arrangement *facts;
static bool one_key_a_step;
static const weir_account *account; /* of the node */

static void fini(void *ctx)
{
    state *s = ctx;
    weir__round_fini(&s->round);
    weir__round_changes_fini(&s->changes);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    state *s = weir_alloc_must(sizeof *s);
    (void)ctx;
    account = weir_step_account(step);
    *s = (state){ .changes = { .size = sizeof(fact), .account = weir_step_account(step) } };
    *result = s;
    return weir__round_init(&s->round, step, facts, error);
}

/* The sum of values times counts, of what changed and of all. */
static void work_key(state *s, weir_step *step)
{
    seen result = { 0 };
    do {
        size_t before = s->changes.all ? 0 : s->changes.count;
        ck_assert_int_eq(weir__round_read(&s->round, &s->changes), WEIR_OK);
        ck_assert_uint_le(s->changes.count - before, WEIR__ROUND_READ);
    } while (!s->changes.all);
    ck_assert_uint_gt(s->changes.count, 0);
    for (size_t i = 0; i < s->changes.count; i++) {
        const fact *f = weir__round_change(&s->changes, i);
        const fact *before = i > 0 ? weir__round_change(&s->changes, i - 1) : NULL;
        ck_assert(!before || f->value > before->value);
        result.key = f->key;
        result.changed += s->changes.diffs[i] * f->value;
    }
    for (bool more = weir_cursor_find(s->round.all, weir__round_change(&s->changes, 0)); more;) {
        int64_t sum;
        more = weir_cursor_next_value(s->round.all);
        if (more && weir_cursor_sum(s->round.all, &s->round.time, &sum))
            result.there += sum * ((const fact *)weir_cursor_record(s->round.all))->value;
    }
    seen_emit((weir_out(seen)){ .builder = weir_step_output(step, 0, &s->round.time) }, result);
}

static bool work(weir_step *step, state *s)
{
    while (weir_cursor_next_key(s->round.fresh)) {
        work_key(s, step);
        if (one_key_a_step)
            return false;
    }
    return true;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    while (!s->round.working || work(step, s)) {
        weir__round_end(&s->round, step, &s->changes);
        ck_assert_int_eq(weir__round_begin(&s->round, step, NULL), WEIR_OK);
        if (!s->round.working)
            return;
    }
    weir_step_again(step);
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(fact) in = weir_test_collection(g, fact);
    facts = weir_arrange(in, WEIR_KEY(fact, key)).arrangement;
    weir__test_output(weir__round_node(&(weir__round_spec){ .kind = "seen", .in = facts,
                                                            .out = seen_type(), .init = init,
                                                            .step = run, .fini = fini }));
}

enum { KEYS = 5, EPOCHS = 8 };

static void compare(weir_test *t, int64_t changed[EPOCHS][KEYS], bool touched[EPOCHS][KEYS])
{
    int64_t there[KEYS] = { 0 };
    size_t found = 0, wanted = 0;
    for (uint64_t e = 0; e < EPOCHS; e++)
        for (uint32_t k = 0; k < KEYS; k++) {
            there[k] += changed[e][k];
            wanted += touched[e][k];
            for (size_t i = 0; i < weir_test_count(t, 0); i++) {
                weir_test_change c = weir_test_at(t, 0, i);
                const seen *s = c.record;
                if (c.time.at[0] != e || s->key != k)
                    continue;
                found++;
                ck_assert(touched[e][k]);
                ck_assert_int_eq(s->changed, changed[e][k]);
                ck_assert_int_eq(s->there, there[k]);
            }
        }
    ck_assert_uint_eq(found, wanted);
    ck_assert_uint_eq(weir_test_count(t, 0), wanted);
}

/* Every value comes once an epoch at most, so that no change is nothing. */
static void run_random(uint64_t seed)
{
    uint64_t random = seed;
    int64_t changed[EPOCHS][KEYS] = { { 0 } };
    bool touched[EPOCHS][KEYS] = { { false } };
    one_key_a_step = seed % 2;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3), .seed = seed);
    for (uint32_t n = 0; n < 60; n++) {
        uint64_t now = n * EPOCHS / 60, epoch = now + test_below(&random, 3);
        epoch = epoch < EPOCHS ? epoch : EPOCHS - 1;
        fact f = { (uint32_t)test_below(&random, KEYS), n + 1 };
        int64_t diff = test_below(&random, 2) ? 2 : -1;
        changed[epoch][f.key] += diff * f.value;
        touched[epoch][f.key] = true;
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &f, epoch, diff);
        if (test_below(&random, 8) == 0) {
            weir_test_advance(t, 0, now);
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        }
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(t, changed, touched);
    weir_test_destroy(t);
}

START_TEST(an_epoch_at_a_time)
{
    test_each_seed(run_random, 30);
}
END_TEST

/* Copies of a key's changes are charged, and given back when their round is over. */
START_TEST(changes_are_charged)
{
    enum { MANY = 20000, SIZE = sizeof(fact) + sizeof(int64_t), FEW = 100 << 10 };
    one_key_a_step = false;
    weir_test *t = weir_test_create(build, NULL, .workers = 1);
    for (uint32_t round = 0; round < 3; round++) {
        uint32_t count = round == 1 ? 10 : MANY;
        for (uint32_t i = 0; i < count; i++)
            weir_test_push(t, 0, fact, round, 1, { 7, i + 1 });
        weir_test_advance(t, 0, round + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), round + 1);
        ck_assert_int_ge(account->bytes_max, MANY * SIZE);
        ck_assert_int_le(weir_account_bytes(account), FEW);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite(
        "round", (const TTest *const[]){ an_epoch_at_a_time, changes_are_charged, NULL }));
}
