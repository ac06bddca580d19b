/* SPDX-License-Identifier: Apache-2.0
 *
 * arrange: one arrangement for one stream, key and order; entering of scopes; refusals; overflow.
 */
#include <weir/operators/arrange.h>

#include <stdio.h>
#include <string.h>
#include <weir/observe.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define EDGE(F) F(u64, from) F(u64, to) F(str, name)
WEIR_RECORD(edge, EDGE)

static void push(weir_test *t, uint64_t from, uint64_t to, uint64_t epoch, int64_t diff)
{
    weir_test_push(t, 0, edge, epoch, diff, { from, to, weir_str_of("odd") });
}

/* ---- sharing ---- */

static void build_key_told_late(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_arranged(edge) early = weir_arrange(edges, WEIR_KEY(edge, from));
    ck_assert_uint_eq(weir_arrangement_unique_key(early.arrangement)->count, 0);
    edges.port = weir_port_with_key(edges.port, &(weir_key){ .count = 1 });
    weir_arranged(edge) late = weir_arrange(edges, WEIR_KEY(edge, from));
    ck_assert_uint_eq(weir_arrangement_unique_key(late.arrangement)->count, 1);
    weir_test_output(weir_arranged_collection(late));
}

/* One arrangement serves two that know differently much of its stream: the more is true of both. */
START_TEST(a_key_that_is_told_late)
{
    weir_test *t = weir_test_create(build_key_told_late, NULL);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

static void build_shared(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *scope = weir_scope_add(g, NULL, "scope");
    weir_scope *inner = weir_scope_add(g, scope, "inner");
    weir_stream(edge) edges = weir_test_collection(g, edge), other = weir_test_collection(g, edge);
    weir_arranged(edge) by_from = weir_arrange(edges, WEIR_KEY(edge, from));
    ck_assert_ptr_nonnull(by_from.arrangement);
    ck_assert_ptr_eq(weir_arrange(edges, WEIR_KEY(edge, from)).arrangement, by_from.arrangement);
    ck_assert_ptr_eq(weir_arrange(weir_as_collection(edges), WEIR_KEY(edge, from)).arrangement,
                     by_from.arrangement);
    ck_assert_ptr_ne(weir_arrange(edges, WEIR_KEY(edge, to)).arrangement, by_from.arrangement);
    ck_assert_ptr_ne(weir_arrange(other, WEIR_KEY(edge, from)).arrangement, by_from.arrangement);
    weir_arranged(edge) down = weir_arrange(edges, WEIR_KEY(edge, from),
                                            .order = WEIR_DESC(edge, to));
    ck_assert_ptr_ne(down.arrangement, by_from.arrangement);
    weir_arranged(edge) up = weir_arrange(edges, WEIR_KEY(edge, from), .order = WEIR_ASC(edge, to));
    ck_assert_ptr_ne(up.arrangement, by_from.arrangement);
    ck_assert_ptr_ne(up.arrangement, down.arrangement);
    ck_assert_ptr_eq(
        weir_arrange(edges, WEIR_KEY(edge, from), .order = WEIR_DESC(edge, to)).arrangement,
        down.arrangement);
    ck_assert_ptr_eq(weir_arrange_by_self(edges).arrangement,
                     weir_arrange(edges, WEIR_KEY(edge, from, to, name)).arrangement);
    /* what only enters is arranged outside */
    weir_arranged(edge) entered =
        weir_arrange(weir_enter(weir_enter(edges, scope), inner), WEIR_KEY(edge, from));
    weir_arranged(edge) by_hand = weir_arranged_enter(weir_arranged_enter(by_from, scope), inner);
    ck_assert_ptr_eq(entered.arrangement, by_hand.arrangement);
    ck_assert_uint_eq(weir_arrangement_depth(entered.arrangement), 3);
    ck_assert_uint_eq(weir_arrangement_depth(by_from.arrangement), 1);
    ck_assert_str_eq(weir_port_name(weir_arrangement_port(entered.arrangement)), "arrange-1");
    /* what is filtered inside is not what is outside */
    weir_stream(edge) negated = weir_negate(weir_enter(edges, scope));
    weir_arranged(edge) inside = weir_arrange(negated, WEIR_KEY(edge, from));
    ck_assert_str_ne(weir_port_name(weir_arrangement_port(inside.arrangement)), "arrange-1");
    ck_assert_ptr_eq(weir_arrangement_type(entered.arrangement), edge_type());
    ck_assert_uint_eq(weir_arrangement_key(entered.arrangement)->field[0], 0);
    weir_test_output(weir_arranged_collection(entered));
    weir_test_output(weir_arranged_collection(inside));
}

START_TEST(shared)
{
    weir_test *t = weir_test_create(build_shared, NULL, .workers = 2);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_OK);
    push(t, 1, 1, 3, 2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 1, name: \"odd\") @(3, 0, 0) +2\n");
    ck_assert_str_eq(weir_test_take(t, 1), "(from: 1, to: 1, name: \"odd\") @(3, 0) -2\n");
    weir_test_destroy(t);
}
END_TEST

