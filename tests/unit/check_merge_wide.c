/* SPDX-License-Identifier: Apache-2.0
 *
 * Merges of up to as many runs as there may be, of records whose keys are not their hashes, and of
 * values that are more than one integer: against a list of sums, at one time and at several,
 * whatever fuel there is; hashes that lie together; sums that leave the range.
 */
#include "trace/merge.h"

#include <stdio.h>
#include <string.h>

#include <weir/record.h>

#include "support.h"

#define ITEM(F) F(u32, part) F(u32, shop) F(str, text) F(i32, size)
#define NARROW(F) F(u64, key) F(i32, size) F(i64, price)
#define FEW(F) F(u32, key) F(u16, size) F(flag, odd) F(i32, price)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(narrow, NARROW)
WEIR_RECORD(few, FEW)

enum { KEYS_MAX = 400, VALUES = 100 };

/* Values that are no words; two words; one, of which the first part goes down. */
typedef enum value_kind { TEXTS, WIDE, PACKED } value_kind;

typedef union any_record {
    item item;
    narrow narrow;
    few few;
} any_record;

typedef struct fixture {
    weir_shape *shape;
    weir_trace_builder *builder;
    value_kind kind;
    uint32_t keys, values; /* at most */
    uint64_t random;
    int64_t sums[KEYS_MAX][VALUES];
} fixture;

static fixture f;

static void start(value_kind kind, uint32_t keys, uint32_t values)
{
    const weir_type *const types[] = { item_type(), narrow_type(), few_type() };
    weir_shape_spec spec = { .type = types[kind],
                             .key = { .count = kind == TEXTS ? 2 : 1, .field = { 0, 1 } },
                             .depth = 1,
                             .seed = 5 };
    if (kind == PACKED) {
        spec.order = (weir_key){ .count = 1, .field = { 3 } };
        spec.descending = 1;
    }
    f = (fixture){ .kind = kind, .keys = keys, .values = values, .random = test_seed(23) };
    ck_assert_int_eq(weir_shape_create(&f.shape, &spec, NULL), WEIR_OK);
    f.builder = weir_trace_builder_create(f.shape, NULL);
}

static void end(void)
{
    weir_trace_builder_destroy(f.builder);
    weir_shape_release(f.shape);
}

static void add(uint32_t key, uint32_t value, uint64_t time, int64_t diff)
{
    char text[40];
    (void)snprintf(text, sizeof text, "what is longer than a short text %u", value % 3);
    any_record any = { .narrow = { key, (int32_t)(value % 4), value } };
    weir_updates u = { .records = &any, .count = 1, .time = { { time } }, .diffs = &diff };
    if (f.kind == TEXTS)
        any.item = (item){ key / 7, key % 7, weir_str_of(text), (int32_t)value };
    if (f.kind == PACKED)
        any.few = (few){ key, (uint16_t)value, value % 2, (int32_t)(value % 5) - 2 };
    weir_status status = weir_trace_builder_add(f.builder, &u);
    if (status != WEIR_OK)
        ck_abort();
    f.sums[key][value] += diff;
}

static weir_trace_run *merge(weir_trace_run *const *runs, uint32_t count, uint64_t since,
                             size_t fuel)
{
    weir__merge m;
    weir_trace_run *run;
    weir_frontier frontier = { .count = 1, .depth = 1, .one = weir_time_1(since) };
    ck_assert(weir__merge_init(&m, runs, count, &frontier));
    bool used = true;
    for (size_t left = fuel; !weir__merge_work(&m, &left); left = fuel)
        used &= left == 0;
    ck_assert(used);
    ck_assert(weir__merge_finish(&m, &run));
    return run;
}

static int64_t *sum_of(const weir_trace_run *run, uint32_t key, uint32_t value)
{
    any_record any = { .narrow = { 0 } };
    weir__run_get_key(run, key, &any);
    weir__run_get_rest(run, value, &any);
    if (f.kind == TEXTS)
        return &f.sums[any.item.part * 7 + any.item.shop][any.item.size];
    if (f.kind == WIDE)
        return &f.sums[any.narrow.key][any.narrow.price];
    ck_assert(any.few.odd == any.few.size % 2 && any.few.price == any.few.size % 5 - 2);
    return &f.sums[any.few.key][any.few.size];
}

/* All that is in it is wanted, and in order; afterwards nothing is wanted any more. An assertion
 * for each update would take a minute. */
