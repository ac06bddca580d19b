/* SPDX-License-Identifier: Apache-2.0
 *
 * Random changes of two collections joined, at times of depth 1 to 3, by 1 to 3 workers, in tiny
 * batches, one side ahead of the other: all that comes out for complete times is what a loop over
 * all pairs of changes gives.
 */
#include <weir/operators/join.h>

#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ROW(F) F(u64, id) F(u64, key) F(u64, outer) F(u64, inner) F(str, text)
#define FOUND(F) F(u64, left) F(u64, right) F(str, left_text) F(str, right_text)
WEIR_RECORD(row, ROW)
WEIR_RECORD(found, FOUND)

enum { CHANGES_MAX = 400, EPOCHS = 12, RUNS = 12 };

typedef struct change {
    row row;
    weir_time time;
    int64_t diff;
} change;

typedef struct side {
    change changes[CHANGES_MAX];
    size_t count;
    uint64_t at; /* its frontier */
} side;

typedef struct model {
    uint64_t seed, random;
    unsigned depth;
    bool by_text;
    side sides[2];
    uint64_t sums[EPOCHS + 1]; /* of what came out, by epoch */
} model;

static const char *const texts[] = { "a", "a text of more than twelve bytes", "",
                                     "another text, which is long, too" };

static void pair_up(const row *a, const row *b, weir_out(found) out)
{
    found_emit(out, (found){ a->id, b->id, a->text, b->text });
}
WEIR_JOIN(pair_up, row, row, found)

static uint64_t outer_of(const row *r) { return r->outer; }
static uint64_t inner_of(const row *r) { return r->inner; }
WEIR_ENTER_AT(outer_of, row)
WEIR_ENTER_AT(inner_of, row)

static void build(weir_graph *g, void *ctx)
{
    const model *m = ctx;
    weir_scope *outer = m->depth > 1 ? weir_scope_add(g, NULL, "outer") : NULL;
    weir_scope *inner = m->depth > 2 ? weir_scope_add(g, outer, "inner") : NULL;
    weir_stream(row) s[2];
    for (int i = 0; i < 2; i++) {
        s[i] = weir_test_collection(g, row);
        if (outer)
            s[i] = i == 0 ? weir_enter_at(s[i], outer, outer_of) : weir_enter(s[i], outer);
        if (inner)
            s[i] = i == 1 ? weir_enter_at(s[i], inner, inner_of) : weir_enter(s[i], inner);
    }
    weir_test_output(m->by_text ? weir_join(s[0], WEIR_KEY(row, text, key), s[1],
                                            WEIR_KEY(row, text, key), pair_up)
                                : weir_join(s[0], WEIR_KEY(row, key), s[1], WEIR_KEY(row, key),
                                            pair_up));
}

static uint64_t mixed(uint64_t left, uint64_t right, const weir_time *time, unsigned depth)
{
    uint64_t state = left * 1000 + right;
    for (unsigned i = 0; i < depth; i++)
        state = test_random(&state) ^ time->at[i];
    return test_random(&state);
}

/* A new row, or one that goes. */
static void push(model *m, weir_test *t, unsigned which)
{
    side *s = &m->sides[which];
    if (s->count == CHANGES_MAX)
        return;
    uint64_t epoch = s->at + test_below(&m->random, 3);
    if (epoch >= EPOCHS)
        return;
    change *c = &s->changes[s->count];
    *c = (change){ .diff = 1 + (int64_t)test_below(&m->random, 3) };
    c->row = (row){ .id = s->count,
                    .key = test_below(&m->random, 9),
                    .outer = test_below(&m->random, 3),
                    .inner = test_below(&m->random, 3),
                    .text = weir_str_of(texts[test_below(&m->random, 4)]) };
    if (s->count > 0 && test_below(&m->random, 3) == 0) {
        const change *gone = &s->changes[test_below(&m->random, s->count)];
        c->row = gone->row;
        c->diff = -gone->diff;
    }
    c->time = weir_time_1(epoch);
    if (m->depth > 1)
        c->time.at[1] = which == 0 ? c->row.outer : 0;
    if (m->depth > 2)
        c->time.at[2] = which == 1 ? c->row.inner : 0;
    weir_test_push_record(t, which, WEIR_TEST_IN_TURN, &c->row, epoch, c->diff);
    s->count++;
}

/* What has come out, and what should have for the epochs before this one. */
static void compare(model *m, weir_test *t, uint64_t before)
{
    uint64_t wanted[EPOCHS + 1] = { 0 };
    for (size_t i = weir_test_count(t, 0); i-- > 0;) {
        weir_test_change c = weir_test_at(t, 0, i);
        const found *f = c.record;
        ck_assert(weir_str_equal(&f->left_text, &m->sides[0].changes[f->left].row.text));
        ck_assert(weir_str_equal(&f->right_text, &m->sides[1].changes[f->right].row.text));
        m->sums[c.time.at[0]] += (uint64_t)c.diff * mixed(f->left, f->right, &c.time, m->depth);
    }
    (void)weir_test_take(t, 0);
    for (size_t i = 0; i < m->sides[0].count; i++)
        for (size_t k = 0; k < m->sides[1].count; k++) {
            const change *a = &m->sides[0].changes[i], *b = &m->sides[1].changes[k];
            if (a->row.key != b->row.key ||
                (m->by_text && !weir_str_equal(&a->row.text, &b->row.text)))
                continue;
            weir_time time = weir_time_join(&a->time, &b->time, m->depth);
            wanted[time.at[0]] +=
                (uint64_t)(a->diff * b->diff) * mixed(a->row.id, b->row.id, &time, m->depth);
        }
    for (uint64_t e = 0; e < before && e <= EPOCHS; e++)
        ck_assert_msg(m->sums[e] == wanted[e], "seed %llu: epoch %llu of %llu, depth %u",
                      (unsigned long long)m->seed, (unsigned long long)e,
                      (unsigned long long)before, m->depth);
}

static void run_once(model *m)
{
    weir_test *t = weir_test_create(
        build, m, .workers = 1 + (unsigned)test_below(&m->random, 3), .seed = m->random,
        .batch_bytes = test_below(&m->random, 2) ? 128 : 0);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_OK);
    while (m->sides[0].at < EPOCHS || m->sides[1].at < EPOCHS) {
        for (uint64_t n = test_below(&m->random, 20); n > 0; n--)
            push(m, t, (unsigned)test_below(&m->random, 2));
        for (unsigned i = 0; i < 2; i++) {
            m->sides[i].at += test_below(&m->random, 3);
            weir_test_advance(t, i, m->sides[i].at);
        }
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        compare(m, t, m->sides[0].at < m->sides[1].at ? m->sides[0].at : m->sides[1].at);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(m, t, EPOCHS + 1);
    weir_test_destroy(t);
}

START_TEST(every_epoch_is_what_all_pairs_make)
{
    uint64_t seed = test_seed(1);
    for (int i = 0; i < RUNS; i++) {
        model *m = calloc(1, sizeof *m);
        m->seed = seed;
        m->random = seed + (uint64_t)i;
        m->depth = 1 + (unsigned)i % 3;
        m->by_text = test_below(&m->random, 2) == 0;
        run_once(m);
        free(m);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { every_epoch_is_what_all_pairs_make, NULL };
    return test_run(test_suite("join_random", tests));
}
