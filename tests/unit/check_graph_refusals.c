/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine refuses when a graph is built through the erased API, as callers from other
 * languages do: status, text, the operator it names, and that the first error is the one told.
 */
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
#define OTHER(F) F(str, name) F(u64, value)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(other, OTHER)

static weir_input(number) input;

static weir_port *numbers(weir_graph *g)
{
    return weir_input_add(g, number, &input, .name = "numbers").port;
}

static weir_port *changes(weir_graph *g)
{
    return weir_input_add(g, number, &input, .name = "changes", .collection = true).port;
}

static weir_port *others(weir_graph *g)
{
    static weir_input(other) others_in;
    return weir_input_add(g, other, &others_in, .name = "others").port;
}

static void no_step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
}

static void no_map(const void *in, void *out, size_t count, void *ctx)
{
    (void)ctx;
    memcpy(out, in, count * sizeof(number));
}

static size_t no_filter(const void *in, size_t count, uint32_t *keep, void *ctx)
{
    (void)in;
    (void)count;
    (void)keep;
    (void)ctx;
    return 0;
}

static void to_first(const void *records, size_t count, uint64_t *out, void *ctx)
{
    (void)records;
    (void)ctx;
    memset(out, 0, count * sizeof *out);
}

/* A sink called "node" of one input. */
static weir_node *sink(weir_port *port, const weir_node_input *in)
{
    return weir_node_add(weir_port_graph(port), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "node", .name = "node", .input_count = 1,
        .inputs = in, .step = no_step }, &port);
}

/* A node "node" without inputs, as far as it is described. */
static weir_node *source(weir_graph *g, const weir_node_output *out, unsigned outputs)
{
    return weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "node", .name = "node",
        .output_count = outputs, .outputs = out, .step = no_step }, NULL);
}

static weir_port *stage(weir_port *in, weir_stage_spec spec)
{
    spec.struct_size = sizeof spec;
    spec.kind = "stage";
    spec.name = "stage";
    return weir_stage_add(in, &spec);
}

/* ---- nodes ---- */

static void node_incomplete(weir_graph *g)
{
    weir_node_spec spec = { .struct_size = sizeof spec, .kind = "node" };
    ck_assert_ptr_null(weir_node_add(g, &spec, NULL));
}

static void node_without_inputs(weir_graph *g)
{
    weir_port *in = numbers(g);
    ck_assert_ptr_null(sink(in, NULL));
}

static void node_without_outputs(weir_graph *g)
{
    ck_assert_ptr_null(source(g, NULL, 1));
}

/* Of an older caller, whose struct ended before the step. */
static void node_of_an_older_caller(weir_graph *g)
{
    ck_assert_ptr_null(weir_node_add(g, &(weir_node_spec){
        .struct_size = offsetof(weir_node_spec, step), .kind = "node", .step = no_step }, NULL));
}

static void node_without_stream(weir_graph *g)
{
    weir_port *none = NULL;
    ck_assert_ptr_null(weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "node", .input_count = 1,
        .inputs = &(weir_node_input){ .type = number_type() }, .step = no_step }, &none));
}

static void node_with_summary(weir_graph *g, weir_summary s)
{
    weir_port *in = numbers(g);
    ck_assert_ptr_null(weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "node", .input_count = 1,
        .output_count = 1, .inputs = &(weir_node_input){ .type = number_type() },
        .outputs = &(weir_node_output){ .type = number_type() }, .summaries = &s,
        .step = no_step }, &in));
}

static void node_of_other_depth(weir_graph *g)
{
    node_with_summary(g, weir_summary_identity(2));
}

static void node_that_keeps_too_much(weir_graph *g)
{
    node_with_summary(g, (weir_summary){ .keep = 2, .depth = 1 });
}

static void node_other_record(weir_graph *g)
{
    ck_assert_ptr_null(sink(others(g), &(weir_node_input){ .type = number_type() }));
}

static void node_without_type(weir_graph *g)
{
    ck_assert_ptr_null(sink(numbers(g), &(weir_node_input){ .type = NULL }));
}

