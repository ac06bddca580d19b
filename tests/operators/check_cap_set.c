/* SPDX-License-Identifier: Apache-2.0
 *
 * cap_set: a node inside a scope holds sets of capabilities, against a frontier that does the same;
 * the outside sees exactly what is held.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ORDER(F) F(u64, what) F(u64, a) F(u64, b)
WEIR_RECORD(order, ORDER)

enum { INSERT, DOWNGRADE, SEND, CLEAR };

typedef struct holder {
    weir_cap_set set;
    weir_frontier model;
} holder;

static unsigned refused, sent;

static weir_status holder_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    holder *h = weir_alloc_zero(sizeof *h);
    weir_frontier_init(&h->model, 2);
    *state = h;
    return WEIR_OK;
}

static void holder_fini(void *state)
{
    holder *h = state;
    weir_frontier_fini(&h->model);
    weir_cap_set_fini(&h->set);
    weir_free(h, sizeof *h);
}

static void downgrade(weir_step *step, holder *h, const order *o)
{
    weir_frontier to;
    weir_frontier_init(&to, 2);
    weir_frontier_insert(&to, &(weir_time){ { o->a, o->b } });
    weir_frontier_insert(&to, &(weir_time){ { o->a + 1, o->b / 2 } });
    bool covered = true;
    for (uint32_t i = 0; i < to.count; i++)
        covered = covered && weir_frontier_less_equal(&h->model, &weir_frontier_times(&to)[i]);
    ck_assert_int_eq(weir_cap_set_downgrade(&h->set, step, &to), covered);
    if (covered)
        weir_frontier_set(&h->model, &to);
    refused += !covered;
    weir_frontier_fini(&to);
}

static void obey(weir_step *step, holder *h, const order *o)
{
    weir_time t = { { o->a, o->b } };
    if (o->what == INSERT) {
        weir_cap_set_insert(&h->set, step, weir_cap_retain(step, 0, &t));
        weir_frontier_insert(&h->model, &t);
    } else if (o->what == DOWNGRADE) {
        downgrade(step, h, o);
    } else if (o->what == SEND) {
        weir_cap cap = weir_cap_set_delayed(&h->set, step, &t);
        ck_assert_int_eq(cap != WEIR_CAP_NONE, weir_frontier_less_equal(&h->model, &t));
        if (cap == WEIR_CAP_NONE)
            return;
        weir_time before = { { o->a ? o->a - 1 : 0, o->b } };
        ck_assert_int_eq(weir_cap_try_downgrade(step, cap, &before), o->a == 0);
        weir_cap other = weir_cap_try_delayed(step, cap, &before);
        ck_assert_int_eq(other == WEIR_CAP_NONE, o->a > 0);
        if (other != WEIR_CAP_NONE)
            weir_cap_drop(step, other);
        ck_assert(weir_cap_try_downgrade(step, cap, &t));
        weir_cap_drop(step, cap);
        sent++;
    } else {
        weir_cap_set_clear(&h->set, step);
        weir_frontier_clear(&h->model);
    }
}

static void holder_step(weir_step *step, void *state)
{
    holder *h = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            obey(step, h, &((const order *)b->records)[i]);
            ck_assert_uint_eq(h->set.count, h->model.count);
            for (uint32_t k = 0; k < h->set.count; k++) {
                weir_time t = weir_cap_time(step, h->set.caps[k]);
                ck_assert(weir_cap_set_covers(&h->set, step, &t));
                ck_assert(weir_frontier_less_equal(&h->model, &t));
                ck_assert(!weir_frontier_less_than(&h->model, &t));
            }
        }
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(order) in = weir_enter(weir_test_input(g, order), weir_scope_add(g, NULL, "in"));
    weir_test_output(weir_unary(in, order, holder_step, .init = holder_init, .fini = holder_fini));
}

START_TEST(like_a_frontier)
{
    uint64_t random = test_seed(7);
    weir_test *t = weir_test_create(build, NULL);
    refused = sent = 0;
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t dice = test_below(&random, 20);
        uint64_t what = dice < 9 ? INSERT : dice < 13 ? DOWNGRADE : dice < 19 ? SEND : CLEAR;
        weir_test_push(t, 0, order, 0, +1,
                       { what, test_below(&random, 12), test_below(&random, 12) });
    }
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_gt(refused, 100);
    ck_assert_uint_gt(sent, 100);
    weir_test_push(t, 0, order, 0, +1, { CLEAR, 0, 0 });
    weir_test_push(t, 0, order, 0, +1, { INSERT, 3, 7 });
    weir_test_push(t, 0, order, 0, +1, { INSERT, 4, 2 });
    weir_test_push(t, 0, order, 0, +1, { INSERT, 5, 9 });
    weir_test_advance(t, 0, 9);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_frontier(t, 0), "{(3, 7), (4, 2), (9, 0)}");
    weir_test_push(t, 0, order, 9, +1, { DOWNGRADE, 5, 8 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_frontier(t, 0), "{(5, 8), (6, 4), (9, 0)}");
    weir_test_push(t, 0, order, 9, +1, { CLEAR, 0, 0 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("cap_set", (const TTest *const[]){ like_a_frontier, NULL }));
}
