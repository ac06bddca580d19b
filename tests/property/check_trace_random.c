/* SPDX-License-Identifier: Apache-2.0
 *
 * Random updates into a spine with random fuel, since and holds, against a plain list of updates:
 * every record's sum at every time from since on, by scan and by look-up.
 */
#include <weir/trace.h>

#include <stdio.h>
#include <string.h>

#include <weir/record.h>

#include "support.h"

#define ITEM(F) F(i64, value) F(str, key) F(opt_str, extra)
WEIR_RECORD(item, ITEM)

enum { KEYS = 12, VALUES = 3, EXTRAS = 3, STEPS = 120, RECORDS = KEYS * VALUES * EXTRAS };

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

typedef struct model {
    int64_t diffs[RECORDS][STEPS];
    uint64_t seed;
} model;

static item make(unsigned r)
{
    const char *extra = extras[r % EXTRAS];
    return (item){ .value = r / EXTRAS % VALUES,
                   .key = weir_str_of(keys[r / EXTRAS / VALUES]),
                   .extra = { *extra != 0, weir_str_of(extra) } };
}

static int64_t expected(const model *m, unsigned r, uint64_t time)
{
    int64_t sum = 0;
    for (uint64_t t = 0; t <= time && t < STEPS; t++)
        sum += m->diffs[r][t];
    return sum;
}

static unsigned number_of(const item *i)
{
    for (unsigned r = 0; r < RECORDS; r++) {
        item other = make(r);
        if (weir_record_equal(item_type(), i, &other))
            return r;
    }
    ck_abort_msg("a record that was never added");
    return 0;
}

static void compare(const model *m, const weir_trace_runs *list, uint64_t time, bool find)
{
    int64_t sums[RECORDS] = { 0 };
    uint64_t hash = 0;
    weir_cursor *c = weir_cursor_create(list->runs, list->count);
    for (unsigned k = 0; find && k < KEYS; k++) {
        item key = make(k * VALUES * EXTRAS);
        if (weir_cursor_find(c, &key))
            while (weir_cursor_next_value(c))
                ck_assert(weir_cursor_sum(c, time, &sums[number_of(weir_cursor_record(c))]));
    }
    while (!find && weir_cursor_next_key(c)) {
        ck_assert_uint_ge(weir_cursor_hash(c), hash);
        hash = weir_cursor_hash(c);
        const item *last = NULL;
        item room;
        while (weir_cursor_next_value(c)) {
            const item *i = weir_cursor_record(c);
            ck_assert(!last || weir_record_compare(item_type(), last, i) < 0);
            ck_assert(weir_cursor_sum(c, time, &sums[number_of(i)]));
            room = *i;
            last = &room;
        }
    }
    weir_cursor_destroy(c);
    for (unsigned r = 0; r < RECORDS; r++)
        ck_assert_msg(sums[r] == expected(m, r, time), "WEIR_SEED=%llu: record %u at %llu",
                      (unsigned long long)m->seed, r, (unsigned long long)time);
}

/* One to three epochs into one run, or one epoch into several. */
static uint64_t grow(model *m, weir_spine *spine, weir_trace_builder *b, uint64_t now,
                     uint64_t *random)
{
    uint64_t epochs = 1 + test_below(random, 3), runs = epochs == 1 ? 1 + test_below(random, 3) : 1;
    for (uint64_t i = 0; i < runs; i++) {
        for (uint64_t n = test_below(random, test_below(random, 2) ? 10 : 400); n > 0; n--) {
            unsigned r = (unsigned)test_below(random, RECORDS);
            uint64_t time = now + test_below(random, epochs);
            int64_t diff = (int64_t)test_below(random, 5) - 2;
            item record = make(r);
            m->diffs[r][time] += diff;
            weir_updates u = { .records = &record, .count = 1, .times = &time, .diffs = &diff };
            ck_assert_int_eq(weir_trace_builder_add(b, &u), WEIR_OK);
        }
        weir_trace_run *run;
        ck_assert_int_eq(weir_trace_builder_build(b, &run), WEIR_OK);
        if (run)
            ck_assert_int_eq(weir_spine_append(spine, run), WEIR_OK);
    }
    return now + epochs;
}

static void run(uint64_t seed)
{
    uint64_t random = seed, now = 0;
    model *m = calloc(1, sizeof *m);
    weir_shape *shape;
    weir_key key = { .count = 1, .field = { 1 } };
    m->seed = seed;
    ck_assert_int_eq(weir_shape_create(&shape, item_type(), &key, seed, NULL), WEIR_OK);
    weir_spine *spine = weir_spine_create(shape, NULL);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    weir_hold hold = { .owner = "test", .since = 0, .through = UINT64_MAX };
    bool held = false;
    while (now + 3 < STEPS) {
        now = grow(m, spine, b, now, &random);
        weir_spine_work(spine, test_below(&random, 200));
        if (test_below(&random, 4) == 0 && !held) {
            hold.since = weir_spine_since(spine);
            hold.through = now;
            weir_hold_place(&hold, spine);
            held = true;
        } else if (test_below(&random, 4) == 0 && held) {
            weir_hold_remove(&hold);
            held = false;
        }
        if (test_below(&random, 3) == 0)
            weir_spine_advance_since(spine, test_below(&random, now + 1));
        weir_trace_runs *list = weir_spine_list(spine);
        uint64_t since = weir_spine_since(spine);
        compare(m, list, since + test_below(&random, now + 1 - since), false);
        compare(m, list, since + test_below(&random, now + 1 - since), true);
        weir_trace_runs_release(list);
    }
    if (held)
        weir_hold_remove(&hold);
    weir_trace_builder_destroy(b);
    weir_spine_destroy(spine);
    weir_shape_release(shape);
    free(m);
}

START_TEST(like_a_list)
{
    uint64_t seed = test_seed(0);
    if (seed) {
        run(seed);
        return;
    }
    for (seed = 1; seed <= 30; seed++)
        run(seed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_a_list, NULL };
    return test_run(test_suite("trace_random", tests));
}
