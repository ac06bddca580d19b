/* SPDX-License-Identifier: Apache-2.0
 *
 * loop: rounds are counted, limits, plain streams and collections, loops in loops to the deepest
 * times, regions, refusals.
 */
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, start) F(u64, value)
WEIR_RECORD(number, NUMBER)

static bool is_one(const number *n) { return n->value == 1; }
WEIR_FILTER(is_one, number)
static number collatz(const number *n)
{
    return (number){ n->start, n->value % 2 ? 3 * n->value + 1 : n->value / 2 };
}
WEIR_MAP(collatz, number, number)

static uint64_t collatz_rounds(uint64_t value)
{
    uint64_t rounds = 0;
    for (; value != 1; rounds++)
        value = value % 2 ? 3 * value + 1 : value / 2;
    return rounds;
}

static uint64_t limit;
static bool exchanged;

/* The example of the header; inside, so that rounds are seen. */
static void build_collatz(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(number) again, ones, others;
    weir_loop(number) loop = weir_loop_variable(g, number, rounds, &again, .limit = limit);
    weir_stream(number) in = weir_enter(weir_test_input(g, number), rounds);
    weir_stream(number) all = weir_concat(in, again);
    if (exchanged)
        all = weir_exchange(all, WEIR_KEY(number, value));
    ck_assert(!weir_port_is_collection(all.port));
    weir_branch(all, is_one, &ones, &others);
    weir_loop_connect(loop, weir_map(others, collatz));
    weir_test_output(ones);
    weir_test_output(weir_leave(ones));
}

static void run_collatz(unsigned workers)
{
    enum { COUNT = 60 };
    weir_test *t = weir_test_create(build_collatz, NULL, .workers = workers);
    for (uint64_t i = 1; i <= COUNT; i++)
        weir_test_push(t, 0, number, i % 3, +1, { i, i });
    weir_test_advance(t, 0, 3);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    size_t expected = 0;
    for (uint64_t i = 1; i <= COUNT; i++)
        expected += collatz_rounds(i) < limit;
    ck_assert_uint_eq(weir_test_count(t, 0), expected);
    ck_assert_uint_eq(weir_test_count(t, 1), expected);
    for (size_t k = 0; k < expected; k++) {
        weir_test_change inside = weir_test_at(t, 0, k), outside = weir_test_at(t, 1, k);
        uint64_t start = ((const number *)inside.record)->start;
        ck_assert_uint_eq(inside.time.at[0], start % 3);
        ck_assert_uint_eq(inside.time.at[1], collatz_rounds(start));
        ck_assert_uint_eq(outside.time.at[0], ((const number *)outside.record)->start % 3);
        ck_assert_uint_eq(outside.time.at[1], 0);
    }
    ck_assert_str_eq(weir_test_frontier(t, 0), "{(3, 0)}");
    ck_assert_str_eq(weir_test_frontier(t, 1), "{3}");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}

START_TEST(rounds_are_counted)
{
    for (unsigned workers = 1; workers <= 3; workers++)
        for (int e = 0; e < 2; e++) {
            exchanged = e;
            limit = 1000;
            run_collatz(workers);
            limit = 20;
            run_collatz(workers);
            limit = 1;
            run_collatz(workers);
        }
}
END_TEST

/* ---- as deep as times go ---- */

static number less(const number *n) { return (number){ n->start, n->value - 1 }; }
WEIR_MAP(less, number, number)
static bool is_left(const number *n) { return n->value > 0; }
WEIR_FILTER(is_left, number)

/* Each loop takes value times round; what leaves it starts the one around anew. */
static weir_stream(number) loop_in(weir_graph *g, weir_scope *parent, weir_stream(number) in,
                                   unsigned depth)
{
    weir_scope *scope = weir_scope_add(g, parent, "inner");
    weir_stream(number) again;
    weir_loop(number) loop =
        weir_loop_variable(g, number, scope, &again, .limit = 3, .step = 1);
    weir_stream(number) all = weir_concat(weir_enter(in, scope), again);
    weir_stream(number) body = all;
    if (depth + 1 < WEIR_TIME_COORDS)
        body = loop_in(g, scope, all, depth + 1);
    else
        weir_test_output(body);
    weir_loop_connect(loop, weir_filter(weir_map(body, less), is_left));
    return weir_leave(body);
}

static void build_deep(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) out = loop_in(g, NULL, weir_test_input(g, number), 1);
    weir_test_output(out);
}

/* How many times a record with `value` comes by in the innermost scope, by the same rules; what
 * leaves the loop of this depth: how many, then their values. */
static uint64_t deep_expected(uint64_t value, unsigned depth, uint64_t *leaving)
{
    uint64_t queue[256], next[256], count = 1, seen = 0, left = 0;
    queue[0] = value;
    for (unsigned round = 0; round < 3 && count; round++) {
        uint64_t next_count = 0;
        for (uint64_t i = 0; i < count; i++) {
            uint64_t body[256], body_count = 1;
            body[0] = queue[i];
            if (depth + 1 < WEIR_TIME_COORDS) {
                uint64_t out[257] = { 0 };
                seen += deep_expected(queue[i], depth + 1, out);
                body_count = out[0];
                memcpy(body, out + 1, body_count * sizeof *body);
            } else {
                seen++;
            }
            for (uint64_t b = 0; b < body_count; b++) {
                leaving[1 + left++] = body[b];
                if (body[b] > 1)
                    next[next_count++] = body[b] - 1;
            }
        }
        memcpy(queue, next, next_count * sizeof *next);
        count = next_count;
    }
    leaving[0] = left;
    return seen;
}

