/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/test.h. Owns the runtime under test, and the error that sticks to it.
 */
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "harness.h"

enum { WORKERS_MAX = 64, PORTS_MAX = 64, ROUNDS_MAX = 40000 };

struct weir_test {
    weir_error error;
    unsigned workers;
    uint64_t seed;
    weir_build_fn *build;
    void *ctx;
    weir__test_env *env;
    weir_runtime *runtime;
    weir_worker *worker[WORKERS_MAX];
    bool over[WORKERS_MAX]; /* the run has ended */
    weir__test_inlet inlets[PORTS_MAX];
    weir__test_outlet *outlets[PORTS_MAX];
    unsigned inlet_count, outlet_count;
    weir_service *services;
    size_t service_count;
    weir_dataflow **added;
    size_t added_count, added_capacity;
};

static const char service_name[] = "weir_test";

static void fail(weir_test *test, weir_status status, const char *what, const char *hint)
{
    if (test->error.status != WEIR_OK)
        return;
    weir_error_set(&test->error, status, "%s", what);
    weir_error_hint(&test->error, "%s", hint);
}

/* ---- building ---- */

static weir_test *of_graph(weir_graph *graph, const char *where)
{
    weir_test *test = weir_graph_service(graph, service_name);
    if (!test)
        weir_graph_fail(graph, WEIR_INVALID, where, "build the graph by weir_test_create",
                        "a test's input or output in a graph that is not under test");
    return test;
}

weir_port *weir__test_input(weir_graph *graph, const weir_type *type, bool collection)
{
    weir_test *test = of_graph(graph, "weir_test_input");
    if (!test)
        return NULL;
    if (test->inlet_count == PORTS_MAX) {
        weir_graph_fail(graph, WEIR_TOO_LARGE, "weir_test_input", NULL,
                        "a test has at most %d inputs", PORTS_MAX);
        return NULL;
    }
    weir__test_inlet *inlet = &test->inlets[test->inlet_count++];
    inlet->type = type;
    inlet->collection = collection;
    return weir__test_inlet_add(graph, inlet, test->workers);
}

void weir__test_output(weir_port *port)
{
    if (!port)
        return;
    weir_graph *graph = weir_port_graph(port);
    weir_test *test = of_graph(graph, "weir_test_output");
    if (!test)
        return;
    if (test->outlet_count == PORTS_MAX) {
        weir_graph_fail(graph, WEIR_TOO_LARGE, "weir_test_output", NULL,
                        "a test has at most %d outputs", PORTS_MAX);
        return;
    }
    test->outlets[test->outlet_count++] = weir__test_outlet_create(port);
}

static weir_config config_of(weir_test *test, const struct weir_test_options *options)
{
    test->service_count = options->service_count + 1;
    test->services = weir_alloc_must(test->service_count * sizeof *test->services);
    for (size_t i = 0; i < options->service_count; i++)
        test->services[i] = options->services[i];
    test->services[options->service_count] = (weir_service){ service_name, test };
    const char *from = getenv("WEIR_SEGMENT_BYTES");
    size_t segment_bytes = options->segment_bytes ? options->segment_bytes
                           : from && *from        ? strtoull(from, NULL, 0)
                                                  : 0;
    return (weir_config){ .struct_size = sizeof(weir_config), .workers = test->workers,
                          .state_dir = segment_bytes ? "state" : NULL,
                          .segment_bytes = segment_bytes,
                          .hash_seed = test->seed * 2 + 1, .budget_bytes = options->budget_bytes,
                          .batch_bytes = options->batch_bytes, .until_stopped = true,
                          .epoch_tick_ms = options->epoch_tick_ms, .no_spin = true,
                          .settings = options->settings, .setting_count = options->setting_count,
                          .services = test->services, .service_count = test->service_count,
                          .env = weir__test_env_table(test->env) };
}

static void start(weir_test *test, const weir_config *config,
                  const struct weir_test_options *options)
{
    test->runtime = weir_runtime_create(config, &test->error);
    if (!test->runtime)
        return;
    for (size_t i = 0; i < options->build_count; i++) {
        const weir_test_build *b = &options->builds[i];
        if (weir_runtime_register(test->runtime, b->name, b->build, b->ctx, &test->error))
            return;
    }
    if (test->build &&
        weir_runtime_build(test->runtime, NULL, test->build, test->ctx, &test->error) != WEIR_OK)
        return;
    for (unsigned w = 0; w < test->workers; w++)
        test->worker[w] = weir_runtime_take_worker(test->runtime, w, &test->error);
    weir_runtime_start(test->runtime, &test->error);
}

