/* expect: weir_average\(.*the key names a record that the stream does not carry */
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
    return weir_average(s, price, WEIR_KEY(price, product), cents).port;
#else
    return weir_average(s, price, WEIR_KEY(sale, product), cents).port;
#endif
}