static void node_unsound_type(weir_graph *g)
{
    static weir_type unsound;
    unsound = *number_type();
    unsound.has_strings = true;
    ck_assert_ptr_null(source(g, &(weir_node_output){ .type = &unsound }, 1));
}

static void node_of_a_collection(weir_graph *g)
{
    ck_assert_ptr_null(sink(changes(g), &(weir_node_input){ .type = number_type() }));
}

static void node_unknown_key(weir_graph *g)
{
    ck_assert_ptr_null(sink(numbers(g), &(weir_node_input){
        .type = number_type(), .route = WEIR_BY_KEY, .key = { .count = 1, .field = { 1 } } }));
}

static void node_long_key(weir_graph *g)
{
    weir_node_output out = { .type = number_type() };
    out.unique_key.count = WEIR_KEY_FIELDS_MAX + 1;
    ck_assert_ptr_null(source(g, &out, 1));
}

static void node_without_function(weir_graph *g)
{
    ck_assert_ptr_null(sink(numbers(g), &(weir_node_input){ .type = number_type(),
                                                            .route = WEIR_BY_FUNCTION }));
}

static void node_changes_by_function(weir_graph *g)
{
    ck_assert_ptr_null(sink(changes(g), &(weir_node_input){
        .type = number_type(), .takes_diffs = true, .route = WEIR_BY_FUNCTION,
        .route_fn = to_first }));
}

static void node_combines_without_key(weir_graph *g)
{
    ck_assert_ptr_null(sink(changes(g), &(weir_node_input){
        .type = number_type(), .takes_diffs = true, .combines = true }));
}

static void node_combines_without_diffs(weir_graph *g)
{
    ck_assert_ptr_null(sink(numbers(g), &(weir_node_input){
        .type = number_type(), .route = WEIR_BY_KEY, .key = { 1, { 0 } }, .combines = true }));
}

static void node_of_two_scopes(weir_graph *g)
{
    weir_port *in = numbers(g);
    weir_port *ins[2] = { in, weir_port_enter(in, weir_scope_add(g, NULL, "inside")) };
    weir_node_input inputs[2] = { { .type = number_type() }, { .type = number_type() } };
    ck_assert_ptr_null(weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "node", .name = "node", .input_count = 2,
        .inputs = inputs, .step = no_step }, ins));
}

/* ---- stages ---- */

static void stage_without_function(weir_graph *g)
{
    ck_assert_ptr_null(stage(numbers(g), (weir_stage_spec){ .in = number_type(),
                                                            .out = number_type() }));
}

static void stage_of_two_functions(weir_graph *g)
{
    ck_assert_ptr_null(stage(numbers(g), (weir_stage_spec){
        .in = number_type(), .out = number_type(), .map = no_map, .filter = no_filter }));
}

static void stage_without_type(weir_graph *g)
{
    ck_assert_ptr_null(stage(numbers(g), (weir_stage_spec){ .in = number_type(), .map = no_map }));
}

static void stage_other_record(weir_graph *g)
{
    ck_assert_ptr_null(stage(others(g), (weir_stage_spec){
        .in = number_type(), .out = number_type(), .map = no_map }));
}

static void filter_to_other(weir_graph *g)
{
    ck_assert_ptr_null(stage(numbers(g), (weir_stage_spec){
        .in = number_type(), .out = other_type(), .filter = no_filter }));
}

static void negate_plain(weir_graph *g)
{
    ck_assert_ptr_null(stage(numbers(g), (weir_stage_spec){
        .in = number_type(), .out = number_type(), .negate = true }));
}

/* ---- streams ---- */

static void name_of_two(weir_graph *g)
{
    weir_port *in = numbers(g), *two[2] = { in, in };
    weir_port_set_name(weir_port_concat(two, 2), "both");
}

static void empty_name(weir_graph *g)
{
    weir_port_set_name(numbers(g), "");
}

