/* expect: weir_count_distinct\(s, .*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
#define SHOPS(F) F(str, product) F(i64, count)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)
WEIR_RECORD(shops, SHOPS)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_count_distinct(s, shops, WEIR_KEY(other, product), shop).port;
#else
    return weir_count_distinct(s, shops, WEIR_KEY(sale, product), shop).port;
#endif
}
