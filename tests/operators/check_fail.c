/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_fail: functions of one's own that cannot go on, in stages, in nodes, in what makes their
 * contexts. What ends the run is their text, with the operator's name.
 */
#include <stdio.h>
#include <string.h>
#include <weir/memory.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(i64, value)
#define STATE(F) F(i64, count)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(state, STATE)

enum { BAD = 7 };

static int64_t seen; /* records that came behind the function that failed */

static number checked(const number *n)
{
    if (n->value == BAD)
        weir_fail(WEIR_BAD_DATA, "%d is no number of mine", (int)n->value);
    return *n;
}
WEIR_MAP(checked, number, number)

static bool kept(const number *n)
{
    if (n->value == BAD)
        weir_fail(WEIR_OK, "cannot tell of %d", (int)n->value);
    return true;
}
WEIR_FILTER(kept, number)

/* Makes more than a batch holds after it has failed. */
static void spread(const number *n, weir_out(number) out)
{
    if (n->value == BAD) {
        weir_fail(WEIR_INVALID, "first");
        weir_fail(WEIR_IO, "second");
    }
    for (int64_t i = 0; i < (n->value == BAD ? 100000 : 1); i++)
        number_emit(out, (number){ n->value });
}
WEIR_FLAT_MAP(spread, number, number)

static void watched(const number *n)
{
    if (n->value == BAD)
        weir_fail(WEIR_INVALID, "has seen it");
}
WEIR_INSPECT(watched, number)

static void rule(const number *n, state *s, weir_timers *at, weir_out(number) out)
{
    (void)at;
    s->count++;
    if (n->value == BAD)
        weir_fail(WEIR_BAD_DATA, "record %d of its key", (int)s->count);
    number_emit(out, *n);
}
WEIR_PROCESS_UNTIMED(rule, number, state, number)

static void look(const number *n)
{
    seen += n->value == BAD;
}
WEIR_INSPECT(look, number)

typedef struct fail_case {
    const char *what, *name; /* of the operator */
    weir_status status;
} fail_case;

static const fail_case cases[] = {
    { "7 is no number of mine", "checked", WEIR_BAD_DATA },
    { "cannot tell of 7", "kept", WEIR_FAILED },
    { "first", "spread", WEIR_INVALID },
    { "has seen it", "watched", WEIR_INVALID },
    { "record 1 of its key", "rule", WEIR_BAD_DATA },
};

static void build(weir_graph *g, void *ctx)
{
    const fail_case *c = ctx;
    weir_stream(number) s = weir_test_input(g, number), t;
    switch (c - cases) {
    case 0: t = weir_map(s, checked); break;
    case 1: t = weir_filter(s, kept); break;
    case 2: t = weir_flat_map(s, spread); break;
    case 3: t = weir_inspect(s, watched); break;
    default: t = weir_process(s, WEIR_KEY(number, value), rule); break;
    }
    weir_test_output(c - cases < 4 ? weir_inspect(t, look) : t);
}

START_TEST(a_function_ends_the_run)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned workers = 1; workers <= 3; workers++) {
            const fail_case *c = &cases[i];
            weir_test *t = weir_test_create(build, (void *)(uintptr_t)c, .workers = workers);
            weir_test_push(t, 0, number, 0, +1, { 1 });
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            weir_test_push(t, 0, number, 1, +1, { BAD });
            weir_test_run(t);
            ck_assert_int_eq(weir_test_finish(t), c->status);
            const weir_error *error = weir_test_error(t);
            ck_assert_str_eq(error->what, c->what);
            char where[64];
            snprintf(where, sizeof where, "in operator '%s", c->name);
            ck_assert_msg(strstr(error->detail, where) != NULL, "%s", error->detail);
            weir_test_destroy(t);
        }
    ck_assert_int_eq(seen, 0);
    ck_assert_uint_eq(weir_memory_used(), 0);
}
END_TEST

/* ---- contexts ---- */

static int64_t ended;

static int64_t *factor_open(void *ctx, unsigned worker)
{
    (void)worker;
    static int64_t factor = 2;
    weir_fail(WEIR_IO, "%s cannot be read", (const char *)ctx);
    return *(const char *)ctx == 'a' ? &factor : NULL;
}
static void factor_close(int64_t *factor)
{
    ended += *factor;
}
static number scaled(int64_t *factor, const number *n) { return (number){ *factor * n->value }; }
WEIR_MAP_CTX(scaled, int64_t, number, number)

static void build_scaled(weir_graph *g, void *ctx)
{
    weir_test_output(weir_map_ctx(weir_test_input(g, number), scaled, .init = factor_open,
                                  .fini = factor_close, .ctx = ctx));
}

/* With a context made or not: what was made is ended. */
START_TEST(what_makes_a_context_ends_the_run)
{
    static const char *const files[] = { "a", "b" };
    for (size_t i = 0; i < 2; i++) {
        weir_test *t = weir_test_create(build_scaled, (void *)(uintptr_t)files[i], .workers = 1);
        ck_assert_int_eq(weir_test_finish(t), WEIR_IO);
        char what[64];
        snprintf(what, sizeof what, "%s cannot be read", files[i]);
        ck_assert_str_eq(weir_test_error(t)->what, what);
        weir_test_destroy(t);
    }
    ck_assert_int_eq(ended, 2);
    ck_assert_uint_eq(weir_memory_used(), 0);
}
END_TEST

