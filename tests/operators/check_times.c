/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of times, at depth 1 to 3, against a plain list: what was added is found, is in
 * lexicographic order, and leaves when the frontier has passed it, whole and once.
 */
#include "times.h"

#include "support.h"

enum { SIDE = 6, STEPS = 4000 };

typedef struct entry {
    weir_time time;
    uint64_t mark; /* of the time */
} entry;

static uint64_t seed;
static bool is_there[SIDE * SIDE * SIDE];
static unsigned depth;
static size_t left;

static weir_time time_of(uint64_t n)
{
    return (weir_time){ { n % SIDE, depth > 1 ? n / SIDE % SIDE : 0,
                          depth > 2 ? n / SIDE / SIDE : 0 } };
}

static uint64_t number_of(const weir_time *t)
{
    return t->at[0] + SIDE * (t->at[1] + SIDE * t->at[2]);
}

static void check_order(const weir__times *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const entry *e = weir__times_at(t, i);
        ck_assert_msg(e->mark == number_of(&e->time), "WEIR_SEED=%llu", (unsigned long long)seed);
        if (i > 0)
            ck_assert_msg(weir_time_compare(weir__times_time(t, i - 1), &e->time, depth) < 0,
                          "WEIR_SEED=%llu", (unsigned long long)seed);
    }
}

static void leave(void *at, void *ctx)
{
    const entry *e = at;
    ck_assert_uint_eq(e->mark, number_of(&e->time));
    ck_assert(is_there[e->mark] && !weir_frontier_less_equal(ctx, &e->time));
    is_there[e->mark] = false;
    left--;
}

static void check_frontier(weir__times *t, uint64_t *random)
{
    weir_frontier f;
    weir_frontier_init(&f, depth);
    for (uint64_t n = test_below(random, 4); n > 0; n--) {
        weir_time time = time_of(test_below(random, SIDE * SIDE * SIDE));
        weir_frontier_insert(&f, &time);
    }
    weir__times_take(t, &f, leave, &f);
    ck_assert_uint_eq(t->count, left);
    for (uint32_t i = 0; i < t->count; i++)
        ck_assert(weir_frontier_less_equal(&f, weir__times_time(t, i)));
    weir_frontier_fini(&f);
}

static void run(void)
{
    uint64_t random = seed;
    weir__times t;
    depth = 1 + (unsigned)(seed % 3);
    left = 0;
    memset(is_there, 0, sizeof is_there);
    weir__times_init(&t, depth, sizeof(entry));
    for (int i = 0; i < STEPS; i++) {
        weir_time time = time_of(test_below(&random, SIDE * SIDE * SIDE));
        uint64_t n = number_of(&time);
        entry *e = weir__times_find(&t, &time);
        ck_assert(is_there[n] == (e != NULL));
        if (!e) {
            e = weir__times_add(&t, &time);
            ck_assert_uint_eq(e->mark, 0);
            e->mark = n;
            is_there[n] = true;
            left++;
        }
        ck_assert(weir_time_equal(&e->time, &time, depth));
        if (test_below(&random, 50) == 0) {
            is_there[number_of(weir__times_time(&t, 0))] = false;
            weir__times_drop_first(&t);
            left--;
        }
        if (test_below(&random, 20) == 0)
            check_frontier(&t, &random);
        check_order(&t);
    }
    weir__times_clear(&t);
    ck_assert_ptr_null(weir__times_find(&t, &(weir_time){ { 0 } }));
    weir__times_fini(&t);
}

START_TEST(like_a_list)
{
    uint64_t fixed = test_seed(0);
    for (seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 30); seed++)
        run();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_a_list, NULL };
    return test_run(test_suite("times", tests));
}
