/* SPDX-License-Identifier: Apache-2.0
 *
 * Spines: few runs however many are appended, bounded work a call, compaction behind since also
 * when nothing comes, holds, lists that stay as they were, memory that runs out.
 */
#include <weir/trace.h>

#include <string.h>

#include <weir/record.h>

#include "support.h"
#include "trace/spine.h"

#define ROW(F) F(u64, id) F(i64, value)
WEIR_RECORD(row, ROW)

static weir_account account;
static weir_shape *shape;
static weir_trace_builder *builder;

static void start_at_depth(unsigned depth)
{
    weir_shape_spec spec = { .type = row_type(), .key = { .count = 1 }, .depth = depth, .seed = 3 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    builder = weir_trace_builder_create(shape, NULL);
}

static void start(void)
{
    start_at_depth(1);
}

static void end(void)
{
    weir_trace_builder_destroy(builder);
    weir_shape_release(shape);
}

static void add(uint64_t id, int64_t value, uint64_t time, int64_t diff)
{
    row r = { id, value };
    weir_updates u = { .records = &r, .count = 1, .time = { { time } }, .diffs = &diff };
    ck_assert_int_eq(weir_trace_builder_add(builder, &u), WEIR_OK);
}

static void append(weir_spine *spine)
{
    weir_trace_run *run;
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    ck_assert_ptr_nonnull(run);
    ck_assert_int_eq(weir_spine_append(spine, run, NULL), WEIR_OK);
}

static weir_frontier at(uint64_t epoch)
{
    return (weir_frontier){ .count = 1, .depth = 1, .one = weir_time_1(epoch) };
}

/* Asks for since to be this epoch; returns what it is. */
static uint64_t advance(weir_spine *spine, uint64_t epoch)
{
    weir_frontier wanted = at(epoch);
    weir_spine_advance_since(spine, &wanted);
    return weir_frontier_times(weir_spine_since(spine))->at[0];
}

static uint32_t run_count(weir_spine *spine)
{
    weir_trace_runs *list = weir_spine_list(spine);
    uint32_t count = list->count;
    weir_trace_runs_release(list);
    return count;
}

/* Sum of the diffs of one record at a time. */
static int64_t sum_of(const weir_trace_runs *list, uint64_t id, int64_t value, uint64_t time)
{
    row key = { id, 0 };
    int64_t sum = 0;
    weir_cursor *c = weir_cursor_create(list->runs, list->count);
    if (weir_cursor_find(c, &key))
        while (weir_cursor_next_value(c)) {
            const row *r = weir_cursor_record(c);
            if (r->value == value)
                ck_assert(weir_cursor_sum(c, &(weir_time){ { time } }, &sum));
        }
    weir_cursor_destroy(c);
    return sum;
}

/* Ten changes an epoch, thousands of epochs, none of them forgotten: still logarithmic. */
START_TEST(few_runs)
{
    enum { EPOCHS = 3000 };
    start();
    weir_spine *spine = weir_spine_create(shape, &account);
    uint32_t most = 0;
    for (uint64_t t = 0; t < EPOCHS; t++) {
        for (uint64_t i = 0; i < 5; i++) {
            if (t > 0)
                add(i, (int64_t)t - 1, t, -1);
            add(i, (int64_t)t, t, 1);
        }
        append(spine);
        weir_spine_work(spine, 64);
        most = run_count(spine) > most ? run_count(spine) : most;
    }
    ck_assert_uint_lt(most, 30);
    weir_trace_runs *list = weir_spine_list(spine);
    ck_assert_uint_eq(weir_spine_updates(spine), EPOCHS * 10 - 5);
    for (uint64_t t = 0; t < EPOCHS; t += 111)
        for (int64_t v = 0; v < EPOCHS; v += 37)
            ck_assert_int_eq(sum_of(list, 2, v, t), v == (int64_t)t);
    /* Nothing comes any more: everything but the last state goes. */
    ck_assert_uint_eq(advance(spine, EPOCHS - 1), EPOCHS - 1);
    ck_assert_uint_eq(advance(spine, 5), EPOCHS - 1);
    while (weir_spine_work(spine, 16))
        ;
    advance(spine, EPOCHS);
    while (weir_spine_work(spine, 16))
        ;
    ck_assert_uint_lt(weir_spine_updates(spine), 200);
    /* A list is what it was. */
    ck_assert_int_eq(sum_of(list, 2, 111, 111), 1);
    weir_trace_runs_release(list);
    list = weir_spine_list(spine);
    for (uint64_t i = 0; i < 5; i++)
        ck_assert_int_eq(sum_of(list, i, EPOCHS - 1, EPOCHS), 1);
    ck_assert_int_eq(sum_of(list, 2, EPOCHS - 2, EPOCHS), 0);
    weir_trace_runs_release(list);
    ck_assert_int_eq(weir_account_bytes(&account), weir_spine_bytes(spine));
    weir_spine_destroy(spine);
    weir_spine_destroy(NULL);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
    end();
}
END_TEST

/* One key that goes up and down in one run: compacted alone. */
START_TEST(compacts_alone)
{
    start();
    weir_spine *spine = weir_spine_create(shape, NULL);
    for (uint64_t t = 0; t < 100; t++)
        add(1, 1, t, t % 2 ? -1 : 1);
    add(2, 2, 100, 1);
    append(spine);
    ck_assert(!weir_spine_work(spine, 1000));
    ck_assert_uint_eq(weir_spine_updates(spine), 101);
    advance(spine, 99);
    ck_assert(!weir_spine_work(spine, 1000));
    ck_assert_uint_eq(weir_spine_updates(spine), 101);
    advance(spine, 100);
    ck_assert(weir_spine_work(spine, 10));
    while (weir_spine_work(spine, 10))
        ;
    ck_assert_uint_eq(weir_spine_updates(spine), 1);
    /* All of it cancels out: the run goes. */
    add(2, 2, 101, -1);
    append(spine);
    advance(spine, 200);
    ck_assert(!weir_spine_work(spine, 1000));
    ck_assert_uint_eq(run_count(spine), 0);
    weir_spine_destroy(spine);
    end();
}
END_TEST

static void append_one(weir_spine *spine, uint64_t time, size_t looked)
{
    for (uint64_t i = 0; i < 10; i++)
        add(i, (int64_t)time, time, 1);
    append(spine);
    while (weir_spine_work_at(spine, &(weir_merge_work){ .fuel = 1000, .looked = looked }))
        ;
}

/* Where nobody looks keys up, more runs are merged at once, if all their times become one; as soon
 * as somebody does, there are few again. */
START_TEST(few_look_ups)
{
    start();
    weir_spine *spine = weir_spine_create(shape, NULL);
    uint64_t t = 0;
    advance(spine, 1000);
    for (; t < 26; t++)
        append_one(spine, t, 0);
    ck_assert_uint_eq(run_count(spine), 18); /* the oldest is nine: the others are too few */
    append_one(spine, t++, 0);
    ck_assert_uint_eq(run_count(spine), 1);
    for (; t < 27 + 30; t++)
        append_one(spine, t, 0);
    ck_assert_uint_eq(run_count(spine), 31);
    append_one(spine, t++, 0); /* as many as it has, and they would be merged by themselves */
    ck_assert_uint_eq(run_count(spine), 1);
    for (; t < 58 + 20; t++)
        append_one(spine, t, 0);
    ck_assert_uint_eq(run_count(spine), 21);
    append_one(spine, t++, 1000);
    ck_assert_uint_lt(run_count(spine), 8);
    weir_trace_runs *list = weir_spine_list(spine);
    for (int64_t v = 0; v < (int64_t)t; v++)
        ck_assert_int_eq(sum_of(list, (uint64_t)v % 10, v, 1000), 1);
    weir_trace_runs_release(list);
    weir_spine_destroy(spine);

    spine = weir_spine_create(shape, NULL);
    size_t most = 0;
    for (t = 0; t < 100; t++) {
        append_one(spine, t, 0);
        most = run_count(spine) > most ? run_count(spine) : most;
    }
    ck_assert_uint_gt(most, 8); /* but eight at once are all that may be */
    ck_assert_uint_lt(most, 20);
    weir_spine_destroy(spine);

    enum { MUCH = 1 << 18 }; /* at once; and a key is looked up for each */
    spine = weir_spine_create(shape, NULL);
    for (t = 0; t < 7; t++) {
        for (int64_t v = 0; v < MUCH; v++)
            add((uint64_t)v, v, t, 1);
        append(spine);
        (void)weir_spine_work_at(spine, &(weir_merge_work){ .fuel = 8 * MUCH, .looked = MUCH });
    }
    ck_assert_uint_lt(run_count(spine), 4);
    weir_spine_destroy(spine);
    end();
}
END_TEST

/* Where nobody looks, and times do not become one: eight are merged as soon as there are eight, and
 * the oldest only with twice as many as it has. */
START_TEST(few_look_ups_at_many_times)
{
    enum { OLDEST = 1000, EPOCHS = 400 };
    start();
    weir_spine *spine = weir_spine_create(shape, NULL);
    for (uint64_t i = 0; i < OLDEST; i++)
        add(i, -1, 0, 1);
    append(spine);
    weir_trace_run *oldest = NULL;
    uint32_t taken = 0, most = 0;
    for (uint64_t t = 1; t <= EPOCHS; t++) {
        append_one(spine, t, 0);
        weir_trace_runs *list = weir_spine_list(spine);
        taken += t > 1 && list->runs[0] != oldest;
        oldest = list->runs[0];
        most = list->count > most ? list->count : most;
        weir_trace_runs_release(list);
    }
    ck_assert_uint_le(taken, 2); /* 1000, 2000, 4000 */
    ck_assert_uint_le(most, 1 + 3 * 7);
    weir_spine_destroy(spine);
    end();
}
END_TEST

/* How many updates have to come to 1000, all of which are looked up, until these are merged. */
static uint32_t met_after(unsigned depth)
{
    enum { OLDEST = 1000, PIECE = 250, MOST = 4000 };
    start_at_depth(depth);
    weir_spine *spine = weir_spine_create(shape, NULL);
    uint32_t came = 0;
    for (bool met = false; !met && came < MOST; came += met ? 0 : PIECE) {
        for (uint64_t i = 0; i < (came ? PIECE : OLDEST); i++)
            add(i, came, came, 1);
        append(spine);
        while (weir_spine_work(spine, 4 * OLDEST))
            ;
        weir_trace_runs *list = weir_spine_list(spine);
        met = weir_trace_run_updates(list->runs[0]) > OLDEST;
        weir_trace_runs_release(list);
    }
    weir_spine_destroy(spine);
    end();
    return came;
}

/* Rounds of a loop stay apart: fewer updates end each other, and the oldest run waits for more. */
START_TEST(oldest_in_a_loop)
{
    ck_assert_uint_eq(met_after(1), 500);
    ck_assert_uint_eq(met_after(2), 2000);
}
END_TEST

static void same_runs(weir_spine *a, weir_spine *b, uint64_t seed, uint64_t t)
{
    weir_trace_runs *x = weir_spine_list(a), *y = weir_spine_list(b);
    bool same = x->count == y->count;
    for (uint32_t i = 0; same && i < x->count; i++)
        same = weir_trace_run_updates(x->runs[i]) == weir_trace_run_updates(y->runs[i]);
    ck_assert_msg(same, "WEIR_SEED=%llu: other runs at time %llu", (unsigned long long)seed,
                  (unsigned long long)t);
    weir_trace_runs_release(x);
    weir_trace_runs_release(y);
}

/* What is known of the newest runs is what looking at all of them says: whatever comes, the same
 * merges are made. */
START_TEST(what_is_carried_on)
{
    enum { STEPS = 1500 };
    uint64_t fixed = test_seed(0);
    start();
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 6); seed++) {
        uint64_t random = seed;
        weir_spine *spine = weir_spine_create(shape, NULL), *other = weir_spine_create(shape, NULL);
        weir_hold hold = { .owner = "reader", .since = at(0), .through = 0 }, until = hold;
        weir_hold_place(&hold, spine);
        weir_hold_place(&until, other);
        for (uint64_t t = 0; t < STEPS; t++) {
            weir_merge_work work = { .fuel = test_below(&random, 3) * 40,
                                     .looked = seed % 3 ? 0 : test_below(&random, 30) };
            uint64_t sizes[] = { 2, 2, 2, 5, 1 + test_below(&random, 60), 300 };
            uint64_t size = sizes[test_below(&random, test_below(&random, 20) ? 4 : 6)];
            weir_trace_run *run;
            for (uint64_t i = 0; i < size; i++)
                add(test_below(&random, 5000), (int64_t)t, t, 1);
            ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
            ck_assert_int_eq(weir_spine_append(other, weir_trace_run_retain(run), NULL), WEIR_OK);
            ck_assert_int_eq(weir_spine_append(spine, run, NULL), WEIR_OK);
            until.through = hold.through = t + 1 - test_below(&random, 2);
            if (t % 7 == 0) {
                until.since = hold.since = at(t);
                ck_assert_uint_eq(advance(spine, t), advance(other, t));
            }
            (void)weir_spine_work_at(spine, &work);
            other->changed = true;
            (void)weir_spine_work_at(other, &work);
            same_runs(spine, other, seed, t);
        }
        weir_hold_remove(&hold);
        weir_hold_remove(&until);
        weir_spine_destroy(spine);
        weir_spine_destroy(other);
    }
    end();
}
END_TEST

