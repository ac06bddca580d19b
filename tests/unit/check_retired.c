/* SPDX-License-Identifier: Apache-2.0
 *
 * Large runs that were merged: they go a piece at a time; those that are small, or that somebody
 * else has, are released.
 */
#include "trace/retired.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/record.h>

#include "base/mapped.h"
#include "support.h"

#define ROW(F) F(u64, key) F(u64, value)
WEIR_RECORD(row, ROW)

enum { ROWS = 400000 };

static weir_shape *shape;
static row records[ROWS];

static weir_trace_run *run_of(uint64_t rows)
{
    weir_shape_spec spec = { .type = row_type(), .key = { .count = 1 }, .depth = 1, .seed = 5 };
    if (!shape)
        ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    for (uint64_t i = 0; i < rows; i++)
        records[i] = (row){ i, 7 * i };
    weir_updates u = { .records = records, .count = rows };
    weir_trace_run *run;
    ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
    weir_trace_builder_destroy(b);
    return run;
}

static void end(void)
{
    weir_shape_release(shape);
    shape = NULL;
}

/* Pages of a run that lie in memory, but for the first and the last one. */
static size_t pages_of(const weir_trace_run *run)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    uintptr_t from = ((uintptr_t)run + page) / page * page;
    size_t pages = ((uintptr_t)run + run->size - from) / page;
    unsigned char *lie = weir_alloc_zero(pages);
    ck_assert_int_eq(mincore((char *)(uintptr_t)run + (from - (uintptr_t)run), pages * page, lie),
                     0);
    for (size_t i = 0; i < pages; i++)
        count += lie[i] & 1;
    weir_free(lie, pages);
    return count;
}

/* No more is kept. */
static void keep_most(void)
{
    enum { MUCH = 2 * WEIR__KEPT_MIN };
    char *block = weir_alloc(MUCH);
    memset(block, 1, MUCH);
    weir_free(block, MUCH);
}

START_TEST(piece_by_piece)
{
    weir__retired r = { 0 };
    weir_trace_run *run = run_of(ROWS);
    keep_most();
    size_t used = weir_memory_used(), size = run->size;
    weir__retired_add(&r, run);
    ck_assert_uint_eq(r.bytes, size);
    size_t before = pages_of(run), left = before, calls = 0;
    for (; r.count > 0; calls++) {
        weir__retired_work(&r, ROWS / 100);
        if (r.count == 0)
            break;
        ck_assert_uint_eq(run->update_count, ROWS);
        size_t now = pages_of(run);
        ck_assert_uint_le(now, left);
        ck_assert_uint_le(left - now, before / 10);
        left = now;
    }
    ck_assert_uint_le(left, WEIR__GRANULE / 4096); /* what freeing it had to do */
    ck_assert_uint_gt(calls, 80);
    ck_assert_uint_lt(calls, 105);
    ck_assert_uint_eq(r.bytes, 0);
    ck_assert_uint_le(weir_memory_used() + size, used + 200);
    weir__retired_fini(&r);
    end();
}
END_TEST

START_TEST(pages_are_kept)
{
    weir__retired r = { 0 };
    weir_trace_run *run = run_of(ROWS);
    size_t size = run->size;
    (void)weir__mapped_give_back();
    weir__retired_add(&r, run);
    weir__retired_work(&r, ROWS / 2);
    ck_assert_uint_ge(weir__mapped_kept(), size / 2 - 2 * WEIR__GRANULE);
    ck_assert_uint_le(weir__mapped_kept(), size / 2 + 2 * WEIR__GRANULE);
    weir__retired_work(&r, ROWS / 2);
    ck_assert_uint_eq(r.count, 0);
    ck_assert_uint_ge(weir__mapped_kept(), size - WEIR__GRANULE);
    weir__retired_fini(&r);
    end();
}
END_TEST

/* What little fuel pays for is put together, so that some time a piece goes. */
START_TEST(little_fuel)
{
    weir__retired r = { 0 };
    size_t calls = 0;
    weir__retired_work(&r, 1000000);
    weir__retired_add(&r, run_of(ROWS));
    for (; r.count > 0; calls++)
        weir__retired_work(&r, 8);
    ck_assert_uint_gt(calls, ROWS / 15);
    ck_assert_uint_lt(calls, ROWS / 7);
    weir__retired_fini(&r);
    end();
}
END_TEST

/* One that comes while another is on its way waits for it. */
START_TEST(several)
{
    weir__retired r = { 0 };
    size_t before = weir_memory_used();
    for (int i = 0; i < 6; i++) {
        weir__retired_add(&r, run_of(ROWS));
        weir__retired_work(&r, ROWS / 5);
    }
    ck_assert_uint_lt(r.count, 5); /* the more there are the faster they go */
    while (r.count > 2)
        weir__retired_work(&r, ROWS / 5);
    weir__retired_fini(&r);
    end();
    ck_assert_uint_le(weir_memory_used(), before);
}
END_TEST

START_TEST(not_kept)
{
    weir__retired r = { 0 };
    size_t before = weir_memory_used();
    weir__retired_add(&r, run_of(100));
    weir_trace_run *run = weir_trace_run_retain(run_of(ROWS));
    weir__retired_add(&r, run);
    ck_assert_uint_eq(r.count, 0);
    ck_assert_uint_eq(run->refs, 1);
    ck_assert_uint_gt(pages_of(run), run->size / 8192);
    weir_trace_run_release(run);
    run = run_of(ROWS);
    weir_memory_fail_nth(1, 0);
    weir__retired_add(&r, run);
    weir_memory_fail_nth(0, 0);
    ck_assert_uint_eq(r.count, 0);
    weir__retired_fini(&r);
    end();
    ck_assert_uint_le(weir_memory_used(), before);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { piece_by_piece, pages_are_kept, little_fuel, several,
                                   not_kept, NULL };
    return test_run(test_suite("retired", tests));
}
