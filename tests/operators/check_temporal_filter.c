/* SPDX-License-Identifier: Apache-2.0
 *
 * temporal_filter: by epochs at every depth, and by event time, against looking at every record
 * from scratch at each time; by the clock; refusals.
 */
#include <weir/operators/temporal_filter.h>

#include <stdio.h>
#include <weir/operators/input.h>
#include <weir/test.h>

#include "oracle.h"

#define LEASE(F) F(u32, id) F(opt_instant, begins) F(opt_instant, ends) F(str, name) F(instant, at)
#define SPAN(F) F(u32, key) F(u32, value) F(opt_u64, first) F(u64, last)
WEIR_RECORD(lease, LEASE)
WEIR_RECORD(span, SPAN)

/* ---- by epochs ---- */

/* From value - 2 (null: from the beginning) until key + value. */
static span to_span(const fact *f)
{
    return (span){ f->key, f->value, { f->value > 2, f->value > 2 ? f->value - 2 : 0 },
                   f->key + f->value };
}
WEIR_MAP(to_span, fact, span)

static unsigned run_depth;

static void build_epochs(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(fact_at) in = weir_test_collection(g, fact_at);
    if (run_depth > 1) {
        weir_scope *scope = weir_scope_add(g, NULL, "rounds");
        in = weir_enter_at(in, scope, oracle_round);
        if (run_depth > 2)
            in = weir_enter_at(in, weir_scope_add(g, scope, "inner"), oracle_inner);
    }
    weir_stream(span) spans = weir_map(weir_map(in, oracle_strip), to_span);
    weir_test_output(weir_temporal_filter(spans, .from = "first", .until = "last"));
    weir_test_output(weir_temporal_filter(spans, .from = "first", .name = "begin"));
    weir_test_output(weir_temporal_filter(spans, .until = "last"));
}

static void expect_epochs(bag *b, const oracle_change *all, size_t count, const weir_time *time,
                          unsigned output)
{
    for (size_t i = 0; i < count; i++) {
        fact f = { all[i].key, all[i].value };
        span s = to_span(&f);
        bool counts = weir_time_less_equal(&all[i].time, time, WEIR_TIME_COORDS) &&
                      (output == 2 || time->at[0] >= s.first.value) &&
                      (output == 1 || time->at[0] < s.last);
        bag_add_record(b, span_type(), &s, counts ? all[i].diff : 0);
    }
}

static void compare_epochs(weir_test *t, const oracle_change *all, size_t count)
{
    for (uint64_t n = 0; n < 2 * EPOCHS * ROUNDS * ROUNDS; n++)
        for (unsigned o = 0; o < 3; o++) {
            weir_time time = { { n / ROUNDS / ROUNDS, n / ROUNDS % ROUNDS, n % ROUNDS } };
            bag wanted = { .count = 0 };
            expect_epochs(&wanted, all, count, &time, o);
            bag_expect(&wanted, t, o, span_type(), &time);
        }
}

static void run_epochs(uint64_t seed)
{
    uint64_t random = seed;
    oracle_change all[CHANGES];
    static const oracle one = { .inputs = 1, .negative = true };
    oracle_at = &one;
    oracle_depth = run_depth = 1 + (unsigned)(seed % 3);
    weir_test *t = weir_test_create(build_epochs, NULL, .workers = 1 + (unsigned)(seed / 3 % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 128 : 0);
    for (size_t i = 0; i < CHANGES; i++) {
        uint64_t now = i * EPOCHS / CHANGES;
        all[i] = oracle_next(&random, all, i, now);
        fact_at f = { all[i].key, all[i].value, all[i].time.at[1], all[i].time.at[2] };
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &f, all[i].time.at[0], all[i].diff);
        if (test_below(&random, 20) == 0)
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        if (test_below(&random, 20) == 0)
            weir_test_advance(t, 0, now);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare_epochs(t, all, CHANGES);
    weir_test_destroy(t);
}

START_TEST(by_epochs)
{
    test_each_seed(run_epochs, 30);
}
END_TEST

/* ---- by event time ---- */

enum { LEASES = 300, LATENESS_MS = 2 };

typedef struct entry {
    lease record;
    uint64_t epoch;
    int64_t diff;
} entry;

static void build_events(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(lease) in = weir_test_collection(g, lease);
    weir_test_output(weir_temporal_filter(in, .from = "begins", .until = "ends",
                                          .event_time = "at", .lateness_ms = LATENESS_MS));
}

static void compare_events(weir_test *t, const entry *all)
{
    int64_t now = INT64_MIN;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        bag wanted = { .count = 0 };
        weir_time time = weir_time_1(epoch);
        for (size_t i = 0; i < LEASES; i++)
            if (all[i].epoch == epoch && all[i].record.at.us - LATENESS_MS * 1000 > now)
                now = all[i].record.at.us - LATENESS_MS * 1000;
        for (size_t i = 0; i < LEASES; i++) {
            const lease *r = &all[i].record;
            bool counts = all[i].epoch <= epoch && (!r->begins.set || r->begins.value.us <= now) &&
                          (!r->ends.set || (r->ends.value.us > now &&
                                            (!r->begins.set ||
                                             r->begins.value.us < r->ends.value.us)));
            bag_add_record(&wanted, lease_type(), r, counts ? all[i].diff : 0);
        }
        bag_expect(&wanted, t, 0, lease_type(), &time);
    }
}

