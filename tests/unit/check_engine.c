/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine as a whole: small graphs run to their end on 1, 2, 3 and 8 workers.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)
#define NAMED(F) F(str, name) F(u64, value)
WEIR_RECORD(named, NAMED)

static number twice(const number *n) { return (number){ n->value * 2 }; }
WEIR_MAP(twice, number, number)
static bool is_third(const number *n) { return n->value % 3 == 0; }
WEIR_FILTER(is_third, number)
static void each_digit(const number *n, weir_out(number) out)
{
    for (uint64_t v = n->value; v; v /= 10)
        number_emit(out, (number){ v % 10 });
}
WEIR_FLAT_MAP(each_digit, number, number)

static void name_it(const number *n, weir_out(named) out)
{
    named_emit(out, (named){ .name = weir_str_format(out, "the number called %llu",
                                                     (unsigned long long)n->value),
                             .value = n->value });
}
WEIR_FLAT_MAP(name_it, number, named)

static atomic_ullong sum, records;

static void add_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            atomic_fetch_add(&sum, ((const number *)weir_batch_record(batch, i))->value);
            atomic_fetch_add(&records, 1);
        }
}

static void sink(weir_port *port)
{
    weir_node_input in = { .type = number_type(), .takes_diffs = true };
    weir_node_add(weir_port_graph(port), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "sink", .input_count = 1, .inputs = &in,
        .step = add_step }, &port);
}

typedef struct fixture {
    weir_input(number) input;
    weir_probe *probe;
    uint64_t count;
} fixture;

static void feed(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(number) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t i = weir_worker_index(worker); i < f->count; i += weir_worker_count(worker)) {
        ck_assert_int_eq(weir_input_send(h, number, { i }), WEIR_OK);
        if (i % 97 == 0)
            weir_worker_step(worker);
    }
    weir_input_close(h);
}

static void run(unsigned workers, weir_build_fn *build, fixture *f)
{
    atomic_store(&sum, 0);
    atomic_store(&records, 0);
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config, .workers = workers, .worker_main = feed,
                           .ctx = f };
    weir_status status = weir_run(&config, build, f, &error);
    char text[1600];
    ck_assert_msg(status == WEIR_OK, "%s", weir_error_text(&error, text, sizeof text));
}

static void build_stages(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(number) in = weir_input_add(g, number, &f->input, .name = "numbers");
    weir_stream(number) s = weir_filter(weir_map(in, twice), is_third);
    sink(s.port);
}

static const unsigned worker_counts[] = { 1, 2, 3, 8 };

START_TEST(stages_run_in_place)
{
    for (size_t k = 0; k < 4; k++) {
        fixture f = { .count = 10000 };
        run(worker_counts[k], build_stages, &f);
        uint64_t expected = 0, n = 0;
        for (uint64_t i = 0; i < f.count; i++)
            if (2 * i % 3 == 0) {
                expected += 2 * i;
                n++;
            }
        ck_assert_uint_eq(atomic_load(&sum), expected);
        ck_assert_uint_eq(atomic_load(&records), n);
    }
}
END_TEST

static void build_exchange(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(number) in = weir_input_add(g, number, &f->input, .name = "numbers");
    weir_stream(number) digits = weir_flat_map(in, each_digit);
    sink(weir_exchange(digits, WEIR_KEY(number, value)).port);
    sink(weir_map(weir_exchange(digits, WEIR_KEY(number, value)), twice).port);
}

START_TEST(exchange_loses_nothing)
{
    for (size_t k = 0; k < 4; k++) {
        fixture f = { .count = 20000 };
        run(worker_counts[k], build_exchange, &f);
        uint64_t expected = 0, n = 0;
        for (uint64_t i = 0; i < f.count; i++)
            for (uint64_t v = i; v; v /= 10, n += 2)
                expected += 3 * (v % 10);
        ck_assert_uint_eq(atomic_load(&sum), expected);
        ck_assert_uint_eq(atomic_load(&records), n);
    }
}
END_TEST

static void named_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const named *r = weir_batch_record(batch, i);
            char text[64];
            snprintf(text, sizeof text, "the number called %llu", (unsigned long long)r->value);
            ck_assert_uint_eq(r->name.len, strlen(text));
            ck_assert_int_eq(memcmp(weir_str_data(&r->name), text, r->name.len), 0);
            atomic_fetch_add(&sum, r->value);
            atomic_fetch_add(&records, 1);
        }
}

static void build_strings(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(number) in = weir_input_add(g, number, &f->input, .name = "numbers");
    weir_stream(named) n = weir_exchange(weir_flat_map(in, name_it), WEIR_KEY(named, name));
    weir_node_input input = { .type = named_type() };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "names",
                                        .input_count = 1, .inputs = &input, .step = named_step },
                  &n.port);
}

