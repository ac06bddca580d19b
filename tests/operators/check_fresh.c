/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of runs that are complete: all of them, once each, in some readings; which have one update,
 * their times without repetitions, and the first value of each that has changed.
 */
#include "fresh.h"

#include <weir/record.h>
#include <weir/trace.h>

#include "support.h"

#define PAIR(F) F(u32, key) F(u32, value)
WEIR_RECORD(pair, PAIR)

static weir_shape *shape;

static weir_trace_run *run_of(const pair *pairs, const int64_t *diffs, size_t count, uint64_t round)
{
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    weir_trace_run *run;
    weir_updates u = { .records = pairs, .count = count, .diffs = diffs, .time = { { 1, round } } };
    ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
    weir_trace_builder_destroy(b);
    return run;
}

static void set_up(void)
{
    weir_shape_spec spec = { .type = pair_type(), .key = { .count = 1 }, .depth = 2 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
}

START_TEST(all_keys_once)
{
    enum { KEYS = 3 * WEIR_CURSOR_ASK_MAX + 1 };
    pair pairs[KEYS];
    bool seen[KEYS] = { false };
    set_up();
    for (uint32_t k = 0; k < KEYS; k++)
        pairs[k] = (pair){ k, 2 * k };
    weir_trace_run *run = run_of(pairs, NULL, KEYS, 3);
    weir__fresh f = { .cursor = NULL };
    ck_assert(!weir__fresh_read(&f));
    weir__fresh_begin(&f, pair_type(), weir_cursor_create(&run, 1));
    uint32_t readings = 0, count = 0;
    for (uint64_t last = 0; weir__fresh_read(&f); readings++)
        for (uint32_t i = 0; i < f.count; i++, count++) {
            const pair *p = weir__fresh_record(&f, i);
            ck_assert_uint_eq(p->value, 2 * p->key);
            ck_assert(!seen[p->key] && f.keys[i].is_one && f.keys[i].count == 1);
            ck_assert_uint_eq(weir__fresh_times(&f, i)->at[1], 3);
            ck_assert_int_eq(f.keys[i].diff, 1);
            ck_assert(f.keys[i].grows && f.keys[i].values == 0); /* they are not asked for */
            ck_assert_uint_ge(f.hashes[i], last);
            last = f.hashes[i];
            seen[p->key] = true;
        }
    ck_assert_uint_eq(count, KEYS);
    ck_assert_uint_eq(readings, 4);
    weir__fresh_end(&f);
    ck_assert(!weir__fresh_read(&f));
    weir__fresh_fini(&f);
    weir_trace_run_release(run);
    weir_shape_release(shape);
}
END_TEST

START_TEST(several_updates_of_a_key)
{
    set_up();
    weir_trace_run *runs[] = {
        run_of((pair[]){ { 7, 5 }, { 7, 6 }, { 8, 1 } }, (int64_t[]){ 1, 2, -3 }, 3, 3),
        run_of((pair[]){ { 7, 4 } }, (int64_t[]){ -1 }, 1, 2)
    };
    weir__fresh f = { .cursor = NULL };
    weir__fresh_begin(&f, pair_type(), weir_cursor_create(runs, 2));
    ck_assert(weir__fresh_read(&f));
    ck_assert_uint_eq(f.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const pair *p = weir__fresh_record(&f, i);
        const weir_time *times = weir__fresh_times(&f, i);
        ck_assert_uint_eq(f.keys[i].is_one, p->key == 8);
        ck_assert(!f.keys[i].grows); /* by one that is taken away */
        ck_assert_uint_eq(f.keys[i].count, p->key == 8 ? 1 : 2);
        ck_assert_uint_eq(p->value, p->key == 8 ? 1 : 4);
        ck_assert_uint_eq(times[0].at[1], p->key == 8 ? 3 : 2);
        if (p->key == 8)
            ck_assert_int_eq(f.keys[i].diff, -3);
        else
            ck_assert_uint_eq(times[1].at[1], 3);
    }
    ck_assert(!weir__fresh_read(&f));
    weir__fresh_fini(&f);
    weir_trace_run_release(runs[0]);
    weir_trace_run_release(runs[1]);
    weir_shape_release(shape);
}
END_TEST

/* Where values are asked for: each once, with the sum of its updates, unless there are many. */
START_TEST(values_of_a_key)
{
    pair many[WEIR__FRESH_VALUES + 1];
    for (uint32_t i = 0; i <= WEIR__FRESH_VALUES; i++)
        many[i] = (pair){ 9, i };
    set_up();
    weir_trace_run *runs[] = {
        run_of((pair[]){ { 7, 5 }, { 7, 6 }, { 8, 1 } }, (int64_t[]){ 1, 2, INT64_MAX }, 3, 3),
        run_of((pair[]){ { 7, 4 }, { 7, 6 }, { 8, 1 } }, (int64_t[]){ -1, 5, 1 }, 3, 3),
        run_of(many, NULL, WEIR__FRESH_VALUES + 1, 3)
    };
    weir__fresh f = { .whole = true };
    weir__fresh_begin(&f, pair_type(), weir_cursor_create(runs, 3));
    ck_assert(weir__fresh_read(&f));
    ck_assert_uint_eq(f.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const pair *first = weir__fresh_record(&f, i);
        const pair *values = (const pair *)(const void *)weir__fresh_values(&f, i);
        const int64_t *sums = &f.sums[f.keys[i].first_value];
        ck_assert_uint_eq(f.keys[i].values, first->key == 7 ? 3 : 0); /* 8: the sum has no room */
        for (uint32_t v = 0; v < f.keys[i].values; v++) {
            ck_assert(values[v].key == 7 && values[v].value == 4 + v);
            ck_assert_int_eq(sums[v], v == 0 ? -1 : v == 1 ? 1 : 7);
        }
    }
    weir__fresh_fini(&f);
    for (int i = 0; i < 3; i++)
        weir_trace_run_release(runs[i]);
    weir_shape_release(shape);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { all_keys_once, several_updates_of_a_key, values_of_a_key, NULL };
    return test_run(test_suite("fresh", tests));
}
