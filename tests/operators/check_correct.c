/* SPDX-License-Identifier: Apache-2.0
 *
 * One key of a reduction: values and results come from traces, results are numbered whether there
 * are few or many, strings of results outlive the call that made them, wrong keys are refused.
 */
#include "correct.h"

#include <stdio.h>
#include <string.h>
#include <weir/record.h>

#include "support.h"

#define ITEM(F) F(u32, value) F(opt_u32, key)
#define RESULT(F) F(opt_u32, key) F(str, text)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(result, RESULT)

static const weir_key by_key = { .count = 1, .field = { 1 } };
static uint32_t results; /* how many the function gives, and of which key */
static bool wrong_key;

static weir_status give(const void *key, const weir_values *values, weir_builder *builder,
                        const void *ctx)
{
    weir_out(result) out = { .builder = builder };
    const item *k = key;
    ck_assert_ptr_null(ctx);
    ck_assert_uint_eq(k->value, 0);
    for (uint32_t i = 0; i < results; i++)
        result_emit(out, (result){ wrong_key ? (weir_opt_u32){ false, 0 } : k->key,
                                   weir_str_format(out, "result %u, over twelve bytes, of %u", i,
                                                   (unsigned)values->count) });
    return WEIR_OK;
}

static weir_trace_run *run_of(const weir_type *type, const weir_key *key, const void *records,
                              size_t count)
{
    weir_shape *shape;
    weir_trace_run *run;
    weir_shape_spec spec = { .type = type, .key = *key, .depth = 1 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    weir_updates updates = { .records = records, .count = count, .time = weir_time_1(0) };
    ck_assert_int_eq(weir_trace_builder_add(b, &updates), WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
    return run;
}

static void check(weir__correct *c, uint32_t plus, uint32_t minus)
{
    size_t count;
    const weir_history_update *u = weir_history_corrections(&c->history, &count);
    uint32_t found[2] = { 0, 0 };
    bool *seen = calloc(2 * (size_t)(plus + minus + 1), sizeof *seen);
    for (size_t i = 0; i < count; i++) {
        char text[100];
        const result *r = weir__correct_result(c, u[i].value);
        ck_assert_int_eq(u[i].diff * u[i].diff, 1);
        ck_assert_uint_eq(r->key.value, 7);
        uint32_t is_old = u[i].diff < 0;
        uint32_t n = (uint32_t)strtoul(weir_str_data(&r->text) + 7, NULL, 10);
        ck_assert_uint_lt(n, is_old ? minus : plus);
        ck_assert(!seen[2 * n + is_old]);
        seen[2 * n + is_old] = true;
        found[is_old]++;
        snprintf(text, sizeof text, "result %u, over twelve bytes, of %u", n, is_old ? 1 : 2);
        weir_str wanted = weir_str_of(text);
        ck_assert(weir_str_equal(&r->text, &wanted));
    }
    free(seen);
    ck_assert_uint_eq(found[0], plus);
    ck_assert_uint_eq(found[1], minus);
}

/* Two values now; before, one, of which there are `old` results. */
static void correct(weir__correct *c, uint32_t now, uint32_t old, weir_status status)
{
    const item items[] = { { 1, { true, 7 } }, { 2, { true, 7 } }, { 3, { true, 8 } } };
    result *shown = calloc(old + 1, sizeof *shown);
    char(*texts)[64] = calloc(old + 1, sizeof *texts);
    weir_frontier upper;
    for (uint32_t i = 0; i < old; i++) {
        snprintf(texts[i], sizeof texts[i], "result %u, over twelve bytes, of 1", i);
        shown[i] = (result){ { true, 7 }, weir_str_of(texts[i]) };
    }
    shown[old] = (result){ { true, 9 }, weir_str_of("of another key") };
    weir_trace_run *in = run_of(item_type(), &by_key, items, 3);
    weir_trace_run *out = run_of(result_type(), &c->spec->result_key, shown, old + 1);
    weir_cursor *in_cursor = weir_cursor_create(&in, 1), *out_cursor = weir_cursor_create(&out, 1);
    results = now;
    weir_frontier_init(&upper, 1);
    weir__correct_begin(c, &items[1]);
    weir_history_seed(&c->history, &(weir_time){ { 1 } });
    weir_history_seed(&c->history, &(weir_time){ { 2 } });
    ck_assert_int_eq(weir__correct_run(c, in_cursor, out_cursor, &upper), status);
    if (status == WEIR_OK)
        check(c, now, old);
    weir_cursor_destroy(in_cursor);
    weir_cursor_destroy(out_cursor);
    weir_trace_run_release(in);
    weir_trace_run_release(out);
    free(shown);
    free(texts);
}

START_TEST(few_and_many)
{
    weir_reduce_spec reduce = { .kind = "give", .out = result_type(), .reduce = give,
                                .result_key = { .count = 1, .field = { 0 } } };
    weir__correct_spec spec = { item_type(), &by_key, &reduce, 1 };
    weir__correct c = { .in = NULL };
    weir__correct_fini(&c);
    ck_assert_int_eq(weir__correct_init(&c, &spec), WEIR_OK);
    correct(&c, 1, 0, WEIR_OK);
    correct(&c, 0, 1, WEIR_OK);
    correct(&c, 3, 5, WEIR_OK);
    correct(&c, 200, 100, WEIR_OK);
    correct(&c, 2, 9, WEIR_OK);
    correct(&c, 5000, 0, WEIR_OK);
    correct(&c, 9, 8, WEIR_OK);
    wrong_key = true;
    correct(&c, 1, 0, WEIR_INVALID);
    wrong_key = false;
    correct(&c, 1, 1, WEIR_OK);
    weir__correct_fini(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { few_and_many, NULL };
    return test_run(test_suite("correct", tests));
}
