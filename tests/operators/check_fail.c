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

static void call_by_hand(void *ctx)
{
    (void)ctx;
    checked(&(number){ BAD });
}

START_TEST(elsewhere_it_is_an_assertion)
{
    test_dies(call_by_hand, NULL, "7 is no number of mine");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_function_ends_the_run,
        what_makes_a_context_ends_the_run,
        elsewhere_it_is_an_assertion,
        NULL,
    };
    return test_run(test_suite("fail", tests));
}
