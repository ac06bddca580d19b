/* expect: weir_count\(.*must have the kinds of the key, in order, then one i64 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/count.h>

#define SALE(F) F(str, product) F(u32, shop)
#define SALES(F) F(str, product) F(u32, shop) F(i64, count)
#define SALES_OTHERWISE(F) F(u32, shop) F(str, product) F(i64, count)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(sales, SALES)
WEIR_RECORD(sales_otherwise, SALES_OTHERWISE)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_count(s, sales_otherwise, WEIR_KEY(sale, product, shop)).port;
#else
    return weir_count(s, sales, WEIR_KEY(sale, product, shop)).port;
#endif
}
