/* SPDX-License-Identifier: Apache-2.0
 *
 * interval_join: against comparing all pairs from scratch at every time, intervals before, after
 * and around, of several kinds of time, null times, the ends of a kind's range; refusals.
 */
#include <weir/operators/interval_join.h>

#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define CLICK(F) F(u32, user) F(i64, at) F(opt_instant, time) F(str, text)
#define VIEW(F) F(opt_instant, time) F(u32, user) F(i64, at)
#define SEEN(F) F(u32, user) F(i64, click) F(i64, view) F(str, text)
WEIR_RECORD(click, CLICK)
WEIR_RECORD(view, VIEW)
WEIR_RECORD(seen, SEEN)

static const char long_text[] = "a text of more than twelve bytes";

static weir_opt_instant instant_of(uint32_t v)
{
    return (weir_opt_instant){ v != 3, { v != 3 ? (int64_t)v - 3 : 0 } }; /* one is null */
}
static click to_click(const fact *f)
{
    return (click){ f->key, (int64_t)f->value - 3, instant_of(f->value), weir_str_of(long_text) };
}
WEIR_MAP(to_click, fact, click)
static view to_view(const fact *f)
{
    return (view){ instant_of(f->value), f->key, (int64_t)f->value - 3 };
}
WEIR_MAP(to_view, fact, view)

static void with_view(const click *c, const view *v, weir_out(seen) out)
{
    seen_emit(out, (seen){ c->user, c->at, v->at, c->text });
}
WEIR_JOIN(with_view, click, view, seen)

static void build(const weir_stream(fact) *in)
{
    weir_stream(click) c = weir_map(in[0], to_click);
    weir_stream(view) v = weir_map(in[1], to_view);
    weir_test_output(weir_interval_join(c, WEIR_KEY(click, user), at, v, WEIR_KEY(view, user), at,
                                        with_view, .low = -2, .high = 0));
    weir_test_output(weir_interval_join(c, WEIR_KEY(click, user), time, v, WEIR_KEY(view, user),
                                        time, with_view, .low = 1, .high = 3));
    weir_test_output(weir_interval_join(c, WEIR_KEY(click, user), at, v, WEIR_KEY(view, user), at,
                                        with_view, .low = INT64_MIN, .high = INT64_MAX));
    weir_test_output(weir_interval_join(c, WEIR_KEY(click, user), at, v, WEIR_KEY(view, user), at,
                                        with_view));
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    static const int low[] = { -2, 1, -100, 0 }, high[] = { 0, 3, 100, 0 };
    for (uint32_t k = 0; k < KEYS; k++)
        for (int c = 0; c < VALUES; c++)
            for (int v = 0; v < VALUES; v++)
                if (v - c >= low[output] && v - c <= high[output] &&
                    (output != 1 || (v != 3 && c != 3)))
                    bag_add_record(b, seen_type(),
                                   &(seen){ k, c - 3, v - 3, weir_str_of(long_text) },
                                   sums[0].of[k][c] * sums[1].of[k][v]);
}

START_TEST(like_all_pairs)
{
    oracle_check(&(oracle){ .inputs = 2, .outputs = 4, .depth_max = 3, .negative = true,
                            .types = { seen_type(), seen_type(), seen_type(), seen_type() },
                            .build = build, .expect = expect, .seeds = 45 });
}
END_TEST

/* ---- the ends ---- */

#define MOMENT(F) F(u8, key) F(u64, at)
WEIR_RECORD(moment, MOMENT)
static void both(const moment *a, const moment *b, weir_out(moment) out)
{
    moment_emit(out, *a);
    moment_emit(out, *b);
}
WEIR_JOIN(both, moment, moment, moment)

static void build_moments(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(moment) a = weir_test_collection(g, moment), b = weir_test_collection(g, moment);
    weir_test_output(weir_interval_join(a, WEIR_KEY(moment, key), at, b, WEIR_KEY(moment, key), at,
                                        both, .low = -1, .high = 1));
}

