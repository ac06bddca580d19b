/* SPDX-License-Identifier: Apache-2.0
 *
 * The harness <weir/test.h>, and through it capture: what users' tests of their operators stand on.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void split_words(const line *in, weir_out(word) out)
{
    weir_split words = weir_split_of(&in->text, ' ');
    for (weir_str token; weir_split_next(&words, &token);)
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split_words, line, word)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_test_input(g, line);
    weir_test_output(weir_flat_map(lines, split_words));
}

/* The example of the header. */
START_TEST(example)
{
    weir_test *t = weir_test_create(build, NULL, .workers = 2);
    weir_test_push(t, 0, line, 3, +1, { .text = weir_str_of("to be") });
    weir_test_advance(t, 0, 4);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(text: \"be\") @3 +1\n"
                                           "(text: \"to\") @3 +1\n");
    ck_assert_str_eq(weir_test_frontier(t, 0), "{4}");
    weir_test_destroy(t);
}
END_TEST

#define SALE(F) F(str, product) F(i64, cents)
WEIR_RECORD(sale, SALE)

/* Two inputs, the second a collection; three outputs, the last one inside a scope. */
static void build_two(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) plain = weir_test_input(g, sale), changes = weir_test_collection(g, sale);
    weir_test_output(weir_exchange(plain, WEIR_KEY(sale, product)));
    weir_test_output(weir_exchange(changes, WEIR_KEY(sale, cents)));
    weir_scope *inside = weir_scope_add(g, NULL, "inside");
    weir_test_output(((weir_stream(sale)){ .port = weir_port_enter(changes.port, inside) }));
}

START_TEST(changes_and_sums)
{
    static const char long_name[] = "a name too long to be inline";
    for (unsigned workers = 1; workers <= 4; workers++) {
        weir_test *t = weir_test_create(build_two, NULL, .workers = workers, .seed = workers);
        weir_test_push(t, 1, sale, 1, +2, { weir_str_of(long_name), 5 });
        weir_test_push(t, 1, sale, 2, +1, { weir_str_of("b"), 5 });
        weir_test_push(t, 1, sale, 1, -1, { weir_str_of(long_name), 5 });
        weir_test_push(t, 1, sale, 1, +7, { weir_str_of("a"), -1 });
        weir_test_push(t, 1, sale, 1, -7, { weir_str_of("a"), -1 });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 0);
        ck_assert_uint_eq(weir_test_count(t, 1), 5);
        ck_assert_str_eq(weir_test_take_sums(t, 1),
                         "(product: \"a name too long to be inline\", cents: 5) @1 +1\n"
                         "(product: \"b\", cents: 5) @2 +1\n");
        ck_assert_str_eq(weir_test_take(t, 1), "");
        ck_assert_str_eq(weir_test_take(t, 2),
                         "(product: \"a\", cents: -1) @(1, 0) -7\n"
                         "(product: \"a\", cents: -1) @(1, 0) +7\n"
                         "(product: \"a name too long to be inline\", cents: 5) @(1, 0) -1\n"
                         "(product: \"a name too long to be inline\", cents: 5) @(1, 0) +2\n"
                         "(product: \"b\", cents: 5) @(2, 0) +1\n");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{0}");
        ck_assert_str_eq(weir_test_frontier(t, 2), "{(0, 0)}");
        weir_test_advance(t, 1, 7);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 2), "{(7, 0)}");
        weir_test_close(t, 1);
        ck_assert(!weir_test_is_complete(t));
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert(weir_test_is_complete(t));
        ck_assert_str_eq(weir_test_frontier(t, 0), "{}");
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(workers_are_named)
{
    weir_test *t = weir_test_create(build_two, NULL, .workers = 3);
    weir_test_push_on(t, 1, 2, sale, 0, +1, { weir_str_of("x"), 1 });
    weir_test_advance_on(t, 1, 0, 5);
    weir_test_advance_on(t, 1, 1, 6);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_frontier(t, 1), "{0}");
    weir_test_advance_on(t, 1, 2, 9);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_frontier(t, 1), "{5}");
    /* the scope's output is local: it came out where it went in */
    ck_assert_uint_eq(weir_test_at(t, 2, 0).worker, 2);
    ck_assert_int_eq(((const sale *)weir_test_at(t, 2, 0).record)->cents, 1);
    ck_assert_ptr_null(weir_test_at(t, 2, 1).record);
    weir_test_destroy(t);
}
END_TEST

