/* SPDX-License-Identifier: Apache-2.0
 *
 * iterate: labels that are handed on along a line until nothing changes, while they come and go,
 * against a computation from scratch at every epoch; two variables that depend on each other; loops
 * in loops; limits; refusals.
 */
#include <weir/operators/iterate.h>

#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "support.h"

#define LABEL(F) F(u64, node) F(u64, label)
WEIR_RECORD(label, LABEL)

enum { NODES = 12, LABELS = 6, EPOCHS = 6, CHANGES = 60 };

/* ---- least labels along a line: node n hands on to n + 1, but not across multiples of 5 ---- */

static bool goes_on(uint64_t node) { return node + 1 < NODES && (node + 1) % 5 != 0; }
static void hand_on(const label *l, weir_out(label) out)
{
    if (goes_on(l->node))
        label_emit(out, (label){ l->node + 1, l->label });
}
WEIR_FLAT_MAP(hand_on, label, label)

static void least(const label *key, weir_group(label) group, weir_out(label) out)
{
    (void)key;
    for (size_t i = 0; i < group.count; i++)
        if (group.counts[i] > 0) {
            label_emit(out, *group.records[i]);
            return;
        }
}
WEIR_REDUCE(least, label, label)

static uint64_t limit;

static void build_line(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(label) start = weir_test_collection(g, label), labels;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_variable(label) v = weir_variable_from(start, rounds, &labels, .limit = limit);
    weir_stream(label) all = weir_concat(weir_enter(start, rounds), weir_flat_map(labels, hand_on));
    weir_stream(label) next = weir_reduce(all, WEIR_KEY(label, node), least, .ahead = true);
    weir_variable_set(v, next);
    weir_test_output(weir_leave(next));
}

typedef struct change {
    label record;
    uint64_t epoch;
    int64_t diff;
    bool is_gone;
} change;

/* After so many rounds. */
static void expect(bag *b, const change *changes, size_t count, uint64_t epoch, uint64_t rounds)
{
    int64_t there[NODES][LABELS] = { { 0 } };
    uint64_t best[NODES], start[NODES];
    for (size_t i = 0; i < count; i++)
        if (changes[i].epoch <= epoch)
            there[changes[i].record.node][changes[i].record.label] += changes[i].diff;
    for (uint64_t n = 0; n < NODES; n++) {
        start[n] = LABELS;
        for (uint64_t l = LABELS; l-- > 0;)
            start[n] = there[n][l] > 0 ? l : start[n];
        best[n] = start[n];
    }
    for (uint64_t round = 0; round < rounds; round++)
        for (uint64_t n = NODES - 1; n > 0; n--) {
            uint64_t handed = goes_on(n - 1) ? best[n - 1] : LABELS;
            best[n] = handed < start[n] ? handed : start[n];
        }
    for (uint64_t n = 0; n < NODES; n++)
        if (best[n] < LABELS)
            bag_add_record(b, label_type(), &(label){ n, best[n] }, 1);
}

static void run_line(uint64_t seed)
{
    uint64_t random = seed;
    change *changes = calloc(CHANGES, sizeof *changes);
    size_t count = 0;
    limit = seed % 4 == 0 ? 1 + seed % 3 : 0;
    weir_test *t = weir_test_create(build_line, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 64 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, CHANGES / EPOCHS); n > 0; n--) {
            change *c = &changes[count++];
            change *old = &changes[test_below(&random, count)];
            uint64_t epoch = now + test_below(&random, 2);
            epoch = epoch < EPOCHS ? epoch : EPOCHS - 1;
            *c = (change){ { test_below(&random, NODES), test_below(&random, LABELS) }, epoch, 1,
                           false };
            if (old != c && !old->is_gone && test_below(&random, 3)) {
                *c = (change){ old->record, epoch < old->epoch ? old->epoch : epoch, -1, true };
                old->is_gone = true;
            }
            weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &c->record, c->epoch, c->diff);
        }
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_advance(t, 0, now + 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        bag wanted = { .count = 0 };
        weir_time time = weir_time_1(epoch);
        expect(&wanted, changes, count, epoch, limit ? limit : NODES);
        bag_expect(&wanted, t, 0, label_type(), &time);
    }
    weir_test_destroy(t);
    free(changes);
}

START_TEST(until_nothing_changes)
{
    test_each_seed(run_line, 60);
}
END_TEST

/* ---- two variables: even numbers from odd ones and odd ones from even ones, up to a bound ---- */

static void one_more(const label *l, weir_out(label) out)
{
    if (l->label < 9)
        label_emit(out, (label){ l->node, l->label + 1 });
}
WEIR_FLAT_MAP(one_more, label, label)

static void build_mutual(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(label) zero = weir_test_collection(g, label), evens, odds;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_variable(label) even = weir_variable_from(zero, rounds, &evens);
    weir_variable(label) odd = weir_variable_new(g, label, rounds, &odds);
    weir_stream(label) more_evens =
        weir_distinct(weir_concat(weir_enter(zero, rounds), weir_flat_map(odds, one_more)));
    weir_stream(label) more_odds = weir_distinct(weir_flat_map(evens, one_more));
    weir_variable_set(even, more_evens);
    weir_variable_set(odd, more_odds);
    weir_test_output(weir_leave(more_evens));
    weir_test_output(weir_leave(more_odds));
}