weir_test *weir__test_create(weir_build_fn *build, const struct weir_test_options *given)
{
    struct weir_test_options options = { 0 };
    memcpy(&options, given,
           given->struct_size < sizeof options ? given->struct_size : sizeof options);
    weir_test *test = weir_alloc_must(sizeof *test);
    memset(test, 0, sizeof *test);
    test->build = build;
    test->ctx = options.ctx;
    test->workers = options.workers ? options.workers : 1;
    const char *seed = getenv("WEIR_SEED");
    test->seed = options.seed ? options.seed : seed && *seed ? strtoull(seed, NULL, 0) : 1;
    if (test->workers > WORKERS_MAX) {
        test->workers = 0;
        fail(test, WEIR_INVALID, "too many workers for a test", "use at most 64");
        return test;
    }
    test->env = weir__test_env_create(test->workers, test->seed, !options.no_delays);
    weir__test_env_disk(test->env)->limit = options.disk_bytes;
    weir_config config = config_of(test, &options);
    start(test, &config, &options);
    return test;
}

weir__test_disk *weir__test_disk_of(const weir_test *test)
{
    return weir__test_env_disk(test->env);
}

void weir_test_destroy(weir_test *test)
{
    if (!test)
        return;
    if (test->env)
        weir__test_env_stop_delays(test->env);
    weir_runtime_destroy(test->runtime);
    for (size_t i = 0; i < test->added_count; i++)
        weir_dataflow_release(test->added[i]);
    weir_free(test->added, test->added_capacity * sizeof(weir_dataflow *));
    for (unsigned i = 0; i < test->inlet_count; i++)
        weir__test_inlet_fini(&test->inlets[i], test->workers);
    for (unsigned o = 0; o < test->outlet_count; o++)
        weir__test_outlet_destroy(test->outlets[o]);
    if (test->env)
        weir__test_env_destroy(test->env);
    weir_free(test->services, test->service_count * sizeof *test->services);
    weir_free(test, sizeof *test);
}

const weir_error *weir_test_error(const weir_test *test) { return &test->error; }
uint64_t weir_test_seed(const weir_test *test) { return test->seed; }
weir_runtime *weir_test_runtime(weir_test *test) { return test->runtime; }

weir_worker *weir_test_worker(weir_test *test, unsigned worker)
{
    return worker < test->workers ? test->worker[worker] : NULL;
}

/* ---- input ---- */

static weir__test_inlet *inlet_of(weir_test *test, unsigned input)
{
    if (test->error.status != WEIR_OK)
        return NULL;
    if (input < test->inlet_count)
        return &test->inlets[input];
    fail(test, WEIR_NOT_FOUND, "the test has no such input", "inputs are numbered from 0");
    return NULL;
}

static weir__test_input_part *part_of(weir_test *test, weir__test_inlet *inlet, unsigned worker)
{
    if (worker >= test->workers) {
        fail(test, WEIR_NOT_FOUND, "the test has no such worker", "workers are numbered from 0");
        return NULL;
    }
    if (inlet->parts[worker].closed) {
        fail(test, WEIR_CLOSED, "the input was closed", "push and advance before the close");
        return NULL;
    }
    return &inlet->parts[worker];
}

void weir_test_push_record(weir_test *test, unsigned input, unsigned worker, const void *record,
                           uint64_t epoch, int64_t diff)
{
    weir__test_inlet *inlet = inlet_of(test, input);
    if (!inlet)
        return;
    if (worker == WEIR_TEST_IN_TURN)
        worker = inlet->turn++ % test->workers;
    weir__test_input_part *part = part_of(test, inlet, worker);
    if (!part)
        return;
    if (diff != 1 && !inlet->collection)
        fail(test, WEIR_TYPE_MISMATCH, "a diff other than 1 in a plain stream",
             "declare the input by weir_test_collection");
    else if (epoch < part->epoch)
        fail(test, WEIR_INVALID, "a record before the input's frontier",
             "push it before weir_test_advance");
    else
        weir__test_inlet_put(inlet, worker,
                             &(weir__test_push){ .what = WEIR__TEST_RECORD, .epoch = epoch,
                                                 .diff = diff }, record);
}

void weir_test_advance_on(weir_test *test, unsigned input, unsigned worker, uint64_t epoch)
{
    weir__test_inlet *inlet = inlet_of(test, input);
    weir__test_input_part *part = inlet ? part_of(test, inlet, worker) : NULL;
    if (!part)
        return;
    if (epoch < part->epoch) {
        fail(test, WEIR_INVALID, "an input's frontier cannot go back",
             "advance to the same epoch or a later one");
        return;
    }
    part->epoch = epoch;
    weir__test_inlet_put(inlet, worker,
                         &(weir__test_push){ .what = WEIR__TEST_ADVANCE, .epoch = epoch }, NULL);
}

void weir_test_advance(weir_test *test, unsigned input, uint64_t epoch)
{
    for (unsigned w = 0; w < test->workers; w++)
        weir_test_advance_on(test, input, w, epoch);
}

void weir_test_close(weir_test *test, unsigned input)
{
    weir__test_inlet *inlet = inlet_of(test, input);
    for (unsigned w = 0; inlet && w < test->workers; w++) {
        if (inlet->parts[w].closed)
            continue;
        inlet->parts[w].closed = true;
        weir__test_inlet_put(inlet, w, &(weir__test_push){ .what = WEIR__TEST_CLOSE }, NULL);
    }
}

/* ---- running ---- */

