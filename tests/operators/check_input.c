/* SPDX-License-Identifier: Apache-2.0
 *
 * input: what is sent is what arrives, with its time, diff and strings, however it was cut into
 * pieces; and what a handle refuses.
 */
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define NAMED(F) F(u64, value) F(str, name)
WEIR_RECORD(named, NAMED)

typedef struct fixture {
    weir_input(named) input;
    weir_captured *seen; /* NULL: the gate takes the stream */
    bool manual, collection;
    bool open;      /* the gate lets records pass */
    uint64_t taken; /* by the gate */
    void (*feed)(struct fixture *f, weir_input_handle(named) h, weir_worker *worker);
} fixture;

static weir_status gate_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

/* Leaves its input queued until it is opened, so that what was sent stays in flight. */
static void gate_step(weir_step *step, void *state)
{
    fixture *f = state;
    if (!f->open) {
        weir_step_again(step);
        return;
    }
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        f->taken += batch->count;
}

static void build(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(named) s = weir_input_add(g, named, &f->input, .manual = f->manual,
                                          .collection = f->collection);
    if (f->seen) {
        weir_capture(s, f->seen);
        return;
    }
    weir_node_input in = { .type = named_type(), .takes_diffs = true };
    weir_node_spec gate = { .struct_size = sizeof gate, .kind = "gate", .input_count = 1,
                            .inputs = &in, .ctx = f, .init = gate_init, .step = gate_step };
    weir_node_add(g, &gate, &s.port);
}

static void feed(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    ck_assert_ptr_null(weir_input_open(f->input, weir_worker_count(worker)).handle);
    weir_input_handle(named) h = weir_input_open(f->input, weir_worker_index(worker));
    ck_assert_ptr_nonnull(h.handle);
    ck_assert_ptr_null(weir_input_open(f->input, weir_worker_index(worker)).handle);
    f->feed(f, h, worker);
}

static void run(fixture *f, size_t budget_bytes)
{
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config, .worker_main = feed, .ctx = f,
                           .budget_bytes = budget_bytes };
    char text[1600];
    ck_assert_msg(weir_run(&config, build, f, &error) == WEIR_OK, "%s",
                  weir_error_text(&error, text, sizeof text));
}

/* Twelve hand-overs that one step of the node takes: with and without deletions, at two times. */
static void feed_mixed(fixture *f, weir_input_handle(named) h, weir_worker *worker)
{
    (void)f;
    (void)worker;
    for (uint64_t i = 0; i < 12; i++) {
        if (i == 6)
            weir_input_advance_to(h, &(weir_time){ { 7, 0, 0, 0 } });
        named record = { i, weir_str_of("") };
        ck_assert_int_eq(weir_input_change(h, named, record, i % 3 == 1 ? -2 : 1), WEIR_OK);
        weir_input_flush(h);
    }
    ck_assert_uint_eq(weir_input_time(h).at[0], 7);
    weir_input_close(h);
}

START_TEST(diffs_stay_with_their_records)
{
    fixture f = { .manual = true, .collection = true, .feed = feed_mixed,
                  .seen = weir_captured_create() };
    run(&f, 0);
    ck_assert_uint_eq(weir_captured_count(f.seen, 0), 12);
    for (size_t i = 0; i < 12; i++) {
        weir_capture_entry e = weir_captured_at(f.seen, 0, i);
        uint64_t value = ((const named *)e.record)->value;
        ck_assert_int_eq(e.diff, value % 3 == 1 ? -2 : 1);
        ck_assert_uint_eq(e.time.at[0], value < 6 ? 0 : 7);
    }
    weir_captured_destroy(f.seen);
}
END_TEST

enum { MANY = 20000 };

static weir_str name_of(uint64_t i, char *text, size_t size)
{
    snprintf(text, size, "the record that has the number %llu", (unsigned long long)i);
    return weir_str_of(text);
}

static void feed_many(fixture *f, weir_input_handle(named) h, weir_worker *worker)
{
    (void)f;
    char text[64];
    for (uint64_t i = 0; i < MANY; i++) {
        while (weir_input_send(h, named, { i, name_of(i, text, sizeof text) }) == WEIR_FULL)
            weir_worker_step(worker);
        memset(text, 'x', sizeof text); /* strings are copied */
    }
    weir_input_close(h);
}

