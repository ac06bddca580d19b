/* SPDX-License-Identifier: Apache-2.0
 *
 * Random runs of two sides matched with each other, at times of every depth, by a number and by a
 * text, few keys with many and many with many, against a loop over all pairs of updates.
 */
#include <weir/match.h>

#include <stdio.h>
#include <string.h>

#include <weir/record.h>

#include "support.h"

#define LEFT(F) F(str, name) F(u64, value) F(u64, key)
#define RIGHT(F) F(u64, key) F(u32, value) F(str, name)
WEIR_RECORD(left, LEFT)
WEIR_RECORD(right, RIGHT)

enum { OTHERS = 4, RUNS = 24, UPDATES_MAX = 4000, ROUNDS = 40 };

typedef struct update {
    uint64_t key, value;
    weir_time time;
    int64_t diff;
} update;

typedef struct side_run {
    update *updates; /* by key */
    size_t count;
    weir_trace_run *run; /* NULL: they cancelled out */
} side_run;

typedef struct fixture {
    uint64_t random, seed;
    unsigned depth;     /* of the matcher */
    unsigned depths[2]; /* of the sides */
    bool by_name;
    weir_shape *shapes[2];
    weir_matcher *matcher;
} fixture;

static const char *name_of(uint64_t key, char *room)
{
    snprintf(room, 48, key % 3 ? "key %llu" : "the key that has number %llu",
             (unsigned long long)key);
    return room;
}

static uint64_t mixed(uint64_t key, uint64_t a, uint64_t b, const uint64_t *time, unsigned depth)
{
    uint64_t state = key;
    state = test_random(&state) ^ a;
    state = test_random(&state) ^ b;
    for (unsigned i = 0; i < depth; i++)
        state = test_random(&state) ^ time[i];
    return test_random(&state);
}

static void set_up(fixture *f)
{
    weir_error error;
    f->depth = 1 + (unsigned)test_below(&f->random, 3);
    f->by_name = test_below(&f->random, 2) == 0;
    for (int s = 0; s < 2; s++) {
        f->depths[s] = 1 + (unsigned)test_below(&f->random, f->depth);
        uint16_t field = s == 0 ? (f->by_name ? 0 : 2) : (f->by_name ? 2 : 0);
        weir_shape_spec spec = { .type = s == 0 ? left_type() : right_type(),
                                 .key = { .count = 1, .field = { field } },
                                 .depth = f->depths[s],
                                 .seed = 99 };
        ck_assert_int_eq(weir_shape_create(&f->shapes[s], &spec, &error), WEIR_OK);
    }
    f->matcher = weir_matcher_create(f->shapes, f->depth);
    ck_assert_ptr_nonnull(f->matcher);
}

static void tear_down(fixture *f)
{
    weir_matcher_destroy(f->matcher);
    for (int s = 0; s < 2; s++)
        weir_shape_release(f->shapes[s]);
}

static void add(weir_trace_builder *builder, int side, const update *u)
{
    char room[48];
    weir_str name = weir_str_of(name_of(u->key, room));
    left l = { .name = name, .value = u->value, .key = u->key };
    right r = { .key = u->key, .value = (uint32_t)u->value, .name = name };
    weir_updates updates = { .records = side == 0 ? (void *)&l : (void *)&r,
                             .count = 1,
                             .diffs = &u->diff,
                             .time = u->time };
    ck_assert_int_eq(weir_trace_builder_add(builder, &updates), WEIR_OK);
}

static int by_key(const void *a, const void *b)
{
    const update *u = a, *v = b;
    return (u->key > v->key) - (u->key < v->key);
}

/* A run of random updates of at most this many keys. */
static side_run make(fixture *f, int side, size_t count, uint64_t keys)
{
    side_run l = { .updates = malloc(count * sizeof(update)), .count = count };
    weir_trace_builder *builder = weir_trace_builder_create(f->shapes[side], NULL);
    bool one_time = test_below(&f->random, 2) == 0, ones = test_below(&f->random, 2) == 0;
    for (size_t i = 0; i < count; i++) {
        update *u = &l.updates[i];
        *u = (update){ .key = test_below(&f->random, keys),
                       .value = test_below(&f->random, 3),
                       .diff = ones ? 1 : (int64_t)test_below(&f->random, 5) - 2 };
        for (unsigned c = 0; c < f->depths[side]; c++)
            u->time.at[c] = one_time ? 1 : test_below(&f->random, 3);
        add(builder, side, u);
    }
    ck_assert_int_eq(weir_trace_builder_build(builder, &l.run), WEIR_OK);
    weir_trace_builder_destroy(builder);
    qsort(l.updates, l.count, sizeof *l.updates, by_key);
    return l;
}

static uint64_t pair_of(const fixture *f, const update *a, const update *b)
{
    weir_time time = weir_time_join(&a->time, &b->time, f->depth);
    return (uint64_t)(a->diff * b->diff) * mixed(a->key, a->value, b->value, time.at, f->depth);
}

