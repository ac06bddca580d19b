/* SPDX-License-Identifier: Apache-2.0
 *
 * /metrics: what the engine counts, as families of Prometheus' text format 0.0.4.
 */
#include "http/metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <weir/memory.h>
#include <weir/value.h>
#include <weir/view.h>

#include "http/server.h"

struct weir__family {
    weir__family *next;
    weir_metric_kind kind;
    char name[128];
    char help[256];
    weir__text samples;
};

/* ---- families ---- */

static bool is_name(const char *name)
{
    size_t len = 0;
    for (; name[len]; len++)
        if (!isalpha((unsigned char)name[len]) && name[len] != '_' && name[len] != ':' &&
            (len == 0 || !isdigit((unsigned char)name[len])))
            return false;
    return len > 0 && len < sizeof((weir__family *)0)->name;
}

static weir__family *family_of(weir__families *families, const weir__sample *sample)
{
    for (weir__family *family = families->first; family; family = family->next)
        if (strcmp(family->name, sample->name) == 0)
            return family;
    weir__family *family = is_name(sample->name) ? weir_alloc_zero(sizeof *family) : NULL;
    if (!family) {
        families->failed |= is_name(sample->name);
        return NULL;
    }
    family->kind = sample->kind;
    (void)snprintf(family->name, sizeof family->name, "%s", sample->name);
    (void)snprintf(family->help, sizeof family->help, "%s", sample->help ? sample->help : "");
    *(families->last ? &families->last->next : &families->first) = family;
    families->last = family;
    return family;
}

void weir__families_add(weir__families *families, const weir__sample *sample)
{
    char value[WEIR_FLOAT_TEXT + 1];
    weir__family *family = family_of(families, sample);
    if (!family)
        return;
    if (sample->value == floor(sample->value) && fabs(sample->value) < 1e15)
        (void)snprintf(value, sizeof value, "%.0f", sample->value);
    else
        (void)snprintf(value, sizeof value, "%.17g", sample->value);
    weir__text *out = &family->samples;
    weir__text_put(out, family->name);
    if (*sample->labels) {
        weir__text_put(out, "{");
        weir__text_put(out, sample->labels);
        weir__text_put(out, "}");
    }
    weir__text_put(out, " ");
    weir__text_put(out, value);
    weir__text_put(out, "\n");
}

void weir__families_write(weir__families *families, weir__text *out)
{
    for (weir__family *family = families->first, *next; family; family = next) {
        next = family->next;
        weir__text_format(out, "# HELP %s ", family->name);
        weir__text_help(out, family->help);
        weir__text_format(out, "\n# TYPE %s %s\n", family->name,
                          family->kind == WEIR_COUNTER ? "counter" : "gauge");
        weir__text_add(out, family->samples.bytes.data, family->samples.bytes.len);
        families->failed |= family->samples.failed;
        weir__text_fini(&family->samples);
        weir_free(family, sizeof *family);
    }
    out->failed |= families->failed;
    *families = (weir__families){ 0 };
}

/* ---- what the engine counts ---- */

typedef struct collector {
    weir__families *families;
    weir__text labels;
} collector;

static void add(collector *c, const char *name, const char *help, weir_metric_kind kind,
                double value)
{
    const char *labels = c->labels.bytes.len ? c->labels.bytes.data : "";
    weir__families_add(c->families, &(weir__sample){ name, help, labels, kind, value });
}

static void begin_labels(collector *c)
{
    c->labels.bytes.len = 0;
}

static void label(collector *c, const char *name, const char *value)
{
    weir__text *out = &c->labels;
    weir__text_format(out, "%s%s=\"", out->bytes.len ? "," : "", name);
    weir__text_label(out, value);
    weir__text_put(out, "\"");
}

/* The text so far is a C string from here on. */
static void end_labels(collector *c)
{
    weir__text_add(&c->labels, "", 1);
    if (c->labels.failed)
        c->labels.bytes.len = 0;
}

static void on_input(collector *c, const weir_node_info *info, unsigned i)
{
    const weir_input_info *input = &info->inputs[i];
    char number[16];
    (void)snprintf(number, sizeof number, "%u", i);
    begin_labels(c);
    label(c, "dataflow", info->dataflow);
    label(c, "node", info->name);
    label(c, "input", number);
    end_labels(c);
    add(c, "weir_input_waiting_batches", "Batches that wait at an input.", WEIR_GAUGE,
        (double)input->waiting_batches);
    add(c, "weir_input_waiting_bytes", "Bytes that wait at an input, in memory.", WEIR_GAUGE,
        (double)input->waiting_bytes);
    add(c, "weir_input_spilled_bytes", "Bytes that wait for an input, in files.", WEIR_GAUGE,
        (double)input->spilled_bytes);
    add(c, "weir_input_spilled_bytes_total", "Bytes for an input that went to files.",
        WEIR_COUNTER, (double)input->spilled_total_bytes);
    if (input->frontier)
        add(c, "weir_input_held_seconds", "Since the frontier of an input last moved.", WEIR_GAUGE,
            (double)input->held_for_us / 1e6);
}