/* ---- behind and beside it ---- */

static number same(const number *n) { return *n; }
WEIR_MAP(same, number, number)

static void build_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_map(weir_test_input(g, number), same));
}

static void build_behind(weir_graph *g, void *ctx)
{
    weir_stream(number) t = weir_process(weir_test_input(g, number), WEIR_KEY(number, value), rule);
    (void)ctx;
    weir_test_output(weir_inspect(weir_map(t, same), look));
}

/* Stages that take what a node has made: they see none of it, and are not named. */
START_TEST(who_comes_behind_a_node_is_not_to_blame)
{
    seen = 0;
    weir_test *t = weir_test_create(build_behind, NULL, .workers = 1);
    weir_test_push(t, 0, number, 0, +1, { 1 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_push(t, 0, number, 1, +1, { BAD });
    ck_assert_int_eq(weir_test_finish(t), WEIR_BAD_DATA);
    ck_assert_msg(strstr(weir_test_error(t)->detail, "in operator 'rule") != NULL, "%s",
                  weir_test_error(t)->detail);
    ck_assert_int_eq(seen, 0);
    weir_test_destroy(t);
}
END_TEST

static uint64_t by_value(const number *n)
{
    if (n->value == BAD)
        weir_fail(WEIR_BAD_DATA, "goes nowhere");
    return (uint64_t)n->value;
}
WEIR_ROUTE(by_value, number)

static void build_route(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) s = weir_map(weir_test_input(g, number), same);
    weir_test_output(weir_exchange_by(s, by_value));
}

/* What routes records belongs to the node that they go to. */
START_TEST(who_routes_is_named)
{
    for (unsigned workers = 2; workers < 4; workers++) {
        weir_test *t = weir_test_create(build_route, NULL, .workers = workers);
        weir_test_push(t, 0, number, 1, +1, { BAD });
        ck_assert_int_eq(weir_test_finish(t), WEIR_BAD_DATA);
        const char *detail = weir_test_error(t)->detail;
        ck_assert_msg(strstr(detail, "in operator 'capture"), "%u: %s", workers, detail);
        weir_test_destroy(t);
    }
}
END_TEST

/* A run on this thread that has nothing to do with an earlier one. */
static void nothing_is_left(void)
{
    weir_test *t = weir_test_create(build_plain, NULL, .workers = 1);
    weir_test_push(t, 0, number, 0, +1, { 1 });
    weir_status status = weir_test_finish(t);
    ck_assert_msg(status == WEIR_OK, "%s, %s", weir_test_error(t)->what,
                  weir_test_error(t)->detail);
    weir_test_destroy(t);
}

static int64_t *plain_open(void *ctx, unsigned worker)
{
    (void)worker;
    return ctx;
}
static void badly_closed(int64_t *factor)
{
    (void)factor;
    weir_fail(WEIR_IO, "cannot be closed");
}
static number times(int64_t *factor, const number *n) { return (number){ *factor * n->value }; }
WEIR_MAP_CTX(times, int64_t, number, number)

static void build_badly_closed(weir_graph *g, void *ctx)
{
    weir_test_output(weir_map_ctx(weir_test_input(g, number), times, .init = plain_open,
                                  .fini = badly_closed, .ctx = ctx));
}

START_TEST(what_ends_a_context_calls_it_to_no_effect)
{
    static int64_t factor = 2;
    weir_test *t = weir_test_create(build_badly_closed, &factor, .workers = 1);
    weir_test_push(t, 0, number, 0, +1, { 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
    nothing_is_left();
}
END_TEST

static int64_t *none_open(void *ctx, unsigned worker)
{
    (void)ctx;
    (void)worker;
    weir_fail(WEIR_IO, "cannot be read");
    return NULL;
}
static bool goes_on(int64_t *c, const number *n, state *s, weir_out(number) out)
{
    (void)c;
    (void)s;
    number_emit(out, *n);
    return false;
}
WEIR_FLAT_MAP_RESUMABLE_CTX(goes_on, int64_t, number, state, number)

static void build_none(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_flat_map_resumable_ctx(weir_test_input(g, number), goes_on,
                                                 .init = none_open));
}

START_TEST(a_node_without_its_context_says_why)
{
    weir_test *t = weir_test_create(build_none, NULL, .workers = 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_IO);
    ck_assert_str_eq(weir_test_error(t)->what, "cannot be read");
    weir_test_destroy(t);
    nothing_is_left();
}
END_TEST

static void call_by_hand(void *ctx)
{
    (void)ctx;
    checked(&(number){ BAD });
}

/* The worker is there, but has not called. */
static void call_beside(void *ctx)
{
    (void)ctx;
    weir_test *t = weir_test_create(build_plain, NULL, .workers = 1);
    weir_test_push(t, 0, number, 0, +1, { 1 });
    weir_test_run(t);
    checked(&(number){ BAD });
}

START_TEST(elsewhere_it_is_an_assertion)
{
    test_dies(call_by_hand, NULL, "7 is no number of mine");
    test_dies(call_beside, NULL, "7 is no number of mine");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_function_ends_the_run,
        what_makes_a_context_ends_the_run,
        who_comes_behind_a_node_is_not_to_blame,
        who_routes_is_named,
        what_ends_a_context_calls_it_to_no_effect,
        a_node_without_its_context_says_why,
        elsewhere_it_is_an_assertion,
        NULL,
    };
    return test_run(test_suite("fail", tests));
}
