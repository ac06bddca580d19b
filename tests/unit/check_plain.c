/* SPDX-License-Identifier: Apache-2.0
 *
 * Builders of updates that need no records: of no words, of one and of two, with one diff for all
 * and with many, that come to be equal, or have another diff or time, late; memory that runs out.
 */
#include <string.h>

#include <weir/memory.h>
#include <weir/record.h>

#include "trace/build.h"
#include "support.h"

#define NUMBER(F) F(u64, key)
#define PAIR(F) F(u64, key) F(i32, value)
#define TRIPLE(F) F(u64, key) F(u64, value) F(i32, other)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(pair, PAIR)
WEIR_RECORD(triple, TRIPLE)

enum { SIZE_MOST = sizeof(triple) };

static weir_account account;

static weir_shape *shape_of(const weir_type *type)
{
    weir_shape *shape;
    weir_shape_spec spec = { .type = type, .key = { .count = 1 }, .depth = 1, .seed = 11 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    return shape;
}

static void add(weir_trace_builder *b, const void *record, uint64_t time, int64_t diff)
{
    weir_updates u = { .records = record, .count = 1, .time = { { time } }, .diffs = &diff };
    ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
}

/* ---- how updates come ---- */

/* Record i of a type, 0 to COUNT - 1, each another one. */
static void make(const weir_type *type, uint64_t i, void *record)
{
    memset(record, 0, type->size); /* what lies between fields, too */
    if (type == pair_type()) {
        pair *p = record;
        p->key = i / 2;
        p->value = (int32_t)(i % 2) - 1;
    } else if (type == triple_type()) {
        triple *t = record;
        t->key = i;
        t->value = i * 3;
        t->other = (int32_t)i - 5;
    } else {
        ((number *)record)->key = i;
    }
}

static uint64_t number_of(const weir_type *type, const void *record)
{
    const pair *p = record;
    if (type == pair_type())
        return 2 * p->key + (uint64_t)(p->value + 1);
    return ((const number *)record)->key;
}

enum { ONES, LESS, MIXED_FIRST, MIXED_LATE, TWICE_TOGETHER, TWICE_APART, WAYS };

/* The n-th of `count` updates, shuffled: which record, and its diff. */
static uint64_t come(int way, uint64_t n, uint64_t count, int64_t *diff)
{
    uint64_t which = n * 7919 % count; /* no count is a multiple of that */
    *diff = way == LESS ? -1 : 1;
    if ((way == MIXED_FIRST && n == 0) || (way == MIXED_LATE && n == count - 1))
        *diff = -3;
    if (n == count - 1 && (way == TWICE_TOGETHER || way == TWICE_APART))
        which = (way == TWICE_APART ? 0 : n - 1) * 7919 % count;
    return which;
}

/* In pieces of `piece` updates, from one on, at a time. Returns whether all were taken at once. */
static bool add_all(weir_trace_builder *b, int way, uint64_t from, uint64_t to, uint64_t count,
                    uint64_t time)
{
    enum { PIECE = 700 };
    const weir_type *type = weir_shape_type(b->shape);
    _Alignas(8) char records[PIECE * SIZE_MOST];
    int64_t diffs[PIECE];
    bool at_once = true;
    while (from < to) {
        weir_updates u = { .records = records, .time = { { time } }, .diffs = diffs };
        uint32_t before = b->count;
        for (; from < to && u.count < PIECE; from++, u.count++) {
            uint64_t which = come(way, from, count, &diffs[u.count]);
            make(type, which, records + u.count * type->size);
        }
        if (way == ONES || way == TWICE_APART)
            u.diffs = NULL;
        while (weir_trace_builder_add(b, &u) != WEIR_OK) {
            ck_assert_uint_eq(b->count, before);
            at_once = false;
        }
    }
    return at_once;
}

/* The run has what `count` updates come to, of which the first `early` are at time 0. */
static void check(const weir_type *type, weir_trace_run *run, int way, uint64_t count,
                  uint64_t early)
{
    int64_t *wanted = calloc(2 * count, sizeof *wanted), diff;
    weir_time time;
    for (uint64_t n = 0; n < count; n++) {
        uint64_t which = come(way, n, count, &diff);
        wanted[2 * which + (n >= early)] += diff;
    }
    weir_cursor *c = run ? weir_cursor_create(&run, 1) : NULL;
    while (c && weir_cursor_next_key(c))
        while (weir_cursor_next_value(c)) {
            uint64_t which = number_of(type, weir_cursor_record(c));
            _Alignas(8) char same[SIZE_MOST];
            make(type, which, same);
            ck_assert_mem_eq(weir_cursor_record(c), same, type->size);
            while (weir_cursor_next_update(c, &time, &diff)) {
                ck_assert_int_ne(diff, 0);
                wanted[2 * which + time.at[0]] -= diff;
            }
        }
    for (uint64_t k = 0; k < 2 * count; k++)
        ck_assert_int_eq(wanted[k], 0);
    weir_cursor_destroy(c);
    free(wanted);
}

static const weir_type *type_of(int i)
{
    return i == 0 ? number_type() : i == 1 ? pair_type() : triple_type();
}

START_TEST(as_they_come)
{
    static const uint64_t counts[] = { 1, 2, 40, 701, 12000 };
    for (size_t i = 0; i < 3 * WAYS * sizeof counts / sizeof *counts; i++) {
        const weir_type *type = type_of((int)(i % 3));
        int way = (int)(i / 3 % WAYS);
        uint64_t count = counts[i / 3 / WAYS];
        weir_shape *shape = shape_of(type);
        weir_trace_builder *b = weir_trace_builder_create(shape, &account);
        for (int again = 0; again < 3; again++) {
            uint64_t early = again % 2 ? count / 2 : count;
            weir_trace_run *run;
            add_all(b, way, 0, early, count, 0);
            add_all(b, way, early, count, count, 1);
            ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
            check(type, run, way, count, early);
            weir_trace_run_release(run);
        }
        weir_trace_builder_destroy(b);
        weir_shape_release(shape);
    }
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

/* No diffs are kept while all are equal and no two updates are, and from then on they are. */
START_TEST(diffs_are_kept_when_they_are_needed)
{
    enum { COUNT = 9000 };
    for (size_t i = 0; i < 3 * WAYS; i++) {
        int way = (int)(i / 3);
        weir_shape *shape = shape_of(type_of((int)(i % 3)));
        weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
        bool plain = shape->bijective; /* not where hashes have few bits */
        bool differ = way != ONES && way != LESS;
        weir_trace_run *run;
        add_all(b, way, 0, COUNT, COUNT, 0);
        ck_assert_int_eq(b->plain, plain);
        ck_assert_int_eq(b->has_diffs, plain && differ && way != TWICE_APART);
        ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
        ck_assert_int_eq(b->has_diffs, plain && differ);
        ck_assert_int_eq(run->diffs != NULL, differ);
        weir_trace_run_release(run);
        add_all(b, ONES, 0, 10, COUNT, 0);
        ck_assert_int_eq(b->has_diffs, plain && differ);
        weir_trace_builder_destroy(b);
        weir_shape_release(shape);
    }
}
END_TEST

/* Records of two integers are noted as a hash and a word, in one part and in many, hashes of a
 * narrow range among them; where another time comes, records are made of them again. */
START_TEST(plain_updates)
{
    static const uint32_t counts[] = { 1, 40, 5000, 50000 };
    static const uint32_t key_counts[] = { 1, 50, 70000 };
    weir_shape *shape = shape_of(pair_type());
    weir_trace_builder *b = weir_trace_builder_create(shape, &account);
    uint64_t random = 9;
    for (size_t i = 0; i < sizeof counts / sizeof *counts * 6; i++) {
        uint32_t count = counts[i / 6], keys = key_counts[i % 3];
        uint64_t times = i % 6 < 3 ? 1 : 2;
        int64_t *wanted = calloc(6 * (size_t)keys, sizeof *wanted);
        for (uint32_t n = 0; n < count; n++) {
            pair p = { test_below(&random, keys), (int32_t)test_below(&random, 3) - 1 };
            uint64_t time = n < count / 2 ? 0 : test_below(&random, times);
            int64_t diff = (int64_t)test_below(&random, 3) - 1;
            add(b, &p, time, diff);
            wanted[(3 * p.key + (uint64_t)(p.value + 1)) * 2 + time] += diff;
        }
        weir_trace_run *run;
        ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
        weir_time time;
        int64_t diff;
        weir_cursor *c = run ? weir_cursor_create(&run, 1) : NULL;
        while (c && weir_cursor_next_key(c))
            for (int32_t last = -2; weir_cursor_next_value(c);) {
                pair p = *(const pair *)weir_cursor_record(c);
                ck_assert_int_gt(p.value, last);
                last = p.value;
                while (weir_cursor_next_update(c, &time, &diff)) {
                    ck_assert_int_ne(diff, 0);
                    wanted[(3 * p.key + (uint64_t)(p.value + 1)) * 2 + time.at[0]] -= diff;
                }
            }
        for (size_t k = 0; k < 6 * (size_t)keys; k++)
            ck_assert_int_eq(wanted[k], 0);
        weir_cursor_destroy(c);
        weir_trace_run_release(run);
        free(wanted);
    }
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

/* Whichever allocation fails, nothing is lost: the same again works. */
START_TEST(memory_runs_out_as_they_come)
{
    enum { COUNT = 4501 };
    int failures = 0;
    for (uint64_t i = 0; i < 3 * WAYS * 2 * 8; i++) {
        const weir_type *type = type_of((int)(i % 3));
        int way = (int)(i / 3 % WAYS);
        uint64_t early = i / 3 / WAYS % 2 ? COUNT / 2 : COUNT, nth = i / 3 / WAYS / 2 + 1;
        weir_shape *shape = shape_of(type);
        size_t before = weir_memory_used();
        weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
        weir_trace_run *run;
        weir_memory_fail_nth(nth, 0);
        failures += !add_all(b, way, 0, early, COUNT, 0);
        failures += !add_all(b, way, early, COUNT, COUNT, 1);
        while (weir_trace_builder_build(b, &run) != WEIR_OK)
            failures++;
        weir_memory_fail_nth(0, 0);
        check(type, run, way, COUNT, early);
        weir_trace_run_release(run);
        weir_trace_builder_destroy(b);
        ck_assert_uint_eq(weir_memory_used(), before);
        weir_shape_release(shape);
    }
    ck_assert_int_gt(failures, 150);
}
END_TEST

/* Equal ones, in two parts or at two times; a run that could not be written is made of what is
 * sorted already. */
START_TEST(plain_memory_runs_out)
{
    enum { COUNT = 6000 };
    weir_shape *shape = shape_of(pair_type());
    size_t before = weir_memory_used();
    pair *pairs = calloc(COUNT, sizeof *pairs);
    for (int i = 0; i < COUNT; i++)
        pairs[i] = (pair){ (uint64_t)(i * 7 % (COUNT / 2)), 1 };
    int failures = 0;
    for (uint64_t i = 0; i < 30; i++) {
        uint64_t nth = i / 2 + 1, times = i % 2 + 1;
        weir_updates u = { .records = pairs, .count = COUNT, .time = { { 1 } } };
        weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
        weir_trace_run *run = NULL;
        weir_memory_fail_nth(nth, 0);
        for (unsigned t = 0; t < 2; t++) {
            u.time.at[0] = 1 + (t & (times - 1));
            while (weir_trace_builder_add(b, &u) != WEIR_OK) {
                failures++;
                ck_assert_uint_eq(weir_trace_builder_count(b), t * COUNT);
            }
        }
        while (weir_trace_builder_build(b, &run) != WEIR_OK)
            failures++;
        weir_memory_fail_nth(0, 0);
        ck_assert_uint_eq(weir_trace_run_keys(run), COUNT / 2);
        ck_assert_uint_eq(weir_trace_run_updates(run), COUNT / 2 * times);
        for (uint32_t n = 0; n < run->update_count; n++)
            ck_assert_int_eq(weir__run_diff(run, n), times == 1 ? 4 : 2);
        weir_trace_run_release(run);
        weir_trace_builder_destroy(b);
        ck_assert_uint_eq(weir_memory_used(), before);
    }
    ck_assert_int_gt(failures, 8);
    free(pairs);
    weir_shape_release(shape);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { as_they_come,
                                   diffs_are_kept_when_they_are_needed,
                                   plain_updates,
                                   memory_runs_out_as_they_come,
                                   plain_memory_runs_out,
                                   NULL };
    return test_run(test_suite("plain", tests));
}