/* Few runs for as long as somebody wants them so. */
START_TEST(an_eager_hold)
{
    start();
    weir_spine *spine = weir_spine_create(shape, NULL);
    weir_hold hold = { .owner = "a top", .through = WEIR_THROUGH_ALL, .since = { .depth = 1 },
                       .eager = true };
    uint64_t t = 0;
    weir_hold_place(&hold, spine);
    advance(spine, 1000);
    for (uint32_t most = 0; t < 64; t++, most = run_count(spine)) {
        ck_assert_uint_lt(most, 8);
        append_one(spine, t, 0);
    }
    weir_hold_remove(&hold);
    append_one(spine, t++, 0);
    for (uint32_t before = run_count(spine); t < 64 + 20; t++)
        ck_assert_uint_eq((append_one(spine, t, 0), run_count(spine)), ++before);
    weir_spine_destroy(spine);
    end();
}
END_TEST

static void note(const weir_hold *hold, void *ctx)
{
    ck_assert_str_eq(hold->owner, "a join");
    ++*(int *)ctx;
}

START_TEST(holds)
{
    start();
    weir_spine *spine = weir_spine_create(shape, NULL);
    for (uint64_t t = 0; t < 4; t++) {
        add(1, (int64_t)t, t, 1);
        append(spine);
    }
    advance(spine, 1);
    weir_hold hold = { .owner = "a join", .since = at(0), .through = 2, .since_ns = 5 };
    weir_hold_place(&hold, spine);
    ck_assert_uint_eq(hold.since.one.at[0], 1);
    weir_hold other = { .owner = "a join", .since = { .depth = 1 }, .through = WEIR_THROUGH_ALL };
    weir_hold_place(&other, spine);
    int seen = 0;
    weir_spine_each_hold(spine, note, &seen);
    ck_assert_int_eq(seen, 2);
    while (weir_spine_work(spine, 100))
        ;
    weir_trace_runs *list = weir_spine_list(spine);
    ck_assert_uint_eq(list->count, 3); /* not across 2 */
    ck_assert_uint_eq(weir_trace_run_join(list->runs[0]).at[0], 1);
    ck_assert_uint_eq(weir_trace_run_meet(list->runs[1]).at[0], 2);
    weir_trace_runs_release(list);
    ck_assert_uint_eq(advance(spine, 9), 1);
    hold.since = at(3);
    ck_assert_uint_eq(advance(spine, 9), 3);
    weir_hold_remove(&hold);
    while (weir_spine_work(spine, 100))
        ;
    ck_assert_uint_eq(run_count(spine), 1);
    ck_assert_uint_eq(advance(spine, 9), 9);
    weir_hold_remove(&other);
    weir_spine_destroy(spine);
    end();
}
END_TEST

