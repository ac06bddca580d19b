/* expect: weir_upsert\(p, .*the stream does not carry the records price_of takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/upsert.h>
#include <weir/record.h>

#define QUOTE(F) F(str, item) F(opt_i64, cents)
#define PRICE(F) F(str, item) F(i64, cents)
WEIR_RECORD(quote, QUOTE)
WEIR_RECORD(price, PRICE)

static bool price_of(const quote *q, price *p)
{
    *p = (price){ q->item, q->cents.value };
    return q->cents.set;
}
WEIR_UPSERT(price_of, quote, price)

weir_port *build(weir_stream(quote) q, weir_stream(price) p);
weir_port *build(weir_stream(quote) q, weir_stream(price) p)
{
    (void)p;
    (void)q;
#ifdef WRONG
    return weir_upsert(p, WEIR_KEY(price, item), price_of).port;
#else
    return weir_upsert(q, WEIR_KEY(quote, item), price_of).port;
#endif
}