/* A turn of a worker. False: it found nothing to do. */
static bool turn(weir_test *test, unsigned w)
{
    uint64_t timeout;
    test->over[w] = !weir_worker_step(test->worker[w]);
    return !test->over[w] && !weir_worker_prepare_wait(test->worker[w], &timeout);
}

/* Each worker once, in any order. False: nobody found anything. */
static bool round_of_turns(weir_test *test)
{
    unsigned order[WORKERS_MAX];
    bool any = false;
    for (unsigned i = 0; i < test->workers; i++) {
        unsigned at = (unsigned)(weir__test_env_random(test->env) % (i + 1));
        order[i] = order[at];
        order[at] = i;
    }
    for (unsigned i = 0; i < test->workers; i++)
        any |= turn(test, order[i]);
    return any;
}

weir_status weir_test_run(weir_test *test)
{
    unsigned rested = 0, rounds = 0;
    while (test->error.status == WEIR_OK && rested < 2) {
        bool any = round_of_turns(test);
        if (weir_runtime_wait(test->runtime, &test->error) != WEIR_OK)
            break;
        /* one round may have published what the next one finds */
        rested = any || !weir__test_env_is_quiet(test->env) ? 0 : rested + 1;
        if (++rounds == ROUNDS_MAX)
            fail(test, WEIR_FAILED, "the dataflow does not come to rest",
                 "an operator asks to be called again and again");
    }
    for (unsigned o = 0; test->error.status == WEIR_OK && o < test->outlet_count; o++)
        if (!weir__test_outlet_agrees(test->outlets[o]))
            fail(test, WEIR_FAILED, "the workers do not agree on the frontier of an output",
                 "this is an error of the library");
    return test->error.status;
}

weir_status weir_test_finish(weir_test *test)
{
    for (unsigned i = 0; i < test->inlet_count; i++)
        weir_test_close(test, i);
    weir_status status = weir_test_run(test);
    return status == WEIR_OK && !weir_test_is_complete(test) ? WEIR_NOT_READY : status;
}

static void note_state(const weir_dataflow_info *info, void *ctx)
{
    bool *complete = ctx;
    *complete = *complete && info->state == WEIR_DATAFLOW_COMPLETE;
}

bool weir_test_is_complete(const weir_test *test)
{
    bool over = true, complete = test->error.status == WEIR_OK;
    for (unsigned w = 0; w < test->workers; w++)
        over = over && test->over[w];
    if (complete && !over)
        weir_runtime_each_dataflow(test->runtime, note_state, &complete);
    return complete;
}

/* ---- dataflows that come and go ---- */

weir_dataflow *weir_test_add(weir_test *test, const weir_dataflow_spec *spec)
{
    weir_dataflow *dataflow = NULL;
    if (test->error.status != WEIR_OK ||
        weir_runtime_add(test->runtime, spec, &dataflow, &test->error) != WEIR_OK)
        return NULL;
    if (test->added_count == test->added_capacity) {
        size_t old = test->added_capacity, capacity = old ? old * 2 : 16;
        test->added = weir_realloc_must(test->added, old * sizeof(weir_dataflow *),
                                        capacity * sizeof(weir_dataflow *));
        test->added_capacity = capacity;
    }
    test->added[test->added_count++] = dataflow;
    return dataflow;
}

void weir_test_remove(weir_test *test, weir_dataflow *dataflow)
{
    if (test->error.status == WEIR_OK && dataflow)
        (void)weir_dataflow_remove(dataflow, &test->error);
}

void weir_test_pass_time(weir_test *test, uint64_t ns)
{
    if (test->env)
        weir__test_env_pass_time(test->env, ns);
}

/* ---- output ---- */

static weir__test_outlet *outlet_of(weir_test *test, unsigned output)
{
    if (output < test->outlet_count)
        return test->outlets[output];
    fail(test, WEIR_NOT_FOUND, "the test has no such output", "outputs are numbered from 0");
    return NULL;
}

const char *weir_test_take(weir_test *test, unsigned output)
{
    weir__test_outlet *outlet = outlet_of(test, output);
    return outlet ? weir__test_outlet_take(outlet, false) : "";
}

const char *weir_test_take_sums(weir_test *test, unsigned output)
{
    weir__test_outlet *outlet = outlet_of(test, output);
    return outlet ? weir__test_outlet_take(outlet, true) : "";
}

size_t weir_test_count(weir_test *test, unsigned output)
{
    weir__test_outlet *outlet = outlet_of(test, output);
    if (!outlet)
        return 0;
    weir__test_outlet_gather(outlet);
    return outlet->change_count;
}

weir_test_change weir_test_at(weir_test *test, unsigned output, size_t i)
{
    if (i >= weir_test_count(test, output))
        return (weir_test_change){ 0 };
    return test->outlets[output]->changes[i];
}

const char *weir_test_frontier(weir_test *test, unsigned output)
{
    weir__test_outlet *outlet = outlet_of(test, output);
    return outlet ? weir__test_outlet_frontier(outlet) : "";
}