static void run_events(uint64_t seed)
{
    uint64_t random = seed;
    static entry all[LEASES];
    weir_test *t = weir_test_create(build_events, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 256 : 0);
    for (size_t i = 0; i < LEASES; i++) {
        uint64_t now = i * EPOCHS / LEASES;
        entry *e = &all[i];
        int64_t begin = (int64_t)test_below(&random, 40) * 1000;
        e->epoch = now + test_below(&random, 2);
        e->epoch = e->epoch < EPOCHS ? e->epoch : EPOCHS - 1;
        e->diff = test_below(&random, 3) ? 1 : -1;
        bool begins = test_below(&random, 5), ends = test_below(&random, 5);
        int64_t end = begin + (int64_t)test_below(&random, 20) * 1000 - 3000;
        e->record = (lease){ (uint32_t)test_below(&random, 20),
                             { begins, { begins ? begin : 0 } },
                             { ends, { ends ? end : 0 } },
                             weir_str_of("a name of more than twelve bytes"),
                             { (int64_t)(now * 8 + test_below(&random, 9)) * 1000 } };
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &e->record, e->epoch, e->diff);
        if (test_below(&random, 20) == 0)
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        if (test_below(&random, 20) == 0)
            weir_test_advance(t, 0, now);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare_events(t, all);
    weir_test_destroy(t);
}

START_TEST(by_event_time)
{
    test_each_seed(run_events, 30);
}
END_TEST

/* Records of an epoch come in any order: how often one waits may leave 64 bits on its way, and in
 * an epoch before its time, too. What does not fit when its time has come is told. */
START_TEST(waits_that_come_back)
{
    static const int64_t diffs[] = { INT64_MAX, 1, -INT64_MAX };
    for (int begin = 0; begin < 3; begin++)
        for (int count = 2; count <= 3; count++) {
            bool fits = count == 3 || begin > 0; /* MAX + 1 does not */
            weir_test *t = weir_test_create(build_events, NULL, .no_delays = true);
            for (int i = 0; i < count; i++)
                weir_test_push(t, 0, lease, 0, diffs[(begin + i) % 3],
                               { .id = 1, .begins = { true, { 9000 } } });
            weir_test_advance(t, 0, 1);
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            ck_assert_uint_eq(weir_test_count(t, 0), 0);
            weir_test_push(t, 0, lease, 1, 1, { .id = 2, .at = { 20000 } });
            ck_assert_int_eq(weir_test_finish(t), fits ? WEIR_OK : WEIR_OVERFLOWED);
            if (fits) /* MAX and -MAX leave nothing to come */
                ck_assert_uint_eq(weir_test_count(t, 0), count == 2 && begin == 2 ? 1 : 2);
            else
                ck_assert_str_eq(weir_test_error(t)->what,
                                 "what there is of a record leaves the range of 64 bits");
            weir_test_destroy(t);
        }
}
END_TEST

/* ---- by the clock ---- */

static weir_input(lease) leases_in;
/* The harness's wall clock when its other clock began. */
static const int64_t HARNESS_US = 1700000000000000;

