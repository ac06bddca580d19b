/* SPDX-License-Identifier: Apache-2.0
 *
 * As-of joins of large groups of which much goes and comes again, against looking for the newest
 * record from scratch: one by one and in stretches, with ties, with records that went before they
 * came, several epochs at once. Ranges by themselves: what cuts them and what makes them one.
 */
#include "asof_gone.h"

#include <weir/operators/asof_join.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define MARK(F) F(u32, key) F(u32, at) F(u32, tie)
#define PAIR(F) F(u32, key) F(u32, first) F(u32, second)
WEIR_RECORD(mark, MARK)
WEIR_RECORD(pair, PAIR)

/* Records of a key and side; two of each time. */
enum { KEYS = 2, MARKS = 300, NONE = MARKS, EPOCHS = 60 };

static uint32_t number_of(const mark *m) { return 2 * m->at + m->tie; }
static void with_mark(const mark *a, const mark *b, weir_out(pair) out)
{
    pair_emit(out, (pair){ a->key, number_of(a), b ? number_of(b) : NONE });
}
WEIR_ASOF_JOIN(with_mark, mark, mark, pair)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(mark) a = weir_test_collection(g, mark), b = weir_test_collection(g, mark);
    weir_test_output(weir_asof_join(a, WEIR_KEY(mark, key), at, b, WEIR_KEY(mark, key), at,
                                    with_mark));
}

typedef struct model {
    weir_test *t;
    uint64_t first_seed, seed, epoch;
    int64_t there[2][KEYS][MARKS];
    int64_t pairs[KEYS][MARKS][MARKS + 1]; /* that were put out */
} model;

static void change(model *m, unsigned side, uint32_t key, uint32_t number, int64_t diff)
{
    if (diff == 0)
        return;
    m->there[side][key][number] += diff;
    weir_test_push(m->t, side, mark, m->epoch, diff, { key, number / 2, number % 2 });
}

/* A few records anywhere, or all of a stretch go, or come if they are not there. */
static void change_some(model *m)
{
    unsigned side = (unsigned)test_below(&m->seed, 2);
    uint32_t key = (uint32_t)test_below(&m->seed, KEYS), kind = (uint32_t)test_below(&m->seed, 5);
    uint32_t from = (uint32_t)test_below(&m->seed, MARKS);
    uint32_t until = from + (uint32_t)test_below(&m->seed, MARKS);
    if (kind < 3)
        until = from + 1 + kind;
    for (uint32_t i = from; i < until && i < MARKS; i++) {
        int64_t is = m->there[side][key][i];
        if (kind == 3)
            change(m, side, key, i, -is);
        else if (kind == 4)
            change(m, side, key, i, is > 0 ? 0 : 1 - is);
        else
            change(m, side, key, i, is > 1 || (is > -1 && test_below(&m->seed, 2)) ? -1 : 1);
    }
}

static void check(model *m)
{
    ck_assert_int_eq(weir_test_run(m->t), WEIR_OK);
    for (size_t i = 0; i < weir_test_count(m->t, 0); i++) {
        weir_test_change c = weir_test_at(m->t, 0, i);
        const pair *p = c.record;
        m->pairs[p->key][p->first][p->second] += c.diff;
    }
    weir_test_take(m->t, 0);
    for (uint32_t key = 0; key < KEYS; key++) {
        uint32_t newest = NONE;
        for (uint32_t first = 0; first < MARKS; first++) {
            for (uint32_t i = first % 2 ? first + 1 : first; i <= (first | 1); i++)
                newest = m->there[1][key][i] > 0 ? i : newest;
            int64_t there = m->there[0][key][first], wrong = 0;
            for (uint32_t second = 0; second <= MARKS; second++)
                wrong += m->pairs[key][first][second] != (second == newest ? there : 0);
            ck_assert_msg(wrong == 0, "seed %d, before epoch %d: %d of key %d, number %d",
                          (int)m->first_seed, (int)m->epoch, (int)wrong, (int)key, (int)first);
        }
    }
}

