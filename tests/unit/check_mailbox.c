/* SPDX-License-Identifier: Apache-2.0
 *
 * The mailbox: order, chunk ends, recycling, and two threads against each other.
 */
#include "comm/mailbox.h"

#include <pthread.h>
#include <sched.h>

#include <weir/memory.h>

#include "support.h"

static void *number(uint64_t n)
{
    return (void *)(uintptr_t)(n + 1);
}

START_TEST(empty_takes_nothing)
{
    weir__mailbox box;
    ck_assert(weir__mailbox_init(&box));
    ck_assert_ptr_null(weir__mailbox_take(&box));
    weir__mailbox_push(&box, number(7));
    ck_assert_ptr_eq(weir__mailbox_take(&box), number(7));
    ck_assert_ptr_null(weir__mailbox_take(&box));
    weir__mailbox_fini(&box);
}
END_TEST

START_TEST(no_memory)
{
    weir__mailbox box;
    weir_memory_fail_nth(1, 0);
    ck_assert(!weir__mailbox_init(&box));
    weir_memory_fail_nth(0, 0);
}
END_TEST

/* Random runs of pushes and takes, so that both ends cross chunk ends at every relative place. */
START_TEST(keeps_order)
{
    uint64_t seed = test_seed(3), state = seed, pushed = 0, taken = 0;
    size_t before = weir_memory_used();
    weir__mailbox box;
    ck_assert(weir__mailbox_init(&box));
    for (int round = 0; round < 300; round++) {
        for (uint64_t n = test_below(&state, 900); n > 0; n--)
            weir__mailbox_push(&box, number(pushed++));
        for (uint64_t n = test_below(&state, 900); n > 0; n--) {
            void *item = weir__mailbox_take(&box);
            ck_assert_msg(item == (taken < pushed ? number(taken) : NULL), "seed %lu",
                          (unsigned long)seed);
            taken += item != NULL;
        }
    }
    while (taken < pushed)
        ck_assert_ptr_eq(weir__mailbox_take(&box), number(taken++));
    ck_assert_ptr_null(weir__mailbox_take(&box));
    weir__mailbox_fini(&box);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(in_step_allocates_nothing)
{
    weir__mailbox box;
    ck_assert(weir__mailbox_init(&box));
    for (uint64_t i = 0; i < 2000; i++) {
        weir__mailbox_push(&box, number(i));
        ck_assert_ptr_eq(weir__mailbox_take(&box), number(i));
    }
    size_t before = weir_memory_used();
    weir_memory_fail_nth(1, 1);
    for (uint64_t i = 0; i < 20000; i++) {
        weir__mailbox_push(&box, number(i));
        ck_assert_ptr_eq(weir__mailbox_take(&box), number(i));
        ck_assert_uint_eq(weir_memory_used(), before);
    }
    weir_memory_fail_nth(0, 0);
    ck_assert(!weir_memory_exhausted());
    weir__mailbox_fini(&box);
}
END_TEST

START_TEST(fini_with_items_frees_the_chunks)
{
    size_t before = weir_memory_used();
    weir__mailbox box;
    ck_assert(weir__mailbox_init(&box));
    for (uint64_t i = 0; i < 5000; i++)
        weir__mailbox_push(&box, number(i));
    for (uint64_t i = 0; i < 1000; i++)
        weir__mailbox_take(&box);
    weir__mailbox_fini(&box);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* What the pointers point to must be visible too: the writer fills it in plainly. */
typedef struct letter {
    uint64_t number, check;
} letter;

enum { LETTERS = 60000 };

static void *write_letters(void *ctx)
{
    weir__mailbox *box = ctx;
    uint64_t state = test_seed(5);
    for (uint64_t i = 0; i < LETTERS; i++) {
        letter *sent = weir_alloc_must(sizeof *sent);
        *sent = (letter){ .number = i, .check = ~i };
        weir__mailbox_push(box, sent);
        if (test_below(&state, 1000) == 0)
            sched_yield();
    }
    return NULL;
}

START_TEST(two_threads)
{
    size_t before = weir_memory_used();
    weir__mailbox box;
    pthread_t writer;
    ck_assert(weir__mailbox_init(&box));
    ck_assert_int_eq(pthread_create(&writer, NULL, write_letters, &box), 0);
    for (uint64_t taken = 0; taken < LETTERS;) {
        letter *got = weir__mailbox_take(&box);
        if (!got) {
            sched_yield();
            continue;
        }
        ck_assert_uint_eq(got->number, taken);
        ck_assert_uint_eq(got->check, ~taken);
        weir_free(got, sizeof *got);
        taken++;
    }
    pthread_join(writer, NULL);
    weir__mailbox_fini(&box);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        empty_takes_nothing,
        no_memory,
        keeps_order,
        in_step_allocates_nothing,
        fini_with_items_frees_the_chunks,
        two_threads,
        NULL,
    };
    return test_run(test_suite("mailbox", tests));
}