/* Nor where times are in no one order: it moves on in each coordinate. */
START_TEST(since_goes_on_only)
{
    static const struct {
        weir_time wanted;
        const char *since;
    } moves[] = { { { { 2, 3 } }, "{(2, 3)}" },
                  { { { 1, 5 } }, "{(2, 5)}" },
                  { { { 0, 0 } }, "{(2, 5)}" } };
    char text[80];
    start_at_depth(2);
    weir_spine *spine = weir_spine_create(shape, NULL);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        weir_frontier wanted;
        weir_frontier_init(&wanted, 2);
        weir_frontier_insert(&wanted, &moves[i].wanted);
        weir_spine_advance_since(spine, &wanted);
        weir_frontier_fini(&wanted);
        ck_assert_str_eq(weir_frontier_text(weir_spine_since(spine), text, sizeof text),
                         moves[i].since);
    }
    weir_spine_destroy(spine);
    end();
}
END_TEST

/* A call does not do more than its fuel allows: a large merge takes many. */
START_TEST(work_is_bounded)
{
    enum { ROWS = 5000 };
    start();
    weir_spine *spine = weir_spine_create(shape, NULL);
    for (uint64_t t = 0; t < 2; t++) {
        for (uint64_t i = 0; i < ROWS; i++)
            add(i, (int64_t)t, t, 1);
        append(spine);
    }
    int calls = 1;
    while (weir_spine_work(spine, 100))
        calls++;
    ck_assert_int_ge(calls, 2 * ROWS / 100);
    ck_assert_uint_eq(run_count(spine), 1);
    /* What was merged is found, and what has ended is not, at either end of the hashes too. */
    for (uint64_t i = 0; i < ROWS; i++)
        if (i % 3)
            for (int64_t t = 0; t < 2; t++)
                add(i, t, 2, -1);
    append(spine);
    advance(spine, 3);
    while (weir_spine_work(spine, 1000))
        ;
    ck_assert_uint_eq(run_count(spine), 1);
    ck_assert_uint_eq(weir_spine_updates(spine), 2 * ((ROWS + 2) / 3));
    weir_trace_runs *list = weir_spine_list(spine);
    for (uint64_t i = 0; i < ROWS + 100; i++)
        ck_assert_int_eq(sum_of(list, i, 1, 3), i < ROWS && i % 3 == 0);
    weir_trace_runs_release(list);
    weir_spine_destroy(spine);
    end();
}
END_TEST

