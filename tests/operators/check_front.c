/* SPDX-License-Identifier: Apache-2.0
 *
 * Fronts of groups: read from runs a part at a time, changed, cut; texts that are copied; what
 * does not fit.
 */
#include "front.h"

#include <stdio.h>
#include <string.h>
#include <weir/record.h>

#include "support.h"

#define ROW(F) F(u32, key) F(u32, value) F(str, text)
WEIR_RECORD(row, ROW)

enum { COUNT = 1000 };

static weir_shape *shape;
static weir_trace_run *run;
static weir_cursor *cursor;
static weir__front_order order;

static row row_of(uint32_t value)
{
    static char text[64];
    snprintf(text, sizeof text, "a text of many letters of value %u", value);
    return (row){ 7, value, weir_str_of(text) };
}

/* One group of COUNT even values, going down, each `of` times. */
static void start(uint64_t wanted, int64_t of)
{
    weir_shape_spec spec = { .type = row_type(),
                             .key = { .count = 1 },
                             .order = { .count = 1, .field = { 1 } },
                             .descending = 1,
                             .depth = 1 };
    order = (weir__front_order){ row_type(), spec.order, 1, wanted };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    weir_trace_builder *builder = weir_trace_builder_create(shape, NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        row r = row_of(2 * i);
        weir_updates u = { .records = &r, .count = 1, .diffs = &of };
        ck_assert_int_eq(weir_trace_builder_add(builder, &u), WEIR_OK);
    }
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    weir_trace_builder_destroy(builder);
    cursor = weir_cursor_create(&run, 1);
}

static void end(void)
{
    weir_cursor_destroy(cursor);
    weir_trace_run_release(run);
    weir_shape_release(shape);
}

static uint64_t fill(weir__front *f)
{
    row key = { .key = 7 };
    uint64_t looked = 0;
    ck_assert(weir_cursor_find(cursor, &key));
    ck_assert_int_eq(weir__front_fill(f, &order, cursor, &(weir_time){ { 0 } }, &looked), WEIR_OK);
    return looked;
}

static void has(const weir__front *f, uint32_t i, uint32_t value, int64_t count)
{
    const weir__front_entry *e = weir__front_entry_at(f, &order, i);
    row wanted = row_of(value);
    ck_assert(weir_record_equal(row_type(), weir__front_record(e), &wanted));
    ck_assert_int_eq(e->count, count);
}

static bool change(weir__front *f, uint32_t value, int64_t diff)
{
    row r = row_of(value);
    bool behind;
    ck_assert_int_eq(weir__front_change(f, &order, &r, diff, &behind), WEIR_OK);
    return !behind;
}

START_TEST(read_in_parts)
{
    weir__front f = { .at = NULL };
    uint32_t entries, first = 2 * COUNT - 2;
    start(3, 2);
    ck_assert(!weir__front_suffices(&f, &order, &entries));
    ck_assert_uint_lt(fill(&f), 100);
    ck_assert(weir__front_suffices(&f, &order, &entries));
    ck_assert_uint_eq(entries, 2); /* two of the first, one of the second */
    ck_assert_uint_lt(f.count, 100);
    ck_assert_uint_ge(weir__front_bytes(&f, &order), f.count * (sizeof(row) + 30));
    for (uint32_t i = 0; i < f.count; i++)
        has(&f, i, first - 2 * i, 2);
    uint32_t known = f.count;
    for (uint32_t i = 0; i < known; i++)
        ck_assert(change(&f, first - 2 * i, -2));
    ck_assert(!change(&f, first - 2 * known, -2)); /* behind what is known */
    ck_assert_uint_eq(f.count, 1); /* the last one: how far it is known */
    ck_assert(!weir__front_suffices(&f, &order, &entries));
    ck_assert_uint_lt(fill(&f), 100);
    has(&f, 0, first - 2 * known, 2);
    weir__front_fini(&f, &order);
    end();
}
END_TEST