START_TEST(long_strings_travel)
{
    for (size_t k = 0; k < 4; k++) {
        fixture f = { .count = 5000 };
        run(worker_counts[k], build_strings, &f);
        ck_assert_uint_eq(atomic_load(&records), f.count);
        ck_assert_uint_eq(atomic_load(&sum), f.count * (f.count - 1) / 2);
    }
}
END_TEST

/* A loop: each record goes round until it is 0, one less each time. */
static number less(const number *n) { return (number){ n->value - 1 }; }
WEIR_MAP(less, number, number)
static bool not_zero(const number *n) { return n->value > 0; }
WEIR_FILTER(not_zero, number)

static void build_loop(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(number) in = weir_input_add(g, number, &f->input, .manual = true);
    weir_feedback *back = weir_feedback_add(g, NULL, number_type(), 1);
    weir_port *both[2] = { in.port, weir_feedback_port(back) };
    weir_stream(number) all = { .port = weir_port_concat(both, 2) };
    weir_stream(number) on = weir_map(weir_filter(all, not_zero), less);
    weir_stream(number) exchanged = weir_exchange(on, WEIR_KEY(number, value));
    weir_feedback_connect(back, exchanged.port);
    sink(on.port);
}

START_TEST(loops_end)
{
    for (size_t k = 0; k < 4; k++) {
        fixture f = { .count = 50 };
        run(worker_counts[k], build_loop, &f);
        ck_assert_uint_eq(atomic_load(&records), f.count * (f.count - 1) / 2);
    }
}
END_TEST

/* Rounds waited for by a probe, with manual times. */
static void rounds(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(number) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t round = 0; round < f->count; round++) {
        ck_assert_int_eq(weir_input_send(h, number, { round }), WEIR_OK);
        weir_time next = weir_time_1(round + 1);
        weir_input_advance_to(h, &next);
        while (weir_probe_less_than(f->probe, worker, &next))
            ck_assert(weir_worker_step_or_park(worker, UINT64_MAX));
        ck_assert_uint_ge(atomic_load(&records), (round + 1) * weir_worker_count(worker));
    }
    weir_input_close(h);
}

static void pass_on(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        atomic_fetch_add(&records, batch->count);
        weir_step_send(step, 0, batch, NULL);
    }
}

static void build_rounds(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(number) in = weir_input_add(g, number, &f->input, .manual = true);
    weir_stream(number) e = weir_exchange(in, WEIR_KEY(number, value));
    weir_node_input input = { .type = number_type() };
    weir_node_output output = { .type = number_type() };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "counting", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .step = pass_on }, &e.port);
    f->probe = weir_probe_add(weir_node_output_port(node, 0), "rounds");
}

START_TEST(probes_follow)
{
    for (size_t k = 0; k < 4; k++) {
        fixture f = { .count = 300 };
        atomic_store(&records, 0);
        weir_error error = { 0 };
        weir_config config = { .struct_size = sizeof config, .workers = worker_counts[k],
                               .worker_main = rounds, .ctx = &f };
        ck_assert_int_eq(weir_run(&config, build_rounds, &f, &error), WEIR_OK);
        ck_assert_uint_eq(atomic_load(&records), f.count * worker_counts[k]);
    }
}
END_TEST

/* Several epochs of one record, or of two, between two steps: a record that is alone on its way
 * through an exchange may get company of its own time or of another. */
static void drops(weir_worker *worker, void *ctx)
{
    fixture *f = ctx;
    weir_input_handle(number) h = weir_input_open(f->input, weir_worker_index(worker));
    for (uint64_t i = 0; i < f->count; i++) {
        ck_assert_int_eq(weir_input_send(h, number, { i }), WEIR_OK);
        weir_time next = weir_time_1(i + 1);
        if (i % 3)
            weir_input_advance_to(h, &next);
        if (i % 5 == 0 || i % 7 == 0)
            weir_worker_step(worker);
    }
    weir_input_close(h);
}

static void build_drops(weir_graph *g, void *ctx)
{
    fixture *f = ctx;
    weir_stream(number) in = weir_input_add(g, number, &f->input, .manual = true);
    sink(weir_exchange(in, WEIR_KEY(number, value)).port);
}

START_TEST(lone_records_travel)
{
    for (size_t k = 0; k < 4; k++) {
        fixture f = { .count = 500 };
        atomic_store(&sum, 0);
        atomic_store(&records, 0);
        weir_error error = { 0 };
        weir_config config = { .struct_size = sizeof config, .workers = worker_counts[k],
                               .worker_main = drops, .ctx = &f };
        ck_assert_int_eq(weir_run(&config, build_drops, &f, &error), WEIR_OK);
        ck_assert_uint_eq(atomic_load(&records), f.count * worker_counts[k]);
        ck_assert_uint_eq(atomic_load(&sum), f.count * (f.count - 1) / 2 * worker_counts[k]);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine", (const TTest *const[]){
        stages_run_in_place, exchange_loses_nothing, long_strings_travel, loops_end,
        probes_follow, lone_records_travel, NULL }));
}