static void build_clock(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(lease) in = weir_input_add(g, lease, &leases_in, .collection = true);
    weir_test_output(weir_temporal_filter(in, .from = "begins", .until = "ends",
                                          .by_clock = true));
}

static weir_opt_instant in_seconds(int64_t now, int64_t seconds)
{
    return (weir_opt_instant){ true, { now + seconds * 1000000 } };
}

/* What has come since the last time, and gone. */
static void came(weir_test *t, int64_t count, int64_t less)
{
    ck_assert_msg(weir_test_run(t) == WEIR_OK, "%s", weir_test_error(t)->what);
    int64_t more = 0, gone = 0;
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        more += weir_test_at(t, 0, i).diff > 0;
        gone += weir_test_at(t, 0, i).diff < 0;
    }
    ck_assert_int_eq(more, count);
    ck_assert_int_eq(gone, less);
    weir_test_take(t, 0);
}

START_TEST(by_the_clock)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_clock, NULL, .workers = workers);
        weir_input_handle(lease) h[3];
        for (unsigned w = 0; w < workers; w++)
            h[w] = weir_input_open(leases_in, w);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        int64_t now = HARNESS_US + (int64_t)(weir_worker_now_ns(weir_test_worker(t, 0)) / 1000);
        weir_input_send(h[0], lease, { .id = 1, .ends = in_seconds(now, 100) });
        weir_input_send(h[0], lease, { 2, in_seconds(now, 50), in_seconds(now, 60),
                                       weir_str_of("a name of more than twelve bytes"), { 0 } });
        weir_input_send(h[0], lease, { .id = 3, .begins = in_seconds(now, -5) });
        weir_input_flush(h[0]);
        came(t, 2, 0);
        weir_test_pass_time(t, 55 * UINT64_C(1000000000));
        came(t, 1, 0);
        weir_test_pass_time(t, 10 * UINT64_C(1000000000));
        came(t, 0, 1);
        weir_test_pass_time(t, 60 * UINT64_C(1000000000));
        came(t, 0, 1);
        weir_input_send(h[0], lease, { .id = 4, .begins = in_seconds(now, 2), .ends =
                                           in_seconds(now, 1000) });
        for (unsigned w = 0; w < workers; w++)
            weir_input_close(h[w]);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        came(t, 1, 0); /* without waiting for its end */
        weir_test_destroy(t);
    }
}
END_TEST

/* An epoch that is open keeps what is due from leaving; meanwhile there is nothing to do. A node on
 * the way, on the first worker, keeps it open. */
static weir_waker *keeper;
static bool keeps;

static weir_status keeping_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)state;
    (void)error;
    if (weir_step_worker(step) == 0)
        keeper = weir_step_waker(step);
    return WEIR_OK;
}

static void keeping_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        if (keeps && weir_step_worker(step) == 0 && !weir_cap_held(step, 0))
            ck_assert_uint_eq(weir_cap_retain(step, 0, NULL), 0);
        weir_step_send(step, 0, b, NULL);
    }
    if (!keeps && weir_cap_held(step, 0))
        weir_cap_drop(step, 0);
}

static void build_kept(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_port *in = weir_input_add(g, lease, &leases_in).port;
    weir_node_input input = { .type = lease_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output output = { .type = lease_type() };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "keeping", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .init = keeping_init,
        .step = keeping_step }, &in);
    weir_stream(lease) kept = { .port = weir_node_output_port(node, 0) };
    weir_test_output(weir_temporal_filter(kept, .from = "begins", .until = "ends",
                                          .by_clock = true));
}

START_TEST(while_an_epoch_is_open)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_input_handle(lease) h[3];
        keeps = true;
        weir_test *t = weir_test_create(build_kept, NULL, .workers = workers);
        for (unsigned w = 0; w < workers; w++)
            h[w] = weir_input_open(leases_in, w);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        int64_t now = HARNESS_US + (int64_t)(weir_worker_now_ns(weir_test_worker(t, 0)) / 1000);
        weir_input_send(h[0], lease, { .id = 1, .begins = in_seconds(now, 10) });
        weir_input_send(h[0], lease, { .id = 2, .begins = in_seconds(now, 25) });
        weir_input_flush(h[0]);
        came(t, 0, 0);
        weir_test_pass_time(t, 20 * UINT64_C(1000000000));
        came(t, 0, 0);
        keeps = false;
        weir_wake(keeper);
        came(t, 1, 0);
        weir_test_pass_time(t, 20 * UINT64_C(1000000000));
        came(t, 1, 0);
        for (unsigned w = 0; w < workers; w++)
            weir_input_close(h[w]);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

