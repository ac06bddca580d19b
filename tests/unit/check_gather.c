/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathers: what is emitted is there in order, few records and many, with strings and diffs; what
 * was there before is gone.
 */
#include <weir/gather.h>

#include <stdio.h>
#include <string.h>
#include <weir/memory.h>
#include <weir/record.h>

#include "support.h"

#define ITEM(F) F(u64, n) F(str, text)
WEIR_RECORD(item, ITEM)

static const char text[] = "a text of more than twelve bytes";

/* Emits so many, every third one `diff` times. */
static void emit(weir_gather *g, uint64_t count, int64_t diff)
{
    weir_out(item) out = { .builder = weir_gather_begin(g) };
    for (uint64_t i = 0; i < count; i++) {
        if (diff != 1)
            weir_builder_set_diff(out.builder, i % 3 ? 1 : diff);
        item_emit(out, (item){ i, weir_str_copy(out, weir_str_of(text + i % 20)) });
    }
}

static void check(weir_gather *g, uint64_t count, int64_t diff)
{
    const weir_gathered *pieces;
    uint64_t n = 0;
    for (size_t left = weir_gather_end(g, &pieces); left > 0; left--, pieces++) {
        ck_assert_uint_gt(pieces->count, 0);
        for (size_t i = 0; i < pieces->count; i++, n++) {
            const item *is = (const item *)pieces->records + i;
            weir_str wanted = weir_str_of(text + n % 20);
            ck_assert_uint_eq(is->n, n);
            ck_assert(weir_str_equal(&is->text, &wanted));
            ck_assert_int_eq(pieces->diffs ? pieces->diffs[i] : 1, n % 3 ? 1 : diff);
        }
    }
    ck_assert_uint_eq(n, count);
}

START_TEST(what_was_emitted)
{
    weir_gather *g = weir_gather_create(item_type());
    const uint64_t counts[] = { 0, 1, 5, 0, 3000, 40000, 2, 4, 20000, 1 };
    const int64_t diffs[] = { 1, 1, -2, 1, 1, 5, 1, 1, 1, -1 };
    for (int i = 0; i < 10; i++) {
        emit(g, counts[i], diffs[i]);
        check(g, counts[i], diffs[i]);
    }
    weir_gather_destroy(g);
    weir_gather_destroy(NULL);
}
END_TEST

START_TEST(memory_runs_out)
{
    for (uint64_t nth = 1; nth <= 3; nth++) {
        weir_memory_fail_nth(nth, 0);
        ck_assert_ptr_null(weir_gather_create(item_type()));
    }
    weir_memory_fail_nth(0, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { what_was_emitted, memory_runs_out, NULL };
    return test_run(test_suite("gather", tests));
}
