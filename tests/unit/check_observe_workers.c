/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown of dataflows on several workers: sums, what waits, who holds a frontier and where,
 * frontiers that nobody asks for, times of nested scopes, metrics of each worker.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

enum { WORKERS = 3, RECORDS = 90 };

static number next(const number *n) { return (number){ n->value + 1 }; }
WEIR_MAP(next, number, number)

/* Takes nothing until it is opened, and charges its account. */
static bool gate_is_open;

static weir_status gate_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    weir_metric *metric = weir_step_metric(step, &(weir_metric_spec){
        .name = "gate_state", .kind = WEIR_GAUGE });
    weir_metric_set(metric, 100 + weir_step_worker(step));
    weir_metric_add(metric, 1000);
    weir_account_add(weir_step_account(step), 10);
    *state = metric;
    return WEIR_OK;
}

static void gate_step(weir_step *step, void *state)
{
    (void)state;
    if (!gate_is_open)
        return;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        weir_step_send(step, 0, b, NULL);
}

/* input → next → (by value) gate "the \"gate\"" → inside a scope: sink */
static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_test_input(g, number);
    weir_stream(number) s = weir_exchange(weir_map(in, next), WEIR_KEY(number, value));
    weir_stream(number) out = weir_unary(s, number, gate_step, .name = "the \"gate\"",
                                         .init = gate_init);
    out.port = weir_port_enter(out.port, weir_scope_add(g, NULL, "inside"));
    weir_test_output(out);
}

typedef struct found {
    weir_node_info node;     /* of the node asked for */
    weir_input_info input;
    char text[2000];         /* what was shown, a line each */
    const char *name;
} found;

static void on_node(const weir_node_info *info, void *ctx)
{
    found *f = ctx;
    if (strcmp(info->name, f->name) != 0)
        return;
    f->node = *info;
    if (info->input_count)
        f->input = info->inputs[0];
    f->node.inputs = NULL;
    snprintf(f->text, sizeof f->text, "%s %s from %s", info->kind,
             info->input_count && info->inputs[0].frontier ? info->inputs[0].frontier : "-",
             info->input_count ? info->inputs[0].from : "-");
}

static found node(weir_test *t, unsigned worker, const char *name)
{
    found f = { .name = name };
    weir_observe(weir_test_worker(t, worker), &(weir_observer){ .node = on_node, .ctx = &f });
    return f;
}

static void on_holder(const weir_holder_info *info, void *ctx)
{
    char *text = ctx;
    size_t used = strlen(text);
    if (strcmp(info->input_of, "capture-1") == 0)
        snprintf(text + used, 500 - used, "%s %s %s %lld\n", info->node, info->time,
                 info->is_capability ? "capability" : "batch", (long long)info->count);
}

static void on_metric(const weir_metric_info *info, void *ctx)
{
    char *text = ctx;
    size_t used = strlen(text);
    ck_assert_int_eq(info->kind, WEIR_GAUGE);
    ck_assert_str_eq(info->help, "");
    snprintf(text + used, 500 - used, "%s{%s} %lld\n", info->name, info->labels,
             (long long)info->value);
}

static void on_stage(const weir_stage_info *info, void *ctx)
{
    weir_stage_info *sum = ctx;
    *sum = *info;
}

static weir_test *begin(void)
{
    gate_is_open = false;
    weir_test *t = weir_test_create(build, NULL, .workers = WORKERS);
    for (uint64_t i = 0; i < RECORDS; i++)
        weir_test_push(t, 0, number, 5, +1, { i });
    weir_test_advance(t, 0, 7);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    return t;
}

