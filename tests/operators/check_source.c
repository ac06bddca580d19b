/* SPDX-License-Identifier: Apache-2.0
 *
 * source: all that a function makes, within the budget; waits that the clock or the waker ends;
 * states of workers; ends.
 */
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, n) F(str, text)
WEIR_RECORD(number, NUMBER)

enum { COUNT = 5000 };

typedef struct counter {
    uint64_t next, stride, until;
    weir_waker *waker;
    bool allowed;
} counter;

static counter *counters[4];
static unsigned ended, calls;

static counter *counter_begin(const weir_source_start *start)
{
    counter *c = weir_alloc_zero(sizeof *c);
    *c = (counter){ start->worker, start->workers, *(const uint64_t *)start->ctx, start->waker,
                    false };
    counters[start->worker] = c;
    return c;
}

static void counter_end(counter *c)
{
    ended++;
    weir_free(c, sizeof *c);
}

static void emit(counter *c, weir_out(number) out)
{
    number_emit(out, (number){ c->next, weir_str_format(out, "the number %llu of many",
                                                        (unsigned long long)c->next) });
    c->next += c->stride;
}

static weir_more count_up(counter *c, weir_out(number) out)
{
    if (c->next >= c->until)
        return WEIR_SOURCE_END;
    emit(c, out);
    return WEIR_SOURCE_MORE;
}
WEIR_SOURCE(count_up, counter, number)

static weir_more when_allowed(counter *c, weir_out(number) out)
{
    calls++;
    if (!c->allowed)
        return WEIR_SOURCE_WAIT;
    emit(c, out);
    c->allowed = false;
    return c->next >= c->until ? WEIR_SOURCE_END : WEIR_SOURCE_WAIT;
}
WEIR_SOURCE(when_allowed, counter, number)

static uint64_t until;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_source(g, number, count_up, .init = counter_begin, .fini = counter_end,
                                 .ctx = &until, .name = "numbers"));
}

START_TEST(all_of_it)
{
    until = COUNT;
    for (unsigned workers = 1; workers <= 3; workers++) {
        ended = 0;
        weir_test *t = weir_test_create(build, NULL, .workers = workers, .batch_bytes = 512,
                                        .budget_bytes = 4096);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), COUNT);
        uint64_t sum = 0;
        for (size_t i = 0; i < COUNT; i++)
            sum += ((const number *)weir_test_at(t, 0, i).record)->n;
        ck_assert_uint_eq(sum, (uint64_t)COUNT * (COUNT - 1) / 2);
        weir_test_destroy(t);
        ck_assert_uint_eq(ended, workers);
    }
}
END_TEST

static unsigned wait_ms;

static void build_waiting(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_source(g, number, when_allowed, .init = counter_begin,
                                 .fini = counter_end, .ctx = &until, .wait_ms = wait_ms));
}

START_TEST(waits)
{
    until = 4;
    for (wait_ms = 0; wait_ms <= 100; wait_ms += 100) {
        weir_test *t = weir_test_create(build_waiting, NULL, .workers = 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        unsigned before = calls = 0;
        for (unsigned round = 0; round < 2; round++)
            for (unsigned w = 0; w < 2; w++) {
                ck_assert_int_eq(weir_test_run(t), WEIR_OK);
                ck_assert_uint_eq(calls, before);
                counters[w]->allowed = true;
                if (wait_ms)
                    weir_test_pass_time(t, 101000000);
                else
                    weir_wake(counters[w]->waker);
                ck_assert_int_eq(weir_test_run(t), WEIR_OK);
                ck_assert_uint_eq(weir_test_count(t, 0), 2 * round + w + 1);
                ck_assert_uint_gt(calls, before);
                before = calls;
            }
        ck_assert(weir_test_is_complete(t));
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- without a state of each worker, and without any ---- */

static weir_more once(bool *shared, weir_out(number) out)
{
    if (!__atomic_exchange_n(shared, true, __ATOMIC_RELAXED))
        number_emit(out, (number){ 7, weir_str_of("seven") });
    return WEIR_SOURCE_END;
}
WEIR_SOURCE(once, bool, number)

static counter *cannot_begin(const weir_source_start *start)
{
    (void)start;
    return NULL;
}

static void build_shared(weir_graph *g, void *ctx)
{
    weir_test_output(weir_source(g, number, once, .ctx = ctx));
}
static void build_failing(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(
        weir_source(g, number, count_up, .init = cannot_begin, .fini = counter_end));
}

START_TEST(other_states)
{
    bool shared = false;
    weir_test *t = weir_test_create(build_shared, &shared, .workers = 3);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 1);
    weir_test_destroy(t);
    t = weir_test_create(build_failing, NULL);
    ck_assert_int_eq(weir_test_finish(t), WEIR_FAILED);
    ck_assert_ptr_nonnull(strstr(weir_test_error(t)->what, "its .init returned NULL"));
    weir_test_destroy(t);
}
END_TEST

/* A source that never ends is ended by a stop. */
static void build_endless(weir_graph *g, void *ctx)
{
    weir_captured *captured = ctx;
    static uint64_t never = UINT64_MAX;
    weir_stream(number) n = weir_source(g, number, count_up, .init = counter_begin,
                                        .fini = counter_end, .ctx = &never);
    weir_capture(n, captured);
}

static void stop_after(weir_worker *worker, void *ctx)
{
    while (weir_captured_count(ctx, weir_worker_index(worker)) < 1000)
        (void)weir_worker_step_or_park(worker, UINT64_MAX);
    if (weir_worker_index(worker) == 0) /* a second one would not wait for completion */
        weir_runtime_stop(weir_worker_runtime(worker));
}

START_TEST(ends_when_told)
{
    weir_error error;
    weir_captured *captured = weir_captured_create();
    ended = 0;
    weir_config config = { .struct_size = sizeof config, .workers = 2,
                           .worker_main = stop_after, .ctx = captured };
    ck_assert_int_eq(weir_run(&config, build_endless, captured, &error), WEIR_OK);
    ck_assert_uint_eq(ended, 2);
    weir_captured_destroy(captured);
}
END_TEST

int main(void)
{
    return test_run(test_suite("source", (const TTest *const[]){
        all_of_it, waits, other_states, ends_when_told, NULL }));
}