static void concat_unlike(weir_graph *g)
{
    weir_port *two[2] = { numbers(g), others(g) };
    ck_assert_ptr_null(weir_port_concat(two, 2));
}

static void concat_of_two_scopes(weir_graph *g)
{
    weir_port *in = numbers(g);
    weir_port *two[2] = { in, weir_port_enter(in, weir_scope_add(g, NULL, "inside")) };
    ck_assert_ptr_null(weir_port_concat(two, 2));
}

static void changes_by_function(weir_graph *g)
{
    ck_assert_ptr_null(weir_port_by_function(changes(g), to_first, NULL));
}

static void by_unknown_key(weir_graph *g)
{
    ck_assert_ptr_null(weir_port_by_key(numbers(g), &(weir_key){ .count = 1, .field = { 1 } }));
}

static void with_unknown_key(weir_graph *g)
{
    ck_assert_ptr_null(weir_port_with_key(changes(g), &(weir_key){ .count = 1, .field = { 9 } }));
}

static void by_no_function(weir_graph *g)
{
    ck_assert_ptr_null(weir_port_by_function(numbers(g), NULL, NULL));
}

/* ---- scopes and loops ---- */

static void scopes_too_deep(weir_graph *g)
{
    weir_scope *scope = NULL;
    for (unsigned depth = 1; depth < WEIR_TIME_COORDS; depth++)
        scope = weir_scope_add(g, scope, "nested");
    ck_assert(!weir_graph_failed(g));
    ck_assert_ptr_eq(weir_scope_add(g, scope, "deepest"), scope);
}

static void enter_inner(weir_graph *g)
{
    weir_scope *inner = weir_scope_add(g, weir_scope_add(g, NULL, "outer"), "inner");
    ck_assert_ptr_null(weir_port_enter(numbers(g), inner));
}

static void enter_nothing(weir_graph *g)
{
    ck_assert_ptr_null(weir_port_enter(numbers(g), NULL));
}

static void leave_root(weir_graph *g)
{
    ck_assert_ptr_null(weir_port_leave(numbers(g)));
}

static void loop_without_step(weir_graph *g)
{
    ck_assert_ptr_null(weir_feedback_add(g, NULL, number_type(), 0));
}

static void loop_without_type(weir_graph *g)
{
    ck_assert_ptr_null(weir_feedback_add(g, NULL, NULL, 1));
}

static void loop_open(weir_graph *g)
{
    weir_feedback_add(g, NULL, number_type(), 1);
}

static void loop_of_other_records(weir_graph *g)
{
    weir_feedback_connect(weir_feedback_add(g, NULL, number_type(), 1), others(g));
}

static void loop_of_other_scope(weir_graph *g)
{
    weir_scope *inside = weir_scope_add(g, NULL, "inside");
    weir_feedback_connect(weir_feedback_add(g, inside, number_type(), 1), numbers(g));
}

static void loop_twice(weir_graph *g)
{
    weir_feedback *back = weir_feedback_add(g, NULL, number_type(), 1);
    weir_port *in = weir_input_add(g, number, &input, .name = "numbers", .manual = true).port;
    weir_feedback_connect(back, in);
    weir_feedback_connect(back, in);
}

/* The inner coordinate is dropped on the way, and with it the step of the feedback. */
static void loop_that_stands_still(weir_graph *g)
{
    weir_scope *inside = weir_scope_add(g, NULL, "inside");
    weir_feedback *back = weir_feedback_add(g, inside, number_type(), 1);
    weir_feedback_connect(back, weir_port_enter(weir_port_leave(weir_feedback_port(back)), inside));
}

/* ---- the whole ---- */

static void one_name_twice(weir_graph *g)
{
    numbers(g);
    numbers(g);
}

static void manual_meets_clock(weir_graph *g)
{
    weir_port *two[2] = { weir_input_add(g, number, &input, .name = "m", .manual = true).port,
                          numbers(g) };
    sink(weir_port_concat(two, 2), &(weir_node_input){ .type = number_type() });
}