START_TEST(what_waits_and_what_has_passed)
{
    weir_test *t = begin();
    weir_process_info info;
    for (unsigned w = 0; w < WORKERS; w++) { /* each worker shows the sums of all */
        found f = node(t, w, "test-input-1");
        ck_assert_uint_eq(f.node.records_out, RECORDS);
        ck_assert_uint_ge(f.node.batches_out, WORKERS);
        ck_assert_int_eq(f.node.capabilities, WORKERS);
        ck_assert_str_eq(f.text, "test-input - from -");
        f = node(t, w, "the \"gate\"");
        ck_assert_uint_eq(f.node.records_in, 0);
        ck_assert_uint_ge(f.input.waiting_batches, WORKERS);
        ck_assert_uint_ge(f.input.waiting_bytes, RECORDS * sizeof(number));
        ck_assert_int_eq(f.node.memory_bytes, 10 * WORKERS);
        /* nobody asks for its frontier, so nobody knows it */
        ck_assert_str_eq(f.text, "gate_step - from test-input-1");
        f = node(t, w, "capture-1");
        ck_assert_str_eq(f.text, "capture {(5, 0)} from the \"gate\"");
        weir_observe_process(weir_test_runtime(t), &info);
        f = node(t, w, "the \"gate\"");
        ck_assert_uint_eq(info.in_flight_bytes, f.input.waiting_bytes);
    }
    ck_assert_uint_eq(info.workers, WORKERS);
    ck_assert_uint_eq(info.dataflows, 1);
    ck_assert_uint_eq(info.dataflows_done, 0);
    ck_assert_uint_gt(info.progress_bytes, 0);
    weir_stage_info stage = { 0 };
    weir_observe(weir_test_worker(t, 1), &(weir_observer){ .stage = on_stage, .ctx = &stage });
    ck_assert_str_eq(stage.name, "next");
    ck_assert_str_eq(stage.kind, "map");
    ck_assert_str_eq(stage.node, "test-input-1");
    ck_assert_uint_eq(stage.records_in, RECORDS);
    ck_assert_uint_eq(stage.records_out, RECORDS);
    weir_test_destroy(t);
}
END_TEST

START_TEST(who_holds_a_frontier)
{
    weir_test *t = begin();
    char text[500] = "";
    weir_observe(weir_test_worker(t, 2), &(weir_observer){ .holder = on_holder, .ctx = text });
    ck_assert_ptr_nonnull(strstr(text, "the \"gate\" 5 batch "));
    ck_assert_ptr_null(strstr(text, "capability")); /* what is at 7 is not to blame */
    gate_is_open = true;
    for (uint64_t i = 0; i < RECORDS; i++) /* something for each worker's gate, which wakes it */
        weir_test_push(t, 0, number, 8, +1, { i });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    text[0] = 0;
    weir_observe(weir_test_worker(t, 0), &(weir_observer){ .holder = on_holder, .ctx = text });
    ck_assert_str_eq(text, "test-input-1 7 capability 3\n");
    found f = node(t, 0, "capture-1");
    ck_assert_str_eq(f.text, "capture {(7, 0)} from the \"gate\"");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_process_info info;
    weir_observe_process(weir_test_runtime(t), &info);
    ck_assert_uint_eq(info.in_flight_bytes, 0);
    ck_assert_uint_eq(info.dataflows_done, 1);
    f = node(t, 0, "the \"gate\"");
    ck_assert_uint_eq(f.node.records_in, 2 * RECORDS);
    ck_assert_uint_eq(f.node.records_out, 2 * RECORDS);
    ck_assert_uint_eq(f.input.waiting_batches, 0);
    ck_assert_uint_eq(f.input.waiting_bytes, 0);
    f = node(t, 0, "test-input-1");
    ck_assert_int_eq(f.node.capabilities, 0);
    weir_test_destroy(t);
}
END_TEST

START_TEST(metrics_of_each_worker)
{
    weir_test *t = begin();
    char text[500] = "";
    weir_observe(weir_test_worker(t, 0), &(weir_observer){ .metric = on_metric, .ctx = text });
    for (unsigned w = 0; w < WORKERS; w++) {
        char line[100];
        snprintf(line, sizeof line,
                 "gate_state{dataflow=\"main\",node=\"the \\\"gate\\\"\",worker=\"%u\"} %u\n", w,
                 1100 + w);
        ck_assert_ptr_nonnull(strstr(text, line));
    }
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("observe_workers", (const TTest *const[]){
        what_waits_and_what_has_passed, who_holds_a_frontier, metrics_of_each_worker, NULL }));
}
