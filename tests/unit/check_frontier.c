/* SPDX-License-Identifier: Apache-2.0
 *
 * Frontiers: the inline element, growth, the algebra against a list of times, text.
 */
#include <weir/frontier.h>

#include <string.h>
#include <weir/memory.h>

#include "support.h"

START_TEST(depth_1)
{
    weir_frontier f, g;
    weir_time five = weir_time_1(5), three = weir_time_1(3), last = weir_time_1(UINT64_MAX);
    weir_frontier_init(&f, 1);
    weir_frontier_init(&g, 1);
    ck_assert(weir_frontier_is_empty(&f) && !weir_frontier_less_equal(&f, &last));
    ck_assert(weir_frontier_insert(&f, &last) && !weir_frontier_is_empty(&f));
    ck_assert(weir_frontier_less_equal(&f, &last) && !weir_frontier_less_than(&f, &last));
    ck_assert(weir_frontier_insert(&f, &five) && !weir_frontier_insert(&f, &five));
    ck_assert(weir_frontier_insert(&f, &three) && !weir_frontier_insert(&f, &five));
    ck_assert_uint_eq(f.count, 1);
    ck_assert(weir_frontier_less_equal(&f, &three) && weir_frontier_less_than(&f, &five));
    weir_frontier_insert(&g, &five);
    ck_assert(weir_frontier_dominates(&f, &g) && !weir_frontier_dominates(&g, &f));
    ck_assert(!weir_frontier_equal(&f, &g));
    weir_frontier_set(&g, &f);
    ck_assert(weir_frontier_equal(&f, &g));
    weir_frontier_clear(&g);
    ck_assert(weir_frontier_dominates(&f, &g) && !weir_frontier_dominates(&g, &f));
    ck_assert_uint_eq(f.capacity, 0);
    weir_frontier_fini(&f);
    weir_frontier_fini(&g);
}
END_TEST

START_TEST(zeroed_is_empty)
{
    weir_frontier f = { .depth = 2 };
    weir_time t = { { 1, 1 } };
    ck_assert(weir_frontier_is_empty(&f) && weir_frontier_insert(&f, &t));
    weir_frontier_set(&f, &f);
    ck_assert_uint_eq(f.count, 1);
    weir_frontier_fini(&f);
    ck_assert(weir_frontier_is_empty(&f) && f.depth == 2);
}
END_TEST

START_TEST(one_for_several_depths)
{
    weir_frontier f, deep, flat;
    weir_time five = weir_time_1(5), six = weir_time_1(6);
    weir_frontier_init(&f, 1);
    weir_frontier_init(&flat, 1);
    weir_frontier_init(&deep, 2);
    for (uint64_t i = 0; i < 9; i++)
        weir_frontier_insert(&deep, &(weir_time){ { i, 9 - i } });
    weir_frontier_set(&f, &deep);
    weir_frontier_set(&f, &flat);
    ck_assert(weir_frontier_insert(&f, &six) && weir_frontier_insert(&f, &five));
    ck_assert(f.count == 1 && weir_frontier_times(&f)->at[0] == 5);
    weir_frontier_set(&flat, &f);
    ck_assert(weir_frontier_equal(&flat, &f) && weir_frontier_less_equal(&flat, &five));
    weir_frontier_set(&f, &deep);
    ck_assert(weir_frontier_equal(&deep, &f));
    weir_frontier_fini(&f);
    weir_frontier_fini(&deep);
}
END_TEST

START_TEST(inserting_an_own_element)
{
    weir_frontier f;
    weir_frontier_init(&f, 2);
    for (uint64_t i = 0; i < 9; i++)
        weir_frontier_insert(&f, &(weir_time){ { i, 9 - i } });
    const weir_time *own = weir_frontier_times(&f);
    ck_assert(!weir_frontier_insert(&f, &own[3]));
    ck_assert_uint_eq(f.count, 9);
    weir_frontier_fini(&f);
}
END_TEST

/* Against the definition: an element of the list is minimal if nothing in the list is before it. */
static bool list_has_before(const weir_time *list, int count, const weir_time *t, unsigned depth,
                            bool strictly)
{
    for (int i = 0; i < count; i++)
        if (weir_time_less_equal(&list[i], t, depth) &&
            !(strictly && weir_time_equal(&list[i], t, depth)))
            return true;
    return false;
}

