/* SPDX-License-Identifier: Apache-2.0
 *
 * What is pending: keys become due when one of their times is complete, and not for times that they
 * no longer have; what nothing refers to is forgotten; capabilities end with their times. Inside a
 * node, whose records say what to do.
 */
#include "pending.h"

#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ORDER(F) F(u64, key) F(u64, from) F(u64, to)
WEIR_RECORD(order, ORDER)

static const weir_key by_key = { .count = 1, .field = { 0 } };

typedef struct state {
    weir__pending pending;
    weir_trace_run *run;
} state;

/* Keys that became due, and runs, by the epoch that was complete. */
static uint64_t due[10][10], runs[10];
static size_t left;

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    state *s = calloc(1, sizeof *s);
    weir__pending_spec spec = { order_type(), &by_key, 1, 3 };
    weir_shape *shape;
    weir_shape_spec shape_spec = { .type = order_type(), .key = by_key, .depth = 1 };
    order record = { 1, 2, 3 };
    (void)ctx;
    ck_assert_int_eq(weir__pending_init(&s->pending, step, &spec, error), WEIR_OK);
    ck_assert_int_eq(weir_shape_create(&shape, &shape_spec, error), WEIR_OK);
    weir_trace_builder *b = weir_trace_builder_create(shape, NULL);
    ck_assert_int_eq(weir_trace_builder_add(b, &(weir_updates){ .records = &record, .count = 1 }),
                     WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(b, &s->run), WEIR_OK);
    weir_trace_builder_destroy(b);
    weir_shape_release(shape);
    *result = s;
    return WEIR_OK;
}

static void fini(void *ctx)
{
    state *s = ctx;
    left = weir_table_count(s->pending.table);
    weir__pending_fini(&s->pending);
    weir_trace_run_release(s->run);
    free(s);
}

/* An order puts its key down for `from`, or moves what is there to that time. */
static void step_it(weir_step *step, void *ctx)
{
    state *s = ctx;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        weir__pending_add_run(&s->pending, step, s->run, &batch->time);
        for (size_t i = 0; i < batch->count; i++) {
            const order *o = weir_batch_record(batch, i);
            weir_frontier times;
            weir_frontier_init(&times, 1);
            weir_frontier_insert(&times, &(weir_time){ { o->from } });
            weir__pending_key *known = weir__pending_find(&s->pending, o);
            ck_assert(weir__pending_set(&s->pending, step, o, &known, &times));
            ck_assert_ptr_eq(weir__pending_find(&s->pending, o), known);
        }
    }
    const weir_frontier *f = weir_step_frontier(step, 0);
    if (!weir__pending_take(&s->pending, f))
        return;
    uint64_t complete = weir_frontier_is_empty(f) ? 9 : weir_frontier_times(f)[0].at[0];
    for (uint32_t i = 0; i < s->pending.ready.count; i++) {
        weir__pending_time *t = weir__pending_ready(&s->pending, i);
        ck_assert_uint_lt(t->time.at[0], complete);
        for (int o = 0; o < 2; o++)
            ck_assert_uint_eq(weir_cap_time(step, t->caps[o]).at[0], t->time.at[0]);
        runs[complete] += t->run_count;
        for (uint32_t k = 0; k < t->key_count; k++) {
            if (!t->keys[k]->due)
                continue;
            t->keys[k]->due = false;
            const uint64_t *key = weir_table_key(s->pending.table, t->keys[k]);
            order o = { .key = *key };
            weir_frontier none;
            weir_frontier_init(&none, 1);
            due[complete][*key]++;
            ck_assert_ptr_eq(weir__pending_find(&s->pending, &o), t->keys[k]);
            ck_assert(weir__pending_set(&s->pending, step, &o, &t->keys[k], &none));
        }
    }
    weir__pending_done(&s->pending, step);
    ck_assert_uint_eq(s->pending.ready.count, 0);
}

static void build(weir_graph *g, void *ctx)
{
    weir_port *in = weir_test_input(g, order).port;
    weir_node_input input = { .type = order_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output outputs[2] = { { .type = order_type() }, { .type = order_type() } };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "pending",
                            .input_count = 1,
                            .output_count = 2,
                            .inputs = &input,
                            .outputs = outputs,
                            .init = init,
                            .step = step_it,
                            .fini = fini };
    (void)ctx;
    weir_node *node = weir_node_add(g, &spec, &in);
    weir__test_output(weir_node_output_port(node, 0));
    weir__test_output(weir_node_output_port(node, 1));
}

START_TEST(keys_become_due)
{
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 0, order, 0, 1, { 1, 3, 0 });
    weir_test_push(t, 0, order, 0, 1, { 2, 5, 0 });
    weir_test_push(t, 0, order, 0, 1, { 3, 5, 0 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_push(t, 0, order, 1, 1, { 2, 2, 0 }); /* no longer at 5 */
    weir_test_push(t, 0, order, 1, 1, { 4, 6, 0 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_frontier(t, 0), "{1}");
    ck_assert_str_eq(weir_test_frontier(t, 1), "{1}");
    weir_test_advance(t, 0, 3);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(due[3][2], 1);
    weir_test_advance(t, 0, 4);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(due[4][1], 1);
    ck_assert_str_eq(weir_test_frontier(t, 0), "{4}");
    ck_assert_str_eq(weir_test_frontier(t, 1), "{4}");
    weir_test_advance(t, 0, 6);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(due[6][3], 1);
    ck_assert_uint_eq(due[6][2], 0);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(due[9][4], 1);
    ck_assert_uint_eq(runs[1] + runs[3], 2);
    weir_test_destroy(t);
    ck_assert_uint_eq(left, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { keys_become_due, NULL };
    return test_run(test_suite("pending", tests));
}
