/* SPDX-License-Identifier: Apache-2.0
 *
 * Merges of runs whose keys and values are words, which go by blocks: any number of runs against a
 * list of sums, whatever fuel there is; keys with many values, sums that leave the range.
 */
#include "trace/merge.h"

#include <string.h>

#include <weir/record.h>

#include "support.h"

#define PAIR(F) F(u64, key) F(i64, value)
#define NUMBER(F) F(u64, key)
WEIR_RECORD(pair, PAIR)
WEIR_RECORD(number, NUMBER)

enum { KEYS_MAX = 3000, VALUES = 60 };

typedef struct fixture {
    weir_shape *shape;
    weir_trace_builder *builder;
    uint32_t values; /* of a key at most */
    uint64_t random;
    int64_t sums[KEYS_MAX][VALUES]; /* value v is v - VALUES / 2 */
} fixture;

static fixture f;

static void start(const weir_type *type, uint32_t values)
{
    weir_shape_spec spec = { .type = type, .key = { .count = 1 }, .depth = 1, .seed = 5 };
    f = (fixture){ .values = values, .random = test_seed(17) };
    ck_assert_int_eq(weir_shape_create(&f.shape, &spec, NULL), WEIR_OK);
    f.builder = weir_trace_builder_create(f.shape, NULL);
}

static void end(void)
{
    weir_trace_builder_destroy(f.builder);
    weir_shape_release(f.shape);
}

static void add(uint64_t key, uint32_t value, uint64_t time, int64_t diff)
{
    pair record = { key, (int64_t)value - VALUES / 2 };
    weir_updates u = { .records = &record, .count = 1, .time = { { time } }, .diffs = &diff };
    ck_assert_int_eq(weir_trace_builder_add(f.builder, &u), WEIR_OK);
    f.sums[key][value] += diff;
}

/* Of random updates at one time, all of them with the same diff or not; NULL: none is left. */
static weir_trace_run *build_one(uint32_t updates, uint32_t keys, uint64_t time, bool same)
{
    weir_trace_run *run;
    for (uint32_t i = 0; i < updates; i++) {
        int64_t diff = same ? 1 : (int64_t)test_below(&f.random, 5) - 2;
        add(test_below(&f.random, keys), (uint32_t)test_below(&f.random, f.values), time, diff);
    }
    ck_assert_int_eq(weir_trace_builder_build(f.builder, &run), WEIR_OK);
    return run;
}

static weir_trace_run *merge(weir_trace_run *const *runs, uint32_t count, uint64_t since,
                             size_t fuel)
{
    weir__merge m;
    weir_trace_run *run;
    weir_frontier frontier = { .count = 1, .depth = 1, .one = weir_time_1(since) };
    ck_assert(weir__merge_init(&m, runs, count, &frontier));
    for (size_t left = fuel; !weir__merge_work(&m, &left); left = fuel)
        ck_assert_uint_eq(left, 0);
    ck_assert(weir__merge_finish(&m, &run));
    return run;
}

static bool is_clear(void)
{
    bool clear = true;
    for (uint32_t k = 0; k < KEYS_MAX; k++)
        for (uint32_t v = 0; v < VALUES; v++)
            clear &= f.sums[k][v] == 0;
    return clear;
}

/* All that is in it is wanted, in order, and found; at the end nothing is wanted any more. */
static void check_run(const weir_trace_run *run)
{
    for (uint32_t k = 0; run && k < run->key_count; k++) {
        weir__range values = weir__run_values(run, k);
        ck_assert(k == 0 || weir__run_compare_keys(run, k - 1, run, k) < 0);
        uint32_t found = weir__run_seek(run, weir__run_hash(run, k));
        ck_assert(found <= k && weir__run_hash(run, found) == weir__run_hash(run, k));
        for (uint32_t v = values.at; v < values.end; v++) {
            pair record = { 0, -VALUES / 2 };
            weir__run_get_key(run, k, &record);
            weir__run_get_rest(run, v, &record);
            ck_assert(v == values.at || weir__run_compare_values(run, v - 1, run, v) < 0);
            ck_assert_uint_eq(weir__run_updates(run, v).end - weir__run_updates(run, v).at, 1);
            int64_t *sum = &f.sums[record.key][record.value + VALUES / 2];
            ck_assert_int_ne(*sum, 0);
            ck_assert_int_eq(weir__run_diff(run, weir__run_updates(run, v).at), *sum);
            *sum = 0;
        }
    }
    ck_assert(is_clear());
}

