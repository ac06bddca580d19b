/* SPDX-License-Identifier: Apache-2.0
 *
 * What a running dataflow shows of itself: counts of nodes and stages, frontiers and who holds them
 * back, metrics, figures of the process.
 */
#include <string.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static bool is_even(const number *n) { return n->value % 2 == 0; }
WEIR_FILTER(is_even, number)
static void twice(const number *n, weir_out(number) out)
{
    number_emit(out, *n);
    number_emit(out, *n);
}
WEIR_FLAT_MAP(twice, number, number)

enum { RECORDS = 1000 };

typedef struct fixture {
    weir_input(number) input;
    unsigned nodes, stages, holders, metrics;
} fixture;

static weir_status sink_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    weir_metric_spec spec = { .name = "sink_records_total", .help = "Records.",
                              .kind = WEIR_COUNTER, .labels = "colour=\"red\"" };
    *state = weir_step_metric(step, &spec);
    ck_assert_ptr_eq(*state, weir_step_metric(step, &spec));
    return WEIR_OK;
}

static void sink_step(weir_step *step, void *state)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        weir_metric_add(state, (int64_t)batch->count);
}

static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(number) in = weir_input_add(g, number, &f->input, .name = "numbers",
                                            .manual = true);
    weir_stream(number) s = weir_flat_map(weir_filter(in, is_even), twice);
    weir_node_input takes = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "sink",
                                        .name = "the sink", .input_count = 1, .inputs = &takes,
                                        .init = sink_init, .step = sink_step }, &s.port);
}

static void on_node(const weir_node_info *info, void *ctx)
{
    fixture *f = ctx;
    f->nodes++;
    ck_assert_str_eq(info->dataflow, "main");
    ck_assert_uint_gt(info->steps, 0);
    ck_assert_uint_gt(info->step_ns, 0);
    if (strcmp(info->name, "numbers") == 0) {
        ck_assert_uint_eq(info->records_out, RECORDS);
        ck_assert_uint_ge(info->bytes_out, RECORDS * sizeof(number));
        ck_assert_int_eq(info->capabilities, 1);
    } else {
        ck_assert_str_eq(info->name, "the sink");
        ck_assert_uint_eq(info->records_in, RECORDS);
        ck_assert_uint_ge(info->bytes_in, RECORDS * sizeof(number));
        ck_assert_uint_eq(info->input_count, 1);
        ck_assert_str_eq(info->inputs[0].frontier, "{7}");
        ck_assert_str_eq(info->inputs[0].from, "numbers");
        ck_assert_uint_eq(info->inputs[0].waiting_batches, 0);
    }
}

static void on_stage(const weir_stage_info *info, void *ctx)
{
    fixture *f = ctx;
    f->stages++;
    ck_assert_str_eq(info->node, "numbers");
    bool filters = strcmp(info->kind, "filter") == 0;
    ck_assert_uint_eq(info->records_in, filters ? RECORDS : RECORDS / 2);
    ck_assert_uint_eq(info->records_out, filters ? RECORDS / 2 : RECORDS);
    ck_assert_uint_gt(info->time_ns, 0);
}

static void on_holder(const weir_holder_info *info, void *ctx)
{
    fixture *f = ctx;
    f->holders++;
    ck_assert_str_eq(info->node, "numbers");
    ck_assert_str_eq(info->input_of, "the sink");
    ck_assert_str_eq(info->time, "7");
    ck_assert(info->is_capability);
    ck_assert_int_eq(info->count, 1);
}

static void on_metric(const weir_metric_info *info, void *ctx)
{
    fixture *f = ctx;
    f->metrics++;
    ck_assert_str_eq(info->name, "sink_records_total");
    ck_assert_ptr_nonnull(strstr(info->labels, "colour=\"red\""));
    ck_assert_ptr_nonnull(strstr(info->labels, "worker=\"0\""));
    ck_assert_int_eq(info->value, RECORDS);
}

static void look(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(number) h = weir_input_open(f->input, 0);
    for (uint64_t i = 0; i < RECORDS; i++)
        ck_assert_int_eq(weir_input_send(h, number, { i }), WEIR_OK);
    weir_time t = weir_time_1(7);
    weir_input_advance_to(h, &t);
    weir_worker_step(worker);
    weir_observe(worker, &(weir_observer){ .node = on_node, .stage = on_stage,
                                           .holder = on_holder, .metric = on_metric, .ctx = f });
    weir_process_info process;
    weir_observe_process(weir_worker_runtime(worker), &process);
    ck_assert_uint_eq(process.workers, 1);
    ck_assert_uint_eq(process.dataflows, 1);
    ck_assert_uint_eq(process.dataflows_done, 0);
    ck_assert_uint_eq(process.in_flight_bytes, 0);
    ck_assert_uint_gt(process.turns, 0);
    ck_assert_uint_gt(process.memory_bytes, 0);
    ck_assert(!process.failed && !process.stopping);
    weir_input_close(h);
}

START_TEST(shows_what_happens)
{
    fixture f = { 0 };
    weir_config config = { .struct_size = sizeof config, .worker_main = look, .ctx = &f };
    weir_error error = { 0 };
    ck_assert_msg(weir_run(&config, build, &f, &error) == WEIR_OK, "%s", error.what);
    ck_assert_uint_eq(f.nodes, 2);
    ck_assert_uint_eq(f.stages, 2);
    ck_assert_uint_eq(f.holders, 1);
    ck_assert_uint_eq(f.metrics, 1);
}
END_TEST

int main(void)
{
    return test_run(test_suite("observe", (const TTest *const[]){ shows_what_happens, NULL }));
}
