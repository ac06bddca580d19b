/* SPDX-License-Identifier: Apache-2.0
 *
 * The logic of reductions against brute force: random updates of one key at times of depth 1 to 3,
 * random frontiers, random compaction between steps. After each step the output at every time that
 * is past is what the function makes of the input there, and it is so, too, at every later time
 * that is not at or after a pending one.
 */
#include <weir/history.h>

#include <stdio.h>
#include <string.h>

#include "support.h"

enum { VALUES = 5, SIDE = 5, STEPS = 14, OUTPUTS_MAX = 1000, UPDATES_MAX = 4000, KINDS = 3 };

typedef struct list {
    weir_history_update at[UPDATES_MAX];
    size_t count;
} list;

typedef struct model {
    uint64_t seed, random;
    unsigned depth, kind;
    list input, output;                     /* as they happened */
    list compacted_input, compacted_output; /* as a trace gives them back */
    weir_frontier upper, since;
    weir_frontier pending;
    list seeds;
    uint64_t outputs[OUTPUTS_MAX]; /* what an output's number stands for */
    uint32_t output_count;
    size_t visits, alone; /* times visited; of these in the short way */
} model;

static void add(list *l, uint32_t value, const weir_time *time, int64_t diff)
{
    ck_assert_uint_lt(l->count, UPDATES_MAX);
    l->at[l->count++] = (weir_history_update){ *time, diff, value };
}

static uint32_t number_of(model *m, uint64_t meaning)
{
    for (uint32_t i = 0; i < m->output_count; i++)
        if (m->outputs[i] == meaning)
            return i;
    ck_assert_uint_lt(m->output_count, OUTPUTS_MAX);
    m->outputs[m->output_count] = meaning;
    return m->output_count++;
}

/* ---- the functions that are reduced by: result[output] gets how often ---- */

static void reduce(model *m, const int64_t *counts, int64_t *result)
{
    uint64_t hash = 0;
    int64_t total = 0;
    bool any = false;
    for (uint32_t v = 0; v < VALUES; v++) {
        any = any || counts[v] != 0;
        total += counts[v];
        hash = hash * 1000003 + (uint64_t)counts[v] + 7;
        if (m->kind == 0 && counts[v] > 0) /* distinct */
            result[number_of(m, v)]++;
    }
    if (m->kind == 1 && any) /* one output that every change changes */
        result[number_of(m, hash)]++;
    if (m->kind == 2 && total != 0) /* several of one output, and often no change */
        result[number_of(m, (uint64_t)total % 2 + 17)] += total;
}

static void sum_at(const model *m, const list *l, const weir_time *t, int64_t *sums)
{
    for (size_t i = 0; i < l->count; i++)
        if (weir_time_less_equal(&l->at[i].time, t, m->depth))
            sums[l->at[i].value] += l->at[i].diff;
}

/* ---- checking ---- */

static void check_at(model *m, const weir_time *t)
{
    int64_t counts[VALUES] = { 0 }, is[OUTPUTS_MAX] = { 0 }, wanted[OUTPUTS_MAX] = { 0 };
    char text[100];
    sum_at(m, &m->input, t, counts);
    reduce(m, counts, wanted);
    sum_at(m, &m->output, t, is);
    for (uint32_t i = 0; i < m->output_count; i++)
        ck_assert_msg(is[i] == wanted[i], "WEIR_SEED=%llu: output %u at %s: %d, not %d",
                      (unsigned long long)m->seed, i, weir_time_text(t, m->depth, text, 100),
                      (int)is[i], (int)wanted[i]);
}

static void check(model *m)
{
    size_t all = 1;
    for (unsigned i = 0; i < m->depth; i++)
        all *= SIDE;
    for (size_t n = 0; n < all; n++) {
        weir_time t = { { 0 } };
        size_t left = n;
        for (unsigned i = 0; i < m->depth; i++, left /= SIDE)
            t.at[i] = left % SIDE;
        if (!weir_frontier_less_equal(&m->pending, &t))
            check_at(m, &t);
        else
            ck_assert_msg(weir_frontier_less_equal(&m->upper, &t),
                          "WEIR_SEED=%llu: pending at a time that is past",
                          (unsigned long long)m->seed);
    }
}

/* ---- a step ---- */