START_TEST(to_the_end)
{
    weir__front f = { .at = NULL };
    uint32_t entries;
    start(3 * COUNT, 1);
    ck_assert_uint_eq(fill(&f), COUNT);
    ck_assert(f.all);
    ck_assert_uint_eq(f.count, COUNT);
    ck_assert(weir__front_suffices(&f, &order, &entries));
    ck_assert(change(&f, 1, 5)); /* odd ones are new */
    ck_assert(change(&f, 2 * COUNT + 1, -1));
    has(&f, 0, 2 * COUNT + 1, -1);
    has(&f, COUNT, 1, 5);
    for (uint32_t i = 0; i < COUNT; i++)
        ck_assert(change(&f, 2 * i, -1));
    ck_assert_uint_eq(f.count, 2);
    ck_assert(change(&f, 1, -5));
    ck_assert_uint_eq(f.count, 1);
    weir__front_clear(&f, &order);
    ck_assert(f.count == 0 && !f.all && f.heap_bytes == 0);
    weir__front_fini(&f, &order);
    end();
}
END_TEST

START_TEST(cut)
{
    weir__front f = { .at = NULL };
    start(1, 1);
    fill(&f);
    for (uint32_t i = 0; i < COUNT; i++)
        ck_assert(change(&f, 2 * COUNT + i, 1));
    uint32_t before = f.count;
    f.passed = 16 * (uint64_t)before; /* so much would be gone through again */
    weir__front_cut(&f, &order);
    ck_assert_uint_eq(f.count, before);
    f.passed = 0;
    weir__front_cut(&f, &order);
    ck_assert_uint_lt(f.count, before / 2);
    has(&f, 0, 3 * COUNT - 1, 1);
    ck_assert(!change(&f, 2 * COUNT, -1)); /* behind what is known again */
    weir__front_fini(&f, &order);
    end();
}
END_TEST

/* Room is given back: after a cut, and when most has gone. */
START_TEST(room)
{
    start(5, 1);
    weir__front f = { .all = true };
    bool behind;
    for (uint32_t i = 0; i < 5000; i++) {
        row r = row_of(i);
        ck_assert_int_eq(weir__front_change(&f, &order, &r, 1, &behind), WEIR_OK);
    }
    size_t stride = weir__front_stride(&order);
    ck_assert_uint_gt(f.capacity, 4096);
    for (uint32_t i = 100; i < 5000; i++) {
        row r = row_of(i);
        ck_assert_int_eq(weir__front_change(&f, &order, &r, -1, &behind), WEIR_OK);
    }
    weir__front_cut(&f, &order);
    ck_assert_uint_eq(f.count, 100);
    ck_assert_uint_le(weir__front_bytes(&f, &order), 256 * stride + f.heap_bytes);
    for (uint32_t i = 0; i < 100; i++) {
        row r = row_of(99 - i);
        ck_assert(weir_record_equal(row_type(), &r,
                                    weir__front_record(weir__front_entry_at(&f, &order, i))));
    }
    for (uint32_t i = 100; i < 5000; i++) {
        row r = row_of(i);
        ck_assert_int_eq(weir__front_change(&f, &order, &r, 1, &behind), WEIR_OK);
    }
    weir__front_cut(&f, &order);
    ck_assert(!f.all);
    ck_assert_uint_le(f.capacity, 2 * f.count > 256 ? 2 * f.count : 256);
    weir__front_fini(&f, &order);
    end();
}
END_TEST

START_TEST(strings_of_runs)
{
    weir__front f = { .borrows = true };
    start(2, 1);
    ck_assert_uint_eq(fill(&f), 2); /* and no more */
    ck_assert_uint_eq(f.heap_bytes, 0);
    has(&f, 1, 2 * COUNT - 4, 1);
    weir__front_fini(&f, &order);
    end();
}
END_TEST

START_TEST(overflow)
{
    weir__front f = { .at = NULL };
    bool behind;
    start(1, INT64_MAX);
    fill(&f);
    row r = row_of(2 * COUNT - 2);
    ck_assert_int_eq(weir__front_change(&f, &order, &r, 1, &behind), WEIR_OVERFLOWED);
    weir__front_fini(&f, &order);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { read_in_parts, to_the_end, cut, room, strings_of_runs, overflow,
                                   NULL };
    return test_run(test_suite("front", tests));
}
