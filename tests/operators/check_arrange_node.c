/* SPDX-License-Identifier: Apache-2.0
 *
 * The node that arranges, on random collections in scopes of depth 1 to 3, on 1 to 3 workers: a
 * reader of its trace lets go of times at random, and compares what it finds with a list of all
 * that was delivered to it; what was delivered is what came.
 */
#include <stdio.h>
#include <string.h>

#include <weir/operators/arrange.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, key) F(str, name)
WEIR_RECORD(item, ITEM)

enum { KEYS = 7, NAMES = 3, EPOCHS = 12 };
static const char *const names[NAMES] = { "a", "bb", "a name of over twelve bytes" };

static uint64_t random_state, seed;
static unsigned depth, workers;
static size_t delivered_runs;

/* Rounds of a scope: by key, so that later ones have something, too. */
static uint64_t round_of(const item *i) { return i->key % 3; }
WEIR_ENTER_AT(round_of, item)

typedef struct update {
    weir_time time;
    item record;
    int64_t diff;
} update;

/* ---- a node that reads ---- */

typedef struct state {
    const weir_arrangement *of;
    weir_trace_reader *reader;
    weir_frontier since;
    update *updates;
    size_t count, capacity;
} state;

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    state *s = calloc(1, sizeof *s);
    weir_trace_reader_spec spec = { .owner = "reader", .depth = depth };
    (void)error;
    s->of = ctx;
    s->reader = weir_trace_reader_open(weir_arrangement_trace(s->of, step), &spec);
    weir_frontier_init(&s->since, depth);
    weir_frontier_insert(&s->since, &(weir_time){ { 0 } });
    *result = s;
    return WEIR_OK;
}

static void fini(void *ctx)
{
    state *s = ctx;
    weir_trace_reader_close(s->reader);
    weir_frontier_fini(&s->since);
    free(s->updates);
    free(s);
}

static void note_run(state *s, weir_trace_run *run)
{
    weir_cursor *c = weir_cursor_create(&run, 1);
    while (weir_cursor_next_key(c))
        while (weir_cursor_next_value(c)) {
            update u = { .record = *(const item *)weir_cursor_record(c) };
            for (unsigned n = 0; n < NAMES; n++) {
                weir_str name = weir_str_of(names[n]);
                if (weir_str_equal(&u.record.name, &name))
                    u.record.name = name;
            }
            while (weir_cursor_next_update(c, &u.time, &u.diff)) {
                if (s->count == s->capacity) {
                    s->capacity = s->capacity ? 2 * s->capacity : 64;
                    s->updates = realloc(s->updates, s->capacity * sizeof *s->updates);
                }
                s->updates[s->count++] = u;
            }
        }
    weir_cursor_destroy(c);
}

static int64_t sum_of(const state *s, const item *record, const weir_time *time)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->count; i++)
        if (weir_time_less_equal(&s->updates[i].time, time, depth) &&
            weir_record_equal(item_type(), &s->updates[i].record, record))
            sum += s->updates[i].diff;
    return sum;
}

/* All that the trace answers at a time, against the list. */
static void compare(const state *s, const weir_time *time)
{
    weir_trace_runs *list = weir_trace_reader_list(s->reader);
    weir_cursor *c = weir_cursor_create(list->runs, list->count);
    for (uint64_t key = 0; key < KEYS; key++)
        for (unsigned n = 0; n < NAMES; n++) {
            item record = { key, weir_str_of(names[n]) };
            int64_t sum = 0;
            if (weir_cursor_find(c, &record))
                while (weir_cursor_next_value(c))
                    if (weir_record_equal(item_type(), weir_cursor_record(c), &record))
                        ck_assert(weir_cursor_sum(c, time, &sum));
            ck_assert_msg(sum == sum_of(s, &record, time), "WEIR_SEED=%llu: key %llu, '%s'",
                          (unsigned long long)seed, (unsigned long long)key, names[n]);
        }
    weir_cursor_destroy(c);
    weir_trace_runs_release(list);
}

