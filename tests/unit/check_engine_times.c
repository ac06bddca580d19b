/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches whose records have times of their own, through stages, exchanges, scopes, loops and
 * operators; and nodes that change times: summaries.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "dataflow/instance.h"
#include "support.h"

#define ITEM(F) F(u64, id) F(u64, epoch) F(str, name)
WEIR_RECORD(item, ITEM)

enum { COUNT = 200 };

static const char names[] = "a text that begins with names of many lengths, some long";

/* What the source sends: record i has the time (1 + i % 7) and the diff i % 5 - 2. */
static item record(uint64_t i)
{
    return (item){ i, 1 + i % 7, weir_str_view(names, i % 40) };
}

static int64_t diff_of(uint64_t i) { return (int64_t)(i % 5) - 2; }

/* A batch as an operator makes it that keeps what comes of several epochs together. */
static weir_batch *make_batch(const weir_step *step, uint64_t first, uint64_t end)
{
    weir__pool *pool = step->context->pool;
    weir_batch *batch = weir__batch_create(item_type(), 1);
    batch->count = end - first;
    batch->time = weir_time_1(1);
    batch->record_buffer = weir__pool_get(pool, batch->count * sizeof(item));
    batch->time_buffer = weir__pool_get(pool, batch->count * sizeof(uint64_t));
    batch->diff_buffer = weir__pool_get(pool, batch->count * sizeof(int64_t));
    item *records = weir__buffer_data(batch->record_buffer);
    uint64_t *times = weir__buffer_data(batch->time_buffer);
    int64_t *diffs = weir__buffer_data(batch->diff_buffer);
    for (uint64_t i = first; i < end; i++) {
        records[i - first] = record(i);
        times[i - first] = 1 + i % 7;
        diffs[i - first] = diff_of(i);
    }
    batch->records = records;
    batch->times = times;
    batch->diffs = diffs;
    weir__batch_charge(batch);
    return batch;
}

static void source_step(weir_step *step, void *state)
{
    (void)state;
    if (!weir_cap_held(step, 0))
        return;
    unsigned self = weir_step_worker(step), workers = weir_step_workers(step);
    for (uint64_t part = self; part < 10; part += workers) {
        weir_batch *batch = make_batch(step, part * COUNT / 10, (part + 1) * COUNT / 10);
        weir_step_send(step, 0, batch, NULL);
        weir_batch_release(batch);
    }
    weir_cap_drop(step, 0);
}

static weir_stream(item) source(weir_graph *g)
{
    weir_node_output output = { .type = item_type(), .collection = true };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "source", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .step = source_step }, NULL);
    return (weir_stream(item)){ .port = weir_node_output_port(node, 0) };
}

/* ---- through everything ---- */

static item later(const item *i) { return (item){ i->id, i->epoch + 10, i->name }; }
WEIR_MAP(later, item, item)
static bool is_even(const item *i) { return i->id % 2 == 0; }
WEIR_FILTER(is_even, item)
static void twice(const item *i, weir_out(item) out)
{
    item_emit(out, *i);
    item_emit(out, (item){ i->id + COUNT, i->epoch, weir_str_copy(out, i->name) });
}
WEIR_FLAT_MAP(twice, item, item)
static uint64_t third(const item *i) { return i->id % 3; }
WEIR_ROUTE(third, item)

enum { PLAIN, MAPPED, FILTERED, TWICE, BY_ID, BY_NAME, NEGATED, THIRD, ALL, INSIDE, OUTSIDE,
       OUTPUTS };

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) s = source(g), out[OUTPUTS] = { [PLAIN] = s }, parts[3];
    out[MAPPED] = weir_map(s, later);
    out[FILTERED] = weir_filter(weir_exchange(s, WEIR_KEY(item, id)), is_even);
    out[TWICE] = weir_flat_map(s, twice);
    out[BY_ID] = weir_exchange(s, WEIR_KEY(item, id));
    out[BY_NAME] = weir_exchange(weir_exchange(s, WEIR_KEY(item, id)), WEIR_KEY(item, name));
    out[NEGATED] = weir_negate(s);
    weir_partition(s, third, parts, 3);
    out[THIRD] = parts[1];
    out[ALL] = weir_broadcast(s);
    weir_stream(item) in = s;
    weir_scope *first = weir_scope_add(g, NULL, "first");
    in.port = weir_port_enter(weir_port_enter(in.port, first),
                              weir_scope_add(g, first, "second"));
    out[INSIDE] = weir_exchange(in, WEIR_KEY(item, name));
    out[OUTSIDE].port = weir_port_leave(weir_port_leave(weir_map(out[INSIDE], later).port));
    for (unsigned o = 0; o < OUTPUTS; o++)
        weir_test_output(out[o]);
}

