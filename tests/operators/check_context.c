/* SPDX-License-Identifier: Apache-2.0
 *
 * Contexts of stages: made on each worker, shared, ended, refused.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(i64, value)
WEIR_RECORD(item, ITEM)

enum { WORKERS = 4 };

/* What the contexts' makers count, and which of them are to fail. */
typedef struct ledger {
    int made, ended;
    unsigned failing; /* the worker whose context cannot be made; none at WORKERS */
    int64_t factor;
} ledger;

typedef struct scale {
    ledger *ledger;
    int64_t factor;
    unsigned worker;
    uint64_t calls;
} scale;

static scale scales[WORKERS];

static scale *scale_open(void *ctx, unsigned worker)
{
    ledger *l = ctx;
    if (worker == l->failing)
        return NULL;
    l->made++;
    scales[worker] = (scale){ l, l->factor, worker, 0 };
    return &scales[worker];
}

static void scale_close(scale *s) { s->ledger->ended++; }

static item times(scale *s, const item *i)
{
    s->calls++;
    return (item){ i->value * s->factor };
}
WEIR_MAP_CTX(times, scale, item, item)

static bool is_multiple(scale *s, const item *i) { return i->value % s->factor == 0; }
WEIR_FILTER_CTX(is_multiple, scale, item)

static void repeat(scale *s, const item *i, weir_out(item) out)
{
    for (int64_t n = 0; n < s->factor; n++)
        item_emit(out, (item){ i->value + n });
}
WEIR_FLAT_MAP_CTX(repeat, scale, item, item)

static bool repeat_slowly(scale *s, const item *i, int64_t *at, weir_out(item) out)
{
    item_emit(out, (item){ i->value + *at });
    return ++*at < s->factor;
}
WEIR_FLAT_MAP_RESUMABLE_CTX(repeat_slowly, scale, item, int64_t, item)

static void look(scale *s, const item *i)
{
    (void)i;
    s->calls++;
}
WEIR_INSPECT_CTX(look, scale, item)

/* A context that the workers share, and do not change. */
static item plus(const int64_t *n, const item *i) { return (item){ i->value + *n }; }
WEIR_MAP_CTX(plus, const int64_t, item, item)
static const int64_t hundred = 100;

static void build(weir_graph *g, void *ctx)
{
    weir_stream(item) in = weir_test_input(g, item);
    weir_stream(item) s = weir_map_ctx(in, times, .init = scale_open, .fini = scale_close,
                                       .ctx = ctx);
    weir_test_output(weir_map_ctx(s, plus, .ctx = &hundred));
    weir_test_output(weir_filter_ctx(in, is_multiple, .init = scale_open, .ctx = ctx));
    weir_test_output(weir_flat_map_ctx(in, repeat, .init = scale_open, .fini = scale_close,
                                       .ctx = ctx, .name = "repeated"));
    weir_test_output(weir_inspect_ctx(in, look, .init = scale_open, .ctx = ctx));
}

START_TEST(made_and_ended_on_each_worker)
{
    for (unsigned workers = 1; workers <= WORKERS; workers++) {
        ledger l = { .failing = WORKERS, .factor = 3 };
        weir_test *t = weir_test_create(build, &l, .workers = workers);
        ck_assert_int_eq(l.made, 0);
        weir_test_push(t, 0, item, 0, +1, { 1 });
        weir_test_push(t, 0, item, 0, +1, { 6 });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_int_eq(l.made, 4 * (int)workers);
        ck_assert_str_eq(weir_test_take(t, 0), "(value: 103) @0 +1\n(value: 118) @0 +1\n");
        ck_assert_str_eq(weir_test_take(t, 1), "(value: 6) @0 +1\n");
        ck_assert_str_eq(weir_test_take(t, 2), "(value: 1) @0 +1\n(value: 2) @0 +1\n"
                                               "(value: 3) @0 +1\n(value: 6) @0 +1\n"
                                               "(value: 7) @0 +1\n(value: 8) @0 +1\n");
        ck_assert_uint_eq(weir_test_count(t, 3), 2);
        ck_assert_int_eq(l.ended, 0);
        weir_test_destroy(t);
        ck_assert_int_eq(l.ended, 2 * (int)workers); /* two of the four have a .fini */
    }
}
END_TEST

