/* expect: weir_sum\(.*must have the kinds of the key, in order, then one i64, u64, f64 or */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/sum.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define REVENUE(F) F(str, product) F(i64, cents)
#define NAMES(F) F(str, product) F(str, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(revenue, REVENUE)
WEIR_RECORD(names, NAMES)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_sum(s, names, WEIR_KEY(sale, product), cents).port;
#else
    return weir_sum(s, revenue, WEIR_KEY(sale, product), cents).port;
#endif
}