static void build_region(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *region = weir_region_add(g, NULL, "region");
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_stream(edge) inside = weir_negate(weir_enter(edges, region));
    weir_arranged(edge) by_from = weir_arrange(inside, WEIR_KEY(edge, from));
    weir_arranged(edge) outside = weir_arranged_leave(by_from);
    ck_assert_ptr_null(weir_port_scope(weir_arrangement_port(outside.arrangement)));
    ck_assert_ptr_eq(weir_arranged_leave(by_from).arrangement, outside.arrangement);
    ck_assert_str_eq(weir_port_name(weir_arrangement_port(outside.arrangement)),
                     weir_port_name(weir_arrangement_port(by_from.arrangement)));
    weir_test_output(weir_arranged_collection(outside));
    weir_test_output(weir_min(weir_arranged_collection(outside), edge, WEIR_KEY(edge, from, to),
                              name));
}

START_TEST(leaving_a_region)
{
    weir_test *t = weir_test_create(build_region, NULL, .workers = 2);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_OK);
    push(t, 1, 1, 3, -2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 1, name: \"odd\") @3 +2\n");
    ck_assert_str_eq(weir_test_take(t, 1), "(from: 1, to: 1, name: \"odd\") @3 +1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

enum { PLAIN, KEY, ORDER, FIELD, TWICE, SCOPE, ROOT, ANOTHER };

static void build_refused(weir_graph *g, void *ctx)
{
    weir_stream(edge) edges = weir_test_collection(g, edge);
    const char *none[] = { "nothing", NULL };
    struct weir_arrange_options options = { .struct_size = sizeof options };
    weir_arrange_spec spec = { .struct_size = sizeof spec, .key = { .count = 1 } };
    weir_arrangement *a = NULL;
    switch (*(int *)ctx) {
    case PLAIN:
        edges = weir_test_input(g, edge);
        a = weir_arrange(edges, WEIR_KEY(edge, from), .name = "mine").arrangement;
        break;
    case KEY:
        a = weir__arrange(edges.port, none, &options);
        break;
    case ORDER:
        options.order = (weir_order){ .type = edge_type(), .count = 1, .field = { "nothing" } };
        a = weir__arrange(edges.port, NULL, &options);
        break;
    case FIELD:
        spec.key.field[0] = 3;
        a = weir_arrange_erased(edges.port, &spec);
        break;
    case TWICE:
        spec.key = (weir_key){ .count = 2, .field = { 1, 1 } };
        a = weir_arrange_erased(edges.port, &spec);
        break;
    case SCOPE:
        edges = weir_negate(weir_enter(edges, weir_scope_add(g, NULL, "rounds")));
        a = weir_arranged_leave(weir_arrange(edges, WEIR_KEY(edge, from))).arrangement;
        break;
    case ROOT:
        a = weir_arranged_leave(weir_arrange(edges, WEIR_KEY(edge, from))).arrangement;
        break;
    default:
        weir_graph_fail(g, WEIR_INVALID, NULL, NULL, "an error before");
        a = weir_arrange(edges, WEIR_KEY(edge, from)).arrangement;
        break;
    }
    ck_assert_ptr_null(a);
    ck_assert_ptr_null(weir_arrangement_enter(a, weir_scope_add(g, NULL, "scope")));
    ck_assert_ptr_null(weir_arrangement_collection(a));
    ck_assert_ptr_null(weir_arrangement_port(a));
    ck_assert_uint_eq(weir_arrangement_key(a)->count, 0);
}

static const struct {
    weir_status status;
    const char *what;
} refusals[] = {
    [PLAIN] = { WEIR_TYPE_MISMATCH, "collections are arranged, and this is a plain stream" },
    [KEY] = { WEIR_TYPE_MISMATCH, "nothing" },
    [ORDER] = { WEIR_TYPE_MISMATCH, "nothing" },
    [FIELD] = { WEIR_TYPE_MISMATCH, "an arrangement names fields that 'edge' does not have" },
    [TWICE] = { WEIR_INVALID, "cannot be arranged" },
    [SCOPE] = { WEIR_INVALID, "an arrangement leaves regions" },
    [ROOT] = { WEIR_INVALID, "a stream of the root scope cannot leave it" },
    [ANOTHER] = { WEIR_INVALID, "an error before" },
};

START_TEST(refused)
{
    for (int which = PLAIN; which <= ANOTHER; which++) {
        weir_test *t = weir_test_create(build_refused, &which);
        const weir_error *error = weir_test_error(t);
        ck_assert_int_eq(error->status, refusals[which].status);
        ck_assert_msg(strstr(error->what, refusals[which].what), "%s", error->what);
        weir_test_destroy(t);
    }
}
END_TEST

static void build_one(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_test_output(weir_arranged_collection(weir_arrange_by_self(edges)));
}

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build_one, NULL);
    push(t, 1, 1, 1, INT64_MAX);
    push(t, 1, 1, 1, 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_msg(strstr(weir_test_error(t)->what, "add up to more"), "%s",
                  weir_test_error(t)->what);
    weir_test_destroy(t);
}
END_TEST

