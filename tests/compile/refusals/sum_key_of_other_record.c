/* expect: weir_sum\(.*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/sum.h>

#define SALE(F) F(str, product) F(i64, cents)
#define REVENUE(F) F(str, product) F(i64, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(revenue, REVENUE)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_sum(s, revenue, WEIR_KEY(revenue, product), cents).port;
#else
    return weir_sum(s, revenue, WEIR_KEY(sale, product), cents).port;
#endif
}
