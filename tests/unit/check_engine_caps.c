/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node may do in its step: keep, delay, move on and drop capabilities, be told of frontiers
 * as far as it is interested, yield, fail; and the assertions that tell it what it may not.
 */
#include <weir/observe.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static const unsigned worker_counts[] = { 1, 2, 3, 8 };

static weir_status keep_ctx(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

/* A node of one input and one output of numbers, whose state is ctx. */
static weir_stream(number) node(weir_stream(number) in, weir_interest interest,
                                void (*step)(weir_step *, void *), void *ctx)
{
    weir_node_input input = { .type = number_type(), .interest = interest, .takes_diffs = true };
    weir_node_output output = { .type = number_type() };
    weir_node *made = weir_node_add(weir_port_graph(in.port), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "node", .name = "node", .input_count = 1,
        .inputs = &input, .output_count = 1, .outputs = &output, .ctx = ctx, .init = keep_ctx,
        .step = step }, &in.port);
    return (weir_stream(number)){ .port = weir_node_output_port(made, 0) };
}

static void emit(weir_step *step, const weir_time *t, uint64_t value)
{
    weir_out(number) out = { .builder = weir_step_output(step, 0, t) };
    number_emit(out, (number){ value });
}

/* ---- capabilities: each epoch's sum, when it is complete, one epoch later ---- */

enum { EPOCHS = 20 };

typedef struct sums {
    weir_cap cap[EPOCHS];
    bool open[EPOCHS];
    uint64_t sum[EPOCHS], told;
} sums;

static weir_status sums_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(sums));
    return WEIR_OK;
}

static void sums_step(weir_step *step, void *state)
{
    sums *s = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            weir_time t = weir_batch_time(b, i), later = weir_time_1(t.at[0] + 1);
            if (!s->open[t.at[0]]) {
                s->cap[t.at[0]] = weir_cap_retain(step, 0, &t);
                ck_assert(weir_cap_held(step, s->cap[t.at[0]]));
                weir_cap_downgrade(step, s->cap[t.at[0]], &later);
                s->open[t.at[0]] = true;
            }
            ck_assert_uint_ge(t.at[0], s->told);
            s->sum[t.at[0]] += ((const number *)weir_batch_record(b, i))->value;
        }
    for (uint64_t e = 0; e < EPOCHS; e++) {
        weir_time t = weir_time_1(e);
        if (!s->open[e] || weir_frontier_less_equal(weir_step_frontier(step, 0), &t))
            continue;
        ck_assert_uint_ge(e, s->told); /* in the order of time */
        s->told = e;
        weir_cap twin = weir_cap_delayed(step, s->cap[e], NULL);
        ck_assert_uint_eq(weir_cap_time(step, twin).at[0], e + 1);
        weir_cap_drop(step, s->cap[e]);
        ck_assert(!weir_cap_held(step, s->cap[e]) && weir_cap_held(step, twin));
        weir_time at = weir_cap_time(step, twin);
        emit(step, &at, s->sum[e]);
        weir_cap_drop(step, twin);
        s->open[e] = false;
    }
}

static void build_sums(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_test_input(g, number);
    weir_node_input input = { .type = number_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output output = { .type = number_type() };
    weir_node *made = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "sums", .input_count = 1,
        .inputs = &input, .output_count = 1, .outputs = &output, .init = sums_init,
        .step = sums_step, .fini = free }, &in.port);
    weir_test_output(((weir_stream(number)){ .port = weir_node_output_port(made, 0) }));
}

