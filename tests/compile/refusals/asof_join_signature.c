/* expect: WEIR_ASOF_JOIN\(first, trade, quote, trade\): first must be void */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/asof_join.h>

#define TRADE(F) F(u32, symbol) F(instant, at)
#define QUOTE(F) F(instant, at) F(u32, symbol)
WEIR_RECORD(trade, TRADE)
WEIR_RECORD(quote, QUOTE)

#ifdef WRONG
static void first(const trade *t, const trade *q, weir_out(trade) out)
#else
static void first(const trade *t, const quote *q, weir_out(trade) out)
#endif
{
    (void)q;
    trade_emit(out, *t);
}
WEIR_ASOF_JOIN(first, trade, quote, trade)

weir_port *build(weir_stream(trade) t, weir_stream(quote) q);
weir_port *build(weir_stream(trade) t, weir_stream(quote) q)
{
    (void)q;
#ifdef WRONG
    return weir_asof_join(t, WEIR_KEY(trade, symbol), at,
                          q, WEIR_KEY(quote, symbol), at, first).port;
#else
    return weir_asof_join(t, WEIR_KEY(trade, symbol), at, q, WEIR_KEY(quote, symbol), at, first)
        .port;
#endif
}
