/* SPDX-License-Identifier: Apache-2.0
 *
 * shown: changes from what a key showed to what it shows now; strings stay until the next change.
 */
#include <string.h>
#include <weir/record.h>

#include "shown.h"
#include "support.h"

#define NOTE(F) F(u64, key) F(str, text)
WEIR_RECORD(note, NOTE)

static note with(const char *text)
{
    return (note){ 7, weir_str_of(text) };
}

static int replace(weir__shown *shown, note *room, const note *now, note *out, int64_t *diffs)
{
    weir__tally_changes changes = { .records = { (char *)&out[0], (char *)&out[1] } };
    int count = weir__shown_replace(shown, note_type(), (char *)room, now, &changes);
    memcpy(diffs, changes.diffs, sizeof changes.diffs);
    return count;
}

static void ck_text(const note *n, const char *text)
{
    ck_assert_uint_eq(n->text.len, strlen(text));
    ck_assert_mem_eq(weir_str_data(&n->text), text, strlen(text));
}

START_TEST(from_one_to_another)
{
    static const char *const texts[] = { "the first of two long texts", "the second, as long" };
    weir__shown shown = { .is_there = false };
    note room, out[2], now = with(texts[0]);
    int64_t diffs[2];
    ck_assert_int_eq(replace(&shown, &room, NULL, out, diffs), 0);
    ck_assert_int_eq(replace(&shown, &room, &now, out, diffs), 1);
    ck_assert_int_eq(diffs[0], 1);
    ck_text(&out[0], texts[0]);
    ck_assert_uint_ge(weir__shown_bytes(&shown), strlen(texts[0]));
    now = with(texts[0]);
    ck_assert_int_eq(replace(&shown, &room, &now, out, diffs), 0);
    now = with(texts[1]);
    ck_assert_int_eq(replace(&shown, &room, &now, out, diffs), 2);
    ck_assert_int_eq(diffs[0], -1);
    ck_assert_int_eq(diffs[1], 1);
    ck_text(&out[0], texts[0]); /* it is still there */
    ck_text(&out[1], texts[1]);
    ck_assert_int_eq(replace(&shown, &room, NULL, out, diffs), 1);
    ck_assert_int_eq(diffs[0], -1);
    ck_text(&out[0], texts[1]);
    ck_assert_int_eq(replace(&shown, &room, NULL, out, diffs), 0);
    ck_assert_uint_eq(weir__shown_bytes(&shown), 0);
    now = with("short");
    ck_assert_int_eq(replace(&shown, &room, &now, out, diffs), 1);
    weir__shown_fini(&shown);
}
END_TEST

int main(void)
{
    return test_run(test_suite("shown", (const TTest *const[]){ from_one_to_another, NULL }));
}