/* Runs of all sizes, of keys that are nearly all there or nearly none, become one at one time. */
static void merge_random(uint32_t count)
{
    weir_trace_run *runs[WEIR__MERGE_MAX];
    uint32_t keys = 1 + (uint32_t)test_below(&f.random, test_below(&f.random, 2) ? 30 : KEYS_MAX);
    bool same = test_below(&f.random, 2);
    uint32_t made = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t updates = 1 + (uint32_t)test_below(&f.random, i % 2 ? 50 : 2000);
        weir_trace_run *run = build_one(updates, keys, i, same);
        if (run)
            runs[made++] = run;
    }
    if (made == 0)
        return;
    size_t fuel = 1 + test_below(&f.random, test_below(&f.random, 2) ? 100 : 10000);
    weir_trace_run *run = merge(runs, made, count, fuel);
    check_run(run);
    weir_trace_run_release(run);
    while (made > 0)
        weir_trace_run_release(runs[--made]);
}

START_TEST(pairs)
{
    static const uint32_t values[] = { 1, 3, VALUES };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        start(pair_type(), values[i]);
        for (uint32_t n = 0; n < 40; n++)
            merge_random(1 + n % WEIR__MERGE_MAX);
        end();
    }
}
END_TEST

/* Keys alone. */
START_TEST(numbers)
{
    weir_shape_spec spec = { .type = number_type(), .key = { .count = 1 }, .depth = 1, .seed = 5 };
    start(pair_type(), 1);
    end();
    ck_assert_int_eq(weir_shape_create(&f.shape, &spec, NULL), WEIR_OK);
    f.builder = weir_trace_builder_create(f.shape, NULL);
    weir_trace_run *runs[4];
    for (uint64_t i = 0; i < 4; i++) {
        for (uint64_t k = i; k < KEYS_MAX; k += i + 1) {
            number n = { k };
            int64_t diff = i == 3 ? -1 : 1;
            weir_updates u = { .records = &n, .count = 1, .time = { { i } }, .diffs = &diff };
            ck_assert_int_eq(weir_trace_builder_add(f.builder, &u), WEIR_OK);
            f.sums[k][VALUES / 2] += diff;
        }
        ck_assert_int_eq(weir_trace_builder_build(f.builder, &runs[i]), WEIR_OK);
    }
    weir_trace_run *run = merge(runs, 4, 9, 1000);
    for (uint32_t k = 0; k < run->key_count; k++) {
        number n;
        weir__run_get_key(run, k, &n);
        ck_assert_int_eq(weir__run_diff(run, k), f.sums[n.key][VALUES / 2]);
        f.sums[n.key][VALUES / 2] = 0;
    }
    ck_assert(is_clear());
    weir_trace_run_release(run);
    for (int i = 0; i < 4; i++)
        weir_trace_run_release(runs[i]);
    end();
}
END_TEST

/* What leaves the range stays two updates, and what comes after it is merged as ever. */
START_TEST(a_sum_overflows)
{
    weir_trace_run *runs[2];
    start(pair_type(), 1);
    for (uint64_t i = 0; i < 2; i++) {
        for (uint64_t key = 0; key < 1000; key++)
            add(key, 0, i, key == 500 ? INT64_MAX - (int64_t)i : 1);
        ck_assert_int_eq(weir_trace_builder_build(f.builder, &runs[i]), WEIR_OK);
        f.sums[500][0] = 0;
    }
    weir_trace_run *run = merge(runs, 2, 9, 100);
    ck_assert_uint_eq(run->key_count, 1000);
    ck_assert_uint_eq(run->update_count, 1001);
    uint32_t doubles = 0;
    for (uint32_t k = 0; k < run->key_count; k++) {
        weir__range updates = weir__run_updates(run, k);
        doubles += updates.end - updates.at == 2;
        ck_assert(updates.end - updates.at == 2 || weir__run_diff(run, updates.at) == 2);
    }
    ck_assert_uint_eq(doubles, 1);
    weir_trace_run_release(run);
    weir_trace_run_release(runs[0]);
    weir_trace_run_release(runs[1]);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { pairs, numbers, a_sum_overflows, NULL };
    return test_run(test_suite("merge_block", tests));
}