static void on_flow(const weir_flow_info *info, void *ctx)
{
    collector *c = ctx;
    begin_labels(c);
    label(c, "dataflow", info->dataflow);
    end_labels(c);
    add(c, "weir_dataflow_in_flight_bytes", "Bytes in queues and between nodes.", WEIR_GAUGE,
        (double)info->in_flight_bytes);
    add(c, "weir_dataflow_in_flight_peak_bytes", "There were never more than this.", WEIR_GAUGE,
        (double)info->in_flight_peak_bytes);
    add(c, "weir_dataflow_spilled_bytes", "Bytes in files.", WEIR_GAUGE,
        (double)info->spilled_bytes);
    add(c, "weir_dataflow_spilled_bytes_total", "Bytes that went to files.", WEIR_COUNTER,
        (double)info->spilled_total_bytes);
}

static void on_node(const weir_node_info *info, void *ctx)
{
    collector *c = ctx;
    begin_labels(c);
    label(c, "dataflow", info->dataflow);
    label(c, "node", info->name);
    label(c, "kind", info->kind);
    end_labels(c);
    add(c, "weir_node_steps_total", "Calls of a node.", WEIR_COUNTER, (double)info->steps);
    add(c, "weir_node_step_seconds_total", "Time in a node and the stages behind it.", WEIR_COUNTER,
        (double)info->step_ns / 1e9);
    add(c, "weir_node_longest_step_seconds", "The longest step that was measured.", WEIR_GAUGE,
        (double)info->longest_step_ns / 1e9);
    add(c, "weir_node_long_steps_total", "Steps that kept their worker for longer than is set.",
        WEIR_COUNTER, (double)info->long_steps);
    add(c, "weir_node_records_in_total", "Records that a node has taken.", WEIR_COUNTER,
        (double)info->records_in);
    add(c, "weir_node_batches_in_total", "Batches that a node has taken.", WEIR_COUNTER,
        (double)info->batches_in);
    add(c, "weir_node_bytes_in_total", "Bytes of these, with all that they keep.", WEIR_COUNTER,
        (double)info->bytes_in);
    add(c, "weir_node_records_out_total", "Records that a node has sent.", WEIR_COUNTER,
        (double)info->records_out);
    add(c, "weir_node_batches_out_total", "Batches that a node has sent.", WEIR_COUNTER,
        (double)info->batches_out);
    add(c, "weir_node_bytes_out_total", "Bytes of these, with all that they keep.", WEIR_COUNTER,
        (double)info->bytes_out);
    add(c, "weir_node_memory_bytes", "What a node's state takes.", WEIR_GAUGE,
        (double)info->memory_bytes);
    add(c, "weir_node_capabilities", "Capabilities that a node holds.", WEIR_GAUGE,
        (double)info->capabilities);
    for (unsigned i = 0; i < info->input_count; i++)
        on_input(c, info, i);
}

static void on_stage(const weir_stage_info *info, void *ctx)
{
    collector *c = ctx;
    begin_labels(c);
    label(c, "dataflow", info->dataflow);
    label(c, "stage", info->name);
    label(c, "kind", info->kind);
    label(c, "node", info->node);
    end_labels(c);
    add(c, "weir_stage_records_in_total", "Records that a stage has got.", WEIR_COUNTER,
        (double)info->records_in);
    add(c, "weir_stage_batches_in_total", "Batches that a stage has got.", WEIR_COUNTER,
        (double)info->batches_in);
    add(c, "weir_stage_records_out_total", "Records that a stage has made.", WEIR_COUNTER,
        (double)info->records_out);
    add(c, "weir_stage_seconds_total", "Time in a stage.", WEIR_COUNTER,
        (double)info->time_ns / 1e9);
}

static void on_metric(const weir_metric_info *info, void *ctx)
{
    collector *c = ctx;
    weir__families_add(c->families, &(weir__sample){ info->name, info->help, info->labels,
                                                     info->kind, (double)info->value });
}