START_TEST(as_deep_as_times_go)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        uint64_t leaving[257];
        uint64_t seen = deep_expected(4, 1, leaving);
        weir_test *t = weir_test_create(build_deep, NULL, .workers = workers);
        weir_test_push(t, 0, number, 5, +1, { 0, 4 });
        weir_test_advance(t, 0, 6);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), seen);
        ck_assert_uint_eq(weir_test_count(t, 1), leaving[0]);
        ck_assert_uint_gt(seen, 20);
        bool used[WEIR_TIME_COORDS] = { false };
        for (size_t i = 0; i < seen; i++) {
            weir_test_change c = weir_test_at(t, 0, i);
            uint64_t rounds = c.time.at[1] + c.time.at[2] + c.time.at[3];
            ck_assert_uint_eq(c.time.at[0], 5);
            ck_assert_uint_le(((const number *)c.record)->value, 4 - rounds);
            for (unsigned k = 1; k < WEIR_TIME_COORDS; k++)
                used[k] = used[k] || c.time.at[k] > 0;
        }
        ck_assert(used[1] && used[2] && used[3]);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{(6, 0, 0, 0)}");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- regions ---- */

static void build_region(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *outer = weir_region_add(g, NULL, "outer");
    weir_scope *rounds = weir_scope_add(g, outer, "rounds");
    weir_scope *inner = weir_region_add(g, rounds, "inner");
    weir_stream(number) in = weir_enter(weir_test_input(g, number), outer);
    ck_assert_uint_eq(weir_port_depth(in.port), 1);
    weir_stream(number) deep = weir_enter(weir_enter(in, rounds), inner);
    ck_assert_uint_eq(weir_port_depth(deep.port), 2);
    weir_stream(number) again;
    weir_loop(number) loop = weir_loop_variable(g, number, inner, &again);
    weir_stream(number) all = weir_concat(deep, again);
    weir_loop_connect(loop, weir_filter(weir_map(all, less), is_left));
    weir_test_output(weir_leave(all));
    weir_test_output(weir_leave(weir_leave(weir_leave(all))));
}

START_TEST(regions_add_no_coordinate)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_region, NULL, .workers = workers);
        weir_test_push(t, 0, number, 1, +1, { 0, 3 });
        weir_test_advance(t, 0, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(start: 0, value: 3) @(1, 0) +1\n"
                                               "(start: 0, value: 2) @(1, 1) +1\n"
                                               "(start: 0, value: 1) @(1, 2) +1\n");
        ck_assert_str_eq(weir_test_take(t, 1), "(start: 0, value: 1) @1 +1\n"
                                               "(start: 0, value: 2) @1 +1\n"
                                               "(start: 0, value: 3) @1 +1\n");
        ck_assert_str_eq(weir_test_frontier(t, 1), "{2}");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- collections, and times of their own at a limit ---- */

static void build_collection(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(number) again;
    weir_loop(number) loop =
        weir_loop_variable(g, number, rounds, &again, .limit = 7, .step = 2, .collection = true);
    weir_stream(number) in = weir_enter(weir_test_collection(g, number), rounds);
    weir_stream(number) all = weir_concat(in, again);
    weir_loop_connect(loop, weir_negate(all));
    weir_test_output(all);
}

START_TEST(collections_go_round)
{
    weir_test *t = weir_test_create(build_collection, NULL, .workers = 2);
    weir_test_push(t, 0, number, 0, 3, { 1, 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(start: 1, value: 1) @(0, 0) +3\n"
                                           "(start: 1, value: 1) @(0, 2) -3\n"
                                           "(start: 1, value: 1) @(0, 4) +3\n"
                                           "(start: 1, value: 1) @(0, 6) -3\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- a loop that nothing feeds ---- */

static unsigned steps_told[3]; /* by interest: at the end of the input */

static void look(weir_step *step, void *state)
{
    weir_interest *interest = state;
    if (weir_frontier_is_empty(weir_step_frontier(step, 0)))
        steps_told[*interest]++;
}

static weir_status keep_ctx(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void build_unfed(weir_graph *g, void *ctx)
{
    static weir_interest interests[] = { WEIR_IF_HOLDING, WEIR_ALWAYS };
    (void)ctx;
    weir_stream(number) again;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_loop(number) loop = weir_loop_variable(g, number, rounds, &again);
    weir_loop_connect(loop, again);
    for (int i = 0; i < 2; i++) {
        weir_node_input input = { .type = number_type(), .interest = interests[i] };
        weir_node_add(g, &(weir_node_spec){
            .struct_size = sizeof(weir_node_spec), .kind = "look", .input_count = 1,
            .inputs = &input, .ctx = &interests[i], .init = keep_ctx, .step = look },
            &again.port);
    }
    weir_test_output(weir_test_input(g, number));
}

/* Its frontier is empty before it could move: who wants to know is told all the same. */
START_TEST(that_it_is_over_is_told)
{
    steps_told[WEIR_IF_HOLDING] = steps_told[WEIR_ALWAYS] = 0;
    weir_test *t = weir_test_create(build_unfed, NULL, .workers = 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(steps_told[WEIR_IF_HOLDING], 2);
    ck_assert_uint_eq(steps_told[WEIR_ALWAYS], 2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

static void collection_round_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(number) again;
    weir_loop(number) loop = weir_loop_variable(g, number, rounds, &again);
    weir_loop_connect(loop, weir_enter(weir_test_collection(g, number), rounds));
    weir_feedback_set_limit(NULL, 1);
    weir_feedback_set_plain(NULL);
}

START_TEST(refusals)
{
    weir_test *t = weir_test_create(collection_round_plain, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "the changes of a collection cannot go round a loop of plain records");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("loop", (const TTest *const[]){
        rounds_are_counted, as_deep_as_times_go, regions_add_no_coordinate, collections_go_round,
        that_it_is_over_is_told, refusals, NULL }));
}
