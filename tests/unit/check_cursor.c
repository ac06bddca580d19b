/* SPDX-License-Identifier: Apache-2.0
 *
 * Cursors within a key, over several runs: seeking a value, behind it or to it, and back to the
 * first one, against a sorted list; of keys that were found, asked for, or come next. Over many
 * runs a value costs the logarithm of their number.
 */
#include "trace/cursor.h"

#include <stdio.h>
#include <string.h>
#include <weir/record.h>

#include "support.h"

#define ITEM(F) F(u32, key) F(i32, value) F(str, text)
WEIR_RECORD(item, ITEM)

enum { KEYS = 6, VALUES = 40, FEW = 4, MANY = 20 };

static item item_of(uint32_t key, uint32_t v)
{
    static char text[40];
    snprintf(text, sizeof text, "%s text of value %u", v % 2 ? "the odd" : "an even", v);
    return (item){ key, (int32_t)v / 2 - 7, weir_str_of(text) };
}

typedef struct model {
    weir_shape *shape;
    int count; /* of runs */
    weir_trace_run *runs[MANY];
    weir_cursor *cursor;
    int64_t has[KEYS][VALUES];
} model;

/* Values 2n and 2n + 1 differ in their texts, which order the even ones first. */
static void fill(model *m, int count, uint64_t *random)
{
    weir_shape_spec spec = { .type = item_type(), .key = { .count = 1 }, .depth = 1 };
    memset(m, 0, sizeof *m);
    m->count = count;
    ck_assert_int_eq(weir_shape_create(&m->shape, &spec, NULL), WEIR_OK);
    for (int r = 0; r < m->count; r++) {
        weir_trace_builder *b = weir_trace_builder_create(m->shape, NULL);
        for (uint64_t n = 1 + test_below(random, 60); n > 0; n--) {
            uint32_t key = (uint32_t)test_below(random, KEYS);
            uint32_t v = (uint32_t)test_below(random, VALUES);
            item i = item_of(key, v);
            weir_updates updates = { .records = &i, .count = 1, .time = weir_time_1((uint64_t)r) };
            ck_assert_int_eq(weir_trace_builder_add(b, &updates), WEIR_OK);
            m->has[key][v]++;
        }
        ck_assert_int_eq(weir_trace_builder_build(b, &m->runs[r]), WEIR_OK);
        weir_trace_builder_destroy(b);
    }
    m->cursor = weir_cursor_create(m->runs, (size_t)m->count);
}

static void clear(model *m)
{
    weir_cursor_destroy(m->cursor);
    for (int r = 0; r < m->count; r++)
        weir_trace_run_release(m->runs[r]);
    weir_shape_release(m->shape);
}

/* All updates of the value at hand, as a sum and each by itself. */
static void expect_updates(weir_cursor *c, int64_t wanted)
{
    weir_time end = weir_time_1(MANY), time;
    int64_t sum, count = 0, diff;
    ck_assert(weir_cursor_sum(c, &end, &sum));
    ck_assert_int_eq(sum, wanted);
    while (weir_cursor_next_update(c, &time, &diff))
        count += diff;
    ck_assert_int_eq(count, wanted);
}

/* Even values of a pair come first: their text is less. */
static void expect_from(model *m, uint32_t key, uint32_t from)
{
    for (uint32_t v = from; v < VALUES; v++) {
        if (!m->has[key][v])
            continue;
        item wanted = item_of(key, v);
        ck_assert(weir_cursor_next_value(m->cursor));
        ck_assert(weir_record_equal(item_type(), weir_cursor_record(m->cursor), &wanted));
        expect_updates(m->cursor, m->has[key][v]);
    }
    ck_assert(!weir_cursor_next_value(m->cursor));
}

