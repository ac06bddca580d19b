/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs: what a builder makes of updates in any order, which columns are left out, look-up by hash,
 * strings, merges and compaction of runs, sums that overflow, memory that runs out.
 */
#include "trace/merge.h"

#include <stdio.h>
#include <string.h>

#include <weir/record.h>

#include "support.h"

#define SALE(F) F(u64, shop) F(str, what) F(opt_i64, price)
#define NAMED(F) F(str, name) F(i64, count)
#define NUMBER(F) F(u64, id)
#define PAIR(F) F(u64, key) F(i32, value)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(named, NAMED)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(pair, PAIR)

static weir_account account;

static weir_shape *shape_of(const weir_type *type, uint16_t field)
{
    weir_shape *shape;
    weir_shape_spec spec = {
        .type = type, .key = { .count = 1, .field = { field } }, .depth = 1, .seed = 11
    };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    return shape;
}

static weir_trace_run *build(weir_trace_builder *b)
{
    weir_trace_run *run;
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
    return run;
}

static void add(weir_trace_builder *b, const void *record, uint64_t time, int64_t diff)
{
    weir_updates u = { .records = record, .count = 1, .time = { { time } }, .diffs = &diff };
    ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
}

/* All updates of a run as one line of text. */
static const char *text_of(weir_trace_run *run, char *text, size_t size)
{
    size_t used = 0;
    weir_time time;
    int64_t diff;
    text[0] = 0;
    if (!run)
        return text;
    weir_cursor *c = weir_cursor_create(&run, 1);
    ck_assert_ptr_nonnull(c);
    while (weir_cursor_next_key(c))
        while (weir_cursor_next_value(c)) {
            char record[100];
            weir_record_text(run->shape->type, weir_cursor_record(c), record, sizeof record);
            used += (size_t)snprintf(text + used, size - used, "%s", record);
            while (weir_cursor_next_update(c, &time, &diff))
                used += (size_t)snprintf(text + used, size - used, " %+d@%u", (int)diff,
                                         (unsigned)time.at[0]);
            used += (size_t)snprintf(text + used, size - used, "; ");
        }
    weir_cursor_destroy(c);
    return text;
}

START_TEST(shapes)
{
    weir_shape *shape;
    weir_error error;
    weir_shape_spec spec = { .type = sale_type(), .depth = 1 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, &error), WEIR_INVALID);
    spec.key = (weir_key){ .count = 2, .field = { 1, 1 } };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, &error), WEIR_INVALID);
    spec.key = (weir_key){ .count = 1 };
    spec.order = (weir_key){ .count = 2, .field = { 1, 1 } };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, &error), WEIR_INVALID);
    ck_assert_ptr_null(shape);
    shape = shape_of(sale_type(), 1);
    ck_assert_ptr_eq(weir_shape_type(shape), sale_type());
    ck_assert_uint_eq(weir_shape_key(shape)->field[0], 1);
    weir_shape_release(weir_shape_retain(shape));
    weir_shape_release(shape);
    weir_shape_release(NULL);
}
END_TEST

