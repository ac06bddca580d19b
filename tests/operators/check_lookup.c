/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups of changes in a collection: as it is at their time or before it, when it is complete up
 * to there, whatever has come of later times; more than one step works off; overflow.
 */
#include "lookup.h"

#include <string.h>
#include <weir/operators/flat_map.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "steps.h"
#include "support.h"

#define LEFT(F) F(u32, key) F(u32, id)
#define RIGHT(F) F(u32, value) F(u32, key)
#define BOTH(F) F(u32, id) F(u32, value)
WEIR_RECORD(left, LEFT)
WEIR_RECORD(right, RIGHT)
WEIR_RECORD(both, BOTH)

static weir__parts *parts;

static void widen(const weir_batch *in, weir_builder *out, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < in->count; i++) {
        out->from = i;
        char *to = memset(weir_builder_next(out, parts->type.size), 0, parts->type.size);
        *(left *)weir__part(parts, 0, to) = *(const left *)weir_batch_record(in, i);
    }
}

static void narrow(const weir_batch *in, weir_builder *out, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < in->count; i++) {
        const void *record = weir_batch_record(in, i);
        out->from = i;
        both_emit((weir_out(both)){ out },
                  (both){ ((const left *)weir__part_read(parts, 0, record))->id,
                          ((const right *)weir__part_read(parts, 1, record))->value });
    }
}

/* Output 0: as it is; output 1: as it was before. */
static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(left) a = weir_test_collection(g, left);
    weir_stream(right) b = weir_test_collection(g, right);
    parts = weir__parts_of(g, (const weir_type *const[]){ left_type(), right_type() }, 2, "test");
    for (int before = 0; before < 2; before++) {
        weir__lookup_spec spec = { .kind = "look_up", .parts = parts, .part = 1,
                                   .tuple_key = { .count = 1 },
                                   .key = { .count = 1, .field = { 1 } }, .before = before };
        weir_stage_spec to = { .struct_size = sizeof to, .in = left_type(), .out = &parts->type,
                               .flat_map = widen };
        weir_stage_spec from = { .struct_size = sizeof from, .in = &parts->type,
                                 .out = both_type(), .flat_map = narrow };
        weir__test_output(weir_stage_add(
            weir__lookup_add(weir_stage_add(a.port, &to), b.port, &spec), &from));
    }
}