static weir_time random_time(model *m)
{
    weir_time t = { { 0 } };
    for (unsigned i = 0; i < m->depth; i++)
        t.at[i] = test_below(&m->random, SIDE);
    return t;
}

static void new_updates(model *m)
{
    for (uint64_t n = test_below(&m->random, 6); n > 0; n--) {
        weir_time t = random_time(m);
        int64_t diff = (int64_t)test_below(&m->random, 5) - 2;
        uint32_t value = (uint32_t)test_below(&m->random, VALUES);
        if (!weir_frontier_less_equal(&m->upper, &t) || diff == 0)
            continue;
        add(&m->input, value, &t, diff);
        add(&m->compacted_input, value, &t, diff);
        add(&m->seeds, 0, &t, 1);
    }
}

/* To a frontier at or after this one: each of its times moves on in some coordinates. */
static void move_on(model *m, weir_frontier *f)
{
    weir_frontier next;
    weir_frontier_init(&next, f->depth);
    for (uint32_t k = 0; k < f->count; k++) {
        const weir_time *t = &weir_frontier_times(f)[k];
        if (test_below(&m->random, 2))
            weir_frontier_insert(&next, t);
        else
            for (unsigned i = 0; i < m->depth; i++) {
                weir_time later = *t;
                later.at[i] += 1 + test_below(&m->random, 2);
                if (test_below(&m->random, 4))
                    weir_frontier_insert(&next, &later);
            }
    }
    weir_frontier_set(f, &next);
    weir_frontier_fini(&next);
}

static void compact(const model *m, list *l)
{
    for (size_t i = 0; i < l->count && m->since.count; i++) {
        const weir_time *since = weir_frontier_times(&m->since);
        weir_time moved = weir_time_join(&l->at[i].time, &since[0], m->depth);
        for (uint32_t k = 1; k < m->since.count; k++) {
            weir_time other = weir_time_join(&l->at[i].time, &since[k], m->depth);
            moved = weir_time_meet(&moved, &other, m->depth);
        }
        l->at[i].time = moved;
    }
    /* what is equal now is one update, or none */
    for (size_t i = 0; i < l->count; i++)
        for (size_t k = i + 1; k < l->count; k++)
            if (l->at[k].value == l->at[i].value &&
                weir_time_equal(&l->at[k].time, &l->at[i].time, m->depth)) {
                l->at[i].diff += l->at[k].diff;
                l->at[k--] = l->at[--l->count];
            }
    for (size_t i = 0; i < l->count; i++)
        if (l->at[i].diff == 0)
            l->at[i--] = l->at[--l->count];
}

static int by_value(const void *a, const void *b)
{
    const weir_history_update *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value ? -1 : 1)
                                : weir_time_compare(&x->time, &y->time, WEIR_TIME_COORDS);
}

static void load(model *m, weir_history *h)
{
    for (size_t i = 0; i < m->compacted_input.count; i++) {
        const weir_history_update *u = &m->compacted_input.at[i];
        weir_history_input(h, u->value, &u->time, u->diff);
    }
    for (size_t i = 0; i < m->compacted_output.count; i++) {
        const weir_history_update *u = &m->compacted_output.at[i];
        weir_history_output(h, u->value, &u->time, u->diff);
    }
}

/* Sums at a time instead of updates, and the times of those that are later. */
static void give_sums(const model *m, const list *l, const weir_time *time, weir_frontier *later,
                      void (*give)(weir_history *h, uint32_t value, int64_t diff), weir_history *h)
{
    int64_t sums[OUTPUTS_MAX] = { 0 };
    sum_at(m, l, time, sums);
    for (uint32_t v = 0; v < OUTPUTS_MAX; v++)
        if (sums[v])
            give(h, v, sums[v]);
    for (size_t i = 0; i < l->count; i++) {
        weir_time join = weir_time_join(&l->at[i].time, time, m->depth);
        if (!weir_time_equal(&join, time, m->depth))
            weir_frontier_insert(later, &join);
    }
}

