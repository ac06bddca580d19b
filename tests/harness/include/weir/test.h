/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of operators and of whole graphs as black boxes: push records in, move the inputs'
 * frontiers on, run until nothing moves, look at what came out. For any test framework, or none.
 *
 *     static void build(weir_graph *g, void *ctx)
 *     {
 *         weir_stream(line) lines = weir_test_input(g, line);
 *         weir_test_output(weir_flat_map(lines, split_words));
 *     }
 *
 *     weir_test *t = weir_test_create(build, NULL, .workers = 2);
 *     weir_test_push(t, 0, line, 3, +1, { .text = weir_str_of("to be") });
 *     weir_test_advance(t, 0, 4);
 *     assert(weir_test_run(t) == WEIR_OK);
 *     assert(strcmp(weir_test_take(t, 0), "(text: \"be\") @3 +1\n"
 *                                         "(text: \"to\") @3 +1\n") == 0);
 *     assert(strcmp(weir_test_frontier(t, 0), "{4}") == 0);
 *     weir_test_destroy(t);
 *
 * All workers are stepped by the calling thread, in an order drawn from a seed, and what one sends
 * to another may stay under way for a while; the clock is virtual. So a test is exact: the same
 * seed gives the same run. What is read does not depend on the seed or on the number of workers
 * unless the operator does: try several of both.
 *
 * The first thing that goes wrong sticks to the test: a graph that is refused, a step that fails,
 * a call that makes no sense. It is what weir_test_run returns from then on and weir_test_error
 * tells; every other call then does nothing.
 */
#ifndef WEIR_TEST_H
#define WEIR_TEST_H

#include <weir/dataflow.h>
#include <weir/graph.h>
#include <weir/record.h>
#include <weir/worker.h>

WEIR_BEGIN_DECLS

typedef struct weir_test weir_test;

/* A build function that weir_test_add knows by its name. */
typedef struct weir_test_build {
    const char *name;
    weir_build_fn *build;
    void *ctx;
} weir_test_build;

/* Zero means default for every field. Copied; settings and services must outlive the test. */
struct weir_test_options {
    size_t struct_size;
    void *ctx;              /* for build */
    unsigned workers;       /* 1 to 64; default 1 */
    uint64_t seed;          /* default: the number in the environment's WEIR_SEED, else 1 */
    bool no_delays;         /* mail arrives at the receiver's next turn */
    size_t batch_bytes;     /* of a full batch; small ones make many batches */
    size_t budget_bytes;    /* of the dataflow in flight; what is beyond goes to a disk in memory */
    size_t disk_bytes;      /* when that disk is full; default: never */
    size_t segment_bytes;   /* runs of traces that are as large lie in files of that disk; default:
                             * the number in the environment's WEIR_SEGMENT_BYTES, else none does */
    unsigned epoch_tick_ms;
    const weir_setting *settings; /* of the program's own options */
    size_t setting_count;
    const weir_service *services;
    size_t service_count;
    const weir_test_build *builds; /* of dataflows that come later */
    size_t build_count;
};

/* weir_test_create(build, ctx, options…): builds one dataflow by build(graph, ctx), in which the
 * test's inputs and outputs are declared; none if build is NULL. Never NULL. */
#define weir_test_create(build, ...)                                                               \
    weir__test_create(build, &(struct weir_test_options){                                          \
                                 .struct_size = sizeof(struct weir_test_options),                  \
                                 .ctx = __VA_ARGS__ })
WEIR_API weir_test *weir__test_create(weir_build_fn *build,
                                      const struct weir_test_options *options);
/* Ends the dataflow, wherever it is, and frees all. */
WEIR_API void weir_test_destroy(weir_test *test);
/* Status WEIR_OK: nothing went wrong so far. */
WEIR_API const weir_error *weir_test_error(const weir_test *test);
WEIR_API uint64_t weir_test_seed(const weir_test *test);

/* ---- while building ---- */

