/* SPDX-License-Identifier: Apache-2.0
 *
 * Keyed states: strings that they own, what is blank, and that nothing is left over.
 */
#include "keyed.h"

#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, key) F(str, text)
#define NOTES(F) F(str, first) F(opt_str, second) F(u8, small) F(u64, count)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(notes, NOTES)

static weir__keyed keyed;
static weir_account *account;

static weir_status keyed_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    static const weir_key key = { .count = 1, .field = { 0 } };
    (void)ctx;
    *made = &keyed;
    account = weir_step_account(step);
    return weir__keyed_init(&keyed, step, &(weir__keyed_spec){ item_type(), notes_type(), &key },
                            error);
}

static weir__entry *entry_of(uint64_t key)
{
    weir__entry *entry = weir_table_insert(keyed.table, &(item){ .key = key });
    ck_assert_ptr_nonnull(entry);
    return entry;
}

static void strings_are_owned(void)
{
    char text[64] = "a text that is longer than what fits";
    char other[64] = "another text, just as long";
    weir__entry *entry = entry_of(1);
    notes *n = (notes *)entry->state;
    ck_assert(weir__keyed_is_blank(&keyed, entry));
    n->first = weir_str_of(text);
    n->second = (weir_opt_str){ true, weir_str_of(other) };
    weir__keyed_settle(&keyed, entry);
    memset(text, 'x', 30);
    memset(other, 'x', 20);
    weir_str first = weir_str_of("a text that is longer than what fits"),
             second = weir_str_of("another text, just as long");
    ck_assert(weir_str_equal(&n->first, &first) && weir_str_equal(&n->second.value, &second));
    const char *heap = entry->owned.heap;
    weir__keyed_settle(&keyed, entry);
    ck_assert_ptr_eq(entry->owned.heap, heap); /* nothing has changed */
    n->second = (weir_opt_str){ false, { 0 } };
    weir__keyed_settle(&keyed, entry);
    n->first = weir_str_of("short");
    weir__keyed_settle(&keyed, entry);
    ck_assert_ptr_null(entry->owned.heap);
    ck_assert(!weir__keyed_is_blank(&keyed, entry));
    *n = (notes){ .small = 0 };
    ck_assert(weir__keyed_is_blank(&keyed, entry));
    n->small = 1;
    ck_assert(!weir__keyed_is_blank(&keyed, entry));
    *n = (notes){ .second = { true, { 0 } } };
    ck_assert(!weir__keyed_is_blank(&keyed, entry));
    *n = (notes){ .small = 0 };
    entry->queued = 1;
    ck_assert(!weir__keyed_is_blank(&keyed, entry));
    entry->queued = 0;
    weir__keyed_remove(&keyed, entry);
    ck_assert_uint_eq(weir_table_count(keyed.table), 0);
}

static void nothing_is_left(void)
{
    int64_t before = weir_account_bytes(account);
    for (int round = 0; round < 3; round++) {
        for (uint64_t key = 0; key < 200; key++) {
            weir__entry *entry = entry_of(key);
            ((notes *)entry->state)->first = weir_str_of("a text that is longer than twelve");
            weir__keyed_settle(&keyed, entry);
        }
        ck_assert_int_gt(weir_account_bytes(account), before + 200 * 30);
        if (round == 1)
            weir__keyed_clear(&keyed);
        for (uint64_t key = 0; round != 1 && key < 200; key++)
            weir__keyed_remove(&keyed, entry_of(key));
        ck_assert_uint_eq(weir_table_count(keyed.table), 0);
    }
}

static void keyed_step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0)) {
        strings_are_owned();
        nothing_is_left();
    }
    entry_of(77)->timers = weir_alloc_must(2 * sizeof(int64_t));
    entry_of(77)->timer_capacity = 2;
}

static void keyed_fini(void *state)
{
    int64_t other = weir_account_bytes(account);
    weir__keyed_fini(state);
    ck_assert_int_lt(weir_account_bytes(account), other);
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_unary(weir_test_input(g, item), item, keyed_step, .init = keyed_init,
                                .fini = keyed_fini));
}

START_TEST(states)
{
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 0, item, 0, +1, { .key = 1 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("keyed", (const TTest *const[]){ states, NULL }));
}
