/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes that are called when the worker has nothing else to do: not before, each in turn, for as
 * long as they ask for it, and no more once they do not.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"
#include "worker/runtime.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

enum { PIECES = 5, NODES = 2 };

/* A node that has something to do later for each record that it takes. */
typedef struct later {
    unsigned taken, left, idle_calls, other_calls;
    unsigned *order, *ordered; /* which node was called, over both */
    unsigned index;
    bool has_more; /* after an idle piece there is something that does not wait */
} later;

static weir_status keep_ctx(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void later_step(weir_step *step, void *state)
{
    later *s = state;
    bool idle = weir_step_is_idle(step);
    for (const weir_batch *b; (b = weir_step_take(step, 0)); s->left += PIECES)
        s->taken += (unsigned)b->count;
    s->idle_calls += idle;
    s->other_calls += !idle;
    if (idle) {
        s->order[(*s->ordered)++] = s->index;
        s->left--;
        if (s->has_more)
            weir_step_again(step);
    }
    if (s->left > 0)
        weir_step_when_idle(step);
}

typedef struct both {
    later nodes[NODES];
    unsigned order[100], ordered;
} both;

static void build(weir_graph *g, void *ctx)
{
    both *b = ctx;
    weir_port *in = weir_test_input(g, number).port;
    weir_node_input input = { .type = number_type(), .takes_diffs = true };
    for (unsigned i = 0; i < NODES; i++) {
        b->nodes[i].order = b->order;
        b->nodes[i].ordered = &b->ordered;
        b->nodes[i].index = i;
        weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                            .kind = "later", .input_count = 1, .inputs = &input,
                                            .ctx = &b->nodes[i], .init = keep_ctx,
                                            .step = later_step }, &in);
    }
}

START_TEST(called_in_turn_until_done)
{
    both b = { .ordered = 0 };
    weir_test *t = weir_test_create(build, &b);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(b.ordered, 0);
    for (unsigned round = 1; round <= 2; round++) {
        weir_test_push(t, 0, number, 0, 1, { 1 });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(b.ordered, round * NODES * PIECES);
        for (unsigned i = 1; i < b.ordered; i++)
            ck_assert_uint_ne(b.order[i], b.order[i - 1]);
        for (unsigned i = 0; i < NODES; i++) {
            ck_assert_uint_eq(b.nodes[i].taken, round);
            ck_assert_uint_eq(b.nodes[i].left, 0);
            ck_assert_uint_eq(b.nodes[i].idle_calls, round * PIECES);
        }
    }
    weir_test_destroy(t);
}
END_TEST

/* Steps alone, as in a program that polls: the clock of the test stands still, so no time has
 * passed in which nothing came, and what waits for that waits. */
START_TEST(not_while_there_is_more_to_do)
{
    both b = { .ordered = 0 };
    weir_test *t = weir_test_create(build, &b);
    weir_worker *worker = weir_test_worker(t, 0);
    weir_test_push(t, 0, number, 0, 1, { 1 });
    for (int i = 0; i < 9 && b.nodes[1].taken == 0; i++)
        weir_worker_step(worker);
    ck_assert_uint_eq(b.nodes[1].taken, 1);
    ck_assert_uint_eq(b.ordered, 0);
    uint64_t timeout_ns;
    for (unsigned i = 1; i <= NODES * PIECES; i++) {
        ck_assert(!weir_worker_prepare_wait(worker, &timeout_ns));
        ck_assert_uint_eq(b.ordered, i);
    }
    while (!weir_worker_prepare_wait(worker, &timeout_ns))
        ;
    ck_assert_uint_eq(b.ordered, NODES * PIECES);
    weir_test_destroy(t);
}
END_TEST

enum { QUIET_NS = 200 * 1000, BUSY_NS = 4 * 1000 * 1000 };

/* One record is taken, and what is left waits for a time in which nothing comes. */
static weir_test *start_waiting(both *b)
{
    weir_test *t = weir_test_create(build, b);
    weir_worker *worker = weir_test_worker(t, 0);
    worker->spin_ns = QUIET_NS; /* by itself the harness takes no time to be quiet */
    weir_test_push(t, 0, number, 0, 1, { 1 });
    for (int i = 0; i < 9; i++)
        weir_worker_step(worker);
    ck_assert_uint_eq(b->nodes[1].taken, 1);
    ck_assert_uint_eq(b->ordered, 0);
    return t;
}

/* A host that looks in and never waits. */
START_TEST(polled)
{
    both b = { .ordered = 0 };
    weir_test *t = start_waiting(&b);
    weir_worker *worker = weir_test_worker(t, 0);
    weir_worker_step_or_park(worker, 0);
    ck_assert_uint_eq(b.ordered, 0);
    weir_test_pass_time(t, QUIET_NS);
    for (unsigned i = 1; i <= NODES * PIECES; i++) {
        weir_worker_step_or_park(worker, 0);
        ck_assert_uint_eq(b.ordered, i);
    }
    weir_test_destroy(t);
}
END_TEST

/* Work that came in the time of an idle piece is work: it was not quiet since. */
START_TEST(work_meanwhile_counts)
{
    both b = { .nodes[0].has_more = true };
    weir_test *t = start_waiting(&b);
    weir_worker *worker = weir_test_worker(t, 0);
    weir_test_pass_time(t, QUIET_NS);
    unsigned before = b.nodes[0].other_calls;
    while (b.nodes[0].idle_calls == 0)
        weir_worker_step(worker);
    ck_assert_uint_eq(b.nodes[0].other_calls, before + 1);
    unsigned ordered = b.ordered;
    for (int i = 0; i < 5; i++)
        weir_worker_step(worker);
    ck_assert_uint_eq(b.ordered, ordered);
    weir_test_pass_time(t, QUIET_NS);
    weir_worker_step(worker);
    ck_assert_uint_eq(b.ordered, ordered + 1);
    weir_test_destroy(t);
}
END_TEST

/* A worker that is never idle: each gets its piece now and then. */
START_TEST(busy_for_ever)
{
    both b = { .ordered = 0 };
    weir_test *t = start_waiting(&b);
    weir_worker *worker = weir_test_worker(t, 0);
    for (unsigned i = 0; i < NODES * PIECES; i++) {
        for (unsigned n = 0; n < 10; n++) {
            weir_test_pass_time(t, BUSY_NS / 10);
            weir_test_push(t, 0, number, 0, 1, { 1 });
            weir_worker_step(worker);
        }
        ck_assert_uint_ge(b.ordered + 1, i);
        ck_assert_uint_le(b.ordered, i + 2);
    }
    for (unsigned i = 0; i < NODES; i++)
        ck_assert_uint_gt(b.nodes[i].idle_calls, 2);
    weir_test_destroy(t);
}
END_TEST

/* The dataflow goes while its nodes wait. */
START_TEST(removed_meanwhile)
{
    both b = { .ordered = 0 };
    weir_test *t = weir_test_create(build, &b);
    weir_worker *worker = weir_test_worker(t, 0);
    weir_test_push(t, 0, number, 0, 1, { 1 });
    for (int i = 0; i < 9 && b.nodes[1].taken == 0; i++)
        weir_worker_step(worker);
    ck_assert_uint_gt(b.nodes[0].left, 0);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_idle", (const TTest *const[]){
        called_in_turn_until_done, not_while_there_is_more_to_do, polled,
        work_meanwhile_counts, busy_for_ever, removed_meanwhile, NULL }));
}