static void first_error(weir_graph *g)
{
    weir_graph_fail(g, WEIR_DENIED, "me", "ask again", "%s today", "not");
    weir_graph_fail(g, WEIR_GONE, "you", NULL, "never");
    ck_assert(weir_graph_failed(g));
    ck_assert_ptr_null(source(g, NULL, 1));
    ck_assert_ptr_null(stage(NULL, (weir_stage_spec){ .map = no_map }));
    ck_assert_ptr_null(weir_probe_add(NULL, NULL));
    /* a stream of a call that failed is taken everywhere, and does nothing */
    ck_assert_ptr_null(weir_node_output_port(NULL, 0));
    ck_assert_str_eq(weir_node_name(NULL), "?");
    ck_assert_str_eq(weir_port_name(NULL), "?");
    ck_assert_ptr_null(weir_port_graph(NULL));
    ck_assert_ptr_null(weir_port_type(NULL));
    ck_assert(!weir_port_is_collection(NULL));
    ck_assert_uint_eq(weir_port_unique_key(NULL)->count, 0);
    ck_assert_uint_eq(weir_port_depth(NULL), 1);
    ck_assert_ptr_null(weir_port_set_name(NULL, "x"));
    ck_assert_ptr_null(weir_port_by_key(NULL, NULL));
    ck_assert_ptr_null(weir_port_by_function(NULL, NULL, NULL));
    ck_assert_ptr_null(weir_port_to_all(NULL));
    ck_assert_ptr_null(weir_port_with_key(NULL, NULL));
    ck_assert_ptr_null(weir_port_enter(NULL, NULL));
    ck_assert_ptr_null(weir_port_leave(NULL));
    ck_assert_ptr_null(weir_feedback_port(NULL));
    weir_feedback_connect(NULL, NULL);
}

typedef struct refusal {
    void (*build)(weir_graph *g);
    weir_status status;
    const char *what, *where; /* the operator's name; NULL: none */
} refusal;

#define INCOMPLETE "the description of a node is not complete"
#define OTHER_DEPTH \
    "the summary from input 0 to output 0 is not of times with 1 coordinates"