static weir_time later(const weir_frontier *f)
{
    weir_time t = weir_frontier_times(f)[test_below(&random_state, f->count)];
    for (unsigned i = 0; i < depth; i++)
        t.at[i] += test_below(&random_state, 3);
    return t;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    const weir_batch *batch;
    while ((batch = weir_step_take(step, 0)))
        for (size_t i = 0; i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            weir_trace_run *delivered = weir_trace_reader_deliver(s->reader, ref->number);
            delivered_runs++;
            weir_time meet = weir_trace_run_meet(delivered);
            ck_assert(weir_time_less_equal(&batch->time, &meet, weir_arrangement_depth(s->of)));
            note_run(s, delivered);
        }
    if (test_below(&random_state, 3) == 0) {
        weir_time a = later(&s->since), b = later(&s->since);
        weir_frontier_clear(&s->since);
        weir_frontier_insert(&s->since, &a);
        weir_frontier_insert(&s->since, &b);
        weir_trace_reader_advance(s->reader, &s->since);
    }
    for (int i = 0; i < 2; i++) {
        weir_time t = later(&s->since);
        compare(s, &t);
    }
}

/* ---- the dataflow ---- */

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) items = weir_test_collection(g, item);
    weir_scope *scope = NULL;
    for (unsigned d = 1; d < depth; d++) {
        scope = weir_scope_add(g, scope, "scope");
        items = weir_enter_at(items, scope, round_of);
    }
    weir_arranged(item) arranged = weir_arrange(items, WEIR_KEY(item, key));
    weir_test_output(items);
    weir_test_output(weir_arranged_collection(arranged));
    weir_node_input input = { .type = weir_run_ref_type(), .interest = WEIR_ALWAYS };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "reader",
                            .input_count = 1,
                            .inputs = &input,
                            .ctx = arranged.arrangement,
                            .init = init,
                            .step = run,
                            .fini = fini };
    weir_port *runs = weir_arrangement_port(arranged.arrangement);
    weir_node_add(g, &spec, &runs);
}

static void one(uint64_t number)
{
    seed = random_state = number;
    depth = 1 + number % 3;
    workers = 1 + number / 3 % 3;
    weir_test *t = weir_test_create(build, NULL, .workers = workers, .seed = seed);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        for (uint64_t n = test_below(&random_state, 30); n > 0; n--)
            weir_test_push(t, 0, item, epoch + test_below(&random_state, 4),
                           (int64_t)test_below(&random_state, 5) - 2,
                           { test_below(&random_state, KEYS),
                             weir_str_of(names[test_below(&random_state, NAMES)]) });
        if (test_below(&random_state, 3))
            weir_test_advance(t, 0, epoch + 1);
        else
            weir_test_advance(t, 0, epoch);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    char *came = strdup(weir_test_take_sums(t, 0));
    ck_assert_str_eq(weir_test_take_sums(t, 1), came);
    ck_assert_msg(strlen(came) > 0, "nothing came");
    free(came);
    weir_test_destroy(t);
}

START_TEST(like_a_list)
{
    uint64_t given = test_seed(0);
    for (uint64_t number = given ? given : 1; number <= (given ? given : 36); number++)
        one(number);
}
END_TEST

/* However much it is, what a round takes back is in no run. */
START_TEST(taken_back_in_a_round)
{
    enum { MANY = 70000 };
    seed = random_state = 1;
    depth = 2;
    workers = 1;
    delivered_runs = 0;
    weir_test *t = weir_test_create(build, NULL, .workers = workers, .seed = seed);
    for (int64_t diff = 1; diff >= -1; diff -= 2)
        for (uint64_t i = 0; i < MANY; i++)
            weir_test_push(t, 0, item, 0, diff, { 3 * i, weir_str_of("a") });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(delivered_runs, 0);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_a_list, taken_back_in_a_round, NULL };
    return test_run(test_suite("arrange_node", tests));
}