static uint64_t expected(const fixture *f, int side, const side_run *one, const side_run *other)
{
    uint64_t sum = 0;
    size_t from = 0;
    for (size_t i = 0; i < one->count; i++) {
        const update *u = &one->updates[i];
        while (from < other->count && other->updates[from].key < u->key)
            from++;
        for (size_t k = from; k < other->count && other->updates[k].key == u->key; k++) {
            const update *v = &other->updates[k];
            sum += side == 0 ? pair_of(f, u, v) : pair_of(f, v, u);
        }
    }
    return sum;
}

static void check_name(const fixture *f, const weir_str *name, uint64_t key)
{
    char room[48];
    weir_str wanted = weir_str_of(name_of(key, room));
    ck_assert_msg(weir_str_equal(name, &wanted), "seed %llu: another name",
                  (unsigned long long)f->seed);
}

static uint64_t sum_of(const fixture *f, const weir_matches *m)
{
    uint64_t sum = 0;
    ck_assert_uint_le(m->count, 256);
    for (size_t i = 0; i < m->count; i++) {
        const left *a = m->records[0][i];
        const right *b = m->records[1][i];
        ck_assert_uint_eq(a->key, b->key);
        check_name(f, &a->name, a->key);
        check_name(f, &b->name, a->key);
        const uint64_t *time = m->times ? m->times + i * f->depth : m->time.at;
        sum += (uint64_t)(m->diffs ? m->diffs[i] : 1) *
               mixed(a->key, a->value, b->value, time, f->depth);
    }
    return sum;
}

/* Few keys get few updates: the pairs grow with the square. */
static size_t size_of(fixture *f, uint64_t keys)
{
    static const size_t sizes[] = { 1, 2, 10, 100, 1000, UPDATES_MAX };
    size_t size = sizes[test_below(&f->random, 6)];
    return 1 + test_below(&f->random, size < 40 * keys ? size : 40 * keys);
}

static uint64_t match(fixture *f, unsigned side, weir_trace_run *run, weir_trace_reader *reader)
{
    uint64_t sum = 0;
    weir_status status;
    weir_trace_runs *others = weir_trace_reader_list(reader);
    ck_assert_ptr_nonnull(others);
    weir_matcher_start(f->matcher, side, run, others);
    weir_trace_runs_release(others);
    for (const weir_matches *m; (m = weir_matcher_next(f->matcher, &status));) {
        ck_assert(weir_matcher_is_busy(f->matcher));
        ck_assert_ptr_eq(weir_matcher_run(f->matcher, side), run);
        ck_assert_ptr_nonnull(weir_matcher_run(f->matcher, 1 - side));
        sum += sum_of(f, m);
    }
    ck_assert(!weir_matcher_is_busy(f->matcher));
    ck_assert_int_eq(status, WEIR_OK);
    return sum;
}

static void match_once(fixture *f)
{
    int side = (int)test_below(&f->random, 2);
    uint64_t keys = 1 + test_below(&f->random, test_below(&f->random, 2) ? 3000 : 30), sum = 0;
    side_run one = make(f, side, size_of(f, keys), keys);
    size_t count = test_below(&f->random, OTHERS + 1);
    weir_trace *trace = weir_trace_create(f->shapes[1 - side], NULL, "others");
    weir_trace_reader *reader =
        weir_trace_reader_open(trace, &(weir_trace_reader_spec){ .owner = "us" });
    for (size_t i = 0; i < count; i++) {
        side_run other = make(f, 1 - side, size_of(f, keys), keys);
        uint64_t number;
        sum += expected(f, side, &one, &other);
        if (other.run) {
            ck_assert_int_eq(weir_trace_append(trace, other.run, &number), WEIR_OK);
            weir_trace_reader_deliver(reader, number);
        }
        free(other.updates);
    }
    while (test_below(&f->random, 2) && weir_trace_work(trace, 100))
        continue;
    uint64_t found = one.run ? match(f, (unsigned)side, one.run, reader) : 0;
    ck_assert_msg(found == sum, "seed %llu: %zu updates with %zu runs of %llu keys, depth %u",
                  (unsigned long long)f->seed, one.count, count, (unsigned long long)keys,
                  f->depth);
    weir_trace_reader_close(reader);
    weir_trace_release(trace);
    weir_trace_run_release(one.run);
    free(one.updates);
}

/* ---- limits ---- */

static weir_trace_run *one_update(fixture *f, int side, int64_t diff)
{
    weir_trace_run *run;
    weir_trace_builder *builder = weir_trace_builder_create(f->shapes[side], NULL);
    add(builder, side, &(update){ .key = 5, .diff = diff });
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    weir_trace_builder_destroy(builder);
    return run;
}