/* Nor does the call in which a large merge ends give back all that was merged: there is more to do
 * until that is done. */
START_TEST(merged_runs_go_later)
{
    enum { ROWS = 300000 };
    start();
    weir_spine *spine = weir_spine_create(shape, &account);
    for (uint64_t t = 0; t < 2; t++) {
        for (uint64_t i = 0; i < ROWS; i++)
            add(i, (int64_t)t, t, 1);
        append(spine);
    }
    int calls = 0;
    while (run_count(spine) == 2)
        ck_assert(weir_spine_work(spine, 1000));
    weir_trace_runs *list = weir_spine_list(spine);
    size_t bytes = weir_trace_run_bytes(list->runs[0]), more = weir_spine_bytes(spine);
    weir_trace_runs_release(list);
    ck_assert_uint_gt(more, bytes + bytes / 2);
    ck_assert_int_eq(weir_account_bytes(&account), (int64_t)more);
    while (weir_spine_work(spine, 1000))
        calls++;
    ck_assert_int_gt(calls, 250);
    ck_assert_uint_lt(weir_spine_bytes(spine), bytes + bytes / 8);
    weir_spine_destroy(spine);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
    end();
}
END_TEST

/* Without fuel nothing is begun, so that nothing is reserved; but it is told that something is due,
 * for as long as it is. */