#define BY_FUNCTION "a function that names a worker is for plain streams"
static const refusal refusals[] = {
    { node_incomplete, WEIR_INVALID, INCOMPLETE, "node" },
    { node_without_inputs, WEIR_INVALID, INCOMPLETE, "node" },
    { node_without_outputs, WEIR_INVALID, INCOMPLETE, "node" },
    { node_of_an_older_caller, WEIR_INVALID, INCOMPLETE, "node" },
    { node_without_stream, WEIR_INVALID, "input 0 has no stream", "node" },
    { node_of_other_depth, WEIR_INVALID, OTHER_DEPTH, "node" },
    { node_that_keeps_too_much, WEIR_INVALID, OTHER_DEPTH, "node" },
    { node_other_record, WEIR_TYPE_MISMATCH, "input 0 takes 'number', the stream carries 'other'",
      "node" },
    { node_without_type, WEIR_INVALID, "no record type", "node" },
    { node_unsound_type, WEIR_INVALID, "record 'number': has_strings must be false", "node" },
    { node_of_a_collection, WEIR_TYPE_MISMATCH,
      "input 0 does not take the changes of a collection", "node" },
    { node_unknown_key, WEIR_TYPE_MISMATCH, "a key names fields that 'number' does not have",
      "node" },
    { node_long_key, WEIR_TYPE_MISMATCH, "a key names fields that 'number' does not have",
      "node" },
    { node_without_function, WEIR_TYPE_MISMATCH, BY_FUNCTION ", and must be given", "node" },
    { node_changes_by_function, WEIR_TYPE_MISMATCH, BY_FUNCTION ", and must be given", "node" },
    { node_combines_without_key, WEIR_INVALID,
      "input 0 combines records, but has no key to do it by, or takes no diffs", "node" },
    { node_combines_without_diffs, WEIR_INVALID,
      "input 0 combines records, but has no key to do it by, or takes no diffs", "node" },
    { node_of_two_scopes, WEIR_INVALID, "its inputs are in different scopes", "node" },
    { stage_without_function, WEIR_INVALID, "a stage with 0 functions", "stage" },
    { stage_of_two_functions, WEIR_INVALID, "a stage with 2 functions", "stage" },
    { stage_without_type, WEIR_INVALID, "no record type", "stage" },
    { stage_other_record, WEIR_TYPE_MISMATCH,
      "the stream carries 'other', the function takes 'number'", "stage" },
    { filter_to_other, WEIR_TYPE_MISMATCH, "a stage cannot make 'other' of 'number'", "stage" },
    { negate_plain, WEIR_TYPE_MISMATCH, "only a collection can be negated", "stage" },
    { name_of_two, WEIR_INVALID, "a name needs a stream that comes out of one operator",
      "numbers" },
    { empty_name, WEIR_INVALID, "a name needs a stream that comes out of one operator",
      "numbers" },
    { concat_unlike, WEIR_TYPE_MISMATCH,
      "concat of 'number' and 'other': their records or scopes differ", "others" },
    { concat_of_two_scopes, WEIR_TYPE_MISMATCH,
      "concat of 'number' and 'number': their records or scopes differ", "numbers" },
    { changes_by_function, WEIR_TYPE_MISMATCH, BY_FUNCTION " only", "changes" },
    { by_unknown_key, WEIR_TYPE_MISMATCH, "a key names fields that 'number' does not have",
      "numbers" },
    { with_unknown_key, WEIR_TYPE_MISMATCH, "a key names fields that 'number' does not have",
      "changes" },
    { by_no_function, WEIR_INVALID, "there is no function that names a worker", "numbers" },
    { scopes_too_deep, WEIR_TOO_LARGE, "times have at most 4 coordinates", "deepest" },
    { enter_inner, WEIR_INVALID, "the stream is not in the scope around 'inner'", "numbers" },
    { enter_nothing, WEIR_INVALID, "the stream is not in the scope around '(none)'", "numbers" },
    { leave_root, WEIR_INVALID, "a stream of the root scope cannot leave it", "numbers" },
    { loop_without_step, WEIR_INVALID, "a loop must advance time", "feedback" },
    { loop_without_type, WEIR_INVALID, "no record type", "feedback" },
    { loop_open, WEIR_INVALID, "a feedback was never connected", "pass-1" },
    { loop_of_other_records, WEIR_TYPE_MISMATCH,
      "the feedback of 'pass-1' does not take this stream", "others" },
    { loop_of_other_scope, WEIR_TYPE_MISMATCH,
      "the feedback of 'pass-1' does not take this stream", "numbers" },
    { loop_twice, WEIR_TYPE_MISMATCH, "the feedback of 'pass-1' does not take this stream",
      "numbers" },
    { one_name_twice, WEIR_EXISTS, "two operators are called 'numbers'", "numbers" },
    { manual_meets_clock, WEIR_INVALID,
      "a manual input meets a source that follows the epoch clock", "node" },
    { first_error, WEIR_DENIED, "not today", "me" },
};

static void build_one(weir_graph *g, void *ctx)
{
    ((const refusal *)ctx)->build(g);
}

START_TEST(graphs_are_refused)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        weir_error error = { 0 };
        char where[100];
        snprintf(where, sizeof where, "in operator '%s'", r->where);
        weir_status status = weir_run(NULL, build_one, (void *)(uintptr_t)r, &error);
        ck_assert_str_eq(error.what, r->what);
        ck_assert_int_eq(status, r->status);
        ck_assert_int_eq(error.status, r->status);
        ck_assert_str_eq(error.detail, where);
    }
}
END_TEST