static void compare(uint64_t seed)
{
    model *m = calloc(1, sizeof *m);
    m->first_seed = m->seed = seed;
    m->t = weir_test_create(build, NULL, .workers = 1 + (uint32_t)seed % 2, .seed = seed);
    while (m->epoch < EPOCHS) {
        for (uint64_t n = test_below(&m->seed, 3) + 1; n > 0; n--, m->epoch++)
            for (uint64_t k = test_below(&m->seed, 4); k > 0; k--)
                change_some(m);
        weir_test_advance(m->t, 0, m->epoch);
        weir_test_advance(m->t, 1, m->epoch);
        check(m);
    }
    weir_test_destroy(m->t);
    free(m);
}

START_TEST(like_looking_for_it)
{
    for (uint64_t seed = 1; seed <= 24; seed++)
        compare(seed);
}
END_TEST

/* ---- ranges ---- */

static size_t passed(weir__asof_gone *g, unsigned side, weir__wide at)
{
    weir__wide until;
    return weir__asof_gone_pass(g, side, at, &until) ? (size_t)(until - at) : 0;
}

static void go_along(weir__asof_gone *g, const mark *key, weir__wide from, weir__wide until)
{
    weir__wide behind;
    weir__asof_gone_begin(g, key);
    for (weir__wide at = from; at < until;) {
        if (weir__asof_gone_pass(g, 1, at, &behind)) {
            at = behind;
            continue;
        }
        weir__asof_gone_note(g, 1, at, false);
        at += 2;
    }
    weir__asof_gone_reach(g, 1, until);
    weir__asof_gone_end(g);
}

START_TEST(ranges)
{
    weir_error error;
    weir_account account = { 0 };
    weir__asof_gone g;
    mark key = { 7, 0, 0 }, other = { 8, 0, 0 };
    weir_table_options lists = { .struct_size = sizeof lists,
                                 .type = mark_type(),
                                 .key = { .count = 1, .field = { 0 } },
                                 .account = &account };
    ck_assert_int_eq(weir__asof_gone_init(&g, &lists, &error), WEIR_OK);
    go_along(&g, &key, 0, 20); /* too few */
    ck_assert_uint_eq(g.count, 0);
    go_along(&g, &key, -100, 100);
    go_along(&g, &key, 200, 300);
    ck_assert_uint_eq(g.count, 2);
    weir__asof_gone_begin(&g, &key);
    ck_assert_uint_eq(passed(&g, 1, -100), 200);
    ck_assert_uint_eq(passed(&g, 1, 100), 0);
    ck_assert_uint_eq(passed(&g, 1, 298), 2);
    ck_assert_uint_eq(passed(&g, 0, 0), 0);
    weir__asof_gone_touch(&g, 1, -100); /* at the front, in the midst, at the end */
    weir__asof_gone_touch(&g, 1, 0);
    weir__asof_gone_touch(&g, 1, 98);
    ck_assert_uint_eq(g.count, 3);
    weir__asof_gone_end(&g);
    weir__asof_gone_begin(&g, &key);
    ck_assert_uint_eq(passed(&g, 1, -100), 0);
    ck_assert_uint_eq(passed(&g, 1, -98), 98);
    ck_assert_uint_eq(passed(&g, 1, 0), 0);
    ck_assert_uint_eq(passed(&g, 1, 2), 96);
    ck_assert_uint_eq(passed(&g, 1, 98), 0);
    weir__asof_gone_end(&g);
    go_along(&g, &key, -10, 250); /* one again */
    ck_assert_uint_eq(g.count, 1);
    weir__asof_gone_begin(&g, &other); /* at the last place there may be more */
    for (weir__wide at = 400; at < 440; at += 2)
        weir__asof_gone_note(&g, 0, at, false);
    weir__asof_gone_stop(&g, 0);
    ck_assert_uint_eq(passed(&g, 0, 436), 2);
    ck_assert_uint_eq(passed(&g, 0, 438), 0);
    ck_assert_uint_eq(passed(&g, 1, 0), 0);
    weir__asof_gone_end(&g);
    ck_assert_int_gt(account.bytes, 0);
    weir__asof_gone_trim(&g, 32);
    ck_assert_uint_eq(g.count, 2);
    weir__asof_gone_trim(&g, 31);
    ck_assert_uint_eq(g.count, 0);
    weir__asof_gone_fini(&g);
    ck_assert_int_eq(account.bytes, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_looking_for_it, ranges, NULL };
    return test_run(test_suite("asof_gone", tests));
}