START_TEST(one_that_cannot_be_made)
{
    for (unsigned failing = 0; failing < WORKERS; failing++) {
        ledger l = { .failing = failing, .factor = 3 };
        weir_test *t = weir_test_create(build, &l, .workers = WORKERS);
        ck_assert_int_eq(weir_test_run(t), WEIR_FAILED);
        ck_assert_str_eq(weir_test_error(t)->what, "its init has made no context");
        char text[64];
        snprintf(text, sizeof text, "in operator 'times' on worker %u", failing);
        ck_assert_str_eq(weir_test_error(t)->detail, text);
        weir_test_destroy(t);
        ck_assert_int_eq(l.ended * 2, l.made);
    }
}
END_TEST

static void build_without(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_map_ctx(weir_test_input(g, item), times);
    weir_map_ctx((weir_stream(item)){ .port = NULL }, times); /* does nothing */
}

static void build_resumable_without(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_flat_map_resumable_ctx(weir_test_input(g, item), repeat_slowly, .name = "slow");
}

START_TEST(refused_without)
{
    for (int resumable = 0; resumable < 2; resumable++) {
        weir_test *t = weir_test_create(resumable ? build_resumable_without : build_without, NULL);
        ck_assert_int_eq(weir_test_error(t)->status, WEIR_INVALID);
        ck_assert_str_eq(weir_test_error(t)->what, "a function that takes a context has none");
        ck_assert_str_eq(weir_test_error(t)->detail,
                         resumable ? "in operator 'slow'" : "in operator 'times'");
        weir_test_destroy(t);
    }
}
END_TEST

static void build_resumable(weir_graph *g, void *ctx)
{
    weir_stream(item) in = weir_test_input(g, item);
    weir_test_output(weir_flat_map_resumable_ctx(in, repeat_slowly, .init = scale_open,
                                                 .fini = scale_close, .ctx = ctx, .name = "slow"));
    weir_test_output(weir_flat_map_resumable_ctx(in, repeat_slowly, .ctx = &scales[0]));
}

/* The resumable form is a node, whose contexts are made, shared, ended and missed as a stage's. */
START_TEST(of_the_resumable_form)
{
    for (unsigned failing = 0; failing <= WORKERS; failing++) {
        ledger l = { .failing = failing, .factor = 2 };
        scales[0] = (scale){ .factor = 3 };
        weir_test *t = weir_test_create(build_resumable, &l, .workers = WORKERS);
        weir_test_push(t, 0, item, 0, +1, { 5 });
        weir_test_push(t, 0, item, 0, +1, { 8 });
        ck_assert_int_eq(weir_test_run(t), failing < WORKERS ? WEIR_FAILED : WEIR_OK);
        if (failing < WORKERS) {
            ck_assert_str_eq(weir_test_error(t)->what, "its init has made no context");
        } else {
            ck_assert_str_eq(weir_test_take(t, 0), "(value: 5) @0 +1\n(value: 6) @0 +1\n"
                                                   "(value: 8) @0 +1\n(value: 9) @0 +1\n");
            ck_assert_uint_eq(weir_test_count(t, 1), 4);
        }
        weir_test_destroy(t);
        ck_assert_int_eq(l.ended, l.made);
        ck_assert_int_eq(l.made, failing < WORKERS ? l.ended : WORKERS);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite(
        "context", (const TTest *const[]){ made_and_ended_on_each_worker, one_that_cannot_be_made,
                                           refused_without, of_the_resumable_form, NULL }));
}