START_TEST(without_fuel_none_is_started)
{
    start();
    weir_spine *spine = weir_spine_create(shape, &account);
    for (uint64_t t = 0; t < 4; t++) {
        add(t, 1, t, 1);
        append(spine);
        ck_assert(weir_spine_work(spine, 0) == (t > 0)); /* two may be one, with fuel */
    }
    size_t bytes = weir_spine_bytes(spine);
    ck_assert(weir_spine_work(spine, 0));
    add(9, 1, 4, 1);
    append(spine);
    ck_assert(weir_spine_work(spine, 0));
    ck_assert_uint_lt(weir_spine_bytes(spine), bytes + bytes / 2);
    while (weir_spine_work(spine, 16))
        ;
    ck_assert_uint_eq(run_count(spine), 1);
    ck_assert(!weir_spine_work(spine, 0));
    weir_spine_destroy(spine);
    end();
}
END_TEST

START_TEST(memory_runs_out)
{
    start();
    size_t before = weir_memory_used();
    int failures = 0;
    for (uint64_t nth = 1; nth < 80; nth++) {
        weir_memory_fail_nth(nth, 3);
        weir_spine *spine = weir_spine_create(shape, NULL);
        if (!spine) {
            failures++;
            weir_memory_fail_nth(0, 0);
            continue;
        }
        weir_memory_fail_nth(0, 0);
        for (uint64_t t = 0; t < 40; t++) {
            weir_trace_run *run;
            add(t % 7, 1, t, 1);
            ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
            weir_memory_fail_nth(nth, 3);
            while (weir_spine_append(spine, run, NULL) != WEIR_OK)
                failures++;
            weir_spine_work(spine, 3);
            weir_trace_runs *list = weir_spine_list(spine);
            failures += !list;
            weir_trace_runs_release(list);
            weir_memory_fail_nth(0, 0);
        }
        while (weir_spine_work(spine, 100))
            ;
        weir_trace_runs *list = weir_spine_list(spine);
        for (uint64_t i = 0; i < 7; i++)
            ck_assert_int_eq(sum_of(list, i, 1, 40), i < 5 ? 6 : 5);
        weir_trace_runs_release(list);
        weir_spine_destroy(spine);
    }
    ck_assert_int_gt(failures, 10);
    end();
    ck_assert_uint_le(weir_memory_used(), before);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { few_runs,
                                   few_look_ups,
                                   few_look_ups_at_many_times,
                                   oldest_in_a_loop,
                                   an_eager_hold,
                                   compacts_alone,
                                   what_is_carried_on,
                                   holds,
                                   since_goes_on_only,
                                   work_is_bounded,
                                   merged_runs_go_later,
                                   without_fuel_none_is_started,
                                   memory_runs_out,
                                   NULL };
    return test_run(test_suite("spine", tests));
}