/* The output has exactly these ids, with their diffs (times a sign), names and times. */
static void ck_output(weir_test *t, unsigned o, uint64_t expected)
{
    uint64_t sum = 0;
    ck_assert_uint_eq(weir_test_count(t, o), expected);
    for (size_t k = 0; k < expected; k++) {
        weir_test_change c = weir_test_at(t, o, k);
        const item *r = c.record;
        uint64_t id = r->id % COUNT;
        item original = record(id);
        ck_assert_uint_eq(c.time.at[0], original.epoch);
        ck_assert_uint_eq(c.time.at[1], 0);
        ck_assert_uint_eq(r->epoch, original.epoch + (o == MAPPED || o == OUTSIDE ? 10 : 0));
        ck_assert_int_eq(c.diff, o == NEGATED ? -diff_of(id) : diff_of(id));
        ck_assert(weir_str_equal(&r->name, &original.name));
        ck_assert(o != FILTERED || id % 2 == 0);
        ck_assert(o != THIRD || id % 3 == 1);
        sum += id;
    }
    if (expected % COUNT == 0)
        ck_assert_uint_eq(sum, (uint64_t)COUNT * (COUNT - 1) / 2 * (expected / COUNT));
}

START_TEST(times_stay_with_their_records)
{
    for (unsigned workers = 1; workers <= 4; workers++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            weir_test *t = weir_test_create(build, NULL, .workers = workers, .seed = seed,
                                            .batch_bytes = seed == 3 ? 300 : 0);
            ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
            for (unsigned o = 0; o < OUTPUTS; o++)
                ck_output(t, o, o == FILTERED ? COUNT / 2 : o == TWICE ? 2 * COUNT
                                : o == THIRD  ? 67
                                : o == ALL    ? workers * COUNT : COUNT);
            weir_test_destroy(t);
        }
}
END_TEST

/* ---- round a loop ---- */

static item older(const item *i) { return (item){ i->id, i->epoch - 1, i->name }; }
WEIR_MAP(older, item, item)
static bool is_young(const item *i) { return i->epoch > 0; }
WEIR_FILTER(is_young, item)

/* A record of epoch e goes round e times, each time one further in the inner coordinate. */
static void build_loop(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *scope = weir_scope_add(g, NULL, "loop");
    weir_feedback *back = weir_feedback_add(g, scope, item_type(), 3);
    weir_stream(item) in = source(g), again = { .port = weir_feedback_port(back) };
    in.port = weir_port_enter(in.port, scope);
    weir_stream(item) next = weir_map(weir_filter(weir_concat(in, again), is_young), older);
    weir_feedback_connect(back, weir_exchange(next, WEIR_KEY(item, epoch, name)).port);
    weir_test_output(next);
    weir_test_output((weir_stream(item)){ .port = weir_port_leave(next.port) });
}

START_TEST(times_move_round_loops)
{
    uint64_t expected = 0;
    for (uint64_t i = 0; i < COUNT; i++)
        expected += record(i).epoch;
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_loop, NULL, .workers = workers);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), expected);
        ck_assert_uint_eq(weir_test_count(t, 1), expected);
        for (size_t k = 0; k < expected; k++) {
            weir_test_change c = weir_test_at(t, 0, k);
            const item *r = c.record;
            item original = record(r->id);
            ck_assert_uint_eq(c.time.at[0], original.epoch);
            ck_assert_uint_eq(c.time.at[1], 3 * (original.epoch - 1 - r->epoch));
            ck_assert_int_eq(c.diff, diff_of(r->id));
            ck_assert_uint_eq(weir_test_at(t, 1, k).time.at[1], 0);
        }
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- summaries of nodes ---- */

/* Sends what comes from input 0 two epochs later; input 1 only has to be consumed. */
static void delay_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            weir_time at = weir_batch_time(b, i);
            at.at[0] += 2;
            weir_cap cap = weir_cap_retain(step, 0, &at);
            weir_out(item) out = { .builder = weir_step_output(step, 0, &at) };
            item_emit(out, ((const item *)b->records)[i]);
            weir_cap_drop(step, cap);
        }
    while (weir_step_take(step, 1))
        continue;
}

static void build_delay(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_port *ins[2] = { weir_test_input(g, item).port, weir_test_input(g, item).port };
    weir_node_input inputs[2] = { { .type = item_type() }, { .type = item_type() } };
    weir_node_output output = { .type = item_type() };
    weir_summary summaries[2] = { { .keep = 1, .depth = 1, .add = { 2 } }, { .depth = 0 } };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "delay", .input_count = 2,
        .output_count = 1, .inputs = inputs, .outputs = &output, .summaries = summaries,
        .step = delay_step }, ins);
    weir_test_output((weir_stream(item)){ .port = weir_node_output_port(node, 0) });
}

START_TEST(nodes_may_change_times)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_delay, NULL, .workers = workers);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{2}");
        weir_test_push(t, 0, item, 3, +1, { .id = 1 });
        weir_test_push(t, 1, item, 3, +1, { .id = 2 });
        weir_test_advance(t, 0, 4);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(id: 1, epoch: 0, name: \"\") @5 +1\n");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{6}");
        /* the other input has no say in what may still come */
        weir_test_close(t, 0);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{}");
        ck_assert(!weir_test_is_complete(t));
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_times", (const TTest *const[]){
        times_stay_with_their_records, times_move_round_loops, nodes_may_change_times, NULL }));
}