/* A run is what is summed: where much comes of one epoch, a sum must not leave the range in a part
 * of it. */
START_TEST(overflow_in_a_part)
{
    enum { RUN = 128 << 10 }; /* the least that has to come before a run leaves early */
    for (unsigned others = 0; others <= RUN; others += RUN) {
        weir_test *t =
            weir_test_create(build_one, NULL, .no_delays = true, .budget_bytes = 1 << 20);
        push(t, 1, 1, 1, INT64_MAX);
        push(t, 1, 1, 1, 1);
        for (unsigned i = 0; i < others; i++)
            push(t, 2, i, 1, 1);
        push(t, 1, 1, 1, -1);
        ck_assert_int_eq(weir_test_finish(t), others ? WEIR_OVERFLOWED : WEIR_OK);
        if (others == 0)
            ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 1, name: \"odd\") @1 "
                                                   "+9223372036854775807\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- what is under way ---- */

enum { BUDGET = 4 << 20, NUMBERS = 400000, PATIENCE = 1000 };

typedef struct lane {
    weir_trace_reader *reader;
    uint64_t sent, next;
} lane;

static weir_arrangement *numbers;
static uint64_t most_undelivered, delivered_updates, turns;

static weir_status sends_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(lane));
    return WEIR_OK;
}

static void sends(weir_step *step, void *state)
{
    lane *l = state;
    while (l->sent < NUMBERS && !weir_step_full(step)) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        weir_out(edge) out = { weir_step_output(step, 0, &(weir_time){ { 0 } }) };
        for (int i = 0; i < 100; i++, l->sent++)
            edge_emit(out, (edge){ l->sent, weir_step_worker(step), weir_str_of("x") });
    }
    if (l->sent >= NUMBERS)
        weir_step_finish(step);
}