static void on_view(weir_view *view, void *ctx)
{
    collector *c = ctx;
    weir_view_info info;
    weir_view_get_info(view, &info);
    begin_labels(c);
    label(c, "view", weir_view_name(view));
    end_labels(c);
    add(c, "weir_view_upper", "Epochs before this one are complete.", WEIR_GAUGE,
        (double)info.upper);
    add(c, "weir_view_records", "Records in a view.", WEIR_GAUGE, (double)info.records);
    add(c, "weir_view_updates", "Changes that a view keeps.", WEIR_GAUGE, (double)info.updates);
    add(c, "weir_view_runs", "Runs that a view's changes lie in.", WEIR_GAUGE, (double)info.runs);
    add(c, "weir_view_bytes", "What a view's changes take.", WEIR_GAUGE, (double)info.bytes);
    add(c, "weir_view_readers", "Readers that are open.", WEIR_GAUGE, (double)info.readers);
}

static void on_trace(const weir_trace_shown *shown, void *ctx)
{
    collector *c = ctx;
    char number[16];
    (void)snprintf(number, sizeof number, "%u", shown->place.worker);
    begin_labels(c);
    label(c, "dataflow", shown->place.dataflow);
    label(c, "node", shown->place.node);
    label(c, "worker", number);
    end_labels(c);
    add(c, "weir_trace_updates", "Changes that a trace keeps.", WEIR_GAUGE,
        (double)shown->updates);
    add(c, "weir_trace_bytes", "What the runs of a trace take.", WEIR_GAUGE,
        (double)shown->bytes);
    add(c, "weir_trace_disk_bytes", "What its runs take that lie in files.", WEIR_GAUGE,
        (double)shown->disk_bytes);
    add(c, "weir_trace_runs", "Runs of a trace.", WEIR_GAUGE, (double)shown->runs);
    add(c, "weir_trace_readers", "Readers of a trace.", WEIR_GAUGE,
        (double)shown->readers);
}

static void add_process(collector *c, const weir_process_info *info)
{
    begin_labels(c);
    add(c, "weir_workers", "Threads that share the work.", WEIR_GAUGE, info->workers);
    add(c, "weir_dataflows", "Dataflows that there are.", WEIR_GAUGE, info->dataflows);
    add(c, "weir_dataflows_done", "Dataflows that are complete.", WEIR_GAUGE, info->dataflows_done);
    add(c, "weir_dataflows_gone_total", "Dataflows that are gone.", WEIR_COUNTER,
        info->dataflows_gone);
    add(c, "weir_uptime_seconds", "Since the runtime was created.", WEIR_GAUGE,
        (double)info->uptime_us / 1e6);
    add(c, "weir_turns_total", "Rounds of all workers.", WEIR_COUNTER, (double)info->turns);
    add(c, "weir_parks_total", "Times that a worker went to sleep.", WEIR_COUNTER,
        (double)info->parks);
    add(c, "weir_wakes_total", "Times that a worker was woken.", WEIR_COUNTER, (double)info->wakes);
    add(c, "weir_progress_bytes_total", "Changes that workers told each other.", WEIR_COUNTER,
        (double)info->progress_bytes);
    add(c, "weir_memory_bytes", "Bytes that are allocated.", WEIR_GAUGE,
        (double)info->memory_bytes);
    add(c, "weir_in_flight_bytes", "Bytes in queues and between nodes.", WEIR_GAUGE,
        (double)info->in_flight_bytes);
    add(c, "weir_budget_bytes", "What may be in flight in a dataflow.", WEIR_GAUGE,
        (double)info->budget_bytes);
    add(c, "weir_failed", "1 if the run has failed.", WEIR_GAUGE, info->failed);
}

void weir__metrics_collect(weir_worker *worker, weir__families *families)
{
    collector c = { .families = families };
    weir_process_info process;
    weir_observer observer = { .flow = on_flow, .node = on_node, .stage = on_stage,
                               .metric = on_metric, .ctx = &c };
    weir_observe_process(weir_worker_runtime(worker), &process);
    add_process(&c, &process);
    weir_observe(worker, &observer);
    weir_traces_each(weir_runtime_traces(weir_worker_runtime(worker)), on_trace, &c);
    weir_views_each(weir_runtime_views(weir_worker_runtime(worker)), on_view, &c);
    families->failed |= c.labels.failed;
    weir__text_fini(&c.labels);
}

enum MHD_Result weir__serve_metrics(weir__request *request)
{
    weir_http *http = request->http;
    weir__families families = { .failed = false };
    weir__text text = { .failed = false };
    weir__metrics_collect(http->worker, &families);
    weir__families_add(&families, &(weir__sample){ "weir_http_requests_total", "Requests so far.",
                                                   "", WEIR_COUNTER, (double)http->requests });
    weir__families_add(&families,
                       &(weir__sample){ "weir_http_refused_total", "Requests that were refused.",
                                        "", WEIR_COUNTER, (double)http->refused });
    weir__families_add(&families,
                       &(weir__sample){ "weir_http_streams", "Event streams that are open.", "",
                                        WEIR_GAUGE, (double)http->stream_count });
    weir__families_write(&families, &text);
    return weir__answer(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &text);
}
