/* SPDX-License-Identifier: Apache-2.0
 *
 * flat_map: any number out, with the diffs and times of what they come from, and new strings.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define LINE(F) F(str, text) F(u64, times)
#define WORD(F) F(str, text) F(str, long_text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void split(const line *in, weir_out(word) out)
{
    for (uint64_t i = 0; i < in->times; i++) {
        weir_str rest = in->text, token;
        while (weir_str_split(&rest, ' ', &token)) {
            weir_str text = weir_str_format(out, "the word %.*s, number %u", (int)token.len,
                                            weir_str_data(&token), (unsigned)i);
            word_emit(out, (word){ .text = i % 2 ? token : weir_str_copy(out, token),
                                   .long_text = text });
        }
    }
}
WEIR_FLAT_MAP(split, line, word)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_test_collection(g, line);
    weir_test_output(weir_exchange(weir_flat_map(lines, split), WEIR_KEY(word, text)));
}

START_TEST(emits_any_number)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        weir_test_push(t, 0, line, 1, +1, { weir_str_of("a to"), 0 });
        weir_test_push(t, 0, line, 1, -3, { weir_str_of("to"), 1 });
        weir_test_push(t, 0, line, 1, +1, { weir_str_of("  "), 5 });
        weir_test_push(t, 0, line, 2, +1, { weir_str_of("incomprehensibilities to"), 2 });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(
            weir_test_take(t, 0),
            "(text: \"to\", long_text: \"the word to, number 0\") @1 -3\n"
            "(text: \"incomprehensibilities\", "
            "long_text: \"the word incomprehensibilities, number 0\") @2 +1\n"
            "(text: \"incomprehensibilities\", "
            "long_text: \"the word incomprehensibilities, number 1\") @2 +1\n"
            "(text: \"to\", long_text: \"the word to, number 0\") @2 +1\n"
            "(text: \"to\", long_text: \"the word to, number 1\") @2 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* Many batches out of one record, and many records into one batch. */
START_TEST(fills_batches)
{
    weir_test *t = weir_test_create(build, NULL, .workers = 2, .batch_bytes = 256);
    weir_test_push(t, 0, line, 0, +1, { weir_str_of("x y"), 3000 });
    for (int i = 0; i < 3000; i++)
        weir_test_push(t, 0, line, 0, i % 2 ? 1 : -1, { weir_str_of("z"), 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 9000);
    size_t minus = 0;
    for (size_t i = 0; i < 9000; i++)
        minus += weir_test_at(t, 0, i).diff == -1;
    ck_assert_uint_eq(minus, 1500);
    weir_test_destroy(t);
}
END_TEST

static void build_wrong(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir__flat_map(weir_test_input(g, line).port, word_type(), word_type(),
                   weir_flat_map_kernel_split, "split");
}

START_TEST(refuses_other_records)
{
    weir_test *t = weir_test_create(build_wrong, NULL);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "the stream carries 'line', the function takes 'word'");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("flat_map", (const TTest *const[]){
        emits_any_number, fills_batches, refuses_other_records, NULL }));
}
