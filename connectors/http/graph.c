/* SPDX-License-Identifier: Apache-2.0
 *
 * /graph: dataflows, nodes, stages, edges, frontiers and their holders, as JSON; /graph.dot: for
 * Graphviz.
 */
#include <inttypes.h>

#include <weir/dataflow.h>

#include "http/server.h"

static void member(weir__text *out, const char *name, const char *value)
{
    weir__text_format(out, "\"%s\":", name);
    weir__text_json(out, value);
    weir__text_put(out, ",");
}

/* The last member of an object has no comma behind it: each list ends with a number. */
static void number(weir__text *out, const char *name, uint64_t value, bool last)
{
    weir__text_format(out, "\"%s\":%" PRIu64 "%s", name, value, last ? "" : ",");
}

static void begin(weir__text *out)
{
    char last = out->bytes.len ? out->bytes.data[out->bytes.len - 1] : '[';
    weir__text_put(out, last == '[' ? "{" : ",{");
}

static void write_input(weir__text *out, const weir_input_info *input)
{
    begin(out);
    member(out, "from", input->from);
    member(out, "frontier", input->frontier);
    number(out, "held_for_us", input->held_for_us, false);
    number(out, "waiting_batches", input->waiting_batches, false);
    number(out, "waiting_bytes", input->waiting_bytes, false);
    number(out, "spilled_bytes", input->spilled_bytes, false);
    number(out, "spilled_total_bytes", input->spilled_total_bytes, true);
    weir__text_put(out, "}");
}

static void write_flow(const weir_flow_info *info, void *ctx)
{
    weir__text *out = ctx;
    begin(out);
    member(out, "name", info->dataflow);
    number(out, "in_flight_bytes", info->in_flight_bytes, false);
    number(out, "in_flight_peak_bytes", info->in_flight_peak_bytes, false);
    number(out, "budget_bytes", info->budget_bytes, false);
    number(out, "spilled_bytes", info->spilled_bytes, false);
    number(out, "spilled_total_bytes", info->spilled_total_bytes, false);
    weir__text_format(out, "\"complete\":%s", info->complete ? "true" : "false");
    weir__text_put(out, "}");
}

static void write_node(const weir_node_info *info, void *ctx)
{
    weir__text *out = ctx;
    begin(out);
    member(out, "dataflow", info->dataflow);
    member(out, "name", info->name);
    member(out, "kind", info->kind);
    weir__text_put(out, "\"inputs\":[");
    for (unsigned i = 0; i < info->input_count; i++)
        write_input(out, &info->inputs[i]);
    weir__text_put(out, "],");
    number(out, "steps", info->steps, false);
    number(out, "step_us", info->step_ns / 1000, false);
    number(out, "longest_step_us", info->longest_step_ns / 1000, false);
    number(out, "long_steps", info->long_steps, false);
    number(out, "records_in", info->records_in, false);
    number(out, "batches_in", info->batches_in, false);
    number(out, "bytes_in", info->bytes_in, false);
    number(out, "records_out", info->records_out, false);
    number(out, "batches_out", info->batches_out, false);
    number(out, "bytes_out", info->bytes_out, false);
    weir__text_format(out, "\"memory_bytes\":%" PRId64 ",\"capabilities\":%" PRId64 "}",
                      info->memory_bytes, info->capabilities);
}

static void write_stage(const weir_stage_info *info, void *ctx)
{
    weir__text *out = ctx;
    begin(out);
    member(out, "dataflow", info->dataflow);
    member(out, "name", info->name);
    member(out, "kind", info->kind);
    member(out, "node", info->node);
    number(out, "records_in", info->records_in, false);
    number(out, "batches_in", info->batches_in, false);
    number(out, "records_out", info->records_out, false);
    number(out, "time_us", info->time_ns / 1000, true);
    weir__text_put(out, "}");
}

static void write_edge(const weir_edge_info *info, void *ctx)
{
    weir__text *out = ctx;
    begin(out);
    member(out, "dataflow", info->dataflow);
    member(out, "from", info->from);
    member(out, "stage", info->stage);
    member(out, "to", info->to);
    member(out, "route", info->route);
    number(out, "output", info->output, false);
    number(out, "input", info->input, true);
    weir__text_put(out, "}");
}

