/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of captured events: damage anywhere is refused or read as something harmless.
 */
#include "captured_event.h"

#include <string.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, i) F(str, name)
WEIR_RECORD(item, ITEM)

static weir_status count_record(const weir_time *t, int64_t diff, const weir_str *record, void *ctx)
{
    ck_assert(t != NULL && diff >= INT64_MIN && weir_str_data(record) != NULL);
    ++*(unsigned *)ctx;
    return WEIR_OK;
}

START_TEST(what_is_put_is_got)
{
    item items[] = { { 1, weir_str_of("a") }, { 2, weir_str_of("a name of many letters") } };
    uint64_t times[] = { 3, 9, 4, 8 };
    int64_t diffs[] = { 1, -5 };
    weir_batch batch = { .type = item_type(), .count = 2, .records = items, .times = times,
                         .diffs = diffs, .time = { { 3, 8 } }, .depth = 2 };
    weir_bytes_out out = { 0 };
    weir_error error;
    unsigned records = 0;
    weir_frontier frontier;
    weir_frontier_init(&frontier, 2);
    weir__event_sink sink = { count_record, &frontier, &records };
    ck_assert_int_eq(weir__event_put_batch(&out, &batch, &error), WEIR_OK);
    weir_str payload = weir_str_view(out.data, out.len);
    ck_assert_int_eq(weir__event_kind(&payload), WEIR__EVENT_BATCH);
    ck_assert_int_eq(weir__event_get(&payload, 2, &sink, &error), WEIR_OK);
    ck_assert_uint_eq(records, 2);
    out.len = 0;
    weir_frontier_insert(&frontier, &(weir_time){ { 4, 1 } });
    weir_frontier_insert(&frontier, &(weir_time){ { 2, 7 } });
    ck_assert_int_eq(weir__event_put_progress(&out, &frontier), WEIR_OK);
    payload = weir_str_view(out.data, out.len);
    weir_frontier_clear(&frontier);
    ck_assert_int_eq(weir__event_get(&payload, 2, &sink, &error), WEIR_OK);
    ck_assert_uint_eq(frontier.count, 2);
    ck_assert_int_eq(weir__event_get(&payload, 3, &sink, &error), WEIR_BAD_DATA);
    weir_frontier_fini(&frontier);
    weir_bytes_out_fini(&out);
}
END_TEST

START_TEST(damage_is_harmless)
{
    uint64_t random = test_seed(9);
    item items[] = { { 1, weir_str_of("a") }, { 2, weir_str_of("a name of many letters") } };
    weir_batch batch = { .type = item_type(), .count = 2, .records = items, .time = { { 3 } },
                         .depth = 1 };
    weir__captured_form form = { item_type(), 3, 1, false };
    weir_bytes_out out = { 0 };
    weir_error error;
    weir_frontier frontier;
    weir_frontier_init(&frontier, 1);
    unsigned refused = 0, records = 0, parts;
    for (int round = 0; round < 6000; round++) {
        weir__event_sink sink = { count_record, &frontier, &records };
        out.len = 0;
        if (round % 2)
            ck_assert_int_eq(weir__event_put_stream(&out, &form), WEIR_OK);
        else
            ck_assert_int_eq(weir__event_put_batch(&out, &batch, &error), WEIR_OK);
        size_t len = out.len - (round % 3 ? 0 : test_below(&random, out.len));
        if (round % 3)
            out.data[test_below(&random, len)] ^= (char)(1 << test_below(&random, 8));
        weir_str payload = weir_str_view(out.data, len);
        (void)weir__event_kind(&payload);
        refused += weir__event_get(&payload, 1, &sink, &error) != WEIR_OK;
        refused += weir__event_get_stream(&payload, &form, &parts, &error) != WEIR_OK;
    }
    ck_assert_uint_gt(refused, 6000);
    weir_frontier_fini(&frontier);
    weir_bytes_out_fini(&out);
}
END_TEST

int main(void)
{
    return test_run(test_suite("captured_event", (const TTest *const[]){
        what_is_put_is_got, damage_is_harmless, NULL }));
}