START_TEST(epochs_are_told_in_order)
{
    for (size_t k = 0; k < 4; k++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            unsigned workers = worker_counts[k];
            uint64_t expected = 0, found = 0;
            weir_test *t = weir_test_create(build_sums, NULL, .workers = workers, .seed = seed);
            for (uint64_t e = EPOCHS; e-- > 0;)
                for (unsigned w = 0; w < workers; w++, expected += e)
                    weir_test_push_on(t, 0, w, number, e, 1, { e });
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            ck_assert_uint_eq(weir_test_count(t, 0), 0);
            weir_test_advance(t, 0, 7); /* 0 to 6 are complete: seven sums, held at 8 */
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            ck_assert_str_eq(weir_test_frontier(t, 0), "{7}");
            ck_assert_uint_eq(weir_test_count(t, 0), 7 * workers);
            ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
            ck_assert_uint_eq(weir_test_count(t, 0), EPOCHS * workers);
            for (size_t i = 0; i < EPOCHS * workers; i++) {
                weir_test_change c = weir_test_at(t, 0, i);
                ck_assert_uint_eq(c.time.at[0], ((const number *)c.record)->value + 1);
                found += ((const number *)c.record)->value;
            }
            ck_assert_uint_eq(found, expected);
            ck_assert_str_eq(weir_test_frontier(t, 0), "{}");
            weir_test_destroy(t);
        }
}
END_TEST

/* ---- what a node does when its input is complete starts after the others were told ---- */

typedef struct telling {
    weir_test *test;
    uint64_t before, when_done; /* bytes of progress that were published */
    bool taken, done;           /* by worker 0 */
} telling;

static uint64_t published(const telling *s)
{
    weir_process_info info;
    weir_observe_process(weir_test_runtime(s->test), &info);
    return info.progress_bytes;
}

static void telling_step(weir_step *step, void *state)
{
    telling *s = state;
    const weir_batch *batch = weir_step_take(step, 0);
    if (weir_step_worker(step) != 0)
        return;
    if (batch) {
        (void)weir_cap_retain(step, 0, NULL);
        s->taken = true;
        s->before = published(s);
    }
    weir_time t = weir_time_1(0);
    if (s->taken && !weir_frontier_less_equal(weir_step_frontier(step, 0), &t) && !s->done) {
        s->done = true;
        s->when_done = published(s);
    }
}

static void build_telling(weir_graph *g, void *ctx)
{
    weir_test_output(node(weir_test_input(g, number), WEIR_IF_HOLDING, telling_step, ctx));
}

START_TEST(others_are_told_before_a_long_step)
{
    telling s = { 0 };
    weir_test *t = weir_test_create(build_telling, &s, .workers = 2, .no_delays = true);
    s.test = t;
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_advance_on(t, 0, 1, 1);
    for (unsigned w = 0; w < 6; w++) /* worker 1 has nothing more, and worker 0 knows it */
        weir_worker_step(weir_test_worker(t, w % 2));
    weir_test_push_on(t, 0, 0, number, 0, 1, { 1 });
    weir_test_advance_on(t, 0, 0, 1);
    weir_worker_step(weir_test_worker(t, 0));
    ck_assert(s.done);
    ck_assert_uint_gt(s.when_done, s.before);
    weir_test_destroy(t);
}
END_TEST

/* ---- interest ---- */

typedef struct interested {
    weir_interest interest;
    bool holds;
    unsigned steps;
    weir_cap cap;
} interested;

static void interested_step(weir_step *step, void *state)
{
    interested *s = state;
    s->steps++;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        if (s->holds)
            s->cap = weir_cap_retain(step, 0, NULL);
    if (!s->holds && s->cap != WEIR_CAP_NONE) {
        weir_cap_drop(step, s->cap);
        s->cap = WEIR_CAP_NONE;
    }
}

static void build_interested(weir_graph *g, void *ctx)
{
    interested *s = ctx;
    weir_test_output(node(weir_test_input(g, number), s->interest, interested_step, s));
}