static void write_holder(const weir_holder_info *info, void *ctx)
{
    weir__text *out = ctx;
    begin(out);
    member(out, "dataflow", info->dataflow);
    member(out, "holder", info->node);
    member(out, "input_of", info->input_of);
    member(out, "by", info->is_capability ? "capability" : "batch");
    member(out, "time", info->time);
    number(out, "count", (uint64_t)info->count, false);
    number(out, "for_us", info->age_us, true);
    weir__text_put(out, "}");
}

typedef struct traces_text {
    weir__text *out;
    uint64_t now_ns;
} traces_text;

static void write_trace(const weir_trace_shown *shown, void *ctx)
{
    const traces_text *t = ctx;
    weir__text *out = t->out;
    begin(out);
    member(out, "dataflow", shown->place.dataflow);
    member(out, "node", shown->place.node);
    number(out, "worker", shown->place.worker, false);
    number(out, "updates", shown->updates, false);
    number(out, "bytes", shown->bytes, false);
    number(out, "disk_bytes", shown->disk_bytes, false);
    number(out, "runs", shown->runs, false);
    member(out, "since", shown->since);
    weir__text_put(out, "\"holds\":[");
    for (size_t i = 0; i < shown->hold_count; i++) {
        const weir_trace_hold_info *hold = &shown->holds[i];
        begin(out);
        member(out, "owner", hold->owner);
        member(out, "since", hold->since);
        number(out, "undelivered", hold->undelivered, false);
        number(out, "for_us",
               t->now_ns > hold->opened_ns ? (t->now_ns - hold->opened_ns) / 1000 : 0, true);
        weir__text_put(out, "}");
    }
    weir__text_put(out, "]}");
}

static void write_dataflow(const weir_dataflow_info *info, void *ctx)
{
    weir__text *out = ctx;
    begin(out);
    member(out, "name", info->name);
    member(out, "build", info->build);
    member(out, "state", weir_dataflow_state_name(info->state));
    if (info->state == WEIR_DATAFLOW_FAILED)
        member(out, "error", info->error.what);
    number(out, "workers", info->workers, false);
    number(out, "id", info->id, true);
    weir__text_put(out, "}");
}

enum MHD_Result weir__serve_graph(weir__request *request)
{
    weir__text text = { .failed = false };
    weir_worker *worker = request->http->worker;
    weir_process_info info;
    weir_observe_process(request->http->runtime, &info);
    weir__text_put(&text, "{");
    number(&text, "workers", info.workers, false);
    number(&text, "uptime_us", info.uptime_us, false);
    number(&text, "in_flight_bytes", info.in_flight_bytes, false);
    number(&text, "budget_bytes", info.budget_bytes, false);
    number(&text, "memory_bytes", info.memory_bytes, false);
    weir__text_put(&text, "\"dataflows\":[");
    weir_runtime_each_dataflow(request->http->runtime, write_dataflow, &text);
    weir__text_put(&text, "],\"flow\":[");
    weir_observe(worker, &(weir_observer){ .flow = write_flow, .ctx = &text });
    weir__text_put(&text, "],\"nodes\":[");
    weir_observe(worker, &(weir_observer){ .node = write_node, .ctx = &text });
    weir__text_put(&text, "],\"stages\":[");
    weir_observe(worker, &(weir_observer){ .stage = write_stage, .ctx = &text });
    weir__text_put(&text, "],\"edges\":[");
    weir_observe(worker, &(weir_observer){ .edge = write_edge, .ctx = &text });
    weir__text_put(&text, "],\"holders\":[");
    weir_observe(worker, &(weir_observer){ .holder = write_holder, .ctx = &text });
    weir__text_put(&text, "],\"traces\":[");
    weir_traces_each(weir_runtime_traces(request->http->runtime), write_trace,
                     &(traces_text){ &text, weir_worker_now_ns(worker) });
    weir__text_put(&text, "]}");
    return weir__answer_json(request, MHD_HTTP_OK, &text);
}

enum MHD_Result weir__serve_dot(weir__request *request)
{
    weir__text text = { .failed = false };
    text.failed = weir_observe_dot(request->http->worker, &text.bytes) != WEIR_OK;
    return weir__answer(request, MHD_HTTP_OK, "text/vnd.graphviz; charset=utf-8", &text);
}