START_TEST(consolidates)
{
    weir_shape *shape = shape_of(sale_type(), 0);
    weir_trace_builder *b = weir_trace_builder_create(shape, &account);
    sale s = { .shop = 5,
               .what = weir_str_of("something of over twelve bytes"),
               .price = { true, 30 } };
    sale t = { .shop = 5, .what = weir_str_of("apple") };
    ck_assert_ptr_null(build(b));
    add(b, &s, 3, 1);
    add(b, &t, 4, 2);
    add(b, &s, 2, 1);
    add(b, &s, 3, 4);
    add(b, &t, 5, -1);
    ck_assert_uint_eq(weir_trace_builder_count(b), 5);
    char text[500];
    weir_trace_run *run = build(b);
    ck_assert_str_eq(text_of(run, text, sizeof text),
                     "(shop: 5, what: \"apple\", price: null) +2@4 -1@5; "
                     "(shop: 5, what: \"something of over twelve bytes\", price: 30) +1@2 +5@3; ");
    ck_assert_uint_eq(weir_trace_run_meet(run).at[0], 2);
    ck_assert_uint_eq(weir_trace_run_join(run).at[0], 5);
    ck_assert_uint_eq(weir_trace_run_keys(run), 1);
    ck_assert_uint_eq(weir_trace_run_updates(run), 4);
    weir_trace_run_release(run);
    add(b, &s, 3, 1);
    add(b, &t, 4, 2);
    add(b, &s, 3, -1);
    add(b, &t, 4, -2);
    ck_assert_ptr_null(build(b));
    ck_assert_uint_eq(weir_trace_builder_count(b), 0);
    weir_trace_builder_destroy(b);
    weir_trace_builder_destroy(NULL);
    weir_shape_release(shape);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

/* Equal times and diffs, single values and bijective keys leave no columns. */
START_TEST(columns_left_out)
{
    weir_shape *shape = shape_of(sale_type(), 0);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    for (uint64_t i = 0; i < 100; i++)
        add(b, &(sale){ .shop = i }, 7, 1);
    weir_trace_run *run = build(b);
    ck_assert_uint_eq(run->key_count, 100);
    ck_assert_ptr_null(run->value_at);
    ck_assert_ptr_null(run->update_at);
    ck_assert_ptr_null(run->times);
    ck_assert_ptr_null(run->diffs);
    ck_assert_ptr_null(run->heap);
#ifndef WEIR_HASH_8BIT
    ck_assert_ptr_null(run->keys);
#endif
    size_t small = weir_trace_run_bytes(run);
    ck_assert_uint_ge(small, 100 * sizeof(uint64_t));
    weir_trace_run_release(run);
    for (uint64_t i = 0; i < 100; i++) {
        add(b, &(sale){ .shop = i }, 7, 1);
        add(b, &(sale){ .shop = i / 2, .price = { true, 2 } }, 7 + i % 2, 1 + (int64_t)i % 3);
    }
    run = build(b);
    ck_assert_uint_gt(weir_trace_run_bytes(run), 2 * small); /* three times as many updates */
    ck_assert_ptr_nonnull(run->value_at);
    ck_assert_ptr_nonnull(run->update_at);
    ck_assert_ptr_nonnull(run->times);
    ck_assert_ptr_nonnull(run->diffs);
    weir_trace_run_release(run);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
}
END_TEST

START_TEST(found_by_hash)
{
    enum { KEYS = 5000 };
    weir_shape *shape = shape_of(named_type(), 0);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    char text[64];
    named *records = calloc(KEYS, sizeof *records);
    char(*names)[40] = calloc(KEYS, sizeof *names);
    for (int i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof names[i], i % 2 ? "%d" : "a name of more than twelve: %d", i);
        records[i] = (named){ weir_str_of(names[i]), i };
    }
    weir_updates u = { .records = records, .count = KEYS, .time = { { 1 } } };
    ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
    weir_trace_run *run = build(b);
    memset(names, '?', KEYS * sizeof *names);
    weir_trace_builder_destroy(b);
    ck_assert_ptr_nonnull(run->directory);
    for (uint32_t k = 1; k < run->key_count; k++)
        ck_assert_uint_le(weir__run_hash(run, k - 1), weir__run_hash(run, k));
    ck_assert_uint_eq(weir__run_seek(run, 0), 0);
    for (uint32_t k = 0; k < run->key_count; k++) {
        uint64_t hash = weir__run_hash(run, k);
        uint32_t found = weir__run_seek(run, hash), after = weir__run_seek(run, hash + 1);
        ck_assert_uint_eq(weir__run_hash(run, found), hash);
        ck_assert(found <= k && k < after);
        ck_assert(found == 0 || weir__run_hash(run, found - 1) < hash);
        ck_assert(after == run->key_count || weir__run_hash(run, after) > hash);
    }
    weir_cursor *c = weir_cursor_create(&run, 1);
    for (int i = 0; i < KEYS; i++) {
        snprintf(text, sizeof text, i % 2 ? "%d" : "a name of more than twelve: %d", i);
        named key = { weir_str_of(text), 0 };
        ck_assert(weir_cursor_find(c, &key) && weir_cursor_next_value(c));
        const named *n = weir_cursor_record(c);
        ck_assert_int_eq(n->count, i);
        ck_assert(weir_str_equal(&n->name, &key.name));
        ck_assert(!weir_cursor_next_value(c));
        key.name = weir_str_of("none");
        ck_assert(!weir_cursor_find(c, &key));
    }
    weir_cursor_destroy(c);
    weir_trace_run_release(run);
    weir_shape_release(shape);
    free(records);
    free(names);
}
END_TEST