START_TEST(at_its_time)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers);
        weir_test_push(t, 1, right, 0, 1, { 10, 7 });
        weir_test_push(t, 1, right, 3, 2, { 13, 7 });
        weir_test_push(t, 1, right, 5, -1, { 10, 7 });
        weir_test_push(t, 0, left, 0, 1, { 7, 100 });
        weir_test_push(t, 0, left, 3, -3, { 7, 103 });
        weir_test_push(t, 0, left, 3, 1, { 8, 203 });
        weir_test_push(t, 0, left, 5, 1, { 7, 105 });
        weir_test_advance(t, 0, 9);
        weir_test_advance(t, 1, 3);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(id: 100, value: 10) @0 +1\n");
        ck_assert_str_eq(weir_test_take(t, 1), "");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{3}");
        weir_test_push(t, 0, left, 9, 1, { 7, 109 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(id: 103, value: 10) @3 -3\n"
                                               "(id: 103, value: 13) @3 -6\n"
                                               "(id: 105, value: 13) @5 +2\n"
                                               "(id: 109, value: 13) @9 +2\n");
        ck_assert_str_eq(weir_test_take(t, 1), "(id: 103, value: 10) @3 -3\n"
                                               "(id: 105, value: 10) @5 +1\n"
                                               "(id: 105, value: 13) @5 +2\n"
                                               "(id: 109, value: 13) @9 +2\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* What comes late, after changes of later times, still finds what was there before. */
START_TEST(late_ones)
{
    weir_test *t = weir_test_create(build, NULL);
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        weir_test_push(t, 1, right, epoch, 1, { (uint32_t)epoch, 7 });
        if (epoch > 0)
            weir_test_push(t, 1, right, epoch, -1, { (uint32_t)epoch - 1, 7 });
    }
    weir_test_push(t, 0, left, 15, 1, { 7, 15 });
    weir_test_close(t, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_push(t, 0, left, 4, 1, { 7, 4 });
    weir_test_advance(t, 0, 12);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_push(t, 0, left, 13, 1, { 7, 13 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(id: 4, value: 4) @4 +1\n"
                                           "(id: 13, value: 13) @13 +1\n"
                                           "(id: 15, value: 15) @15 +1\n");
    ck_assert_str_eq(weir_test_take(t, 1), "(id: 4, value: 3) @4 +1\n"
                                           "(id: 13, value: 12) @13 +1\n"
                                           "(id: 15, value: 14) @15 +1\n");
    weir_test_destroy(t);
}
END_TEST

START_TEST(many)
{
    enum { MANY = 20000, PER_KEY = 4 };
    weir_test *t = weir_test_create(build, NULL, .workers = 2, .batch_bytes = 4096);
    for (uint32_t i = 0; i < MANY; i++) {
        weir_test_push(t, 0, left, 2, 1, { i / PER_KEY, i });
        weir_test_push(t, 1, right, 1, 1, { i, i / PER_KEY });
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (unsigned o = 0; o < 2; o++) {
        ck_assert_uint_eq(weir_test_count(t, o), (size_t)MANY * PER_KEY);
        for (size_t i = 0; i < (size_t)MANY * PER_KEY; i++) {
            const both *b = weir_test_at(t, o, i).record;
            ck_assert_uint_eq(b->id, i / PER_KEY);
            ck_assert_uint_eq(b->value, i / PER_KEY / PER_KEY * PER_KEY + i % PER_KEY);
        }
    }
    weir_test_destroy(t);
}
END_TEST

/* What one change finds is looked at in several steps, whether something comes of it or not. */
START_TEST(large_groups)
{
    enum { LARGE = 150000 };
    weir_test *t = weir_test_create(build, NULL);
    for (uint32_t i = 0; i < LARGE; i++) {
        weir_test_push(t, 1, right, 0, 1, { i, 7 });
        weir_test_push(t, 1, right, 1, -1, { i, 7 });
    }
    weir_test_advance(t, 0, 1);
    weir_test_advance(t, 1, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    uint64_t before = steps_of(t, "look_up");
    weir_test_push(t, 0, left, 1, 1, { 7, 1 });
    weir_test_push(t, 0, left, 1, 1, { 8, 2 });
    weir_test_push(t, 0, left, 1, 1, { 7, 3 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_ge(steps_of(t, "look_up") - before, 2 * 2 * LARGE / 65536);
    ck_assert_uint_eq(weir_test_count(t, 0), 0);
    ck_assert_uint_eq(weir_test_count(t, 1), 2 * LARGE);
    for (uint32_t i = 0; i < 2 * LARGE; i++) {
        const both *b = weir_test_at(t, 1, i).record;
        ck_assert_uint_eq(b->id, i < LARGE ? 1 : 3);
        ck_assert_uint_eq(b->value, i % LARGE);
    }
    weir_test_destroy(t);
}
END_TEST

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 1, right, 0, INT64_MAX, { 10, 7 });
    weir_test_push(t, 0, left, 0, 2, { 7, 100 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_str_eq(weir_test_error(t)->what, "the product of diffs leaves the range of 64 bits");
    weir_test_destroy(t);
}
END_TEST

START_TEST(agreeing)
{
    static const weir__agree agree = { { 0, 1 } };
    weir_test *t = weir_test_create(build, NULL);
    weir__lookup_spec spec = { .parts = parts, .agrees = &agree, .agree_count = 1 };
    _Alignas(16) char tuple[64] = { 0 };
    ck_assert(weir__lookup_agrees(&spec, tuple));
    ((left *)weir__part(parts, 0, tuple))->id = 1;
    ck_assert(!weir__lookup_agrees(&spec, tuple));
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { at_its_time, late_ones, many, large_groups, overflow, agreeing,
                                   NULL };
    return test_run(test_suite("lookup", tests));
}