START_TEST(ends_of_the_range)
{
    weir_test *t = weir_test_create(build_moments, NULL);
    weir_test_push(t, 0, moment, 0, 1, { 1, 0 });
    weir_test_push(t, 0, moment, 0, 1, { 1, UINT64_MAX });
    weir_test_push(t, 1, moment, 0, 2, { 1, 1 });
    weir_test_push(t, 1, moment, 0, 3, { 1, UINT64_MAX - 1 });
    weir_test_push(t, 1, moment, 0, 1, { 2, 0 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 0), "(key: 1, at: 0) @0 +2\n"
                                                "(key: 1, at: 1) @0 +2\n"
                                                "(key: 1, at: 18446744073709551614) @0 +3\n"
                                                "(key: 1, at: 18446744073709551615) @0 +3\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

#define WIDE(F) F(u8, a) F(u8, b) F(u8, c) F(u8, d) F(u8, e) F(u8, f) F(u8, g) F(u8, h) F(u8, at)
WEIR_RECORD(wide, WIDE)
static void of_wide(const wide *a, const wide *b, weir_out(wide) out)
{
    (void)b;
    wide_emit(out, *a);
}
WEIR_JOIN(of_wide, wide, wide, wide)

static int wrong;

static void refuse(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(click) c = weir_test_collection(g, click), none = { .port = NULL };
    weir_stream(view) v = weir_test_collection(g, view);
    weir_stream(wide) w = weir_test_collection(g, wide);
    weir_port *made = NULL;
    ck_assert_ptr_null(weir_interval_join(none, WEIR_KEY(click, user), at, v, WEIR_KEY(view, user),
                                          at, with_view).port);
    if (wrong == 0)
        made = weir_interval_join(c, WEIR_KEY(click, user), at, v, WEIR_KEY(view, user), time,
                                  with_view).port;
    else if (wrong == 1)
        made = weir_interval_join(c, WEIR_KEY(click, user), at, v, WEIR_KEY(view, user), at,
                                  with_view, .low = 1).port;
    else if (wrong == 2)
        made = weir_interval_join(w, WEIR_KEY(wide, a, b, c, d, e, f, g, h), at, w,
                                  WEIR_KEY(wide, a, b, c, d, e, f, g, h), at, of_wide).port;
    else if (wrong == 3)
        made = weir_interval_join(c, WEIR_KEY(click, user), at,
                                  weir_enter(v, weir_scope_add(g, NULL, "rounds")),
                                  WEIR_KEY(view, user), at, with_view).port;
    else
        made = weir_interval_join_erased(
            (weir_port *const[2]){ c.port, v.port },
            &(weir_interval_join_spec){ .struct_size = sizeof(weir_interval_join_spec),
                                        .keys = { WEIR_KEY_NAMES_(WEIR_KEY(click, user)),
                                                  WEIR_KEY_NAMES_(WEIR_KEY(view, user)) },
                                        .times = { "at", wrong == 4 ? "size" : "at" },
                                        .join = weir_join_spec_of_wide() },
            &(struct weir_interval_join_options){
                .struct_size = sizeof(struct weir_interval_join_options) });
    ck_assert_ptr_null(made);
}

START_TEST(refusals)
{
    static const struct {
        weir_status status;
        const char *what;
    } expected[] = {
        { WEIR_TYPE_MISMATCH, "'at' of 'click' and 'time' of 'view' are no times of one kind" },
        { WEIR_INVALID, "an interval from 1 to 0 has nothing in it" },
        { WEIR_INVALID, "keys of 8 fields" },
        { WEIR_INVALID, "the streams are in different scopes" },
        { WEIR_TYPE_MISMATCH, "record 'view' has no field 'size'" },
        { WEIR_TYPE_MISMATCH, "stream 1 carries 'click', the function takes 'wide'" },
    };
    for (wrong = 0; wrong < (int)(sizeof expected / sizeof *expected); wrong++)
        oracle_refused(refuse, expected[wrong].status, expected[wrong].what);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_all_pairs, ends_of_the_range, refusals, NULL };
    return test_run(test_suite("interval_join", tests));
}