enum { ASKED_KEYS = 400 };

/* The sum of the diffs of a key in all runs; found says whether the cursor found it. */
static int64_t look_up(weir_cursor *c, const void *record, bool *found)
{
    weir_time time;
    int64_t diff, sum = 0;
    *found = weir_cursor_find(c, record);
    while (*found && weir_cursor_next_value(c))
        while (weir_cursor_next_update(c, &time, &diff))
            sum += diff;
    return sum;
}

/* Keys in the order of hashes go on where the one before was found, others do not; what reads the
 * cursor in between must not matter. Key k is in run r if k is a multiple of r + 2. */
START_TEST(found_in_many_runs)
{
    enum { KEYS = 120, RUNS = 4 };
    weir_shape *shape = shape_of(sale_type(), 0);
    weir_trace_run *runs[RUNS], *all;
    weir_trace_builder *b = weir_trace_builder_create(shape, &account);
    for (uint64_t r = 0; r < RUNS; r++) {
        for (uint64_t k = 0; k < KEYS; k += r + 2)
            add(b, &(sale){ .shop = k, .what = weir_str_of("x"), .price = { true, (int64_t)r } }, r,
                (int64_t)(k + r));
        runs[r] = build(b);
    }
    for (uint64_t k = 0; k < KEYS; k++)
        add(b, &(sale){ .shop = k, .what = weir_str_of("y") }, 0, 1);
    all = build(b);
    weir_cursor *order = weir_cursor_create(&all, 1), *c = weir_cursor_create(runs, RUNS);
    uint64_t random = 7;
    for (int i = 0; i < 10 * KEYS; i++) {
        if (!weir_cursor_next_key(order)) {
            weir_cursor_seek(order, 0);
            continue;
        }
        uint64_t k = ((const sale *)weir_cursor_record(order))->shop, wanted = 0;
        bool is_there = false, found;
        for (uint64_t r = 0; r < RUNS; r++) {
            is_there = is_there || k % (r + 2) == 0;
            wanted += k % (r + 2) == 0 ? k + r : 0;
        }
        ck_assert_int_eq(look_up(c, &(sale){ .shop = k }, &found), (int64_t)wanted);
        ck_assert_int_eq(found, is_there);
        if (test_below(&random, 8) == 0)
            (void)weir_cursor_next_key(c);
        if (test_below(&random, 8) == 0)
            (void)look_up(c, &(sale){ .shop = test_below(&random, KEYS) }, &found);
        if (test_below(&random, 16) == 0)
            weir_cursor_seek(c, weir_cursor_hash(order));
    }
    weir_cursor_destroy(c);
    weir_cursor_destroy(order);
    for (int r = 0; r < RUNS; r++)
        weir_trace_run_release(runs[r]);
    weir_trace_run_release(all);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
}
END_TEST

/* Asks for as many keys as may be, some of which no run has, looks some of them up, and others
 * between; names of which several have one hash are told apart. */
static void check_asked(weir_cursor *c, weir_cursor *order, char (*names)[40],
                        const int64_t *wanted, uint64_t *random)
{
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    size_t most = 1 + test_below(random, WEIR_CURSOR_ASK_MAX);
    size_t count = weir_cursor_peek(order, hashes, most), seen = 0;
    uint64_t last = 0;
    ck_assert_uint_le(count, most);
    for (size_t i = 1; i < count; i++)
        ck_assert_uint_lt(hashes[i - 1], hashes[i]);
    weir_cursor_ask(c, hashes, count);
    while (seen < count && weir_cursor_next_key(order) && weir_cursor_next_value(order)) {
        const named *n = weir_cursor_record(order);
        int64_t k = n->count;
        bool found;
        seen += seen == 0 || weir_cursor_hash(order) != last;
        last = weir_cursor_hash(order);
        ck_assert_uint_eq(last, hashes[seen - 1]);
        if (test_below(random, 4) == 0)
            continue;
        ck_assert_int_eq(look_up(c, n, &found), wanted[k]);
        ck_assert_int_eq(found, wanted[k] != 0);
        if (test_below(random, 8) == 0) {
            k = (int64_t)test_below(random, ASKED_KEYS);
            named other = { weir_str_of(names[k]), 0 };
            ck_assert_int_eq(look_up(c, &other, &found), wanted[k]);
        }
    }
}

