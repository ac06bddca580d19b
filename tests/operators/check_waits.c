/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that wait for an instant, against a plain list: they leave in the order of their
 * instants, add up, and nothing is left of what was taken back: counted in records and in bytes.
 */
#include "waits.h"

#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u32, id) F(i64, from) F(i64, until) F(str, name)
WEIR_RECORD(item, ITEM)

enum { ITEMS = 40, STEPS = 4000 };

static uint64_t seed;
static weir_account account;

/* What is to be there of each item: still to come, and there already. */
static int64_t wanted[ITEMS][2];

static item item_of(uint64_t i)
{
    return (item){ (uint32_t)i, (int64_t)(i * 7 % 23), (int64_t)(i * 7 % 23 + 1 + i % 9),
                   weir_str_of(i % 2 ? "short" : "a name of more than twelve bytes") };
}

static void check_count(const weir__waits *w)
{
    size_t count = 0;
    for (int i = 0; i < ITEMS; i++)
        count += (wanted[i][0] != 0) + (wanted[i][1] != 0);
    ck_assert_msg(w->count == count, "WEIR_SEED=%llu", (unsigned long long)seed);
}

/* The first one comes, or goes. */
static void move_first(weir__waits *w)
{
    const weir__wait *first = weir__waits_first(w);
    const item *record = (const item *)(const void *)first->record;
    uint32_t i = record->id;
    item is = item_of(i);
    bool is_there = first->is_there;
    ck_assert(weir_record_equal(item_type(), record, &is));
    ck_assert(first->diff == wanted[i][is_there]);
    ck_assert_int_eq(first->when, is_there ? is.until : is.from);
    for (int k = 0; k < ITEMS; k++)
        for (int there = 0; there < 2; there++)
            if (wanted[k][there]) {
                item other = item_of((uint64_t)k);
                ck_assert_int_le(first->when, there ? other.until : other.from);
            }
    if (is_there) {
        weir__waits_drop(w);
    } else {
        ck_assert(weir__waits_stay(w, is.until));
        wanted[i][1] += wanted[i][0];
    }
    wanted[i][is_there] = 0;
}

static void run(void)
{
    uint64_t random = seed;
    weir__waits w;
    account = (weir_account){ 0, 0 };
    memset(wanted, 0, sizeof wanted);
    weir__waits_init(&w, item_type(), &account);
    for (int step = 0; step < STEPS; step++) {
        uint64_t i = test_below(&random, ITEMS);
        item made = item_of(i);
        int64_t diff = (int64_t)test_below(&random, 3) - 1;
        if (diff != 0)
            weir__waits_add(&w, &made, made.from, diff);
        wanted[i][0] += diff;
        if (test_below(&random, 3) == 0 && weir__waits_first(&w))
            move_first(&w);
        check_count(&w);
    }
    for (uint64_t i = 0; i < ITEMS; i++) { /* what is still to come is taken back */
        item made = item_of(i);
        if (wanted[i][0])
            weir__waits_add(&w, &made, made.from, -wanted[i][0]);
        wanted[i][0] = 0;
    }
    check_count(&w);
    while (weir__waits_first(&w))
        move_first(&w);
    weir__waits_fini(&w);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}

START_TEST(like_a_list)
{
    uint64_t fixed = test_seed(0);
    for (seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 30); seed++)
        run();
}
END_TEST

/* What waits may be any number; what is there already may not. */
START_TEST(overflow)
{
    weir__waits w;
    item a = item_of(0);
    account = (weir_account){ 0, 0 };
    weir__waits_init(&w, item_type(), &account);
    for (int i = 0; i < 4; i++)
        weir__waits_add(&w, &a, a.from, INT64_MAX);
    ck_assert(weir__waits_first(&w)->diff == 4 * (weir__wide)INT64_MAX);
    for (int i = 0; i < 3; i++)
        weir__waits_add(&w, &a, a.from, -INT64_MAX);
    ck_assert(weir__waits_first(&w)->diff == INT64_MAX);
    ck_assert(weir__waits_stay(&w, a.until));
    weir__waits_add(&w, &a, a.from, 1);
    ck_assert(!weir__waits_stay(&w, a.until));
    weir__waits_fini(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_a_list, overflow, NULL };
    return test_run(test_suite("waits", tests));
}
