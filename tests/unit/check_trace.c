/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces and their readers: numbers of runs, what was delivered to whom, what readers at a greater
 * depth let go of, what is dropped when nobody asks, what imports are charged with, memory that
 * runs out.
 */
#include <weir/trace.h>

#include <string.h>

#include <weir/record.h>

#include "support.h"

#define ROW(F) F(u64, id) F(i64, value)
WEIR_RECORD(row, ROW)

static weir_account account;
static weir_shape *shape;
static weir_trace_builder *builder;
static weir_trace *trace;

static void start(unsigned depth)
{
    weir_shape_spec spec = { .type = row_type(), .key = { .count = 1 }, .depth = depth };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    builder = weir_trace_builder_create(shape, NULL);
    trace = weir_trace_create(shape, &account, "rows");
}

static void end(void)
{
    weir_trace_release(trace);
    weir_trace_builder_destroy(builder);
    weir_shape_release(shape);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}

static uint64_t append(uint64_t id, weir_time time, int64_t diff)
{
    row r = { id, 1 };
    weir_trace_run *run;
    uint64_t number;
    weir_updates u = { .records = &r, .count = 1, .time = time, .diffs = &diff };
    ck_assert_int_eq(weir_trace_builder_add(builder, &u), WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    ck_assert_int_eq(weir_trace_append(trace, run, &number), WEIR_OK);
    return number;
}

static weir_trace_reader *open(const char *owner, unsigned depth)
{
    weir_trace_reader_spec spec = { .owner = owner, .depth = depth, .now_ns = 7 };
    weir_trace_reader *reader = weir_trace_reader_open(trace, &spec);
    ck_assert_ptr_nonnull(reader);
    return reader;
}

static size_t run_count(void)
{
    weir_trace_info info;
    weir_trace_get_info(trace, &info);
    return info.runs;
}

static void settle(void)
{
    while (weir_trace_work(trace, 100))
        ;
}

/* Runs are seen when they were delivered, and merged when everybody has them. */
START_TEST(delivered)
{
    start(1);
    weir_trace_reader *a = open("a", 0), *b = open("b", 0);
    weir_trace_run *const *runs;
    for (uint64_t t = 0; t < 8; t++)
        ck_assert_uint_eq(append(t, weir_time_1(t), 1), t);
    settle();
    ck_assert_uint_eq(run_count(), 8);
    ck_assert_uint_eq(weir_trace_reader_runs(a, &runs), 0);
    for (uint64_t t = 0; t < 8; t++)
        weir_trace_reader_deliver(a, t);
    ck_assert_uint_eq(weir_trace_reader_delivered(a), 8);
    weir_trace_reader_deliver(b, 0);
    weir_trace_reader_deliver(b, 4);
    settle();
    ck_assert_uint_eq(run_count(), 4); /* the first five are one */
    ck_assert_uint_eq(weir_trace_reader_runs(b, &runs), 1);
    ck_assert_uint_eq(weir_trace_run_updates(runs[0]), 5);
    ck_assert_uint_eq(weir_trace_reader_runs(a, &runs), 4);
    weir_trace_runs *list = weir_trace_reader_list(b), *all = weir_trace_reader_list(a);
    weir_trace_reader_close(b);
    settle();
    ck_assert_uint_eq(weir_trace_current(trace, &runs), 1);
    ck_assert_uint_eq(weir_trace_run_updates(runs[0]), 8);
    ck_assert_uint_eq(list->count, 1);
    ck_assert_uint_eq(weir_trace_run_updates(list->runs[0]), 5);
    ck_assert_uint_eq(all->count, 4);
    weir_trace_runs_release(list);
    weir_trace_runs_release(all);
    weir_trace_reader_close(a);
    end();
}
END_TEST

static void note(const weir_hold *hold, void *ctx)
{
    char text[100];
    ck_assert_str_eq(hold->owner, "a loop");
    ck_assert_uint_eq(hold->since_ns, 7);
    ck_assert_str_eq(weir_frontier_text(&hold->since, text, sizeof text), ctx);
}

/* A reader in a scope asks at (epoch, round): what it holds of an outer trace is the epoch. */
START_TEST(deeper_reader)
{
    start(1);
    weir_trace_reader *reader = open("a loop", 2);
    for (uint64_t t = 0; t < 4; t++)
        weir_trace_reader_deliver(reader, append(1, weir_time_1(t), 1));
    weir_frontier since;
    weir_frontier_init(&since, 2);
    weir_frontier_insert(&since, &(weir_time){ { 3, 1 } });
    weir_frontier_insert(&since, &(weir_time){ { 2, 5 } });
    weir_trace_reader_advance(reader, &since);
    weir_trace_each_hold(trace, note, "{2}");
    settle();
    weir_trace_run *const *runs;
    ck_assert_uint_eq(weir_trace_reader_runs(reader, &runs), 1);
    ck_assert_uint_eq(weir_trace_run_updates(runs[0]), 2); /* 3 at 2, 1 at 3 */
    ck_assert_uint_eq(weir_trace_run_meet(runs[0]).at[0], 2);
    weir_frontier_clear(&since);
    weir_frontier_insert(&since, &(weir_time){ { 1, 0 } });
    weir_trace_reader_advance(reader, &since); /* never goes back */
    weir_trace_each_hold(trace, note, "{2}");
    weir_frontier_fini(&since);
    weir_trace_reader_close(reader);
    end();
}
END_TEST

/* At depth 2 two readers let go of what neither can tell from another time. */
START_TEST(partial_order)
{
    start(2);
    weir_trace_reader *a = open("a", 0), *b = open("b", 2);
    weir_trace_run *const *runs;
    append(1, (weir_time){ { 0, 3 } }, 1);
    append(1, (weir_time){ { 1, 1 } }, 1);
    append(1, (weir_time){ { 2, 0 } }, 1);
    weir_frontier since;
    weir_frontier_init(&since, 2);
    weir_frontier_insert(&since, &(weir_time){ { 1, 2 } });
    weir_trace_reader_advance(a, &since);
    weir_frontier_clear(&since);
    weir_frontier_insert(&since, &(weir_time){ { 2, 1 } });
    weir_trace_reader_advance(b, &since);
    for (uint64_t n = 0; n < 3; n++) {
        weir_trace_reader_deliver(a, n);
        weir_trace_reader_deliver(b, n);
    }
    settle();
    /* (0, 3) counts from (1, 3) on, (1, 1) from (1, 1) on, (2, 0) from (2, 1) on */
    ck_assert_uint_eq(weir_trace_reader_runs(a, &runs), 1);
    weir_cursor *c = weir_cursor_create(runs, 1);
    weir_time time;
    int64_t diff;
    const weir_time expected[] = { { { 1, 1 } }, { { 1, 3 } }, { { 2, 1 } } };
    ck_assert(weir_cursor_next_key(c) && weir_cursor_next_value(c));
    for (int i = 0; i < 3; i++) {
        ck_assert(weir_cursor_next_update(c, &time, &diff));
        ck_assert(weir_time_equal(&time, &expected[i], 2));
    }
    ck_assert(!weir_cursor_next_update(c, &time, &diff));
    weir_cursor_destroy(c);
    weir_frontier_fini(&since);
    weir_trace_reader_close(a);
    weir_trace_reader_close(b);
    end();
}
END_TEST

/* Numbers go on though nothing is kept. */
START_TEST(nobody_asks)
{
    start(1);
    ck_assert_uint_eq(append(1, weir_time_1(0), 1), 0);
    ck_assert_uint_eq(run_count(), 0);
    weir_trace_reader *reader = open("late", 0);
    ck_assert_uint_eq(append(2, weir_time_1(1), 1), 1);
    ck_assert_uint_eq(run_count(), 1);
    weir_trace_reader_deliver(reader, 1);
    weir_frontier none;
    weir_frontier_init(&none, 1);
    weir_trace_reader_advance(reader, &none);
    settle();
    ck_assert_uint_eq(run_count(), 0);
    ck_assert_uint_eq(append(3, weir_time_1(2), 1), 2);
    weir_trace_reader_deliver(reader, 2);
    ck_assert_uint_eq(run_count(), 0);
    ck_assert_str_eq(weir_trace_name(trace), "rows");
    ck_assert_ptr_eq(weir_trace_shape(trace), shape);
    weir_trace_reader_close(reader);
    end();
}
END_TEST

START_TEST(memory_runs_out)
{
    start(1);
    size_t before = weir_memory_used();
    weir_trace_reader_spec spec = { .owner = "reader" };
    int failures = 0;
    for (uint64_t nth = 1; nth < 8; nth++) {
        weir_memory_fail_nth(nth, 0);
        weir_trace *t = weir_trace_create(shape, NULL, "t");
        weir_trace_reader *r = t ? weir_trace_reader_open(t, &spec) : NULL;
        weir_memory_fail_nth(0, 0);
        failures += !r;
        weir_trace_reader_close(r);
        weir_trace_release(t);
        ck_assert_uint_eq(weir_memory_used(), before);
    }
    ck_assert_int_eq(failures, 5);
    end();
}
END_TEST

/* What is seen at other times than it was appended at has these beside it: charged to who asked. */
START_TEST(imports_are_charged)
{
    enum { COUNT = 1000 };
    weir_account importer = { 0 };
    uint64_t times[COUNT];
    row rows[COUNT];
    weir_trace_run *run;
    start(1);
    weir_trace_reader *own = open("own", 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        times[i] = i;
        rows[i] = (row){ i, 1 };
    }
    weir_updates u = { .records = rows, .count = COUNT, .times = times };
    uint64_t number;
    ck_assert_int_eq(weir_trace_builder_add(builder, &u), WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    ck_assert_int_eq(weir_trace_append(trace, run, &number), WEIR_OK);
    weir_trace_reader_deliver(own, number);
    int64_t before = weir_account_bytes(&account);
    for (int leaves = 0; leaves < 2; leaves++) {
        weir_trace *base = trace;
        weir_trace_run *const *runs;
        trace = weir_trace_import(base, &importer);
        weir_trace_reader *late = open("late", 0);
        ck_assert_int_eq(weir_account_bytes(&importer), 0);
        weir_trace_import_begin(trace, &(weir_time){ { 500 } });
        ck_assert_int_ge(weir_account_bytes(&importer), COUNT * 8);
        ck_assert_int_lt(weir_account_bytes(&importer), COUNT * 9);
        weir_trace_reader_deliver(late, number); /* it is kept until the next one */
        ck_assert_int_ge(weir_account_bytes(&importer), COUNT * 8);
        ck_assert_int_lt(weir_account_bytes(&importer), COUNT * 9);
        ck_assert_uint_eq(weir_trace_reader_runs(late, &runs), 1);
        ck_assert_int_ge(weir_account_bytes(&importer), 2 * COUNT * 8);
        if (leaves) {
            weir_trace_leave_account(trace);
            ck_assert_int_eq(weir_account_bytes(&importer), 0);
        }
        ck_assert_int_eq(weir_account_bytes(&account), before); /* the base's is its own */
        weir_trace_reader_close(late);
        weir_trace_release(trace);
        ck_assert_int_eq(weir_account_bytes(&importer), 0);
        trace = base;
    }
    weir_trace_reader_close(own);
    end();
}
END_TEST

/* Keys may be expected that no run has, before the first one and behind the last, and of no run. */
START_TEST(expected_keys)
{
    enum { COUNT = 40000, HASHES = 1000 };
    start(1);
    weir_trace_reader *reader = open("r", 0);
    static row rows[COUNT];
    static uint64_t hashes[HASHES];
    for (uint64_t i = 0; i < COUNT; i++)
        rows[i] = (row){ i, 1 };
    for (uint64_t i = 0; i < HASHES - 2; i++)
        hashes[i] = weir_shape_hash(shape, &(row){ i * 80, 0 });
    hashes[HASHES - 2] = 0;
    hashes[HASHES - 1] = UINT64_MAX;
    for (int runs = 0; runs < 3; runs++) {
        for (int again = 0; again < 2; again++)
            weir_trace_expect(trace, hashes, HASHES, again);
        weir_trace *late = weir_trace_import(trace, NULL);
        weir_trace_expect(late, hashes, HASHES, true);
        weir_trace_release(late);
        weir_updates u = { .records = rows, .count = COUNT };
        weir_trace_run *run;
        ck_assert_int_eq(weir_trace_builder_add(builder, &u), WEIR_OK);
        ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
        ck_assert_int_eq(weir_trace_append(trace, run, NULL), WEIR_OK);
    }
    ck_assert_uint_eq(run_count(), 3);
    weir_trace_reader_close(reader);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { delivered,       deeper_reader,       partial_order, nobody_asks,
                                   memory_runs_out, imports_are_charged, expected_keys, NULL };
    return test_run(test_suite("trace", tests));
}