START_TEST(from_each_other)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_mutual, NULL, .workers = workers);
        weir_test_push(t, 0, label, 0, 1, { 1, 4 });
        weir_test_push(t, 0, label, 1, 1, { 1, 0 });
        weir_test_push(t, 0, label, 2, -1, { 1, 4 });
        weir_test_push(t, 0, label, 3, -1, { 1, 0 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take_sums(t, 0), "(node: 1, label: 4) @0 +1\n"
                                                    "(node: 1, label: 6) @0 +1\n"
                                                    "(node: 1, label: 8) @0 +1\n"
                                                    "(node: 1, label: 0) @1 +1\n"
                                                    "(node: 1, label: 2) @1 +1\n"
                                                    "(node: 1, label: 0) @3 -1\n"
                                                    "(node: 1, label: 2) @3 -1\n"
                                                    "(node: 1, label: 4) @3 -1\n"
                                                    "(node: 1, label: 6) @3 -1\n"
                                                    "(node: 1, label: 8) @3 -1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 1), "(node: 1, label: 5) @0 +1\n"
                                                    "(node: 1, label: 7) @0 +1\n"
                                                    "(node: 1, label: 9) @0 +1\n"
                                                    "(node: 1, label: 1) @1 +1\n"
                                                    "(node: 1, label: 3) @1 +1\n"
                                                    "(node: 1, label: 1) @3 -1\n"
                                                    "(node: 1, label: 3) @3 -1\n"
                                                    "(node: 1, label: 5) @3 -1\n"
                                                    "(node: 1, label: 7) @3 -1\n"
                                                    "(node: 1, label: 9) @3 -1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- a loop in a loop: to a fixed point along the line, then the last record goes ---- */

static void but_largest(const label *key, weir_group(label) group, weir_out(label) out)
{
    (void)key;
    for (size_t i = 0; i + 1 < group.count; i++)
        label_emit(out, *group.records[i]);
}
WEIR_REDUCE(but_largest, label, label)

static label by_one(const label *l) { return (label){ 0, l->node * 100 + l->label }; }
WEIR_MAP(by_one, label, label)
static label of_one(const label *l) { return (label){ l->label / 100, l->label % 100 }; }
WEIR_MAP(of_one, label, label)

static void build_nested(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(label) start = weir_test_collection(g, label), outer, inner;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_scope *steps = weir_scope_add(g, rounds, "steps");
    weir_variable(label) o = weir_variable_from(start, rounds, &outer, .limit = 3);
    weir_variable(label) i = weir_variable_from(outer, steps, &inner);
    weir_stream(label) all = weir_concat(weir_enter(outer, steps), weir_flat_map(inner, hand_on));
    weir_stream(label) next = weir_reduce(all, WEIR_KEY(label, node), least, .ahead = true);
    weir_variable_set(i, next);
    weir_stream(label) once = weir_map(weir_leave(next), by_one);
    weir_stream(label) less =
        weir_map(weir_reduce(once, WEIR_KEY(label, node), but_largest), of_one);
    weir_variable_set(o, less);
    weir_test_output(weir_leave(less));
}

/* What three rounds leave of the lines 0 to 4 and 5 to 9: each takes the last record away, which
 * comes again in the next. */
static void expect_nested(bag *b, bool first, bool second)
{
    for (uint64_t n = 0; first && n < (second ? 5 : 4); n++)
        bag_add_record(b, label_type(), &(label){ n, 3 }, 1);
    for (uint64_t n = 5; second && n < 9; n++)
        bag_add_record(b, label_type(), &(label){ n, 1 }, 1);
}

START_TEST(loops_in_loops)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_nested, NULL, .workers = workers);
        weir_test_push(t, 0, label, 0, 1, { 0, 3 });
        weir_test_push(t, 0, label, 1, 1, { 5, 1 });
        weir_test_push(t, 0, label, 2, -1, { 0, 3 });
        weir_test_push(t, 0, label, 3, -1, { 5, 1 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (uint64_t epoch = 0; epoch < 4; epoch++) {
            bag wanted = { .count = 0 };
            weir_time time = weir_time_1(epoch);
            expect_nested(&wanted, epoch < 2, epoch == 1 || epoch == 2);
            bag_expect(&wanted, t, 0, label_type(), &time);
        }
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- refusals ---- */

static void refuse_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(label) value, start = weir_test_input(g, label);
    weir_variable(label) v =
        weir_variable_from(start, weir_scope_add(g, NULL, "rounds"), &value);
    ck_assert_ptr_null(v.variable);
    ck_assert_ptr_null(value.port);
    weir_variable_set(v, value);
    v = weir_variable_from(value, NULL, &value);
    ck_assert_ptr_null(v.variable);
}

START_TEST(refusals)
{
    weir_test *t = weir_test_create(refuse_plain, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "collections are repeated, and this is a plain stream");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { until_nothing_changes, from_each_other, loops_in_loops,
                                   refusals, NULL };
    return test_run(test_suite("iterate", tests));
}