START_TEST(a_product_that_leaves_the_range_is_told)
{
    fixture f = { .random = 1 };
    weir_status status;
    set_up(&f);
    weir_trace_run *a = one_update(&f, 0, INT64_MAX), *b = one_update(&f, 1, 2);
    weir_trace_runs others = { .refs = 2, .count = 1, .runs = &b };
    weir_matcher_start(f.matcher, 0, a, &others);
    ck_assert_ptr_null(weir_matcher_next(f.matcher, &status));
    ck_assert_int_eq(status, WEIR_OVERFLOWED);
    ck_assert(!weir_matcher_is_busy(f.matcher));
    weir_trace_run_release(a);
    weir_trace_run_release(b);
    tear_down(&f);
}
END_TEST

START_TEST(a_matcher_may_be_stopped)
{
    fixture f = { .random = 2 };
    set_up(&f);
    weir_trace_run *a = one_update(&f, 0, 1), *b = one_update(&f, 1, -3);
    weir_trace *trace = weir_trace_create(f.shapes[1], NULL, "others");
    weir_trace_reader *reader =
        weir_trace_reader_open(trace, &(weir_trace_reader_spec){ .owner = "us" });
    uint64_t number;
    weir_status status;
    ck_assert_int_eq(weir_trace_append(trace, b, &number), WEIR_OK);
    weir_trace_reader_deliver(reader, number);
    weir_trace_runs *others = weir_trace_reader_list(reader);
    weir_matcher_start(f.matcher, 0, a, others);
    const weir_matches *m = weir_matcher_next(f.matcher, &status);
    ck_assert(m && m->count == 1 && m->diffs[0] == -3 && !m->times);
    weir_matcher_stop(f.matcher);
    ck_assert_ptr_null(weir_matcher_next(f.matcher, &status));
    weir_matcher_start(f.matcher, 0, a, others);
    tear_down(&f); /* also while something is under way */
    weir_trace_runs_release(others);
    weir_trace_reader_close(reader);
    weir_trace_release(trace);
    weir_trace_run_release(a);
}
END_TEST

START_TEST(all_pairs_are_found_once)
{
    fixture f = { .seed = test_seed(1) };
    f.random = f.seed;
    for (int round = 0; round < ROUNDS; round++) {
        set_up(&f);
        for (int i = 0; i < 5; i++)
            match_once(&f);
        tear_down(&f);
    }
}
END_TEST

/* Runs of both sides come in any order, each is matched with what came of the other side, and that
 * is merged meanwhile. One side may have few of the other's keys. */
static void match_as_they_come(fixture *f)
{
    side_run came[2][RUNS];
    size_t counts[2] = { 0 };
    weir_trace *traces[2];
    weir_trace_reader *readers[2];
    uint64_t keys[2], sum = 0, found = 0;
    for (int s = 0; s < 2; s++) {
        keys[s] = 1 + test_below(&f->random, test_below(&f->random, 2) ? 3000 : 30);
        traces[s] = weir_trace_create(f->shapes[s], NULL, "a side");
        readers[s] = weir_trace_reader_open(traces[s], &(weir_trace_reader_spec){ .owner = "us" });
    }
    weir_matcher_see_all(f->matcher);
    for (int i = 0; i < RUNS; i++) {
        unsigned side = (unsigned)test_below(&f->random, 2);
        side_run one = make(f, (int)side, size_of(f, keys[side]), keys[side]);
        came[side][counts[side]++] = one;
        uint64_t number;
        if (!one.run)
            continue;
        for (size_t k = 0; k < counts[1 - side]; k++)
            sum += expected(f, (int)side, &one, &came[1 - side][k]);
        weir_trace_run_retain(one.run);
        ck_assert_int_eq(weir_trace_append(traces[side], one.run, &number), WEIR_OK);
        weir_trace_reader_deliver(readers[side], number);
        found += match(f, side, one.run, readers[1 - side]);
        while (test_below(&f->random, 2) && weir_trace_work(traces[side], 100))
            continue;
    }
    ck_assert_msg(found == sum, "seed %llu", (unsigned long long)f->seed);
    for (int s = 0; s < 2; s++) {
        for (size_t k = 0; k < counts[s]; k++) {
            weir_trace_run_release(came[s][k].run);
            free(came[s][k].updates);
        }
        weir_trace_reader_close(readers[s]);
        weir_trace_release(traces[s]);
    }
}

START_TEST(sides_that_grow)
{
    fixture f = { .seed = test_seed(3) };
    f.random = f.seed;
    for (int round = 0; round < ROUNDS; round++) {
        set_up(&f);
        match_as_they_come(&f);
        tear_down(&f);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_pairs_are_found_once,
        sides_that_grow,
        a_product_that_leaves_the_range_is_told,
        a_matcher_may_be_stopped,
        NULL,
    };
    return test_run(test_suite("match_random", tests));
}