/* How often the workers were stepped says which run it was. */
static uint64_t turns_of(uint64_t seed, bool no_delays)
{
    weir_test *t = weir_test_create(build_two, NULL, .workers = 5, .seed = seed,
                                    .no_delays = no_delays);
    ck_assert_uint_eq(weir_test_seed(t), seed);
    for (int64_t i = 0; i < 100; i++)
        weir_test_push(t, 1, sale, (uint64_t)i, +1, { weir_str_of("x"), i });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 1), 100);
    weir_process_info info;
    weir_observe_process(weir_test_runtime(t), &info);
    weir_test_destroy(t);
    return info.turns;
}

START_TEST(seeds_repeat_runs)
{
    uint64_t first = turns_of(1, false);
    bool differs = false;
    for (uint64_t seed = 1; seed < 8; seed++) {
        uint64_t turns = turns_of(seed, false);
        ck_assert_uint_eq(turns, turns_of(seed, false));
        differs = differs || turns != first;
    }
    ck_assert(differs);
    ck_assert_uint_le(turns_of(1, true), first);
}
END_TEST

static void ck_error(weir_test *t, weir_status status, const char *what)
{
    ck_assert_int_eq(weir_test_run(t), status);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    weir_test_destroy(t);
}

START_TEST(senseless_calls_stick)
{
    weir_test *t = weir_test_create(build_two, NULL, .workers = 65);
    weir_test_push(t, 0, sale, 0, +1, { weir_str_of("x"), 1 }); /* does nothing */
    weir_test_pass_time(t, 1);
    ck_assert_str_eq(weir_test_take(t, 0), "");
    ck_error(t, WEIR_INVALID, "too many workers for a test");

    t = weir_test_create(build_two, NULL);
    weir_test_push(t, 2, sale, 0, +1, { weir_str_of("x"), 1 });
    ck_error(t, WEIR_NOT_FOUND, "the test has no such input");
    t = weir_test_create(build_two, NULL);
    weir_test_push_on(t, 1, 1, sale, 0, +1, { weir_str_of("x"), 1 });
    ck_error(t, WEIR_NOT_FOUND, "the test has no such worker");
    t = weir_test_create(build_two, NULL);
    weir_test_push(t, 0, sale, 0, -1, { weir_str_of("x"), 1 });
    ck_error(t, WEIR_TYPE_MISMATCH, "a diff other than 1 in a plain stream");
    t = weir_test_create(build_two, NULL);
    weir_test_advance(t, 0, 3);
    weir_test_push(t, 0, sale, 2, +1, { weir_str_of("x"), 1 });
    ck_error(t, WEIR_INVALID, "a record before the input's frontier");
    t = weir_test_create(build_two, NULL);
    weir_test_advance(t, 0, 3);
    weir_test_advance(t, 0, 2);
    ck_error(t, WEIR_INVALID, "an input's frontier cannot go back");
    t = weir_test_create(build_two, NULL);
    weir_test_close(t, 0);
    weir_test_close(t, 0); /* once more does nothing */
    weir_test_advance(t, 0, 2);
    ck_error(t, WEIR_CLOSED, "the input was closed");
    t = weir_test_create(build_two, NULL);
    ck_assert_str_eq(weir_test_take(t, 3), "");
    ck_assert_ptr_null(weir_test_worker(t, 1));
    ck_error(t, WEIR_NOT_FOUND, "the test has no such output");
}
END_TEST

static void restless_step(weir_step *step, void *state)
{
    (void)state;
    weir_step_again(step);
}

static void build_restless(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "restless",
                                        .step = restless_step }, NULL);
    weir_test_output(weir_test_input(g, line)); /* what keeps the dataflow from being complete */
}