START_TEST(cycles_are_refused)
{
    const refusal still = { loop_that_stands_still, WEIR_INVALID, NULL, NULL };
    weir_error error = { 0 };
    ck_assert_int_eq(weir_run(NULL, build_one, (void *)(uintptr_t)&still, &error), WEIR_INVALID);
    ck_assert_str_eq(error.what, "a cycle does not advance time");
    ck_assert_str_eq(error.detail, "pass-1 -> pass-1 -> pass-1");
    ck_assert_str_eq(error.hint,
                     "close it by a feedback edge in the innermost scope that holds all of it");
}
END_TEST

/* ---- streams of another graph ---- */

static weir_port *kept;

static void keep_stream(weir_graph *g, void *ctx)
{
    (void)ctx;
    kept = numbers(g);
}

static void sink_of_kept(weir_graph *g)
{
    weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "node", .input_count = 1,
        .inputs = &(weir_node_input){ .type = number_type() }, .step = no_step }, &kept);
}

static void concat_of_kept(weir_graph *g)
{
    weir_port *two[2] = { numbers(g), kept };
    ck_assert_ptr_null(weir_port_concat(two, 2));
}

static void loop_of_kept(weir_graph *g)
{
    weir_feedback_connect(weir_feedback_add(g, NULL, number_type(), 1), kept);
}

START_TEST(streams_of_other_graphs_are_refused)
{
    const refusal cases[] = {
        { sink_of_kept, WEIR_INVALID, NULL, "node" },
        { concat_of_kept, WEIR_INVALID, NULL, "concat" },
        { loop_of_kept, WEIR_INVALID, NULL, "pass-1" },
    };
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, "first", keep_stream, NULL, NULL), WEIR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_error error = { 0 };
        char where[100];
        snprintf(where, sizeof where, "in operator '%s'", cases[i].where);
        ck_assert_int_eq(weir_runtime_build(runtime, "second", build_one,
                                            (void *)(uintptr_t)&cases[i], &error), WEIR_INVALID);
        ck_assert_str_eq(error.what, "the stream belongs to another graph");
        ck_assert_str_eq(error.detail, where);
        ck_assert_str_eq(error.hint, "give each graph streams of its own");
    }
    weir_runtime_destroy(runtime);
}
END_TEST

/* ---- what is not refused ---- */

/* Steps of loops are not added up while building. What is sent along an edge on which its time
 * would overflow goes nowhere. */
static void steps_too_large(weir_graph *g)
{
    weir_port *port = weir_input_add(g, number, &input, .manual = true).port;
    weir_feedback *loops[2];
    for (int i = 0; i < 2; i++) {
        loops[i] = weir_feedback_add(g, NULL, number_type(), UINT64_MAX);
        weir_feedback_connect(loops[i], port);
        port = weir_feedback_port(loops[i]);
    }
}

static void leave_at_once(weir_worker *worker, void *ctx)
{
    (void)worker;
    (void)ctx;
}

static void nothing(weir_graph *g)
{
    (void)g;
}

START_TEST(odd_graphs_run)
{
    const refusal large = { .build = steps_too_large }, empty = { .build = nothing };
    weir_config config = { .struct_size = sizeof config, .worker_main = leave_at_once };
    ck_assert_int_eq(weir_run(&config, build_one, (void *)(uintptr_t)&large, NULL), WEIR_OK);
    ck_assert_int_eq(weir_run(NULL, build_one, (void *)(uintptr_t)&empty, NULL), WEIR_OK);
}
END_TEST

/* A function used several times makes stages that can be told apart; operators without a name are
 * numbered by kind. */
static number same(const number *n) { return *n; }
WEIR_MAP(same, number, number)

static void names(weir_graph *g)
{
    weir_stream(number) a = { .port = numbers(g) };
    weir_port *b = weir_port_to_all(weir_map(weir_map(weir_map(a, same), same), same).port);
    weir_port_set_name(weir_map(a, same).port, "same-2");
    for (int i = 1; i <= 2; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "node-%d", i);
        weir_node *node = weir_node_add(g, &(weir_node_spec){
            .struct_size = sizeof(weir_node_spec), .kind = "node", .input_count = 1,
            .inputs = &(weir_node_input){ .type = number_type() }, .step = no_step }, &b);
        ck_assert_str_eq(weir_node_name(node), expected);
    }
}

