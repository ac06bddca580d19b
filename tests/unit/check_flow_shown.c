/* SPDX-License-Identifier: Apache-2.0
 *
 * What waits in files because the budget is used up: the log says so, /metrics and /graph show it,
 * and a dataflow that is removed meanwhile leaves nothing of it.
 */
#include <dirent.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include <weir/connectors/http.h>
#include <weir/observe.h>
#include <weir/weir.h>

#include "e2e/client.h"
#include "support.h"

#define NUMBER(F) F(u64, n)
WEIR_RECORD(number, NUMBER)

enum { BUDGET = 1 << 20, COUNT = 1 << 19, WORKERS = 2 };

typedef struct shown {
    weir_runtime *runtime;
    weir_http *http;
    weir_dataflow *dataflow;
    char said[400]; /* by the log, of files; no more than one line at a time is written */
    unsigned lines;
} shown;

/* Everything at once, on one worker, for both. */
static void pour(weir_step *step, void *state)
{
    (void)state;
    weir_time t = weir_time_1(0);
    weir_out(number) out = { .builder = weir_step_output(step, 0, &t) };
    for (uint64_t i = 0; weir_step_worker(step) == 0 && i < COUNT; i++)
        number_emit(out, (number){ i });
    weir_step_finish(step);
}

/* Takes nothing, ever. */
static void wait(weir_step *step, void *state)
{
    (void)step;
    (void)state;
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_node_output output = { .type = number_type() };
    weir_port *in = weir_node_output_port(
        weir_node_add(g,
                      &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                         .kind = "pour",
                                         .output_count = 1,
                                         .outputs = &output,
                                         .initial_capabilities = true,
                                         .at_start = true,
                                         .step = pour },
                      NULL),
        0);
    weir_node_input input = { .type = number_type(), .route = WEIR_BY_KEY, .key = { .count = 1 } };
    weir_node_add(g,
                  &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                     .kind = "end",
                                     .name = "the end",
                                     .input_count = 1,
                                     .inputs = &input,
                                     .step = wait },
                  &in);
}

static void on_log(weir_log_level level, const char *text, void *ctx)
{
    shown *s = ctx;
    if (level != WEIR_LOG_INFO || !strstr(text, "files"))
        return;
    snprintf(s->said, sizeof s->said, "%s", text);
    s->lines++;
}

/* Runs until the budget is used up: all has been sent, and some of it lies in files. */
static void start(shown *s)
{
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config,
                           .workers = WORKERS,
                           .spill_dir = ".",
                           .budget_bytes = BUDGET,
                           .batch_bytes = 4096,
                           .until_stopped = true };
    weir_http_config http = { .struct_size = sizeof http, .address = "0" };
    *s = (shown){ 0 };
    weir_log_set(on_log, s, WEIR_LOG_INFO);
    s->runtime = weir_runtime_create(&config, &error);
    ck_assert_int_eq(weir_runtime_register(s->runtime, "pour", build, s, &error), WEIR_OK);
    s->http = weir_http_start(s->runtime, &http, &error);
    ck_assert_msg(s->http != NULL, "%s", error.what);
    ck_assert_int_eq(weir_runtime_start(s->runtime, &error), WEIR_OK);
    ck_assert_int_eq(
        weir_runtime_add(s->runtime,
                         &(weir_dataflow_spec){ .struct_size = sizeof(weir_dataflow_spec),
                                                .build = "pour",
                                                .name = "much" },
                         &s->dataflow, &error),
        WEIR_OK);
    ck_assert_int_eq(weir_dataflow_wait(s->dataflow, WEIR_DATAFLOW_RUNNING, &error), WEIR_OK);
    for (weir_process_info info = { 0 }; info.spilled_bytes < COUNT * sizeof(number) / 2;)
        weir_observe_process(s->runtime, &info);
}

static void stop(shown *s)
{
    weir_error error = { 0 };
    (void)weir_dataflow_remove(s->dataflow, &error); /* it would wait for ever */
    weir_dataflow_release(s->dataflow);
    weir_runtime_stop(s->runtime);
    ck_assert_int_eq(weir_runtime_wait(s->runtime, &error), WEIR_OK);
    weir_http_stop(s->http);
    weir_runtime_destroy(s->runtime);
    weir_log_set(NULL, NULL, WEIR_LOG_OFF);
}

START_TEST(the_log_says_it_once)
{
    shown s;
    start(&s);
    stop(&s);
    ck_assert_uint_ge(s.lines, 1);
    ck_assert_uint_le(s.lines, WORKERS); /* a second of spilling has one line a worker */
    ck_assert_str_eq(s.said + strlen("worker N"),
                     ": the budget is used up: some of what waits for operator 'the end' goes to "
                     "files in .");
}
END_TEST