/* How often the node is called when the frontier moves by four steps, after a record at 0. */
static unsigned calls(weir_interest interest, bool holds)
{
    interested s = { interest, holds, 0, WEIR_CAP_NONE };
    weir_test *t = weir_test_create(build_interested, &s);
    weir_test_push(t, 0, number, 0, 1, { 1 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    unsigned before = s.steps;
    for (uint64_t e = 1; e <= 4; e++) {
        weir_test_advance(t, 0, e);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    unsigned after = s.steps;
    ck_assert_str_eq(weir_test_frontier(t, 0), holds ? "{0}" : "{4}");
    weir_test_destroy(t);
    return after - before;
}

START_TEST(frontiers_are_told_as_asked)
{
    ck_assert_uint_eq(calls(WEIR_NEVER, false), 0);
    ck_assert_uint_eq(calls(WEIR_NEVER, true), 0);
    ck_assert_uint_eq(calls(WEIR_IF_HOLDING, false), 0);
    ck_assert_uint_eq(calls(WEIR_IF_HOLDING, true), 4);
    ck_assert_uint_eq(calls(WEIR_ALWAYS, false), 4);
    ck_assert_uint_eq(calls(WEIR_ALWAYS, true), 4);
}
END_TEST

/* ---- yielding ---- */

typedef struct yielding {
    uint64_t left, next;
    unsigned steps;
    weir_cap cap;
} yielding;

static void yielding_step(weir_step *step, void *state)
{
    yielding *s = state;
    s->steps++;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        s->cap = weir_cap_retain(step, 0, NULL);
        s->left = ((const number *)b->records)[0].value;
    }
    if (!s->left)
        return;
    weir_time t = weir_cap_time(step, s->cap);
    while (s->left && !weir_step_spent(step)) {
        s->left--;
        emit(step, &t, s->next++);
    }
    if (s->left)
        weir_step_again(step);
    else
        weir_cap_drop(step, s->cap);
}

static void build_yielding(weir_graph *g, void *ctx)
{
    weir_test_output(node(weir_test_input(g, number), WEIR_NEVER, yielding_step, ctx));
}

START_TEST(long_output_yields)
{
    enum { MANY = 600000 };
    yielding s = { 0 };
    weir_test *t = weir_test_create(build_yielding, &s);
    weir_test_push(t, 0, number, 3, 1, { MANY });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_gt(s.steps, 2);
    ck_assert_uint_eq(weir_test_count(t, 0), MANY);
    for (uint64_t i = 0; i < MANY; i += 997) {
        weir_test_change c = weir_test_at(t, 0, i);
        ck_assert_uint_eq(((const number *)c.record)->value, i);
        ck_assert_uint_eq(c.time.at[0], 3);
    }
    weir_test_destroy(t);
}
END_TEST

/* ---- timers ---- */

typedef struct timers {
    uint64_t first_ns, called_ns;
    unsigned steps;
} timers;

static void timers_step(weir_step *step, void *state)
{
    timers *s = state;
    while (weir_step_take(step, 0))
        ;
    s->called_ns = weir_step_now_ns(step);
    if (s->steps++ > 0)
        return;
    s->first_ns = s->called_ns;
    weir_step_at_ns(step, s->first_ns + 900000000);
    weir_step_at_ns(step, s->first_ns + 500000000); /* the earliest counts */
    weir_step_at_ns(step, s->first_ns + 700000000);
}

static void build_timers(weir_graph *g, void *ctx)
{
    weir_test_output(node(weir_test_input(g, number), WEIR_NEVER, timers_step, ctx));
}

START_TEST(earliest_timer_counts)
{
    timers s = { 0 };
    weir_test *t = weir_test_create(build_timers, &s);
    weir_test_push(t, 0, number, 0, 1, { 1 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    unsigned before = s.steps;
    weir_test_pass_time(t, 400000000);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(s.steps, before);
    weir_test_pass_time(t, 150000000);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(s.steps, before + 1);
    ck_assert_uint_ge(s.called_ns, s.first_ns + 500000000);
    weir_test_destroy(t);
}
END_TEST

typedef struct impatient {
    weir_waker *waker;
    uint64_t moment_ns;
    unsigned steps;
} impatient;

static void impatient_step(weir_step *step, void *state)
{
    impatient *s = state;
    while (weir_step_take(step, 0))
        ;
    s->waker = weir_step_waker(step);
    if (s->steps++ == 0)
        s->moment_ns = weir_step_now_ns(step);
    if (s->steps <= 2)
        weir_step_at_ns(step, s->moment_ns);
}

static void build_impatient(weir_graph *g, void *ctx)
{
    weir_test_output(node(weir_test_input(g, number), WEIR_NEVER, impatient_step, ctx));
}

/* It is called because its moment has come and because it was woken, and asks for that moment
 * again. */
START_TEST(a_moment_counts_again)
{
    impatient s = { 0 };
    weir_test *t = weir_test_create(build_impatient, &s);
    weir_worker *worker = weir_test_worker(t, 0);
    weir_test_push(t, 0, number, 0, 1, { 1 });
    for (int i = 0; i < 9 && s.steps == 0; i++)
        weir_worker_step(worker);
    ck_assert_uint_eq(s.steps, 1);
    weir_wake(s.waker);
    for (int i = 0; i < 9; i++)
        weir_worker_step(worker);
    ck_assert_uint_eq(s.steps, 3);
    weir_test_destroy(t);
}
END_TEST

/* ---- nested scopes ---- */

static void count_down_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            uint64_t value = ((const number *)weir_batch_record(b, i))->value;
            weir_time t = weir_batch_time(b, i);
            if (value)
                emit(step, &t, value - 1);
        }
}

static void build_nested(weir_graph *g, void *ctx)
{
    weir_port *port = weir_test_input(g, number).port;
    unsigned depth = *(const unsigned *)ctx;
    weir_scope *scope = NULL;
    for (unsigned d = 1; d < depth; d++) {
        scope = weir_scope_add(g, scope, "nested");
        port = weir_port_enter(port, scope);
    }
    ck_assert_uint_eq(weir_port_depth(port), depth);
    weir_feedback *back = weir_feedback_add(g, scope, number_type(), 1);
    weir_port *both[2] = { port, weir_feedback_port(back) };
    weir_stream(number) all = { .port = weir_port_concat(both, 2) };
    weir_stream(number) once = node(weir_exchange(all, WEIR_KEY(number, value)), WEIR_NEVER,
                                    count_down_step, NULL);
    weir_feedback_connect(back, once.port);
    weir_test_output(once);
    for (unsigned d = 1; d < depth; d++)
        once.port = weir_port_leave(once.port);
    weir_test_output(once);
}

START_TEST(loops_in_nested_scopes)
{
    for (unsigned depth = 2; depth <= WEIR_TIME_COORDS; depth++)
        for (size_t k = 0; k < 4; k++) {
            weir_test *t = weir_test_create(build_nested, &depth, .workers = worker_counts[k],
                                            .seed = depth);
            weir_test_push(t, 0, number, 5, 1, { 6 });
            weir_test_advance(t, 0, 6);
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            ck_assert_uint_eq(weir_test_count(t, 0), 6);
            for (size_t i = 0; i < 6; i++) {
                weir_test_change c = weir_test_at(t, 0, i);
                ck_assert_uint_eq(c.time.at[0], 5);
                ck_assert_uint_eq(c.time.at[depth - 1], i); /* rounds */
                ck_assert_uint_eq(((const number *)c.record)->value, 5 - i);
            }
            ck_assert_str_eq(weir_test_take(t, 1), "(value: 0) @5 +1\n(value: 1) @5 +1\n"
                                                   "(value: 2) @5 +1\n(value: 3) @5 +1\n"
                                                   "(value: 4) @5 +1\n(value: 5) @5 +1\n");
            ck_assert_str_eq(weir_test_frontier(t, 1), "{6}");
            ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
            weir_test_destroy(t);
        }
}
END_TEST

/* ---- what a node may not do ---- */

typedef struct misuse {
    void (*act)(weir_step *step, weir_cap cap); /* cap is at the batch's time, 5 */
    const char *text;
} misuse;

static void retain_late(weir_step *step, weir_cap cap)
{
    (void)cap;
    while (weir_step_take(step, 0))
        ;
    weir_cap_retain(step, 0, NULL);
}

static void retain_before(weir_step *step, weir_cap cap)
{
    (void)cap;
    weir_cap_retain(step, 0, &(weir_time){ { 4 } });
}

static void delay_back(weir_step *step, weir_cap cap)
{
    weir_cap_delayed(step, cap, &(weir_time){ { 4 } });
}

static void downgrade_back(weir_step *step, weir_cap cap)
{
    weir_cap_downgrade(step, cap, &(weir_time){ { 4 } });
}

static void drop_twice(weir_step *step, weir_cap cap)
{
    weir_cap_drop(step, cap);
    weir_cap_drop(step, cap);
}

static void ask_for_dropped(weir_step *step, weir_cap cap)
{
    weir_cap_drop(step, cap);
    weir_cap_time(step, cap);
}

static void use_none(weir_step *step, weir_cap cap)
{
    (void)cap;
    weir_cap_delayed(step, WEIR_CAP_NONE, NULL);
}

static void send_before(weir_step *step, weir_cap cap)
{
    (void)cap;
    emit(step, &(weir_time){ { 4 } }, 1);
}

static void send_after_drop(weir_step *step, weir_cap cap)
{
    weir_cap_drop(step, cap);
    while (weir_step_take(step, 0))
        ;
    emit(step, &(weir_time){ { 5 } }, 1);
}

static void send_without_time(weir_step *step, weir_cap cap)
{
    (void)cap;
    while (weir_step_take(step, 0))
        ;
    emit(step, NULL, 1);
}

static void ask_frontier(weir_step *step, weir_cap cap)
{
    (void)cap;
    weir_step_frontier(step, 0);
}

static const misuse misuses[] = {
    { retain_late, "operator 'node': retains a capability without a current batch" },
    { retain_before, "operator 'node': retains a capability from 5 to 4" },
    { delay_back, "operator 'node': delays a capability from 5 to 4" },
    { downgrade_back, "operator 'node': downgrades a capability from 5 to 4" },
    { drop_twice, "operator 'node': drops capability 0, which it does not hold" },
    { ask_for_dropped, "operator 'node': asks for capability 0, which it does not hold" },
    { use_none, "operator 'node': delays capability 4294967295, which it does not hold" },
    { send_before, "operator 'node': sends at 4 from output 0 without a capability" },
    { send_after_drop, "operator 'node': sends at 5 from output 0 without a capability" },
    { send_without_time, "operator 'node': no time given and no current batch" },
    { ask_frontier, "operator 'node': asks for the frontier of input 0, in which it declared no" },
};

static void misuse_step(weir_step *step, void *state)
{
    if (weir_step_take(step, 0))
        ((const misuse *)state)->act(step, weir_cap_retain(step, 0, NULL));
}

static void build_misuse(weir_graph *g, void *ctx)
{
    weir_test_output(node(weir_test_input(g, number), WEIR_NEVER, misuse_step, ctx));
}

static void misuse_now(void *m)
{
    weir_test *t = weir_test_create(build_misuse, m);
    weir_test_push(t, 0, number, 5, 1, { 1 });
    weir_test_run(t);
    weir_test_destroy(t);
}

START_TEST(misuse_is_an_assertion)
{
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++)
        test_dies(misuse_now, (void *)(uintptr_t)&misuses[i], misuses[i].text);
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_caps", (const TTest *const[]){
        epochs_are_told_in_order, frontiers_are_told_as_asked,
        others_are_told_before_a_long_step, long_output_yields, earliest_timer_counts,
        a_moment_counts_again, loops_in_nested_scopes, misuse_is_an_assertion, NULL }));
}
