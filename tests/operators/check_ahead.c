/* SPDX-License-Identifier: Apache-2.0
 *
 * One key of a reduction in a loop, looked at ahead: what is pending stays so where the output has
 * to be corrected, and need not wait where it is right already.
 */
#include "correct.h"

#include <weir/record.h>

#include "support.h"

#define ITEM(F) F(u32, key) F(u32, value)
WEIR_RECORD(item, ITEM)

static const weir_key by_key = { .count = 1, .field = { 0 } };
static size_t calls;

static weir_status least(const void *key, const weir_values *values, weir_builder *builder,
                         const void *ctx)
{
    const item *first = weir_first_there_(values);
    (void)key;
    (void)ctx;
    calls++;
    if (first)
        item_emit((weir_out(item)){ .builder = builder }, *first);
    return WEIR_OK;
}

static weir_status how_many(const void *key, const weir_values *values, weir_builder *builder,
                            const void *ctx)
{
    (void)ctx;
    calls++;
    item_emit((weir_out(item)){ .builder = builder },
              (item){ ((const item *)key)->key, (uint32_t)values->count });
    return WEIR_OK;
}

typedef struct change {
    item record;
    weir_time time;
    int64_t diff;
} change;

static weir_trace_run *run_of(const change *changes, size_t count)
{
    weir_shape *shape;
    weir_trace_run *run;
    weir_shape_spec spec = { .type = item_type(), .key = by_key, .depth = 2 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    for (size_t i = 0; i < count; i++) {
        weir_updates updates = { .records = &changes[i].record, .count = 1,
                                 .time = changes[i].time, .diffs = &changes[i].diff };
        ck_assert_int_eq(weir_trace_builder_add(b, &updates), WEIR_OK);
    }
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
    return run;
}

/* Epoch 0 had value 1 in round 0, value 2 in round 5 and 3 in round 7; in epoch 1 value 4 has come
 * in round 0. Where is the output pending, if so many times may be looked at ahead? */
static void correct(weir__correct *c, const change *results, size_t count, uint32_t credit)
{
    static const change items[] = { { { 7, 1 }, { { 0, 0 } }, 1 },
                                    { { 7, 2 }, { { 0, 5 } }, 1 },
                                    { { 7, 3 }, { { 0, 7 } }, 1 },
                                    { { 7, 4 }, { { 1, 0 } }, 1 } };
    weir_trace_run *in = run_of(items, 4), *out = run_of(results, count);
    weir_cursor *in_cursor = weir_cursor_create(&in, 1), *out_cursor = weir_cursor_create(&out, 1);
    weir_frontier upper;
    weir_frontier_init(&upper, 2);
    weir_frontier_insert(&upper, &(weir_time){ { 1, 1 } });
    weir_frontier_insert(&upper, &(weir_time){ { 2, 0 } });
    c->credit = credit;
    calls = 0;
    weir__correct_begin(c, &items[3].record);
    weir_history_seed(&c->history, &(weir_time){ { 1, 0 } });
    ck_assert_int_eq(weir__correct_run(c, in_cursor, out_cursor, &upper), WEIR_OK);
    weir_frontier_fini(&upper);
    weir_cursor_destroy(in_cursor);
    weir_cursor_destroy(out_cursor);
    weir_trace_run_release(in);
    weir_trace_run_release(out);
}

static void expect_pending(const weir__correct *c, uint64_t round)
{
    ck_assert_uint_eq(c->history.pending.count, round != 0);
    if (round == 0)
        return;
    ck_assert_uint_eq(weir_frontier_times(&c->history.pending)->at[0], 1);
    ck_assert_uint_eq(weir_frontier_times(&c->history.pending)->at[1], round);
}

START_TEST(right_already)
{
    static const change results[] = { { { 7, 1 }, { { 0, 0 } }, 1 } };
    weir_reduce_spec reduce = { .kind = "least", .out = item_type(), .reduce = least,
                                .result_key = by_key };
    weir__correct_spec spec = { item_type(), &by_key, &reduce, 2 };
    weir__correct c;
    size_t count;
    ck_assert_int_eq(weir__correct_init(&c, &spec), WEIR_OK);
    correct(&c, results, 1, 10);
    expect_pending(&c, 5); /* the function did not say that it may be asked */
    ck_assert_uint_eq(calls, 1);
    reduce.ahead = true;
    correct(&c, results, 1, 0);
    expect_pending(&c, 5);
    ck_assert_uint_eq(calls, 1);
    correct(&c, results, 1, 1);
    expect_pending(&c, 7); /* as far as it may */
    ck_assert_uint_eq(calls, 2);
    correct(&c, results, 1, 10);
    expect_pending(&c, 0);
    ck_assert_uint_eq(calls, 3);
    ck_assert_uint_eq(c.credit, 8);
    (void)weir_history_corrections(&c.history, &count);
    ck_assert_uint_eq(count, 0);
    for (int i = 0; i < 100; i++)
        weir__correct_earn(&c);
    ck_assert_uint_ge(c.credit, 1000);
    ck_assert_uint_le(c.credit, 1024);
    weir__correct_fini(&c);
}
END_TEST

START_TEST(to_be_corrected)
{
    static const change results[] = {
        { { 7, 1 }, { { 0, 0 } }, 1 },  { { 7, 1 }, { { 0, 5 } }, -1 },
        { { 7, 2 }, { { 0, 5 } }, 1 },  { { 7, 2 }, { { 0, 7 } }, -1 },
        { { 7, 3 }, { { 0, 7 } }, 1 },
    };
    weir_reduce_spec reduce = { .kind = "count", .out = item_type(), .reduce = how_many,
                                .result_key = by_key, .ahead = true };
    weir__correct_spec spec = { item_type(), &by_key, &reduce, 2 };
    weir__correct c;
    size_t count;
    ck_assert_int_eq(weir__correct_init(&c, &spec), WEIR_OK);
    correct(&c, results, 5, 10);
    expect_pending(&c, 5);
    ck_assert_uint_eq(calls, 2);
    const weir_history_update *made = weir_history_corrections(&c.history, &count);
    ck_assert_uint_eq(count, 2); /* 1 becomes 2, in round 0 only */
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(made[i].time.at[1], 0);
    weir__correct_fini(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { right_already, to_be_corrected, NULL };
    return test_run(test_suite("ahead", tests));
}