START_TEST(keys_that_were_asked_for)
{
    enum { RUNS = 5, ROUNDS = 300 };
    static char names[ASKED_KEYS][40];
    int64_t wanted[ASKED_KEYS] = { 0 };
    uint64_t random = 11;
    weir_shape *shape = shape_of(named_type(), 0);
    weir_trace_run *runs[RUNS], *all;
    weir_trace_builder *b = weir_trace_builder_create(shape, &account);
    for (int k = 0; k < ASKED_KEYS; k++)
        snprintf(names[k], sizeof names[k], "the name of key %d", k);
    for (int r = 0; r < RUNS; r++) {
        for (int k = r; k < ASKED_KEYS; k += r == RUNS - 1 ? 100 : r + 3) {
            add(b, &(named){ weir_str_of(names[k]), r }, (uint64_t)r, k + 1);
            wanted[k] += k + 1;
        }
        runs[r] = build(b);
    }
    for (int k = 0; k < ASKED_KEYS; k++)
        add(b, &(named){ weir_str_of(names[k]), k }, 0, 1);
    all = build(b);
    weir_cursor *order = weir_cursor_create(&all, 1), *c = weir_cursor_create(runs, RUNS);
    for (int i = 0; i < ROUNDS; i++) {
        check_asked(c, order, names, wanted, &random);
        if (test_below(&random, 8) == 0)
            weir_cursor_seek(order, 0);
    }
    weir_cursor_seek(c, 0);
    int left = 0;
    while (weir_cursor_next_key(c))
        left++;
    for (int k = 0; k < ASKED_KEYS; k++)
        left -= wanted[k] != 0;
    ck_assert_int_eq(left, 0);
    weir_cursor_destroy(c);
    weir_cursor_destroy(order);
    for (int r = 0; r < RUNS; r++)
        weir_trace_run_release(runs[r]);
    weir_trace_run_release(all);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
}
END_TEST

/* As many updates as are sorted by comparison, in one part and in many; of many keys or few, with
 * two values each. */
START_TEST(sorts_as_many_as_come)
{
    static const uint32_t counts[] = { 63, 64, 4096, 4097, 30000 };
    static const uint32_t key_counts[] = { 1, 7, 3000, 100000 };
    weir_shape *shape = shape_of(sale_type(), 0);
    weir_trace_builder *b = weir_trace_builder_create(shape, &account);
    uint64_t random = 3;
    for (size_t i = 0; i < sizeof counts / sizeof *counts * 4; i++) {
        uint32_t count = counts[i / 4], keys = key_counts[i % 4];
        int64_t *wanted = calloc(2 * keys, sizeof *wanted), left = 0;
        weir_updates u = { .count = 1 };
        for (uint32_t n = 0; n < count; n++) {
            uint64_t k = test_below(&random, keys), value = test_below(&random, 2);
            sale s = { .shop = k, .what = weir_str_of(value ? "y" : "x") };
            u.records = &s;
            ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
            left += wanted[2 * k + value]++ == 0;
        }
        weir_trace_run *run = build(b);
        ck_assert_uint_eq(run->update_count, (uint64_t)left);
        for (uint32_t k = 0; k < run->key_count; k++) {
            ck_assert(k == 0 || weir__run_compare_keys(run, k - 1, run, k) < 0);
            weir__range values = weir__run_values(run, k);
            for (uint32_t v = values.at; v < values.end; v++) {
                sale s = { 0 };
                weir__run_get_key(run, k, &s);
                weir__run_get_rest(run, v, &s);
                ck_assert(v == values.at || weir__run_compare_values(run, v - 1, run, v) < 0);
                int64_t *there = &wanted[2 * s.shop + (*weir_str_data(&s.what) == 'y')];
                ck_assert_int_eq(weir__run_diff(run, v), *there);
                *there = 0;
            }
        }
        weir_trace_run_release(run);
        free(wanted);
    }
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
}
END_TEST

static weir_trace_run *merge(weir_trace_run *a, weir_trace_run *b, uint64_t since, size_t fuel)
{
    weir__merge m;
    weir_trace_run *run;
    weir_trace_run *runs[] = { a, b };
    weir_frontier frontier = { .count = 1, .depth = 1, .one = weir_time_1(since) };
    ck_assert(weir__merge_init(&m, runs, b ? 2 : 1, &frontier));
    for (size_t left = fuel; !weir__merge_work(&m, &left); left = fuel)
        ck_assert_uint_eq(left, 0);
    ck_assert(weir__merge_finish(&m, &run));
    return run;
}