static weir_status slow_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    lane *l = calloc(1, sizeof *l);
    l->reader = weir_trace_reader_open(weir_arrangement_trace(numbers, step),
                                       &(weir_trace_reader_spec){ .owner = "slow" });
    weir_trace_reader_advance(l->reader, &(weir_frontier){ .depth = 1 });
    *state = l;
    return WEIR_OK;
}

/* Takes a run in so many turns. */
static void slow(weir_step *step, void *state)
{
    lane *l = state;
    weir_trace_info info;
    weir_trace *trace = weir_trace_reader_trace(l->reader);
    weir_trace_get_info(trace, &info);
    if (info.undelivered_bytes > most_undelivered)
        most_undelivered = info.undelivered_bytes;
    if (turns >= l->next) {
        l->next = turns + PATIENCE;
        const weir_batch *batch = weir_step_take(step, 0);
        for (size_t i = 0; batch && i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            delivered_updates +=
                weir_trace_run_updates(weir_trace_reader_deliver(l->reader, ref->number));
        }
        (void)weir_trace_work(trace, 0);
    }
    if (weir_step_waiting(step, 0) > 0)
        weir_step_again(step);
}

static void slow_fini(void *state)
{
    lane *l = state;
    weir_trace_reader_close(l->reader);
    free(l);
}

static void build_slow(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_node_output output = { .type = edge_type() };
    weir_node *source = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "sends", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .at_start = true, .init = sends_init,
        .step = sends, .fini = free }, NULL);
    weir_arrange_spec by = { .struct_size = sizeof by, .key = { .count = 1 } };
    numbers = weir_arrange_erased(weir_port_as_collection(weir_node_output_port(source, 0)), &by);
    weir_port *runs = weir_arrangement_port(numbers);
    weir_node_input input = { .type = weir_run_ref_type() };
    weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "slow", .input_count = 1,
        .inputs = &input, .init = slow_init, .step = slow, .fini = slow_fini }, &runs);
}

/* Runs that a reader has not taken are as good as batches: sources wait, on every worker. */
START_TEST(undelivered_runs_are_under_way)
{
    weir_test *t = weir_test_create(build_slow, NULL, .workers = 2, .budget_bytes = BUDGET);
    weir_process_info info;
    most_undelivered = delivered_updates = turns = 0;
    /* so slow that one call of the harness is not enough */
    for (; turns < 100000 && !weir_test_is_complete(t); turns++)
        for (unsigned w = 0; w < 2; w++)
            (void)weir_worker_step(weir_test_worker(t, w));
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(delivered_updates, 2 * NUMBERS);
    ck_assert_uint_gt(most_undelivered, 256 << 10);  /* runs are under way from there on */
    ck_assert_uint_lt(most_undelivered, 2 * BUDGET); /* of 2 * 400000 * 33 bytes */
    weir_observe_process(weir_test_runtime(t), &info);
    ck_assert_uint_eq(info.in_flight_bytes, 0);
    weir_test_destroy(t);
}
END_TEST

/* ---- many open times ---- */

enum { OPEN = 2000 };

/* Epochs that are complete in an order, each alone, whatever order they came in. */
START_TEST(many_open_epochs)
{
    weir_test *t = weir_test_create(build_one, NULL, .workers = 2);
    for (uint64_t i = 0; i < OPEN; i++)
        push(t, i, i, 1 + i * 7 % OPEN, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "");
    for (uint64_t epoch = 1; epoch <= OPEN; epoch++) {
        weir_test_advance(t, 0, epoch + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 1);
        ck_assert_uint_eq(weir_test_at(t, 0, 0).time.at[0], epoch);
        (void)weir_test_take(t, 0);
        if (epoch % 3 == 0)
            push(t, epoch, epoch, OPEN + epoch, 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), OPEN / 3);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        shared,   leaving_a_region,   a_key_that_is_told_late, refused,
        overflow, overflow_in_a_part, many_open_epochs,        undelivered_runs_are_under_way,
        NULL
    };
    return test_run(test_suite("arrange", tests));
}
