/* SPDX-License-Identifier: Apache-2.0
 *
 * publish: sources wait while an importer has not taken the runs that lie there for it, and go on
 * when it is removed.
 */
#include <stdlib.h>

#include <weir/operators/publish.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define EDGE(F) F(u64, from) F(u64, to) F(str, note)
WEIR_RECORD(edge, EDGE)

enum { BUDGET = 4 << 20, EDGES = 400000, GROUP = 100 };

static uint64_t sent; /* by all workers */

static weir_status sends_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(uint64_t));
    return WEIR_OK;
}

static void sends(weir_step *step, void *state)
{
    uint64_t *mine = state;
    while (*mine < EDGES && !weir_step_full(step)) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        weir_out(edge) out = { weir_step_output(step, 0, &(weir_time){ { 0 } }) };
        for (int i = 0; i < GROUP; i++, ++*mine, sent++)
            edge_emit(out, (edge){ *mine, weir_step_worker(step), weir_str_of("x") });
    }
    if (*mine >= EDGES)
        weir_step_finish(step);
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_node_output output = { .type = edge_type() };
    weir_node *source = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "sends", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .at_start = true, .init = sends_init,
        .step = sends, .fini = free }, NULL);
    weir_stream(edge) edges = { .port =
                                    weir_port_as_collection(weir_node_output_port(source, 0)) };
    weir_arranged_publish(weir_arrange(edges, WEIR_KEY(edge, from)), "edges");
}

/* ---- an importer that takes nothing ---- */

static weir_arrangement *imported;

static weir_status slow_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    weir_trace_reader *reader = weir_trace_reader_open(
        weir_arrangement_trace(imported, step), &(weir_trace_reader_spec){ .owner = "slow" });
    weir_trace_reader_advance(reader, &(weir_frontier){ .depth = 1 });
    *state = reader;
    return WEIR_OK;
}

static void take_nothing(weir_step *step, void *state)
{
    (void)step;
    (void)state;
}

static void slow_fini(void *state)
{
    weir_trace_reader_close(state);
}

static void build_slow(weir_graph *g, void *ctx)
{
    (void)ctx;
    imported = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges").arrangement;
    weir_port *runs = weir_arrangement_port(imported);
    weir_node_input input = { .type = weir_run_ref_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "slow",
                                        .input_count = 1, .inputs = &input, .init = slow_init,
                                        .step = take_nothing, .fini = slow_fini }, &runs);
}
static const weir_test_build builds[] = { { "publish", build, NULL },
                                          { "slow", build_slow, NULL } };

static void steps(weir_test *t, unsigned count, unsigned workers)
{
    while (count-- > 0)
        for (unsigned w = 0; w < workers; w++)
            (void)weir_worker_step(weir_test_worker(t, w));
}

START_TEST(a_slow_importer_is_removed)
{
    for (unsigned workers = 1; workers <= 2; workers++) {
        sent = 0;
        weir_test *t = weir_test_create(build, NULL, .workers = workers, .budget_bytes = BUDGET,
                                        .builds = builds, .build_count = 2);
        weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "slow" };
        weir_dataflow *slow = weir_test_add(t, &spec);
        steps(t, 5000, workers);
        ck_assert_uint_lt(sent, workers * EDGES);
        weir_test_remove(t, slow);
        steps(t, 20000, workers);
        ck_assert_uint_eq(sent, workers * EDGES);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("publish_waits", (const TTest *const[]){
        a_slow_importer_is_removed, NULL }));
}