/* The number of a sample, whose labels stand in either order of two. */
static double sample(const answer *a, const char *name, const char *label)
{
    for (const char *line = a->body; (line = strstr(line, name)); line++) {
        const char *end = strchr(line, '\n'), *at = strstr(line, label);
        if ((line == a->body || line[-1] == '\n') && line[strlen(name)] == '{' && at && at < end)
            return strtod(strstr(line, "} ") + 2, NULL);
    }
    ck_abort_msg("no %s of %s: %.2000s", name, label, strstr(a->body, "weir_dataflow_in"));
}

START_TEST(metrics_have_it)
{
    shown s;
    start(&s);
    answer a = client_get(weir_http_url(s.http), "/metrics");
    double in_files = sample(&a, "weir_dataflow_spilled_bytes", "dataflow=\"much\"");
    double of_input = sample(&a, "weir_input_spilled_bytes", "node=\"the end\"");
    ck_assert_double_ge(in_files, COUNT * sizeof(number) / 2.0);
    ck_assert_double_gt(of_input, 0);
    ck_assert_double_ge(sample(&a, "weir_dataflow_spilled_bytes_total", "\"much\""), in_files);
    ck_assert_double_ge(sample(&a, "weir_input_spilled_bytes_total", "\"the end\""), of_input);
    double peak = sample(&a, "weir_dataflow_in_flight_peak_bytes", "\"much\"");
    ck_assert_double_ge(peak, sample(&a, "weir_dataflow_in_flight_bytes", "\"much\""));
    ck_assert_double_gt(peak, 0);
    answer_free(&a);
    stop(&s);
}
END_TEST

static struct json_object *find(struct json_object *list, const char *name)
{
    struct json_object *found = NULL, *text;
    for (size_t i = 0; i < json_object_array_length(list) && !found; i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        ck_assert(json_object_object_get_ex(one, "name", &text));
        found = strcmp(json_object_get_string(text), name) == 0 ? one : NULL;
    }
    ck_assert_msg(found != NULL, "no %s", name);
    return found;
}

static int64_t bytes(struct json_object *object, const char *name)
{
    struct json_object *member;
    ck_assert_msg(json_object_object_get_ex(object, name, &member), "no %s", name);
    return json_object_get_int64(member);
}

START_TEST(the_graph_has_it)
{
    shown s;
    start(&s);
    answer a = client_get(weir_http_url(s.http), "/graph");
    struct json_object *graph = json_tokener_parse(a.body), *list, *inputs;
    ck_assert(json_object_object_get_ex(graph, "flow", &list));
    struct json_object *flow = find(list, "much");
    ck_assert_int_ge(bytes(flow, "spilled_bytes"), COUNT * (int64_t)sizeof(number) / 2);
    ck_assert_int_ge(bytes(flow, "spilled_total_bytes"), bytes(flow, "spilled_bytes"));
    ck_assert_int_ge(bytes(flow, "in_flight_peak_bytes"), bytes(flow, "in_flight_bytes"));
    ck_assert_int_eq(bytes(flow, "budget_bytes"), BUDGET);
    ck_assert(json_object_object_get_ex(graph, "nodes", &list));
    ck_assert(json_object_object_get_ex(find(list, "the end"), "inputs", &inputs));
    struct json_object *input = json_object_array_get_idx(inputs, 0);
    ck_assert_int_gt(bytes(input, "spilled_bytes"), 0);
    ck_assert_int_ge(bytes(input, "spilled_total_bytes"), bytes(input, "spilled_bytes"));
    json_object_put(graph);
    answer_free(&a);
    stop(&s);
}
END_TEST

/* Open files of this process that have no name. */
static unsigned nameless_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char target[200] = { 0 };
        if (readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1) > 0)
            count += strstr(target, "/#") && strstr(target, "(deleted)");
    }
    closedir(folder);
    return count;
}

/* Nothing of it is left, in files or under way. */
START_TEST(removal_leaves_nothing)
{
    shown s;
    weir_error error = { 0 };
    weir_process_info info;
    start(&s);
    ck_assert_uint_gt(nameless_files(), 0);
    ck_assert_int_eq(weir_dataflow_remove(s.dataflow, &error), WEIR_OK);
    ck_assert_int_eq(weir_dataflow_wait(s.dataflow, WEIR_DATAFLOW_GONE, &error), WEIR_OK);
    weir_observe_process(s.runtime, &info);
    ck_assert_uint_eq(info.spilled_bytes, 0);
    ck_assert_uint_eq(info.in_flight_bytes, 0);
    ck_assert_uint_eq(nameless_files(), 0);
    stop(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { the_log_says_it_once, metrics_have_it, the_graph_has_it,
                                   removal_leaves_nothing, NULL };
    return test_run(test_suite("flow_shown", tests));
}
