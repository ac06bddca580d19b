/* SPDX-License-Identifier: Apache-2.0
 *
 * What programs and nodes may not do, besides with capabilities (check_engine_caps): each is an
 * assertion that says who did what.
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "dataflow/instance.h"
#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

/* ---- in a step ---- */

typedef struct misuse {
    void (*act)(weir_step *step); /* with a current batch of input 0, at time 5 */
    const char *text;
} misuse;

static void take_from_nowhere(weir_step *step) { weir_step_take(step, 2); }
static void wait_nowhere(weir_step *step) { weir_step_waiting(step, 2); }
static void ask_nowhere(weir_step *step) { weir_step_frontier(step, 2); }
static void retain_nowhere(weir_step *step) { weir_cap_retain(step, 1, NULL); }
static void output_nowhere(weir_step *step) { weir_step_output(step, 1, NULL); }

/* From input 1 comes no capability of the output. */
static void retain_from_control(weir_step *step)
{
    weir_step_take(step, 1);
    weir_cap_retain(step, 0, NULL);
}

static void send_from_control(weir_step *step)
{
    const weir_batch *batch = weir_step_take(step, 1);
    weir_step_send(step, 0, batch, NULL);
}

static void send_nowhere(weir_step *step)
{
    weir_step_send(step, 1, weir_step_take(step, 1), NULL);
}

/* A batch whose records have times of their own has them already. */
static void move_many_times(weir_step *step)
{
    weir_batch *batch = weir__batch_create(number_type(), 1);
    static const uint64_t value = 1, time = 6;
    batch->count = 1;
    batch->records = &value;
    batch->times = &time;
    batch->time = weir_time_1(5);
    weir_step_send(step, 0, batch, &(weir_time){ { 7 } });
}

/* ---- records that are lent ---- */

static void let_go(weir_pin *pin) { (void)pin; }
static weir_pin pin = { .refs = 1, .release = let_go };
static const number one = { 1 };

static void lend(weir_step *step, unsigned output, size_t count, const weir_time *t)
{
    weir_step_lend(step, output, &(weir_lent){ &one, count, &pin }, t);
}

static void lend_nowhere(weir_step *step) { lend(step, 1, 1, NULL); }
static void lend_too_many(weir_step *step)
{
    lend(step, 0, WEIR_LENT_MAX / sizeof one + 1, NULL);
}
static void lend_no_end(weir_step *step) { lend(step, 0, SIZE_MAX / sizeof one + 2, NULL); }
static void lend_before(weir_step *step) { lend(step, 0, 1, &(weir_time){ { 4 } }); }
static void lend_without_pin(weir_step *step)
{
    weir_step_lend(step, 0, &(weir_lent){ &one, 1, NULL }, NULL);
}
static void lend_without_batch(weir_step *step)
{
    weir_step_put_back(step);
    lend(step, 0, 1, NULL);
}
static void lend_from_control(weir_step *step)
{
    weir_step_take(step, 1);
    lend(step, 0, 1, NULL);
}

static const misuse misuses[] = {
    { take_from_nowhere, "operator 'node' has no input 2" },
    { wait_nowhere, "operator 'node' has no input 2" },
    { ask_nowhere, "operator 'node' has no input 2" },
    { retain_nowhere, "operator 'node' has no output 1" },
    { output_nowhere, "operator 'node': output 1 asked for outside of its step" },
    { retain_from_control, "operator 'node': no capability of output 0 comes from input 1" },
    { send_from_control, "operator 'node': sends at 5 from output 0 without a capability" },
    { send_nowhere, "operator 'node': output 1 asked for outside of its step" },
    { move_many_times, "operator 'node': moves a batch of several times" },
    { lend_nowhere, "operator 'node': output 1 asked for outside of its step" },
    { lend_too_many, "operator 'node': lends 2097153 records as one batch, which are too many" },
    { lend_no_end, "operator 'node': lends 2305843009213693953 records as one batch, which are" },
    { lend_before, "operator 'node': sends at 4 from output 0 without a capability" },
    { lend_without_pin, "operator 'node': lends records without a pin" },
    { lend_without_batch, "operator 'node': no time given and no current batch" },
    { lend_from_control, "operator 'node': sends at 5 from output 0 without a capability" },
};