/* The short way, if it is open. */
static bool go_alone(model *m, weir_history *h, weir_time *at)
{
    weir_frontier later;
    if (m->seed % 2 || !weir_history_alone(h, &m->upper, at))
        return false;
    weir_frontier_init(&later, m->depth);
    give_sums(m, &m->compacted_input, at, &later, weir_history_sum_input, h);
    give_sums(m, &m->compacted_output, at, &later, weir_history_sum_output, h);
    bool went = weir_history_visit(h, &m->upper, &later);
    weir_frontier_fini(&later);
    m->alone += went;
    return went;
}

static bool go(model *m, weir_history *h, weir_time *at)
{
    weir_history_begin(h);
    qsort(m->compacted_input.at, m->compacted_input.count, sizeof *m->input.at, by_value);
    for (size_t i = 0; i < m->seeds.count; i++)
        weir_history_seed(h, &m->seeds.at[i].time);
    if (go_alone(m, h, at))
        return true;
    load(m, h);
    return weir_history_next(h, &m->upper, at);
}

static void correct(model *m, weir_history *h)
{
    weir_time last = { { 0 } }, at;
    size_t count;
    bool first = true;
    for (bool goes = go(m, h, &at); goes; goes = weir_history_next(h, &m->upper, &at)) {
        int64_t counts[VALUES] = { 0 }, wanted[OUTPUTS_MAX] = { 0 };
        ck_assert(!weir_frontier_less_equal(&m->upper, &at));
        ck_assert(first || weir_time_compare(&last, &at, m->depth) < 0);
        for (size_t i = 0; i < h->input.count; i++) {
            ck_assert(i == 0 || h->input.values[i - 1] < h->input.values[i]);
            ck_assert_int_ne(h->input.diffs[i], 0);
            counts[h->input.values[i]] = h->input.diffs[i];
        }
        reduce(m, counts, wanted);
        for (uint32_t i = 0; i < m->output_count; i++)
            if (wanted[i])
                weir_history_want(h, i, wanted[i]);
        m->visits++;
        first = false;
        last = at;
    }
    ck_assert_int_eq(h->failed, WEIR_OK);
    const weir_history_update *corrections = weir_history_corrections(h, &count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_ne(corrections[i].diff, 0);
        ck_assert(!weir_frontier_less_equal(&m->upper, &corrections[i].time));
        add(&m->output, corrections[i].value, &corrections[i].time, corrections[i].diff);
        add(&m->compacted_output, corrections[i].value, &corrections[i].time, corrections[i].diff);
    }
    weir_frontier_set(&m->pending, &h->pending);
    m->seeds.count = 0;
    for (uint32_t i = 0; i < h->pending.count; i++)
        add(&m->seeds, 0, &weir_frontier_times(&h->pending)[i], 1);
}

static size_t run(uint64_t seed)
{
    model *m = calloc(1, sizeof *m);
    weir_history h;
    *m = (model){ .seed = seed, .random = seed, .depth = 1 + (unsigned)(seed % 3),
                  .kind = (unsigned)(seed / 3 % KINDS) };
    weir_history_init(&h, m->depth);
    weir_frontier_init(&m->upper, m->depth);
    weir_frontier_init(&m->since, m->depth);
    weir_frontier_init(&m->pending, m->depth);
    weir_frontier_insert(&m->upper, &(weir_time){ { 0 } });
    for (int step = 0; step <= STEPS; step++) {
        new_updates(m);
        if (test_below(&m->random, 3) == 0) {
            weir_frontier_set(&m->since, &m->upper); /* as it was: what is new lies behind it */
            compact(m, &m->compacted_input);
            compact(m, &m->compacted_output);
        }
        if (step == STEPS)
            weir_frontier_clear(&m->upper);
        else
            move_on(m, &m->upper);
        correct(m, &h);
        check(m);
    }
    ck_assert_uint_eq(m->pending.count, 0);
    weir_frontier_fini(&m->upper);
    weir_frontier_fini(&m->since);
    weir_frontier_fini(&m->pending);
    weir_history_fini(&h);
    size_t alone = m->alone;
    free(m);
    return alone;
}

START_TEST(like_brute_force)
{
    uint64_t seed = test_seed(0);
    size_t alone = 0;
    if (seed) {
        run(seed);
        return;
    }
    for (seed = 1; seed <= 900; seed++)
        alone += run(seed);
    ck_assert_uint_gt(alone, 900);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_brute_force, NULL };
    return test_run(test_suite("history_random", tests));
}
