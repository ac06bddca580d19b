/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups of many records in a scope: the first ones against a naive search at every round, when
 * records come and go at the front, behind it and everywhere, in any round, with texts, with
 * several times open; and how many values are looked at for a change, which is counted.
 */
#include "gone.h"

#include <stdio.h>
#include <string.h>
#include <weir/operators/min.h>
#include <weir/operators/top.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "front_changes.h"
#include "looked.h"
#include "support.h"

#define ROW(F) F(u32, value) F(u32, key) F(u32, round) F(str, text)
#define LEAST(F) F(u32, key) F(u32, value)
#define SHOWN(F) F(u32, value) F(u32, key) F(str, text)
WEIR_RECORD(row, ROW)
WEIR_RECORD(least, LEAST)
WEIR_RECORD(shown, SHOWN)

enum { TOP = 5, KEYS = 2, ROUNDS = 3, VALUES = 1000, EPOCHS = 50, OPEN = 3 };

/* Sanitizers make it slow, and what is counted is the same. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 6, MANY = 30000, LEAVE = 1000 };
#else
enum { SEEDS = 24, MANY = 300000, LEAVE = 5000 };
#endif

static bool with_text; /* after the value, so that it does not change the order */

static weir_str text_of(uint32_t value)
{
    static char text[64];
    if (!with_text)
        return weir_str_of("");
    snprintf(text, sizeof text, "a text of many letters of value %u", value);
    return weir_str_of(text);
}

static uint64_t round_of(const row *r) { return r->round; }
WEIR_ENTER_AT(round_of, row)
static shown without_round(const row *r) { return (shown){ r->value, r->key, r->text }; }
WEIR_MAP(without_round, row, shown)

static weir_stream(shown) in_rounds(weir_graph *g)
{
    weir_stream(row) in = weir_test_collection(g, row);
    return weir_map(weir_enter_at(in, weir_scope_add(g, NULL, "rounds"), round_of), without_round);
}

static void build_top(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_top(in_rounds(g), WEIR_KEY(shown, key), TOP, WEIR_DESC(shown, value)));
}

static void build_min(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_min(in_rounds(g), least, WEIR_KEY(shown, key), value));
}

/* ---- like a naive search ---- */

typedef int64_t counts[ROUNDS][KEYS][VALUES];

/* How often each is there by a round, and was put out; what is to come of epochs that are open. */
typedef struct model {
    counts there, shown, later[OPEN];
} model;

static void expect_shown(const model *m, uint64_t seed, uint64_t epoch)
{
    for (uint32_t n = 0; n < ROUNDS * KEYS; n++) {
        const int64_t *there = m->there[n / KEYS][n % KEYS], *is = m->shown[n / KEYS][n % KEYS];
        int64_t left = TOP;
        for (uint32_t v = VALUES; v-- > 0;) {
            int64_t wanted = there[v] < 0 ? 0 : there[v] < left ? there[v] : left;
            ck_assert_msg(is[v] == wanted,
                          "WEIR_SEED=%llu: at (%llu, %u): value %u of key %u is shown %lld times, "
                          "not %lld",
                          (unsigned long long)seed, (unsigned long long)epoch, n / KEYS, v,
                          n % KEYS, (long long)is[v], (long long)wanted);
            left -= wanted;
        }
    }
}

static void count(counts *c, uint64_t round, uint32_t key, uint32_t value, int64_t diff)
{
    for (; round < ROUNDS; round++)
        (*c)[round][key][value] += diff;
}

static void end_epoch(weir_test *t, model *m, uint64_t epoch)
{
    for (uint32_t n = 0; n < ROUNDS * KEYS * VALUES; n++)
        (&m->there[0][0][0])[n] += (&m->later[0][0][0][0])[n];
    memmove(m->later[0], m->later[1], (OPEN - 1) * sizeof m->later[0]);
    memset(m->later[OPEN - 1], 0, sizeof m->later[0]);
    weir_test_advance(t, 0, epoch + 1);
    ck_assert_msg(weir_test_run(t) == WEIR_OK, "%s", weir_test_error(t)->what);
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        const shown *r = c.record;
        weir_str text = text_of(r->value);
        ck_assert(weir_str_equal(&r->text, &text));
        ck_assert_uint_le(c.time.at[0], epoch);
        count(&m->shown, c.time.at[1], r->key, r->value, c.diff);
    }
    weir_test_take(t, 0);
}

static void change(weir_test *t, model *m, uint64_t *random, uint64_t epoch, const row *r,
                   int64_t diff)
{
    uint64_t later = test_below(random, OPEN);
    count(&m->later[later], r->round, r->key, r->value, diff);
    weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, r, epoch + later, diff);
}

