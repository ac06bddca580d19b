/* expect: weir_average\(.*must have the kinds of the key, in order, then one f64 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/sum.h>

#define SALE(F) F(str, product) F(i64, cents)
#define PRICE(F) F(str, product) F(f64, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(price, PRICE)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_average(s, sale, WEIR_KEY(sale, product), cents).port;
#else
    return weir_average(s, price, WEIR_KEY(sale, product), cents).port;
#endif
}