static void check_run(const weir_trace_run *run)
{
    bool ordered = true, clear = true;
    for (uint32_t k = 0; run && k < run->key_count; k++) {
        weir__range values = weir__run_values(run, k);
        ordered &= k == 0 || weir__run_compare_keys(run, k - 1, run, k) < 0;
        ordered &= values.at < values.end;
        for (uint32_t v = values.at; v < values.end; v++) {
            weir__range updates = weir__run_updates(run, v);
            ordered &= v == values.at || weir__run_compare_values(run, v - 1, run, v) < 0;
            for (uint32_t u = updates.at; u < updates.end; u++) {
                ordered &= u == updates.at || weir__run_epoch(run, u - 1) < weir__run_epoch(run, u);
                *sum_of(run, k, v) -= weir__run_diff(run, u);
            }
        }
    }
    ck_assert(ordered);
    for (uint32_t k = 0; k < KEYS_MAX; k++)
        for (uint32_t v = 0; v < VALUES; v++)
            clear &= f.sums[k][v] == 0;
    ck_assert(clear);
}

static void merge_random(uint32_t count, uint64_t since)
{
    weir_trace_run *runs[WEIR__MERGE_MAX];
    uint32_t made = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint64_t n = 1 + test_below(&f.random, i % 5 ? 40 : 1500); n > 0; n--)
            add((uint32_t)test_below(&f.random, f.keys), (uint32_t)test_below(&f.random, f.values),
                i + test_below(&f.random, i % 6 ? 1 : 2), (int64_t)test_below(&f.random, 5) - 2);
        ck_assert_int_eq(weir_trace_builder_build(f.builder, &runs[made]), WEIR_OK);
        made += runs[made] != NULL;
    }
    size_t fuel = 1 + test_below(&f.random, test_below(&f.random, 2) ? 100 : 10000);
    weir_trace_run *run = made > 0 ? merge(runs, made, since, fuel) : NULL;
    check_run(run);
    weir_trace_run_release(run);
    while (made > 0)
        weir_trace_run_release(runs[--made]);
}

static void merge_all(value_kind kind)
{
    static const uint32_t keys[] = { 1, 20, KEYS_MAX, KEYS_MAX }, values[] = { VALUES, 3, 1, 9 };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        start(kind, keys[i], values[i]);
        for (uint32_t n = 0; n < 2 * WEIR__MERGE_MAX; n++)
            merge_random(1 + n % WEIR__MERGE_MAX, n < 48 ? WEIR__MERGE_MAX + 1 : n % 7);
        end();
    }
}

START_TEST(records)
{
    merge_all(TEXTS);
}
END_TEST

START_TEST(two_words)
{
    merge_all(WIDE);
}
END_TEST

START_TEST(a_word_of_several)
{
    merge_all(PACKED);
}
END_TEST

/* Keys of which half are of one stretch of hashes, the others anywhere. */
START_TEST(hashes_that_lie_together)
{
    enum { RUNS = 20, KEYS = 2000 };
    weir_trace_run *runs[RUNS];
    start(WIDE, 1, 1);
    for (uint32_t i = 0; i < RUNS; i++) {
        for (uint64_t n = 0; n < KEYS; n++) {
            narrow r = { n * RUNS + i, 1, 1 };
            uint64_t hash = n % 2 ? (UINT64_C(1) << 40) + r.key : r.key << 44;
            weir_updates u = { .records = &r, .count = 1, .hashes = &hash, .time = { { i } } };
            if (weir_trace_builder_add(f.builder, &u) != WEIR_OK)
                ck_abort();
        }
        ck_assert_int_eq(weir_trace_builder_build(f.builder, &runs[i]), WEIR_OK);
    }
    weir_trace_run *run = merge(runs, RUNS, RUNS, 300);
    ck_assert_uint_eq(run->key_count, RUNS * KEYS);
    bool ordered = true;
    for (uint32_t k = 1; k < run->key_count; k++)
        ordered &= run->hashes[k - 1] < run->hashes[k];
    ck_assert(ordered);
    weir_trace_run_release(run);
    for (uint32_t i = 0; i < RUNS; i++)
        weir_trace_run_release(runs[i]);
    end();
}
END_TEST

/* What leaves the range stays two updates. */
START_TEST(a_sum_overflows)
{
    weir_trace_run *runs[2];
    start(WIDE, 1, 1);
    for (uint64_t i = 0; i < 2; i++) {
        for (uint32_t key = 0; key < 100; key++)
            add(key, 0, i, key == 50 ? INT64_MAX : 1);
        ck_assert_int_eq(weir_trace_builder_build(f.builder, &runs[i]), WEIR_OK);
        f.sums[50][0] = 0;
    }
    weir_trace_run *run = merge(runs, 2, 9, 100);
    ck_assert_uint_eq(run->key_count, 100);
    ck_assert_uint_eq(run->update_count, 101);
    weir_trace_run_release(run);
    weir_trace_run_release(runs[0]);
    weir_trace_run_release(runs[1]);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { records,           two_words,
                                   a_word_of_several, hashes_that_lie_together,
                                   a_sum_overflows,   NULL };
    return test_run(test_suite("merge_wide", tests));
}