START_TEST(merges)
{
    weir_shape *shape = shape_of(named_type(), 0);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    named a1 = { weir_str_of("a name in the heap"), 1 }, a2 = { a1.name, 2 };
    named z = { weir_str_of("z"), 1 };
    char text[500];
    add(b, &a1, 3, 1);
    add(b, &z, 4, 1);
    weir_trace_run *older = build(b);
    add(b, &a1, 6, -1);
    add(b, &a2, 6, 1);
    add(b, &z, 9, 3);
    weir_trace_run *newer = build(b);
    bool a_first = weir_shape_hash(shape, &a1) < weir_shape_hash(shape, &z);
    const char *z_line[] = { "(name: \"z\", count: 1) +1@4 +3@9; ",
                             "(name: \"z\", count: 1) +1@7 +3@9; ",
                             "(name: \"z\", count: 1) +4@1000; " };
    const char *a_line[] = { ("(name: \"a name in the heap\", count: 1) +1@3 -1@6; "
                              "(name: \"a name in the heap\", count: 2) +1@6; "),
                             "(name: \"a name in the heap\", count: 2) +1@7; ",
                             "(name: \"a name in the heap\", count: 2) +1@1000; " };
    const uint64_t sinces[] = { 0, 7, 1000 };
    for (int i = 0; i < 3; i++)
        for (size_t fuel = 1; fuel < 10; fuel++) {
            char expected[500];
            snprintf(expected, sizeof expected, "%s%s", a_first ? a_line[i] : z_line[i],
                     a_first ? z_line[i] : a_line[i]);
            weir_trace_run *run = merge(older, newer, sinces[i], fuel);
            ck_assert_str_eq(text_of(run, text, sizeof text), expected);
            weir_trace_run *again = merge(run, NULL, 1000, fuel);
            ck_assert_uint_eq(weir_trace_run_updates(again), 2);
            weir_trace_run_release(again);
            weir_trace_run_release(run);
        }
    weir_trace_run_release(newer);
    add(b, &a1, 6, -1);
    add(b, &z, 7, -1);
    newer = build(b);
    ck_assert_ptr_null(merge(older, newer, 8, 100));
    weir_trace_run_release(older);
    weir_trace_run_release(newer);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
}
END_TEST

/* Records that are keys alone become one as they come, where they lie together; sums that leave
 * the range on their way do not matter. */
