/* SPDX-License-Identifier: Apache-2.0
 *
 * unary and binary: hand-written nodes with state, both inputs, options and refusals.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

/* The example of the header. */
static void twice_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        weir_out(number) out = { .builder = weir_step_output(step, 0, NULL) };
        for (size_t i = 0; i < b->count; i++)
            number_emit(out, (number){ 2 * ((const number *)b->records)[i].value });
    }
}

typedef struct sum {
    uint64_t left, right;
    weir_cap cap;
    bool held;
} sum;

static int made, ended;

static weir_status sum_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    ck_assert_ptr_eq(ctx, &made);
    made++;
    return (*state = weir_alloc_zero(sizeof(sum))) ? WEIR_OK : WEIR_NO_MEMORY;
}

static void sum_fini(void *state)
{
    ended++;
    weir_free(state, sizeof(sum));
}

/* left * 1000 + right, when both inputs have ended. */
static void sum_step(weir_step *step, void *state)
{
    sum *s = state;
    for (unsigned k = 0; k < 2; k++)
        for (const weir_batch *b; (b = weir_step_take(step, k));)
            for (size_t i = 0; i < b->count; i++) {
                if (!s->held)
                    s->cap = weir_cap_retain(step, 0, NULL);
                s->held = true;
                *(k ? &s->right : &s->left) += ((const number *)b->records)[i].value;
            }
    if (!s->held || !weir_frontier_is_empty(weir_step_frontier(step, 0)) ||
        !weir_frontier_is_empty(weir_step_frontier(step, 1)))
        return;
    weir_time t = weir_cap_time(step, s->cap);
    weir_out(number) out = { .builder = weir_step_output(step, 0, &t) };
    number_emit(out, (number){ s->left * 1000 + s->right });
    weir_cap_drop(step, s->cap);
    s->held = false;
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) a = weir_test_input(g, number), b = weir_test_input(g, number);
    weir_stream(number) doubled = weir_unary(a, number, twice_step);
    ck_assert_str_eq(weir_port_name(doubled.port), "twice_step-1");
    weir_test_output(doubled);
    weir_test_output(weir_binary(doubled, b, number, sum_step, .name = "sum", .init = sum_init,
                                 .fini = sum_fini, .ctx = &made, .interest = WEIR_IF_HOLDING));
}

START_TEST(nodes_in_few_words)
{
    made = ended = 0;
    weir_test *t = weir_test_create(build, NULL, .workers = 2);
    for (uint64_t i = 1; i <= 3; i++) {
        weir_test_push_on(t, 0, 1, number, i, +1, { i });
        weir_test_push_on(t, 1, 1, number, i, +1, { i });
    }
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0),
                     "(value: 2) @1 +1\n(value: 4) @2 +1\n(value: 6) @3 +1\n");
    ck_assert_str_eq(weir_test_take(t, 1), "");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 1), "(value: 12006) @1 +1\n");
    weir_test_destroy(t);
    ck_assert_int_eq(made, 2);
    ck_assert_int_eq(ended, 2);
}
END_TEST

static void build_collection(weir_graph *g, void *ctx)
{
    weir_stream(number) in = weir_test_collection(g, number), none = { .port = NULL };
    ck_assert_ptr_null(weir_unary(none, number, twice_step).port);
    if (ctx)
        weir_test_output(weir_unary(in, number, twice_step, .takes_diffs = true,
                                    .collection = true, .deterministic = true,
                                    .state_kind = WEIR_STATE_NONE));
    else
        ck_assert_ptr_null(weir_unary(in, number, twice_step).port);
}

START_TEST(collections_are_asked_for)
{
    weir_test *t = weir_test_create(build_collection, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "input 0 does not take the changes of a collection");
    ck_assert_str_eq(weir_test_error(t)->detail, "in operator 'twice_step'");
    weir_test_destroy(t);
    t = weir_test_create(build_collection, &made);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("unary", (const TTest *const[]){
        nodes_in_few_words, collections_are_asked_for, NULL }));
}