START_TEST(strings_live_as_long_as_their_batches)
{
    fixture f = { .feed = feed_many, .seen = weir_captured_create() };
    run(&f, 0);
    ck_assert_uint_eq(weir_captured_count(f.seen, 0), MANY);
    for (size_t i = 0; i < MANY; i++) {
        char text[64];
        const named *record = weir_captured_at(f.seen, 0, i).record;
        weir_str expected = name_of(record->value, text, sizeof text);
        ck_assert(weir_str_equal(&record->name, &expected));
    }
    weir_captured_destroy(f.seen);
}
END_TEST

static void feed_refused(fixture *f, weir_input_handle(named) h, weir_worker *worker)
{
    (void)f;
    (void)worker;
    named record = { 1, weir_str_of("a") };
    ck_assert_int_eq(weir_input_change(h, named, record, -1), WEIR_TYPE_MISMATCH);
    ck_assert_int_eq(weir_input_change(h, named, record, 2), WEIR_TYPE_MISMATCH);
    ck_assert_int_eq(weir_input_change(h, named, record, 1), WEIR_OK);
    weir_input_close(h);
}

START_TEST(a_plain_stream_has_no_diffs)
{
    fixture f = { .feed = feed_refused, .open = true };
    run(&f, 0);
    ck_assert_uint_eq(f.taken, 1);
}
END_TEST

static void feed_full(fixture *f, weir_input_handle(named) h, weir_worker *worker)
{
    uint64_t sent = 0;
    while (weir_input_send(h, named, { sent, weir_str_of("") }) == WEIR_OK) {
        sent++;
        weir_input_flush(h);
        ck_assert(weir_worker_step(worker));
        ck_assert_uint_lt(sent, 100000);
    }
    ck_assert_int_eq(weir_input_send(h, named, { 0, weir_str_of("") }), WEIR_FULL);
    ck_assert_uint_eq(f->taken, 0);
    f->open = true;
    weir_status status;
    while ((status = weir_input_send(h, named, { sent, weir_str_of("") })) == WEIR_FULL)
        weir_worker_step(worker);
    ck_assert_int_eq(status, WEIR_OK);
    weir_input_close(h);
    while (weir_worker_step(worker))
        continue;
    ck_assert_uint_eq(f->taken, sent + 1);
}

START_TEST(is_full_when_the_budget_is_spent_and_takes_again)
{
    fixture f = { .feed = feed_full };
    run(&f, 64 << 10);
}
END_TEST

/* One that could not be opened, or never was. */
static void use_none(weir_input_handle(named) none)
{
    weir_frontier to;
    weir_frontier_init(&to, 1);
    weir_frontier_insert(&to, &(weir_time){ { 3 } });
    ck_assert_int_eq(weir_input_send(none, named, { 1, weir_str_of("") }), WEIR_CLOSED);
    weir_input_flush(none);
    weir_input_advance_to(none, weir_frontier_times(&to));
    ck_assert_int_eq(weir_input_advance_frontier(none, &to), WEIR_CLOSED);
    ck_assert_int_eq(weir_input_at(none, weir_frontier_times(&to)), WEIR_CLOSED);
    ck_assert_uint_eq(weir_input_time(none).at[0], 0);
    weir_input_close(none);
    weir_frontier_fini(&to);
}

static void feed_none(fixture *f, weir_input_handle(named) h, weir_worker *worker)
{
    (void)worker;
    weir_input_handle(named) second = weir_input_open(f->input, 0);
    weir_input_handle(named) elsewhere = weir_input_open(f->input, 1);
    weir_input(named) no_input = { 0 };
    ck_assert_ptr_null(second.handle);
    use_none(second);
    use_none(elsewhere);
    use_none(weir_input_open(no_input, 0));
    use_none((weir_input_handle(named)){ 0 });
    ck_assert_int_eq(weir_input_send(h, named, { 1, weir_str_of("") }), WEIR_OK);
    weir_input_close(h);
}

START_TEST(no_handle_is_like_a_closed_one)
{
    fixture f = { .feed = feed_none, .manual = true, .open = true };
    run(&f, 0);
    ck_assert_uint_eq(f.taken, 1);
}
END_TEST

int main(void)
{
    return test_run(test_suite("input", (const TTest *const[]){
        diffs_stay_with_their_records, strings_live_as_long_as_their_batches,
        a_plain_stream_has_no_diffs, is_full_when_the_budget_is_spent_and_takes_again,
        no_handle_is_like_a_closed_one, NULL }));
}