/* A record that comes on one worker and is taken back on another is there once or not at all. */
START_TEST(taken_back_elsewhere)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        int64_t there[5] = { 0 };
        weir_test *t = weir_test_create(build_clock, NULL, .workers = 3, .seed = seed);
        weir_input_handle(lease) h[3];
        for (unsigned w = 0; w < 3; w++)
            h[w] = weir_input_open(leases_in, w);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        int64_t now = HARNESS_US + (int64_t)(weir_worker_now_ns(weir_test_worker(t, 0)) / 1000);
        for (uint32_t i = 0; i < 10; i++) {
            lease l = { .id = i / 2, .begins = in_seconds(now, 40 + i / 2) };
            weir_input_change(h[i % 3], lease, l, i % 2 ? -1 : 1);
            weir_input_flush(h[i % 3]);
            weir_test_pass_time(t, 3 * UINT64_C(1000000000));
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        }
        for (int i = 0; i < 6; i++) {
            weir_test_pass_time(t, (i == 0 ? 10 : 1) * UINT64_C(1000000000));
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        }
        for (unsigned w = 0; w < 3; w++)
            weir_input_close(h[w]);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        for (size_t i = 0; i < weir_test_count(t, 0); i++) { /* by time */
            weir_test_change c = weir_test_at(t, 0, i);
            bool ends = i + 1 == weir_test_count(t, 0) ||
                        weir_test_at(t, 0, i + 1).time.at[0] > c.time.at[0];
            there[((const lease *)c.record)->id] += c.diff;
            for (int id = 0; id < 5 && ends; id++)
                ck_assert_msg(there[id] >= 0, "WEIR_SEED=%llu", (unsigned long long)seed);
        }
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- what cannot be ---- */

static struct weir_temporal_filter_options wrong;
static bool wrong_scope;

static void refuse(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(lease) in = weir_test_input(g, lease);
    wrong.struct_size = sizeof wrong;
    ck_assert_ptr_null(weir_temporal_filter_erased(NULL, &wrong));
    if (wrong_scope)
        in = weir_enter(in, weir_scope_add(g, NULL, "rounds"));
    ck_assert_ptr_null(weir_temporal_filter_erased(in.port, &wrong));
}

static void refuse_clock(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(span) in = weir_test_input(g, span);
    ck_assert_ptr_null(weir_temporal_filter(in, .from = "first", .by_clock = true).port);
}

START_TEST(refusals)
{
    oracle_refused(refuse, WEIR_TYPE_MISMATCH,
                   "records 'lease' do not say from when until when they count by '' and ''");
    wrong.from = "id";
    oracle_refused(refuse, WEIR_TYPE_MISMATCH,
                   "records 'lease' do not say from when until when they count by 'id' and ''");
    wrong.from = "begins";
    wrong.event_time = "name";
    oracle_refused(refuse, WEIR_TYPE_MISMATCH,
                   "time cannot go by 'name': 'lease' has no such field of kind instant");
    wrong.event_time = NULL;
    wrong_scope = true;
    oracle_refused(refuse, WEIR_INVALID,
                   "how far time has come is known for epochs, and not in a scope");
    oracle_refused(refuse_clock, WEIR_INVALID,
                   "fields of kind u64 are epochs, which go by no clock");
}
END_TEST

START_TEST(overflow)
{
    wrong_scope = false;
    oracle_depth = run_depth = 1;
    weir_test *t = weir_test_create(build_epochs, NULL);
    weir_test_push(t, 0, fact_at, 0, INT64_MIN, { 1, 3, 0, 0 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    weir_test_destroy(t);
    t = weir_test_create(build_events, NULL);
    weir_test_push(t, 0, lease, 0, INT64_MIN, { .ends = { true, { 1 } } });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { by_epochs, by_event_time, waits_that_come_back, by_the_clock,
                                   while_an_epoch_is_open, taken_back_elsewhere, refusals, overflow,
                                   NULL };
    return test_run(test_suite("temporal_filter", tests));
}
