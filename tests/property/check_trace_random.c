/* SPDX-License-Identifier: Apache-2.0
 *
 * Random updates at times of every depth into a trace with random fuel and two readers, against a
 * plain list of updates: every record's sum at times from a reader's since on, over what was
 * delivered to it and over all there is, by scan and by look-up.
 */
#include <weir/trace.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/record.h>

#include "env/files.h"
#include "support.h"
#include "trace/segment.h"

#define ITEM(F) F(i64, value) F(str, key) F(opt_str, extra)
WEIR_RECORD(item, ITEM)

enum { KEYS = 12, VALUES = 3, EXTRAS = 3, STEPS = 60, RECORDS = KEYS * VALUES * EXTRAS };

static const char *const keys[KEYS] = { "a",
                                        "b",
                                        "",
                                        "c",
                                        "a key of more than twelve bytes",
                                        "a key of more than twelve bytez",
                                        "key",
                                        "another long key",
                                        "0123456789ab",
                                        "0123456789abc",
                                        "x",
                                        "y" };
static const char *const extras[EXTRAS] = { "", "short", "an extra of over twelve bytes" };

typedef struct update {
    weir_time time;
    unsigned record;
    int64_t diff;
} update;

/* All updates ever, and what of them was delivered to the reader. */
typedef struct model {
    update *updates;
    size_t count, capacity;
    size_t ends[4 * STEPS]; /* of each run: how many updates there are up to its end */
    uint64_t runs;
    unsigned depth, order; /* how values lie: see shape_of */
    uint64_t seed, random;
} model;

static item make(unsigned r)
{
    const char *extra = extras[r % EXTRAS];
    return (item){ .value = r / EXTRAS % VALUES,
                   .key = weir_str_of(keys[r / EXTRAS / VALUES]),
                   .extra = { *extra != 0, weir_str_of(extra) } };
}

/* Sums of all records at a time, over the first `count` updates. */
static void expect(const model *m, const weir_time *time, size_t count, int64_t *sums)
{
    for (size_t i = 0; i < count; i++)
        if (weir_time_less_equal(&m->updates[i].time, time, m->depth))
            sums[m->updates[i].record] += m->updates[i].diff;
}

static unsigned index_of(const char *const *texts, unsigned count, weir_str s)
{
    for (unsigned i = 0; i < count; i++) {
        weir_str other = weir_str_of(texts[i]);
        if (weir_str_equal(&s, &other))
            return i;
    }
    ck_abort_msg("a text that was never added");
    return 0;
}

static unsigned number_of(const item *i)
{
    unsigned key = index_of(keys, KEYS, i->key);
    unsigned extra = i->extra.set ? index_of(extras, EXTRAS, i->extra.value) : 0;
    ck_assert(i->value >= 0 && i->value < VALUES && i->extra.set == (extra > 0));
    return (key * VALUES + (unsigned)i->value) * EXTRAS + extra;
}

/* Values go up in the order of their fields, or down by value and up by extra. */
static int compare_values(const model *m, const item *a, const item *b)
{
    if (m->order && a->value != b->value)
        return a->value < b->value ? 1 : -1;
    return weir_record_compare(item_type(), a, b);
}

/* Of the current value the sum at a time, and what of it is later. */
static int64_t split(const model *m, weir_cursor *c, const weir_time *time)
{
    weir_frontier later, expected;
    weir_time deeper = *time, at;
    unsigned depth = m->depth + (m->depth < WEIR_TIME_COORDS);
    int64_t sum, diff, same = 0;
    if (m->depth < WEIR_TIME_COORDS)
        deeper.at[m->depth] = 3;
    weir_frontier_init(&later, depth);
    weir_frontier_init(&expected, depth);
    ck_assert(weir_cursor_split(c, &deeper, &sum, &later));
    while (weir_cursor_next_update(c, &at, &diff)) {
        weir_time join = weir_time_join(&at, &deeper, depth);
        if (weir_time_less_equal(&at, time, m->depth))
            same += diff;
        else
            weir_frontier_insert(&expected, &join);
    }
    ck_assert_int_eq(sum, same);
    ck_assert(weir_frontier_equal(&later, &expected));
    weir_frontier_fini(&later);
    weir_frontier_fini(&expected);
    return sum;
}

static void add_sum(const model *m, weir_cursor *c, const weir_time *time, int64_t *sums)
{
    const item *last = NULL, *now;
    item room;
    while (weir_cursor_next_value(c)) {
        now = weir_cursor_record(c);
        ck_assert(!last || compare_values(m, last, now) < 0);
        ck_assert(weir_cursor_sum(c, time, &sums[number_of(now)]));
        ck_assert_int_eq(split(m, c, time), sums[number_of(now)]);
        room = *now;
        last = &room;
    }
}

