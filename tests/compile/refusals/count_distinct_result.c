/* expect: weir_count_distinct\(.*must have the kinds of the key, in order, then one i64 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define SHOPS(F) F(str, product) F(i64, count)
#define NAMES(F) F(str, product) F(str, count)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(shops, SHOPS)
WEIR_RECORD(names, NAMES)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_count_distinct(s, names, WEIR_KEY(sale, product), shop).port;
#else
    return weir_count_distinct(s, shops, WEIR_KEY(sale, product), shop).port;
#endif
}
