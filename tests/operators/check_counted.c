/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts in words, against sums of 128 bits: small ones, ones that need the list, ones that leave
 * 64 bits on their way and come back, or do not.
 */
#include "counted.h"

#include <weir/weir.h>

#include "support.h"
#include "word.h"

enum { WORDS = 40, EPOCHS = 2000, CHANGES = 60 };

static weir_account account;

typedef struct model {
    weir__wide now, before;
    bool changed;
} model;

/* Sizes around those at which something else is done. */
static int64_t draw(uint64_t *random)
{
    static const int64_t sizes[] = { 1, 2, INT64_MAX / 4, INT64_MAX / 4 + 1, INT64_MAX / 2,
                                     INT64_MAX / 2 + 1, INT64_MAX, 1000 };
    int64_t size = sizes[test_below(random, sizeof sizes / sizeof *sizes)];
    return test_below(random, 2) ? size : -size;
}

static void add(weir__key_counts *counts, model *m, uint64_t *at, int64_t diff)
{
    ck_assert(weir__key_counts_reserve(counts, 1));
    counts->change_count = weir__key_counts_add(counts, counts->change_count, at, diff);
    m->now += diff;
    m->changed = true;
}

/* All that has changed is told of once: noted, or new. */
static void check_changes(weir__key_counts *counts, model *models, uint64_t *words)
{
    unsigned told[WORDS] = { 0 };
    for (size_t i = 0; i < counts->change_count; i++) {
        const weir__count_change *c = &counts->changes[i];
        told[c->at - words]++;
        ck_assert(models[c->at - words].before == c->before);
    }
    for (unsigned i = 0; i < WORDS; i++) {
        bool is_new = weir__counted_state(words[i]) == WEIR__COUNTED_NEW;
        ck_assert(!is_new || (models[i].before == 0 && counts->fresh));
        ck_assert_uint_eq(told[i] + is_new, models[i].changed);
        ck_assert(weir__key_counts_of(counts, words[i]) == models[i].now);
    }
}

static void end_epoch(weir__key_counts *counts, model *models, uint64_t *words)
{
    weir__key_counts_unwrap(counts);
    ck_assert_int_eq(counts->failed, WEIR_OK);
    check_changes(counts, models, words);
    for (unsigned i = 0; i < WORDS; i++) {
        if (models[i].changed)
            ck_assert(weir__key_counts_settle(counts, &words[i]) == models[i].now);
        models[i].before = models[i].now;
        models[i].changed = false;
        ck_assert_int_ne(weir__counted_state(words[i]), WEIR__COUNTED_CHANGED);
        ck_assert(weir__key_counts_of(counts, words[i]) == models[i].now);
    }
    counts->change_count = 0;
}

START_TEST(like_sums)
{
    uint64_t seed = test_seed(0), random = seed ? seed : 1, words[WORDS] = { 0 };
    weir__key_counts counts = { .account = &account };
    model models[WORDS] = { { 0 } };
    size_t most = 0;
    for (unsigned epoch = 0; epoch < EPOCHS; epoch++) {
        counts.fresh = epoch % 3 > 0;
        for (unsigned n = 0; n < CHANGES; n++) {
            unsigned i = (unsigned)test_below(&random, WORDS);
            add(&counts, &models[i], &words[i], draw(&random));
        }
        for (unsigned i = 0; i < WORDS; i++) /* back to where they fit, or to nothing */
            while (models[i].now > INT64_MAX || models[i].now <= INT64_MIN ||
                   (i % 4 == 0 && models[i].now != 0)) {
                int64_t by = models[i].now > INT64_MAX    ? INT64_MAX
                             : models[i].now <= INT64_MIN ? -INT64_MAX
                                                          : (int64_t)models[i].now;
                add(&counts, &models[i], &words[i], -by);
            }
        most = counts.large_count > most ? counts.large_count : most;
        end_epoch(&counts, models, words);
    }
    ck_assert_uint_gt(most, WORDS / 4);
    weir__key_counts_fini(&counts);
}
END_TEST

START_TEST(leaves_the_range)
{
    static const int64_t diffs[][2] = { { INT64_MAX, 1 }, { INT64_MIN, 0 }, { -INT64_MAX, -2 } };
    for (int i = 0; i < 3; i++) {
        weir__key_counts counts = { .account = &account };
        uint64_t word = 0;
        model m = { 0 };
        add(&counts, &m, &word, diffs[i][0]);
        add(&counts, &m, &word, diffs[i][1]);
        weir__key_counts_unwrap(&counts);
        ck_assert_int_eq(counts.failed, WEIR_OVERFLOWED);
        ck_assert_ptr_eq(counts.at_fault, &word);
        weir__key_counts_fini(&counts);
    }
}
END_TEST

/* Whatever fails: it is said, and what is there is freed. */
START_TEST(memory_runs_out)
{
    weir__key_counts counts = { .account = &account };
    uint64_t word = 0;
    weir_memory_fail_nth(1, 0);
    ck_assert(!weir__key_counts_reserve(&counts, 1));
    weir_memory_fail_nth(0, 0);
    ck_assert(weir__key_counts_reserve(&counts, 2));
    for (int i = 0; i < 2; i++) { /* the list of large ones, that of those that wrapped */
        weir_memory_fail_nth(1, 0);
        counts.change_count =
            weir__key_counts_add(&counts, counts.change_count, &word, INT64_MAX);
        weir_memory_fail_nth(0, 0);
        ck_assert_int_eq(counts.failed, WEIR_NO_MEMORY);
        counts.failed = WEIR_OK;
        if (i == 0)
            counts.change_count =
                weir__key_counts_add(&counts, counts.change_count, &word, INT64_MAX);
    }
    weir__key_counts_fini(&counts);
}
END_TEST

int main(void)
{
    return test_run(test_suite("counted", (const TTest *const[]){
        like_sums, leaves_the_range, memory_runs_out, NULL }));
}