static void change_some(weir_test *t, model *m, uint64_t *random, uint64_t epoch)
{
    uint32_t key = (uint32_t)test_below(random, KEYS), kind = (uint32_t)test_below(random, 5);
    uint32_t round = (uint32_t)test_below(random, ROUNDS);
    front_changes changes = front_changes_of(random, m->there[round][key], VALUES, kind);
    for (uint64_t n = test_below(random, kind < 2 ? 150 : 30); n > 0; n--) {
        uint32_t value = front_change_value(&changes);
        if (kind > 1)
            round = (uint32_t)test_below(random, ROUNDS);
        row r = { value, key, round, text_of(value) };
        change(t, m, random, epoch, &r, front_change_diff(&changes, m->there[round][key][value]));
    }
}

#include "random_epochs.h"

static void run_random(uint64_t seed)
{
    uint64_t random = seed;
    model *m = calloc(1, sizeof *m);
    with_text = seed % 2;
    weir_test *t = weir_test_create(build_top, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed / 2 % 2 ? 512 : 0);
    for (uint64_t n = seed % 5 * 800; n > 0; n--) {
        uint32_t value = (uint32_t)test_below(&random, VALUES);
        row r = { value, (uint32_t)test_below(&random, KEYS),
                  (uint32_t)test_below(&random, seed / 4 % 2 ? 1 : ROUNDS), text_of(value) };
        change(t, m, &random, 0, &r, 1);
    }
    run_epochs(t, m, seed, &random, 4);
}

START_TEST(like_naive_search)
{
    test_each_seed(run_random, SEEDS);
}
END_TEST

/* ---- values looked at ---- */

static void push(weir_test *t, uint32_t value, uint64_t epoch, int64_t diff)
{
    row r = { value, 0, value % ROUNDS, weir_str_of("") };
    weir_test_push_record(t, 0, 0, &r, epoch, diff);
}

static weir_test *load(uint32_t step)
{
    with_text = false;
    weir_test *t = weir_test_create(build_min, NULL, .no_delays = true);
    for (uint32_t i = 0; i < MANY; i++)
        push(t, i * step, 0, 1);
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_take(t, 0);
    return t;
}

/* The epoch ends; in its last round the least value is then this one. */
static void is_least(weir_test *t, uint64_t epoch, uint32_t value, int64_t *before)
{
    weir_test_advance(t, 0, epoch + 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    int64_t now = *before;
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        now += c.diff * ((const least *)c.record)->value;
    }
    weir_test_take(t, 0);
    ck_assert_int_eq(now, value);
    *before = now;
}

/* They go in the order in which they are the least, one an epoch. */
START_TEST(leaving_in_order)
{
    int64_t least_now = 0;
    weir_test *t = load(1);
    ck_assert_int_lt(looked(t), 1000);
    for (uint32_t i = 0; i < LEAVE; i++) {
        push(t, i, i + 1, -1);
        is_least(t, i + 1, i + 1, &least_now);
    }
    ck_assert_int_lt(looked(t), 100 * (int64_t)LEAVE); /* bisections count, too */
    weir_test_destroy(t);
}
END_TEST

/* The same when many have gone behind the front before, and others come before it meanwhile. */
START_TEST(leaving_with_gaps)
{
    int64_t least_now = 0;
    weir_test *t = load(2);
    for (uint32_t i = 1; i < MANY / 4; i++)
        push(t, 2 * i, 1, -1);
    is_least(t, 1, 0, &least_now);
    int64_t before = looked(t);
    push(t, 0, 2, -1);
    is_least(t, 2, MANY / 4 * 2, &least_now);
    ck_assert_int_lt(looked(t) - before, 2 * MANY); /* once through the gap */
    before = looked(t);
    for (uint32_t n = 0; n < LEAVE; n += 200) { /* a few in the gap come, and go again */
        for (uint32_t i = 0; i < 200; i++)
            push(t, 2 * i + 1, 2 * n + 3, 1);
        is_least(t, 2 * n + 3, 1, &least_now);
        for (uint32_t i = 0; i < 200; i++)
            push(t, 2 * i + 1, 2 * n + 4, -1);
        is_least(t, 2 * n + 4, MANY / 4 * 2, &least_now);
    }
    ck_assert_int_lt(looked(t) - before, 100 * (int64_t)LEAVE);
    weir_test_destroy(t);
}
END_TEST

/* Of a group that is gone nothing is kept, and the next one begins anew. */
START_TEST(all_gone)
{
    int64_t least_now = 0;
    weir_test *t = load(1);
    for (uint32_t i = 0; i < MANY; i++)
        push(t, i, 1, -1);
    is_least(t, 1, 0, &least_now);
    for (uint32_t i = 0; i < 20; i++) {
        push(t, MANY / 2 - i, 2 + i, 1);
        is_least(t, 2 + i, MANY / 2 - i, &least_now);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_naive_search, leaving_in_order, leaving_with_gaps,
                                   all_gone, NULL };
    return test_run(test_suite("gone", tests));
}