/* The next input, numbered from 0, in the root scope: a plain stream of T, or a collection. */
#define weir_test_input(g, T) ((weir_stream(T)){ .port = weir__test_input(g, T##_type(), false) })
#define weir_test_collection(g, T)                                                                 \
    ((weir_stream(T)){ .port = weir__test_input(g, T##_type(), true) })
WEIR_API weir_port *weir__test_input(weir_graph *graph, const weir_type *type, bool collection);

/* The next output, numbered from 0: any stream, in any scope. */
#define weir_test_output(s) weir__test_output((s).port)
WEIR_API void weir__test_output(weir_port *port);

/* ---- input ---- */

/* Adds a record to an input, of which T is the record type, for the next run. epoch is at or after
 * the input's frontier; diff is 1 unless the input is a collection. The workers get records in
 * turn; weir_test_push_on names one. Strings are copied. */
#define weir_test_push(test, input, T, epoch, diff, ...)                                           \
    weir_test_push_record(test, input, WEIR_TEST_IN_TURN,                                          \
                          (const void *)&(T[1]){ __VA_ARGS__ }[0], epoch, diff)
#define weir_test_push_on(test, input, worker, T, epoch, diff, ...)                                \
    weir_test_push_record(test, input, worker, (const void *)&(T[1]){ __VA_ARGS__ }[0], epoch,     \
                          diff)
#define WEIR_TEST_IN_TURN UINT32_MAX
WEIR_API void weir_test_push_record(weir_test *test, unsigned input, unsigned worker,
                                    const void *record, uint64_t epoch, int64_t diff);

/* Moves the input's frontier to {epoch}, on all workers or on one, after what was pushed so far. */
WEIR_API void weir_test_advance(weir_test *test, unsigned input, uint64_t epoch);
WEIR_API void weir_test_advance_on(weir_test *test, unsigned input, unsigned worker,
                                   uint64_t epoch);
/* Ends the input on all workers: its frontier is {}. */
WEIR_API void weir_test_close(weir_test *test, unsigned input);

/* ---- running ---- */

/* Steps all workers until none of them finds anything to do. WEIR_FAILED if that does not come
 * about in 5000 turns of each. */
WEIR_API weir_status weir_test_run(weir_test *test);
/* Closes all inputs and runs. WEIR_NOT_READY if the dataflow is not complete then. */
WEIR_API weir_status weir_test_finish(weir_test *test);
/* Every dataflow that is not gone is complete on all workers. */
WEIR_API bool weir_test_is_complete(const weir_test *test);
/* Moves the virtual clock, for timers and for the epoch clock. Otherwise it stands still, but for
 * 1 µs whenever somebody looks at it. */
WEIR_API void weir_test_pass_time(weir_test *test, uint64_t ns);
/* For calls of weir/observe.h and of probes. */
WEIR_API weir_worker *weir_test_worker(weir_test *test, unsigned worker);
WEIR_API weir_runtime *weir_test_runtime(weir_test *test);

/* ---- dataflows that come and go ---- */

/* Asks for another dataflow by one of options.builds; the next run builds it, on each worker when
 * the seed says so. Its inputs and outputs get the next numbers then. The dataflow belongs to the
 * test. NULL if it is refused, which is the test's error. A dataflow that cannot be built is no
 * error: ask weir_dataflow_get_info. */
WEIR_API weir_dataflow *weir_test_add(weir_test *test, const weir_dataflow_spec *spec);
/* Asks for its removal; its outputs keep what they have. */
WEIR_API void weir_test_remove(weir_test *test, weir_dataflow *dataflow);

/* ---- output ---- */

/* What came out since the last take, as a text that does not depend on the order of arrival: a line
 * each, "(field: value, …) @time +diff", ordered by time, then record, then diff. It is then
 * forgotten. The text is valid until the next call for this output. */
WEIR_API const char *weir_test_take(weir_test *test, unsigned output);
/* The same, but the diffs of one record at one time are added up, and left out if they are 0. */
WEIR_API const char *weir_test_take_sums(weir_test *test, unsigned output);

/* The same one by one: how many there are, and the i-th in that order, until the next take. */
typedef struct weir_test_change {
    const void *record;
    weir_time time;
    int64_t diff;
    unsigned worker; /* where it came out */
} weir_test_change;
WEIR_API size_t weir_test_count(weir_test *test, unsigned output);
WEIR_API weir_test_change weir_test_at(weir_test *test, unsigned output, size_t i);

/* The output's frontier: "{4}", "{(4, 1), (5, 0)}", "{}". After a run all workers agree on it (else
 * the run has failed). Valid until the next call for this output. */
WEIR_API const char *weir_test_frontier(weir_test *test, unsigned output);

WEIR_END_DECLS
#endif
