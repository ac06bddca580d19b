/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node does once its input is complete may take long: workers that wait for the same are
 * woken before it starts, whether the changes were published before they were applied or after.
 */
#include <stdlib.h>

#include <weir/weir.h>

#include "dataflow/instance.h"
#include "harness/harness.h"
#include "support.h"
#include "worker/runtime.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static bool woken;       /* the second worker */
static unsigned worked;  /* steps of the first worker's node with a complete input */
static weir_input(number) numbers;

static void wake(void *ctx, unsigned to)
{
    (void)ctx;
    woken |= to == 1;
}

typedef struct held {
    weir_cap cap;
    bool holds;
} held;

static weir_status held_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(held));
    return WEIR_OK;
}

static void work_when_complete(weir_step *step, void *state)
{
    held *h = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        if (!h->holds) {
            h->cap = weir_cap_retain(step, 0, &batch->time);
            h->holds = true;
        }
    if (!h->holds || !weir_frontier_is_empty(weir_step_frontier(step, 0)))
        return;
    if (weir_step_worker(step) == 0) {
        worked++;
        ck_assert_msg(woken, "the other worker sleeps while this one works");
    }
    weir_cap_drop(step, h->cap);
    h->holds = false;
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_input_add(g, number, &numbers, .manual = true);
    weir_node_input takes = { .type = number_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output out = { .type = number_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "work",
                                        .input_count = 1, .inputs = &takes, .output_count = 1,
                                        .outputs = &out, .init = held_init,
                                        .step = work_when_complete, .fini = free }, &in.port);
}

/* With `asked` the node was asked to run lately, and changes are applied before they are told. */
static void two_workers(bool asked)
{
    weir_error error = { 0 };
    weir__test_env *made = weir__test_env_create(2, 1, false);
    weir_env *env = weir__test_env_table(made);
    env->wake = wake;
    weir_config config = { .struct_size = sizeof config, .workers = 2, .env = env,
                           .no_spin = true };
    weir_runtime *runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_build(runtime, "told", build, NULL, &error), WEIR_OK);
    for (unsigned w = 0; w < 2; w++)
        ck_assert_ptr_nonnull(weir_runtime_take_worker(runtime, w, &error));
    ck_assert_int_eq(weir_runtime_start(runtime, &error), WEIR_OK);
    weir_input_handle(number) handles[2];
    number record = { 1 };
    for (unsigned w = 0; w < 2; w++) {
        handles[w] = weir_input_open(numbers, w);
        ck_assert_int_eq(weir_input_change(handles[w], number, record, 1), WEIR_OK);
        weir_input_flush(handles[w]);
    }
    for (int i = 0; i < 20; i++)
        for (unsigned w = 0; w < 2; w++)
            weir_worker_step(&runtime->workers[w]);
    weir_input_close(handles[1]);
    for (int i = 0; i < 20; i++)
        for (unsigned w = 2; w-- > 0;)
            weir_worker_step(&runtime->workers[w]);
    runtime->workers[0].first->asked_lately = asked;
    woken = false;
    worked = 0;
    weir_input_close(handles[0]);
    for (int i = 0; i < 20 && worked == 0; i++)
        weir_worker_step(&runtime->workers[0]);
    ck_assert_uint_eq(worked, 1);
    for (int i = 0; i < 20; i++)
        for (unsigned w = 0; w < 2; w++)
            weir_worker_step(&runtime->workers[w]);
    weir_runtime_destroy(runtime);
    weir__test_env_destroy(made);
}

START_TEST(published_before)
{
    two_workers(false);
}
END_TEST

START_TEST(published_after)
{
    two_workers(true);
}
END_TEST

int main(void)
{
    return test_run(test_suite("told_first", (const TTest *const[]){
        published_before, published_after, NULL }));
}