static void check_key(model *m, uint64_t *random, uint32_t key)
{
    expect_from(m, key, 0);
    for (int n = 0; n < 20; n++) {
        uint32_t first = (uint32_t)test_below(random, VALUES);
        uint32_t second = first + (uint32_t)test_below(random, VALUES - first);
        item at = item_of(key, first);
        weir_cursor_rewind_values(m->cursor);
        (void)weir_cursor_seek_to_value(m->cursor, &at);
        ck_assert(!m->has[key][first] || weir_cursor_next_value(m->cursor));
        at = item_of(key, second);
        (void)weir_cursor_seek_value(m->cursor, &at);
        expect_from(m, key, second + 1);
        weir_cursor_rewind_values(m->cursor);
        at = item_of(key, second);
        (void)weir_cursor_seek_to_value(m->cursor, &at);
        expect_from(m, key, second);
    }
    weir_cursor_rewind_values(m->cursor);
    ck_assert_uint_eq(weir_cursor_seek_to_value(m->cursor, NULL), 0);
    expect_from(m, key, VALUES);
}

static bool is_there(const model *m, uint32_t key)
{
    for (uint32_t v = 0; v < VALUES; v++)
        if (m->has[key][v])
            return true;
    return false;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void run(uint64_t seed)
{
    uint64_t random = seed, hashes[KEYS];
    model m;
    fill(&m, seed % 2 ? FEW : MANY, &random);
    for (uint32_t key = 0; key < KEYS; key++) {
        item i = { .key = key };
        hashes[key] = weir_shape_hash(m.shape, &i);
        ck_assert(weir_cursor_find(m.cursor, &i) == is_there(&m, key));
        if (is_there(&m, key))
            check_key(&m, &random, key);
    }
    weir_cursor_seek(m.cursor, 0);
    while (weir_cursor_next_key(m.cursor))
        check_key(&m, &random, ((const item *)weir_cursor_record(m.cursor))->key);
    qsort(hashes, KEYS, sizeof *hashes, by_hash);
    weir_cursor_ask(m.cursor, hashes, KEYS);
    for (int h = 0; h < KEYS; h++)
        for (uint32_t key = 0; key < KEYS; key++) {
            item i = { .key = key };
            if (weir_shape_hash(m.shape, &i) == hashes[h] && weir_cursor_find(m.cursor, &i))
                check_key(&m, &random, key);
        }
    clear(&m);
}

START_TEST(seeking_values)
{
    uint64_t seed = test_seed(0);
    if (seed) {
        run(seed);
        return;
    }
    for (seed = 1; seed <= 50; seed++)
        run(seed);
}
END_TEST

/* A key of which each of many runs has values between those of all others. */
START_TEST(many_runs_cost_their_logarithm)
{
    enum { RUNS = 64, EACH = 100, MOST = 3 * 6 }; /* its logarithm is 6 */
    weir_shape_spec spec = { .type = item_type(), .key = { .count = 1 }, .depth = 1 };
    weir_trace_run *runs[RUNS];
    weir_shape *shape;
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    for (int32_t r = 0; r < RUNS; r++) {
        weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
        for (int32_t v = 0; v < EACH; v++) {
            item i = { .key = 7, .value = v * RUNS + r };
            weir_updates updates = { .records = &i, .count = 1, .time = weir_time_1(1) };
            ck_assert_int_eq(weir_trace_builder_add(b, &updates), WEIR_OK);
        }
        ck_assert_int_eq(weir_trace_builder_build(b, &runs[r]), WEIR_OK);
        weir_trace_builder_destroy(b);
    }
    weir_cursor *c = weir_cursor_create(runs, RUNS);
    ck_assert(weir_cursor_next_key(c));
    for (int32_t v = 0; v < RUNS * EACH; v++) {
        ck_assert(weir_cursor_next_value(c));
        ck_assert_int_eq(((const item *)weir_cursor_record(c))->value, v);
        expect_updates(c, 1);
    }
    ck_assert(!weir_cursor_next_value(c));
    ck_assert_uint_le(c->looked, RUNS * EACH * MOST);
    weir_cursor_destroy(c);
    for (int r = 0; r < RUNS; r++)
        weir_trace_run_release(runs[r]);
    weir_shape_release(shape);
}
END_TEST

int main(void)
{
    return test_run(test_suite("cursor", (const TTest *const[]){
                                               seeking_values, many_runs_cost_their_logarithm,
                                               NULL }));
}
