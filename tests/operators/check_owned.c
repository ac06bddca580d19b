/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that own their long strings: copied when they lie elsewhere, left alone when they do not,
 * freed when they are gone.
 */
#include "owned.h"

#include <weir/record.h>

#include "support.h"

#define PAIR(F) F(str, a) F(opt_str, b)
WEIR_RECORD(pair, PAIR)

START_TEST(strings_are_owned)
{
    char text[] = "a text of more than twelve bytes";
    weir__owned owned = { .heap = NULL };
    pair p = { .a = weir_str_of(text), .b = { true, weir_str_of("short") } };
    weir__owned_settle(&owned, pair_type(), (char *)&p);
    text[0] = 'A';
    weir_str copy = weir_str_of("a text of more than twelve bytes");
    ck_assert(weir_str_equal(&p.a, &copy));
    const char *heap = owned.heap;
    ck_assert_uint_eq(owned.size, sizeof text - 1);
    weir__owned_settle(&owned, pair_type(), (char *)&p);
    ck_assert_ptr_eq(owned.heap, heap);
    p.b.value = p.a; /* refers to what is there already */
    weir__owned_settle(&owned, pair_type(), (char *)&p);
    ck_assert_uint_eq(owned.size, 2 * (sizeof text - 1));
    p.b.set = false;
    p.b.value = (weir_str){ 0 };
    p.a = weir_str_of("x");
    weir__owned_settle(&owned, pair_type(), (char *)&p);
    ck_assert_ptr_null(owned.heap);
    ck_assert_uint_eq(owned.size, 0);
    p.a = weir_str_of(text);
    weir__owned_settle(&owned, pair_type(), (char *)&p);
    ck_assert_ptr_nonnull(owned.heap);
    weir__owned_free(&owned);
    ck_assert_ptr_null(owned.heap);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { strings_are_owned, NULL };
    return test_run(test_suite("owned", tests));
}