/* Of keys that are looked up in another order only some will be found as they were asked for. */
static void ask_for_all(const model *m, weir_cursor *c, bool find)
{
    uint64_t hashes[WEIR_CURSOR_ASK_MAX];
    if (find && m->runs % 2)
        weir_cursor_ask(c, hashes, weir_cursor_peek(c, hashes, WEIR_CURSOR_ASK_MAX));
}

static void compare(const model *m, const weir_trace_runs *list, const weir_time *time, bool find)
{
    int64_t sums[RECORDS] = { 0 }, expected[RECORDS] = { 0 };
    uint64_t hash = 0;
    char text[100];
    weir_cursor *c = weir_cursor_create(list->runs, list->count);
    ask_for_all(m, c, find);
    for (unsigned k = 0; find && k < KEYS; k++) {
        item key = make(k * VALUES * EXTRAS);
        if (weir_cursor_find(c, &key))
            add_sum(m, c, time, sums);
    }
    while (!find && weir_cursor_next_key(c)) {
        ck_assert_uint_ge(weir_cursor_hash(c), hash);
        hash = weir_cursor_hash(c);
        add_sum(m, c, time, sums);
    }
    weir_cursor_destroy(c);
    if (m->runs > 0)
        expect(m, time, m->ends[m->runs - 1], expected);
    for (unsigned r = 0; r < RECORDS; r++)
        ck_assert_msg(sums[r] == expected[r], "WEIR_SEED=%llu: record %u at %s",
                      (unsigned long long)m->seed, r,
                      weir_time_text(time, m->depth, text, sizeof text));
}

/* ---- the trace under test ---- */

static weir_shape *shape_of(const model *m)
{
    weir_shape *shape;
    weir_shape_spec spec = { .type = item_type(),
                             .key = { .count = 1, .field = { 1 } },
                             .depth = m->depth,
                             .seed = m->seed };
    if (m->order) {
        spec.order = (weir_key){ .count = 2, .field = { 1, 0 } };
        spec.descending = 2;
    }
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    return shape;
}

/* A time at or after a given one, not far from it. */
static weir_time later(model *m, const weir_time *t)
{
    weir_time result = *t;
    for (unsigned i = 0; i < m->depth; i++)
        result.at[i] += test_below(&m->random, 4);
    return result;
}

static const weir_time *any_of(model *m, const weir_frontier *f)
{
    return &weir_frontier_times(f)[test_below(&m->random, f->count)];
}

/* A run of updates at or after the open frontier. */
static void grow(model *m, weir_trace *trace, weir_trace_builder *b, const weir_frontier *open)
{
    uint64_t n = test_below(&m->random, test_below(&m->random, 2) ? 10 : 300);
    for (; n > 0; n--) {
        update u = { later(m, any_of(m, open)), (unsigned)test_below(&m->random, RECORDS),
                     (int64_t)test_below(&m->random, 5) - 2 };
        item record = make(u.record);
        weir_updates added = { .records = &record, .count = 1, .time = u.time, .diffs = &u.diff };
        if (test_below(&m->random, 2))
            added.times = u.time.at;
        ck_assert_int_eq(weir_trace_builder_add(b, &added), WEIR_OK);
        if (m->count == m->capacity) {
            m->capacity = m->capacity ? 2 * m->capacity : 256;
            m->updates = realloc(m->updates, m->capacity * sizeof *m->updates);
        }
        m->updates[m->count++] = u;
    }
    weir_trace_run *run;
    uint64_t number;
    ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
    if (!run)
        return;
    ck_assert_int_eq(weir_trace_append(trace, run, &number), WEIR_OK);
    ck_assert_uint_eq(number, m->runs);
    m->ends[m->runs++] = m->count;
}

/* Moves a frontier to times at or after its own, one to three of them. */
static void move_on(model *m, weir_frontier *f)
{
    weir_frontier moved;
    weir_frontier_init(&moved, m->depth);
    for (uint64_t n = 1 + test_below(&m->random, 3); n > 0; n--) {
        weir_time t = later(m, any_of(m, f));
        weir_frontier_insert(&moved, &t);
    }
    weir_frontier_set(f, &moved);
    weir_frontier_fini(&moved);
}

/* What has been delivered to a reader, at a time it may ask for; and all that there is. */
static void look(model *m, weir_trace_reader *reader, const weir_frontier *since)
{
    uint64_t runs = m->runs;
    weir_trace_runs *list = weir_trace_reader_list(reader);
    weir_time time = later(m, any_of(m, since));
    m->runs = weir_trace_reader_delivered(reader);
    compare(m, list, &time, test_below(&m->random, 2));
    weir_trace_runs_release(list);
    weir_trace_runs all = { .refs = 1 };
    weir_trace_run *const *array;
    all.count = (uint32_t)weir_trace_current(weir_trace_reader_trace(reader), &array);
    all.runs = (weir_trace_run **)(uintptr_t)array;
    m->runs = runs;
    time = later(m, any_of(m, since));
    compare(m, &all, &time, test_below(&m->random, 2));
}

