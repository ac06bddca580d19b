/* expect: WEIR_UPSERT\(price_of, quote, price\): price_of must be bool \(const quote \*, price */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/upsert.h>
#include <weir/record.h>

#define QUOTE(F) F(str, item) F(opt_i64, cents)
#define PRICE(F) F(str, item) F(i64, cents)
WEIR_RECORD(quote, QUOTE)
WEIR_RECORD(price, PRICE)

#ifdef WRONG
static bool price_of(const quote *q, quote *p)
{
    *p = *q;
    return true;
}
#else
static bool price_of(const quote *q, price *p)
{
    *p = (price){ q->item, q->cents.value };
    return q->cents.set;
}
#endif
WEIR_UPSERT(price_of, quote, price)

weir_port *build(weir_stream(quote) q, weir_stream(price) p);
weir_port *build(weir_stream(quote) q, weir_stream(price) p)
{
    (void)p;
    (void)q;
#ifdef WRONG
    return weir_upsert(q, WEIR_KEY(quote, item), price_of).port;
#else
    return weir_upsert(q, WEIR_KEY(quote, item), price_of).port;
#endif
}