static void build_many(weir_graph *g, void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 65; i++)
        (void)weir_test_input(g, line);
}

/* More outputs than there may be, of fewer inputs. */
static void build_outputs(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) in = weir_test_input(g, line);
    for (int i = 0; i < 65; i++)
        weir_test_output(in);
}

static void build_refused(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_graph_fail(g, WEIR_DENIED, "me", "ask again", "not today");
    weir_test_output(((weir_stream(line)){ .port = NULL }));
}

START_TEST(failures_are_told)
{
    ck_error(weir_test_create(build_many, NULL), WEIR_TOO_LARGE, "a test has at most 64 inputs");
    ck_error(weir_test_create(build_outputs, NULL), WEIR_TOO_LARGE,
             "a test has at most 64 outputs");
    ck_error(weir_test_create(build_refused, NULL), WEIR_DENIED, "not today");
    ck_error(weir_test_create(build_restless, NULL), WEIR_FAILED,
             "the dataflow does not come to rest");
    weir_error error = { 0 };
    ck_assert_int_eq(weir_run(NULL, build, NULL, &error), WEIR_INVALID);
    ck_assert_str_eq(error.what, "a test's input or output in a graph that is not under test");
}
END_TEST

/* Texts grow as need be. */
START_TEST(long_texts)
{
    weir_test *t = weir_test_create(build, NULL);
    static char text[20001];
    memset(text, 'x', sizeof text - 1);
    weir_test_push(t, 0, line, 0, +1, { weir_str_of(text) });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    const char *out = weir_test_take(t, 0);
    ck_assert_uint_eq(strlen(out), strlen(text) + strlen("(text: \"\") @0 +1\n"));
    weir_test_destroy(t);
}
END_TEST

static void one_step(weir_step *step, void *state)
{
    *(uint64_t *)state = weir_step_now_ns(step);
    weir_step_at_ns(step, weir_step_now_ns(step) + 1000000000);
}

static weir_status one_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void build_timer(weir_graph *g, void *ctx)
{
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "timer",
                                        .init = one_init, .step = one_step, .ctx = ctx }, NULL);
    weir_test_output(weir_test_input(g, line));
}

START_TEST(time_is_virtual)
{
    uint64_t at = 0;
    weir_test *t = weir_test_create(build_timer, &at);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    uint64_t first = at;
    ck_assert_uint_gt(first, 0);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(at, first);
    weir_test_pass_time(t, 1000000000);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_ge(at, first + 1000000000);
    weir_test_destroy(t);
}
END_TEST

/* Numbers of the environment: others each time, the same for a seed. */
static void dice_step(weir_step *step, void *state)
{
    uint64_t *thrown = state;
    for (int i = 0; i < 8; i++)
        thrown[i] = weir_step_random(step);
}

static void build_dice(weir_graph *g, void *ctx)
{
    weir_node_add(g,
                  &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                     .kind = "dice",
                                     .at_start = true,
                                     .init = one_init,
                                     .step = dice_step,
                                     .ctx = ctx },
                  NULL);
    weir_test_output(weir_test_input(g, line));
}

START_TEST(random_numbers_repeat)
{
    uint64_t thrown[3][8] = { 0 };
    for (unsigned i = 0; i < 3; i++) {
        weir_test *t = weir_test_create(build_dice, thrown[i], .seed = 5 + i / 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_destroy(t);
    }
    ck_assert_mem_eq(thrown[0], thrown[1], sizeof thrown[0]);
    for (int i = 0; i < 8; i++) {
        ck_assert_uint_ne(thrown[0][i], thrown[2][i]);
        for (int k = 0; k < i; k++)
            ck_assert_uint_ne(thrown[0][i], thrown[0][k]);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite(
        "test_harness",
        (const TTest *const[]){ example, changes_and_sums, workers_are_named, seeds_repeat_runs,
                                senseless_calls_stick, failures_are_told, long_texts,
                                time_is_virtual, random_numbers_repeat, NULL }));
}