START_TEST(keys_put_together)
{
#ifdef WEIR_HASH_8BIT
    enum { BY_TURNS = 600, AT_ONCE = 3 }; /* a hash is of several keys: as they come */
#else
    enum { BY_TURNS = 201, AT_ONCE = 2 }; /* 8 and 7 by turns */
#endif
    weir_shape *shape = shape_of(number_type(), 0);
    weir_trace_builder *b = weir_trace_builder_create(shape, &account);
    number n[6] = { { 7 }, { 7 }, { 8 }, { 8 }, { 7 }, { 7 } };
    int64_t diffs[6] = { 3, -1, 5, -5, 2, 4 }, large[3] = { INT64_MAX, 1, -3 };
    weir_updates u = {
        .records = n, .count = 6, .time = { { 4 } }, .diffs = diffs
    };
    char text[500];
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
    ck_assert_uint_eq(weir_trace_builder_count(b), BY_TURNS);
    weir_trace_run *run = build(b);
    ck_assert_str_eq(text_of(run, text, sizeof text), "(id: 7) +800@4; ");
    weir_trace_run_release(run);
    u.count = 3;
    u.diffs = large;
    n[2].id = 7;
    ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
    ck_assert_uint_eq(weir_trace_builder_count(b), AT_ONCE);
    run = build(b);
    weir_cursor *c = weir_cursor_create(&run, 1);
    int64_t sum;
    ck_assert(weir_cursor_next_key(c) && weir_cursor_next_value(c));
    ck_assert(weir_cursor_sum(c, &(weir_time){ { 4 } }, &sum));
    ck_assert_int_eq(sum, INT64_MAX - 2);
    weir_cursor_destroy(c);
    weir_trace_run_release(run);
    u.time.at[0] = 5; /* a time more: as it comes */
    add(b, &n[0], 4, 1);
    ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
    ck_assert_uint_eq(weir_trace_builder_count(b), 4);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

START_TEST(diffs_overflow)
{
    weir_shape *shape = shape_of(named_type(), 0);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    named n = { weir_str_of("n"), 1 };
    weir_trace_run *run, *other;
    add(b, &n, 1, INT64_MAX);
    add(b, &n, 1, 1);
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OVERFLOWED);
    ck_assert_ptr_null(run);
    weir_trace_builder_destroy(b);
    b = weir_trace_builder_create(shape, NULL);
    add(b, &n, 1, INT64_MAX); /* a part of the sum leaves the range, the sum does not */
    add(b, &n, 1, 5);
    add(b, &n, 1, -5);
    run = build(b);
    add(b, &n, 2, 2);
    other = build(b);
    weir_trace_run *both = merge(run, other, 5, 100);
    ck_assert_uint_eq(weir_trace_run_updates(both), 2);
    weir_cursor *c = weir_cursor_create(&both, 1);
    int64_t sum;
    ck_assert(weir_cursor_next_key(c) && weir_cursor_next_value(c));
    ck_assert(!weir_cursor_sum(c, &(weir_time){ { 5 } }, &sum));
    ck_assert(weir_cursor_sum(c, &(weir_time){ { 0 } }, &sum));
    ck_assert_int_eq(sum, 0);
    weir_frontier later;
    weir_frontier_init(&later, 1);
    ck_assert(!weir_cursor_split(c, &(weir_time){ { 5 } }, &sum, &later));
    weir_frontier_fini(&later);
    weir_cursor_destroy(c);
    weir_trace_run_release(run);
    weir_trace_run_release(other);
    weir_trace_run_release(both);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
}
END_TEST

/* Whichever allocation fails, nothing is lost: the same again works. */
START_TEST(memory_runs_out)
{
    weir_shape *shape = shape_of(named_type(), 0);
    size_t before = weir_memory_used();
    named records[50];
    char names[50][40];
    for (int i = 0; i < 50; i++) {
        snprintf(names[i], sizeof names[i], "a name of more than twelve: %d", i / 2);
        records[i] = (named){ weir_str_of(names[i]), i };
    }
    weir_updates u = { .records = records, .count = 50, .time = { { 1 } } };
    int failures = 0;
    for (uint64_t nth = 1; nth < 60; nth++) {
        weir_memory_fail_nth(nth, 0);
        weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
        weir_trace_run *run = NULL;
        failures += !b;
        if (!b)
            b = weir_trace_builder_create(shape, NULL);
        if (weir_trace_builder_add(b, &u) != WEIR_OK) {
            failures++;
            ck_assert_uint_eq(weir_trace_builder_count(b), 0);
            ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
        }
        weir_status status = weir_trace_builder_build(b, &run);
        if (status != WEIR_OK) {
            failures++;
            ck_assert_int_eq(status, WEIR_NO_MEMORY);
            ck_assert_ptr_null(run);
            run = build(b);
        }
        weir_memory_fail_nth(0, 0);
        ck_assert_uint_eq(weir_trace_run_updates(run), 50);
        ck_assert_uint_eq(weir_trace_run_keys(run), 25);
        weir_trace_builder_destroy(b);
        weir_trace_run_release(run);
        ck_assert_uint_eq(weir_memory_used(), before);
    }
    ck_assert_int_gt(failures, 6);
    weir_memory_fail_nth(1, 1);
    weir_shape *none;
    weir_shape_spec spec = { .type = named_type(), .key = { .count = 1 }, .depth = 1 };
    ck_assert_int_eq(weir_shape_create(&none, &spec, NULL), WEIR_NO_MEMORY);
    weir_memory_fail_nth(2, 1);
    ck_assert_int_eq(weir_shape_create(&none, &spec, NULL), WEIR_NO_MEMORY);
    weir_memory_fail_nth(0, 0);
    weir_shape_release(shape);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        shapes,        consolidates,       columns_left_out,         keys_put_together,
        found_by_hash, found_in_many_runs, keys_that_were_asked_for, sorts_as_many_as_come,
        merges,        diffs_overflow,     memory_runs_out,          NULL
    };
    return test_run(test_suite("run", tests));
}