static void check_against(const weir_frontier *f, const weir_time *list, int count, uint64_t *state,
                          uint64_t seed)
{
    const weir_time *times = weir_frontier_times(f);
    for (uint32_t i = 0; i < f->count; i++)
        for (uint32_t k = 0; k < f->count; k++)
            ck_assert_msg(i == k || !weir_time_less_equal(&times[i], &times[k], f->depth),
                          "not an antichain: WEIR_SEED=%lu", (long)seed);
    for (int i = 0; i < 20; i++) {
        weir_time t = { { 0 } };
        for (unsigned k = 0; k < f->depth; k++)
            t.at[k] = test_below(state, 8);
        ck_assert_msg(
            weir_frontier_less_equal(f, &t) == list_has_before(list, count, &t, f->depth, false) &&
                weir_frontier_less_than(f, &t) == list_has_before(list, count, &t, f->depth, true),
            "WEIR_SEED=%lu", (long)seed);
    }
}

START_TEST(antichains_against_lists)
{
    uint64_t seed = test_seed(5), state = seed;
    size_t used = weir_memory_used();
    weir_frontier f, g;
    weir_frontier_init(&g, 1);
    for (int round = 0; round < 3000; round++) {
        unsigned depth = 1 + (unsigned)test_below(&state, WEIR_TIME_COORDS);
        int count = (int)test_below(&state, 30);
        weir_time list[30];
        weir_frontier_init(&f, depth);
        for (int i = 0; i < count; i++) {
            list[i] = (weir_time){ { 0 } };
            for (unsigned k = 0; k < depth; k++)
                list[i].at[k] = test_below(&state, 8);
            bool added = weir_frontier_insert(&f, &list[i]);
            ck_assert_msg(added == !list_has_before(list, i, &list[i], depth, false),
                          "WEIR_SEED=%lu", (long)seed);
        }
        check_against(&f, list, count, &state, seed);
        bool later = weir_frontier_dominates(&f, &g), equal = weir_frontier_equal(&f, &g);
        ck_assert_msg(!equal || g.depth != depth || later, "WEIR_SEED=%lu", (long)seed);
        weir_frontier_set(&g, &f);
        ck_assert(weir_frontier_equal(&f, &g) && weir_frontier_dominates(&f, &g));
        weir_frontier_fini(&f);
    }
    weir_frontier_fini(&g);
    ck_assert_uint_eq(weir_memory_used(), used);
}
END_TEST

START_TEST(equal_as_sets)
{
    weir_frontier f, g;
    weir_frontier_init(&f, 2);
    weir_frontier_init(&g, 2);
    for (uint64_t i = 0; i < 5; i++) {
        weir_frontier_insert(&f, &(weir_time){ { i, 5 - i } });
        weir_frontier_insert(&g, &(weir_time){ { 4 - i, 1 + i } });
    }
    ck_assert(weir_frontier_equal(&f, &g));
    weir_frontier_insert(&g, &(weir_time){ { 3, 1 } });
    ck_assert(!weir_frontier_equal(&f, &g) && weir_frontier_dominates(&g, &f));
    weir_frontier_fini(&f);
    weir_frontier_fini(&g);
}
END_TEST

START_TEST(text)
{
    weir_frontier f;
    char room[64];
    weir_frontier_init(&f, 2);
    ck_assert_str_eq(weir_frontier_text(&f, room, sizeof room), "{}");
    weir_frontier_insert(&f, &(weir_time){ { 1, 2 } });
    ck_assert_str_eq(weir_frontier_text(&f, room, sizeof room), "{(1, 2)}");
    weir_frontier_insert(&f, &(weir_time){ { 2, 0 } });
    ck_assert_str_eq(weir_frontier_text(&f, room, sizeof room), "{(1, 2), (2, 0)}");
    for (size_t size = 0; size < 20; size++) {
        memset(room, 'x', sizeof room);
        weir_frontier_text(&f, room, size);
        ck_assert_int_eq(room[size], 'x');
        if (size > 0)
            ck_assert(strlen(room) < size && strncmp(room, "{(1, 2), (2, 0)}", strlen(room)) == 0);
    }
    weir_frontier_fini(&f);
    weir_frontier_init(&f, 1);
    weir_frontier_insert(&f, &(weir_time){ { 5 } });
    ck_assert_str_eq(weir_frontier_text(&f, room, sizeof room), "{5}");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        depth_1,
        zeroed_is_empty,
        one_for_several_depths,
        inserting_an_own_element,
        antichains_against_lists,
        equal_as_sets,
        text,
        NULL,
    };
    return test_run(test_suite("frontier", tests));
}
