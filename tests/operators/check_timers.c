/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of timers, against a list.
 */
#include "timers.h"

#include "support.h"

enum { ENTRIES = 12, INSTANTS = 40 };

static int blanks;

static void count_blank(weir__entry *entry, void *ctx)
{
    ck_assert_ptr_eq(ctx, &blanks);
    ck_assert_uint_eq(entry->queued, 0);
    blanks++;
}

START_TEST(like_a_list)
{
    static bool set[ENTRIES][INSTANTS];
    uint64_t random = test_seed(3);
    weir_account account = { 0 };
    weir__timer_queue queue;
    weir__entry *entries[ENTRIES];
    weir__timer_queue_init(&queue, &account);
    for (int e = 0; e < ENTRIES; e++)
        entries[e] = weir_alloc_zero(sizeof(weir__entry));
    int64_t until = 0, fired = 0;
    for (int round = 0; round < 20000; round++) {
        unsigned e = (unsigned)test_below(&random, ENTRIES);
        int64_t when = (int64_t)test_below(&random, INSTANTS);
        uint64_t dice = test_below(&random, 20);
        if (dice < 10) {
            weir__timer_set(&queue, entries[e], when);
            set[e][when] = true;
        } else if (dice < 17) {
            weir__timer_cancel(entries[e], when);
            set[e][when] = false;
        } else if (dice < 18) {
            weir__timer_cancel_all(entries[e]);
            for (int i = 0; i < INSTANTS; i++)
                set[e][i] = false;
        } else {
            until = (int64_t)test_below(&random, INSTANTS);
            int64_t last = INT64_MIN;
            for (weir__timer t; weir__timer_due(&queue, until, &t, count_blank, &blanks);) {
                unsigned k = 0;
                while (entries[k] != t.entry)
                    k++;
                ck_assert_int_ge(t.when, last);
                ck_assert(set[k][t.when]);
                set[k][t.when] = false;
                last = t.when;
                fired++;
            }
            for (int k = 0; k < ENTRIES; k++)
                for (int i = 0; i <= until; i++)
                    ck_assert(!set[k][i]);
            ck_assert(queue.count == 0 || weir__timer_first(&queue) > until);
        }
    }
    ck_assert_int_gt(fired, 1000);
    ck_assert_int_gt(blanks, 0);
    weir__timer t;
    while (weir__timer_due(&queue, INT64_MAX, &t, count_blank, &blanks))
        ;
    ck_assert_int_eq(weir__timer_first(&queue), INT64_MAX);
    for (int e = 0; e < ENTRIES; e++) {
        ck_assert_uint_eq(entries[e]->queued, 0);
        weir_free(entries[e]->timers, entries[e]->timer_capacity * sizeof(int64_t));
        weir_free(entries[e], sizeof(weir__entry));
    }
    weir__timer_queue_fini(&queue);
}
END_TEST

int main(void)
{
    return test_run(test_suite("timers", (const TTest *const[]){ like_a_list, NULL }));
}