static weir__store *store; /* NULL: runs are in memory */

static void run(uint64_t seed)
{
    enum { READERS = 2 };
    model *m = calloc(1, sizeof *m);
    *m = (model){ .seed = seed, .random = seed, .depth = 1 + seed % 4, .order = seed / 4 % 2 };
    weir_shape *shape = shape_of(m);
    weir__shape_set_store(shape, store);
    weir_trace *trace = weir_trace_create(shape, NULL, "items");
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    weir_trace_reader *readers[READERS];
    weir_frontier open, since[READERS];
    weir_trace_reader_spec spec = { .owner = "test" };
    weir_frontier_init(&open, m->depth);
    weir_frontier_insert(&open, &(weir_time){ { 0 } });
    for (int i = 0; i < READERS; i++) {
        readers[i] = weir_trace_reader_open(trace, &spec);
        weir_frontier_init(&since[i], m->depth);
        weir_frontier_set(&since[i], &open);
    }
    for (int step = 0; step < STEPS; step++) {
        for (uint64_t n = test_below(&m->random, 3); n > 0; n--)
            grow(m, trace, b, &open);
        move_on(m, &open);
        weir_trace_work_at(trace, &(weir_merge_work){ .fuel = test_below(&m->random, 200),
                                                      .looked = seed / 8 % 2 ? 0 : 100 });
        for (int i = 0; i < READERS; i++) {
            uint64_t next = weir_trace_reader_delivered(readers[i]);
            for (; next < m->runs && test_below(&m->random, 4); next++)
                weir_trace_reader_deliver(readers[i], next);
            if (test_below(&m->random, 3) == 0) {
                move_on(m, &since[i]);
                weir_trace_reader_advance(readers[i], &since[i]);
            }
            look(m, readers[i], &since[i]);
        }
    }
    for (int i = 0; i < READERS; i++) {
        weir_trace_reader_close(readers[i]);
        weir_frontier_fini(&since[i]);
    }
    weir_frontier_fini(&open);
    weir_trace_builder_destroy(b);
    weir_trace_release(trace);
    weir_shape_release(shape);
    free(m->updates);
    free(m);
}

START_TEST(like_a_list)
{
    uint64_t seed = test_seed(0);
    store = NULL;
    if (seed) {
        run(seed);
        return;
    }
    for (seed = 1; seed <= 16; seed++)
        run(seed);
}
END_TEST

/* The same when every run lies in a file, also when files fail at times: what cannot be made or
 * completed stays in memory. */
static weir_env disk;
static int (*real_create)(void *ctx, weir_folder *folder, const char *name, uint64_t size,
                          weir_mapped *mapped);
static int (*real_seal)(void *ctx, weir_mapped *mapped, uint64_t size);
static uint64_t calls, fail_every;

static int create_sometimes(void *ctx, weir_folder *folder, const char *name, uint64_t size,
                            weir_mapped *mapped)
{
    return fail_every && ++calls % fail_every == 0 ? ENOSPC
                                                   : real_create(ctx, folder, name, size, mapped);
}

static int seal_sometimes(void *ctx, weir_mapped *mapped, uint64_t size)
{
    return fail_every && ++calls % fail_every == 0 ? EIO : real_seal(ctx, mapped, size);
}

START_TEST(on_disk)
{
    char dir[] = "/tmp/weir-traces-XXXXXX";
    uint64_t given = test_seed(0), seed = given ? given : 1;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    weir__env_files_set(&disk);
    real_create = disk.map_create;
    real_seal = disk.map_seal;
    disk.map_create = create_sometimes;
    disk.map_seal = seal_sometimes;
    ck_assert_int_eq(weir__store_create(&disk, dir, 1, &store, NULL), WEIR_OK);
    for (uint64_t last = given ? given : 12; seed <= last; seed++) {
        fail_every = seed % 3 == 0 ? 37 : 0;
        store->pause = 0;
        run(seed);
        ck_assert_uint_eq(store->segments, 0);
        ck_assert_uint_eq(store->bytes, 0);
    }
    ck_assert(given || store->ever > 500);
    weir__store_release(store);
    store = NULL;
    ck_assert_int_eq(rmdir(dir), 0); /* nothing is left in it */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_a_list, on_disk, NULL };
    return test_run(test_suite("trace_random", tests));
}