static void on_stage(const weir_stage_info *info, void *ctx)
{
    char *text = ctx;
    size_t used = strlen(text);
    snprintf(text + used, 200 - used, "%s ", info->name);
}

START_TEST(names_are_numbered)
{
    const refusal r = { .build = names };
    weir_runtime *runtime = weir_runtime_create(NULL, NULL);
    ck_assert_int_eq(weir_runtime_build(runtime, NULL, build_one, (void *)(uintptr_t)&r, NULL),
                     WEIR_OK);
    weir_worker *worker = weir_runtime_take_worker(runtime, 0, NULL);
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    char found[200] = "";
    weir_worker_step(worker);
    weir_observe(worker, &(weir_observer){ .stage = on_stage, .ctx = found });
    ck_assert_str_eq(found, "same same-3 same-4 same-2 ");
    weir_runtime_destroy(runtime);
}
END_TEST

/* ---- options of a program ---- */

typedef struct option_refusal {
    void (*build)(weir_graph *g);
    weir_setting setting;
    weir_status status;
    const char *what, *hint;
} option_refusal;

static void option_i64(weir_graph *g)
{
    ck_assert_int_eq(weir_option_i64(g, "n", 7, "a number"), 7);
}

static void option_f64(weir_graph *g)
{
    ck_assert(weir_option_f64(g, "n", 0.5, "a number") == 0.5);
}

static void option_flag(weir_graph *g)
{
    ck_assert(!weir_option_flag(g, "n", "yes or no"));
}

static void option_twice(weir_graph *g)
{
    weir_option_str(g, "n", "x", "a text");
    weir_option_str(g, "n", "x", "the same again");
    ck_assert(!weir_graph_failed(g));
    weir_option_i64(g, "n", 1, "a number");
}

#define WHOLE "give a whole number"
static const option_refusal option_refusals[] = {
    { option_i64, { "n", "ten", "--n" }, WEIR_INVALID, "--n: 'ten' cannot be read", WHOLE },
    { option_i64, { "n", "", "--n" }, WEIR_INVALID, "--n: '' cannot be read", WHOLE },
    { option_i64, { "n", "1.5", NULL }, WEIR_INVALID, "n: '1.5' cannot be read", WHOLE },
    { option_i64, { "n", "9223372036854775808", "WEIR_N" }, WEIR_INVALID,
      "WEIR_N: '9223372036854775808' cannot be read", WHOLE },
    { option_f64, { "n", "1.5x", "--n" }, WEIR_INVALID, "--n: '1.5x' cannot be read",
      "give a number" },
    { option_f64, { "n", "", "--n" }, WEIR_INVALID, "--n: '' cannot be read", "give a number" },
    { option_flag, { "n", "maybe", "--n" }, WEIR_INVALID, "--n: 'maybe' cannot be read",
      "give true or false" },
    { option_twice, { "m", "", NULL }, WEIR_EXISTS, "option 'n' is declared as text and as number",
      "give the two options two names" },
};

static void build_option(weir_graph *g, void *ctx)
{
    ((const option_refusal *)ctx)->build(g);
}

START_TEST(options_are_refused)
{
    for (size_t i = 0; i < sizeof option_refusals / sizeof *option_refusals; i++) {
        const option_refusal *r = &option_refusals[i];
        weir_error error = { 0 };
        weir_config config = { .struct_size = sizeof config, .settings = &r->setting,
                               .setting_count = 1 };
        ck_assert_int_eq(weir_run(&config, build_option, (void *)(uintptr_t)r, &error), r->status);
        ck_assert_str_eq(error.what, r->what);
        ck_assert_str_eq(error.hint, r->hint);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("graph_refusals", (const TTest *const[]){
        graphs_are_refused, cycles_are_refused, streams_of_other_graphs_are_refused,
        odd_graphs_run, names_are_numbered, options_are_refused, NULL }));
}
