/* SPDX-License-Identifier: Apache-2.0
 *
 * asof_join: against looking for the newest record from scratch at every time, ties, null times,
 * texts, records that are there several times; refusals.
 */
#include <weir/operators/asof_join.h>

#include <stdio.h>
#include <weir/test.h>

#include "oracle.h"

#define TRADE(F) F(opt_instant, at) F(str, symbol) F(u32, id)
#define QUOTE(F) F(u32, cents) F(opt_instant, at) F(str, symbol) F(str, text)
#define PRICED(F) F(u32, id) F(str, symbol) F(u32, cents) F(str, text)
WEIR_RECORD(trade, TRADE)
WEIR_RECORD(quote, QUOTE)
WEIR_RECORD(priced, PRICED)

static const char *const symbols[KEYS] = { "A", "a symbol of many letters", "B", "" };
static const char long_text[] = "a text of more than twelve bytes";

/* Values 2n and 2n + 1 are of one instant; value 6 has none. */
static weir_opt_instant instant_of(uint32_t v)
{
    return (weir_opt_instant){ v != 6, { v != 6 ? (int64_t)v / 2 - 1 : 0 } };
}
static trade to_trade(const fact *f)
{
    return (trade){ instant_of(f->value), weir_str_of(symbols[f->key]), f->value };
}
WEIR_MAP(to_trade, fact, trade)
static quote to_quote(const fact *f)
{
    return (quote){ f->value, instant_of(f->value), weir_str_of(symbols[f->key]),
                    weir_str_of(long_text) };
}
WEIR_MAP(to_quote, fact, quote)

static void with_quote(const trade *t, const quote *q, weir_out(priced) out)
{
    if (t->id != 5) /* of one there is nothing, of another much */
        priced_emit(out, (priced){ t->id, t->symbol, q ? q->cents : 99,
                                   q ? q->text : weir_str_format(out, "none for %u", t->id) });
    if (t->id == 4)
        priced_emit(out, (priced){ .id = 100 });
}
WEIR_ASOF_JOIN(with_quote, trade, quote, priced)

static void build(const weir_stream(fact) *in)
{
    weir_test_output(weir_asof_join(weir_map(in[0], to_trade), WEIR_KEY(trade, symbol), at,
                                    weir_map(in[1], to_quote), WEIR_KEY(quote, symbol), at,
                                    with_quote));
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    (void)output;
    for (uint32_t k = 0; k < KEYS; k++)
        for (uint32_t v = 0; v < VALUES; v++) {
            uint32_t newest = 99;
            char none[50];
            for (uint32_t q = 0; q < 6; q++)
                if (q / 2 <= v / 2 && v != 6 && sums[1].of[k][q] > 0)
                    newest = q;
            snprintf(none, sizeof none, "none for %u", v);
            priced p = { v, weir_str_of(symbols[k]), newest,
                         weir_str_of(newest == 99 ? none : long_text) };
            bag_add_record(b, priced_type(), &p, v != 5 ? sums[0].of[k][v] : 0);
            bag_add_record(b, priced_type(), &(priced){ .id = 100 }, v == 4 ? sums[0].of[k][v] : 0);
        }
}

START_TEST(like_looking_for_it)
{
    oracle o = { .inputs = 2, .outputs = 1, .depth_max = 3, .types = { priced_type() },
                 .build = build, .expect = expect, .seeds = 90 };
    oracle_check(&o);
    o.negative = true;
    oracle_check(&o);
}
END_TEST

/* ---- refusals ---- */

#define TEN(F, n)                                                                                  \
    F(i64, n##0) F(i64, n##1) F(i64, n##2) F(i64, n##3) F(i64, n##4) F(i64, n##5) F(i64, n##6)     \
    F(i64, n##7) F(i64, n##8) F(i64, n##9)
#define WIDE(F) F(i64, at) TEN(F, a) TEN(F, b) TEN(F, c)
WEIR_RECORD(wide, WIDE)
static void of_wide(const wide *a, const wide *b, weir_out(wide) out)
{
    wide_emit(out, b ? *b : *a);
}
WEIR_ASOF_JOIN(of_wide, wide, wide, wide)

static int wrong;

static void refuse(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(trade) t = weir_test_collection(g, trade), none = { .port = NULL };
    weir_stream(quote) q = weir_test_collection(g, quote);
    weir_stream(wide) w = weir_test_collection(g, wide);
    weir_port *made = NULL;
    ck_assert_ptr_null(weir_asof_join(none, WEIR_KEY(trade, symbol), at, q,
                                      WEIR_KEY(quote, symbol), at, with_quote).port);
    if (wrong == 0)
        made = weir_asof_join(t, WEIR_KEY(trade, symbol), at, q, WEIR_KEY(quote, symbol), cents,
                              with_quote).port;
    else if (wrong == 1)
        made = weir_asof_join(weir_test_input(g, trade), WEIR_KEY(trade, symbol), at, q,
                              WEIR_KEY(quote, symbol), at, with_quote).port;
    else if (wrong == 2)
        made = weir_asof_join(t, WEIR_KEY(trade, symbol), at,
                              weir_enter(q, weir_scope_add(g, NULL, "rounds")),
                              WEIR_KEY(quote, symbol), at, with_quote).port;
    else if (wrong == 3)
        made = weir_asof_join(w, WEIR_KEY(wide, a0), at, w, WEIR_KEY(wide, a0), at, of_wide).port;
    else
        made = weir_asof_add_of_wide((weir_port *const[2]){ t.port, q.port },
                                     (const char *const *const[2]){
                                         WEIR_KEY_NAMES_(WEIR_KEY(trade, symbol)),
                                         WEIR_KEY_NAMES_(WEIR_KEY(quote, symbol)) },
                                     (const char *const[2]){ wrong == 4 ? "when" : "at", "at" })
                   .port;
    ck_assert_ptr_null(made);
}

START_TEST(refusals)
{
    static const struct {
        weir_status status;
        const char *what;
    } expected[] = {
        { WEIR_TYPE_MISMATCH, "'at' of 'trade' and 'cents' of 'quote' are no times of one kind" },
        { WEIR_TYPE_MISMATCH, "collections are joined, and stream 1 is a plain one" },
        { WEIR_INVALID, "the streams are in different scopes" },
        { WEIR_TOO_LARGE, "the records have together over 64 fields or 4096 bytes" },
        { WEIR_TYPE_MISMATCH, "record 'trade' has no field 'when'" },
        { WEIR_TYPE_MISMATCH, "stream 1 carries 'trade', the function takes 'wide'" },
    };
    for (wrong = 0; wrong < (int)(sizeof expected / sizeof *expected); wrong++)
        oracle_refused(refuse, expected[wrong].status, expected[wrong].what);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_looking_for_it, refusals, NULL };
    return test_run(test_suite("asof_join", tests));
}
