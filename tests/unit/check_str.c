/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings: views, equality, order, splitting.
 */
#include <weir/memory.h>
#include <weir/str.h>

#include "support.h"

static void assert_str(const weir_str *s, const char *text)
{
    ck_assert_uint_eq(s->len, strlen(text));
    ck_assert(memcmp(weir_str_data(s), text, s->len) == 0);
}

START_TEST(views_of_every_short_length_are_canonical)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    for (size_t len = 0; len <= 26; len++) {
        weir_str s = weir_str_view(len ? text : NULL, len), again;
        memset(&again, 0, sizeof again);
        again.len = (uint32_t)len;
        memcpy(again.prefix, text, len < 4 ? len : 4);
        if (len <= WEIR_STR_INLINE)
            memcpy((char *)&again + 4, text, len);
        else
            again.u.ptr = text;
        ck_assert_msg(memcmp(&s, &again, sizeof s) == 0, "length %zu", len);
        ck_assert(weir_str_is_inline(&s) == (len <= 12));
        ck_assert(memcmp(weir_str_data(&s), text, len) == 0);
    }
    weir_str zero;
    memset(&zero, 0, sizeof zero);
    assert_str(&zero, "");
}
END_TEST

START_TEST(a_view_reads_only_its_bytes)
{
    for (size_t len = 1; len <= 40; len++) {
        char *exact = weir_alloc(len);
        memset(exact, 'x', len);
        weir_str s = weir_str_view(exact, len), token;
        ck_assert_uint_eq(s.len, len);
        ck_assert(weir_str_split(&s, ' ', &token));
        ck_assert_uint_eq(token.len, len);
        ck_assert(!weir_str_split(&s, ' ', &token));
        weir_free(exact, len);
    }
}
END_TEST

START_TEST(equality_looks_at_all_bytes)
{
    for (size_t len = 0; len < 70; len++) {
        char *a = weir_alloc_must(len + 1), *b = weir_alloc_must(len + 1);
        for (size_t i = 0; i <= len; i++)
            a[i] = b[i] = (char)('0' + i);
        weir_str x = weir_str_view(a, len), y = weir_str_view(b, len);
        ck_assert(weir_str_equal(&x, &y));
        for (size_t i = 0; i < len; i++) {
            b[i] ^= 1;
            y = weir_str_view(b, len);
            ck_assert(!weir_str_equal(&x, &y));
            b[i] ^= 1;
        }
        y = weir_str_view(b, len + 1);
        ck_assert(!weir_str_equal(&x, &y));
        weir_free(a, len + 1);
        weir_free(b, len + 1);
    }
}
END_TEST

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int naive_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? sign(order) : (a_len > b_len) - (a_len < b_len);
}

START_TEST(order_is_that_of_the_bytes)
{
    uint64_t state = test_seed(7), seed = state;
    for (int round = 0; round < 20000; round++) {
        char a[24], b[24];
        size_t a_len = test_below(&state, 24), b_len = test_below(&state, 24);
        size_t same = test_below(&state, 24);
        for (size_t i = 0; i < 24; i++) {
            a[i] = (char)(test_below(&state, 3) * 127);
            b[i] = i < same ? a[i] : (char)(test_below(&state, 3) * 127);
        }
        weir_str x = weir_str_view(a, a_len), y = weir_str_view(b, b_len);
        int wanted = naive_compare(a, a_len, b, b_len);
        ck_assert_msg(sign(weir_str_compare(&x, &y)) == wanted, "WEIR_SEED=%lu",
                      (unsigned long)seed);
        ck_assert_msg(weir_str_equal(&x, &y) == (wanted == 0), "WEIR_SEED=%lu",
                      (unsigned long)seed);
    }
}
END_TEST

/* Splits text in the plainest way and compares token by token. */
static void check_split(const char *text, size_t len, uint64_t seed)
{
    weir_str rest = weir_str_view(text, len), token;
    size_t at = 0;
    for (;;) {
        while (at < len && text[at] == ' ')
            at++;
        size_t from = at;
        while (at < len && text[at] != ' ')
            at++;
        bool found = weir_str_split(&rest, ' ', &token);
        ck_assert_msg(found == (at > from), "WEIR_SEED=%lu", (unsigned long)seed);
        if (!found)
            break;
        weir_str wanted = weir_str_view(text + from, at - from);
        ck_assert_msg(weir_str_equal(&token, &wanted), "WEIR_SEED=%lu", (unsigned long)seed);
        if (token.len > WEIR_STR_INLINE)
            ck_assert_ptr_eq(token.u.ptr, text + from);
        weir_str left = weir_str_view(weir_str_data(&rest), rest.len);
        ck_assert_msg(memcmp(&left, &rest, sizeof rest) == 0 || !weir_str_is_inline(&rest),
                      "WEIR_SEED=%lu", (unsigned long)seed);
    }
    ck_assert_uint_eq(rest.len, 0);
    ck_assert(!weir_str_split(&rest, ' ', &token));
}

/* All tokens at once are those that are cut off one by one. */
static void check_split_all(const char *text, size_t len, uint64_t seed)
{
    weir_str all = weir_str_view(text, len), rest = all, token, wanted;
    weir_split split = weir_split_of(&all, ' ');
    while (weir_str_split(&rest, ' ', &wanted)) {
        ck_assert_msg(weir_split_next(&split, &token), "WEIR_SEED=%lu", (unsigned long)seed);
        ck_assert_msg(memcmp(&token, &wanted, sizeof token) == 0, "WEIR_SEED=%lu",
                      (unsigned long)seed);
    }
    ck_assert(!weir_split_next(&split, &token));
    ck_assert(!weir_split_next(&split, &token));
}

START_TEST(splitting_agrees_with_the_plainest_way)
{
    uint64_t state = test_seed(11), seed = state;
    for (int round = 0; round < 20000; round++) {
        size_t len = test_below(&state, round % 64 ? 90 : 3 * WEIR__SPLIT_SPAN);
        size_t density = 1 + test_below(&state, round % 3 ? 24 : 2000);
        char *text = weir_alloc(len + !len);
        for (size_t i = 0; i < len; i++)
            text[i] = test_below(&state, density) == 0 ? ' ' : (char)('a' + test_below(&state, 26));
        check_split(text, len, seed);
        check_split_all(text, len, seed);
        weir_free(text, len + !len);
    }
}
END_TEST

START_TEST(a_separator_may_be_any_byte)
{
    weir_str rest = weir_str_view("one\0two\0\0three and a long one after it", 37), token;
    ck_assert(weir_str_split(&rest, '\0', &token));
    assert_str(&token, "one");
    ck_assert(weir_str_split(&rest, '\0', &token));
    assert_str(&token, "two");
    ck_assert(weir_str_split(&rest, '\xff', &token));
    ck_assert_uint_eq(token.len, 29);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        views_of_every_short_length_are_canonical,
        a_view_reads_only_its_bytes,
        equality_looks_at_all_bytes,
        order_is_that_of_the_bytes,
        splitting_agrees_with_the_plainest_way,
        a_separator_may_be_any_byte,
        NULL,
    };
    return test_run(test_suite("str", tests));
}