static weir_status keep_ctx(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void misuse_step(weir_step *step, void *state)
{
    if (weir_step_waiting(step, 0) && weir_step_waiting(step, 1) && weir_step_take(step, 0))
        ((const misuse *)state)->act(step);
}

static void build_node(weir_graph *g, void *ctx)
{
    weir_port *ins[2] = { weir_test_input(g, number).port, weir_test_input(g, number).port };
    weir_node_input inputs[2] = { { .type = number_type() }, { .type = number_type() } };
    weir_node_output output = { .type = number_type() };
    weir_summary summaries[2] = { { .keep = 1, .depth = 1 }, { .depth = 0 } };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "node",
                                        .name = "node", .input_count = 2, .output_count = 1,
                                        .inputs = inputs, .outputs = &output,
                                        .summaries = summaries, .init = keep_ctx,
                                        .step = misuse_step, .ctx = ctx }, ins);
}

static void misuse_now(void *m)
{
    weir_test *t = weir_test_create(build_node, m);
    weir_test_push(t, 0, number, 5, 1, { 1 });
    weir_test_push(t, 1, number, 5, 1, { 2 });
    weir_test_run(t);
    weir_test_destroy(t);
}

START_TEST(steps)
{
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++)
        test_dies(misuse_now, (void *)(uintptr_t)&misuses[i], misuses[i].text);
}
END_TEST

/* ---- outside of steps ---- */

static weir_status send_in_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)state;
    (void)error;
    weir_step_output(step, 0, &(weir_time){ { 0 } });
    return WEIR_OK;
}

static void no_step(weir_step *step, void *state)
{
    (void)step;
    (void)state;
}

static void build_init(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_unary(weir_test_input(g, number), number, no_step, .name = "node", .init = send_in_init);
}

static weir_status lend_in_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)state;
    (void)error;
    lend(step, 0, 1, &(weir_time){ { 0 } });
    return WEIR_OK;
}

static void build_lend_init(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_unary(weir_test_input(g, number), number, no_step, .name = "node", .init = lend_in_init);
}

static void run_lend_init(void *ctx)
{
    (void)ctx;
    weir_test_run(weir_test_create(build_lend_init, NULL));
}

static void run_init(void *ctx)
{
    (void)ctx;
    weir_test_run(weir_test_create(build_init, NULL));
}

static weir_probe *probe;
static weir_input(number) input;

static void build_probe(weir_graph *g, void *ctx)
{
    (void)ctx;
    probe = weir_probe(weir_input_add(g, number, &input, .manual = true), NULL);
}

/* Asks a runtime without dataflows about a probe of another. */
static void ask_elsewhere(void *ctx)
{
    (void)ctx;
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    weir_runtime *empty = weir_runtime_create(NULL, NULL);
    weir_runtime_build(runtime, NULL, build_probe, NULL, NULL);
    weir_worker *worker = weir_runtime_take_worker(empty, 0, NULL);
    weir_runtime_start(empty, NULL);
    weir_probe_done(probe, worker);
}

static void destroy_while_it_runs(void *ctx)
{
    (void)ctx;
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    weir_runtime_build(runtime, NULL, build_probe, NULL, NULL);
    weir_runtime_start(runtime, NULL);
    weir_runtime_destroy(runtime);
}

static void input_goes_back(void *ctx)
{
    (void)ctx;
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    weir_runtime_build(runtime, NULL, build_probe, NULL, NULL);
    weir_worker *worker = weir_runtime_take_worker(runtime, 0, NULL);
    weir_runtime_start(runtime, NULL);
    weir_input_handle(number) h = weir_input_open(input, 0);
    weir_input_advance_to(h, &(weir_time){ { 9 } });
    weir_input_advance_to(h, &(weir_time){ { 8 } });
    weir_worker_step(worker);
}

START_TEST(programs)
{
    test_dies(run_init, NULL, "operator 'node': output 0 asked for outside of its step");
    test_dies(run_lend_init, NULL, "operator 'node': output 0 asked for outside of its step");
    test_dies(ask_elsewhere, NULL, "a probe of another runtime");
    test_dies(destroy_while_it_runs, NULL,
              "a runtime is destroyed while worker 0 runs: call weir_runtime_wait");
    test_dies(input_goes_back, NULL,
              "operator 'input-1': downgrades a capability from 9 to 8, which is not at or after");
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_misuse", (const TTest *const[]){ steps, programs, NULL }));
}
