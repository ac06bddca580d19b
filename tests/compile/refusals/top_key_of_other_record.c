/* expect: weir_top\(s, .*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/top.h>

#define SALE(F) F(str, product) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_top(s, WEIR_KEY(other, product), 3, WEIR_DESC(sale, cents)).port;
#else
    return weir_top(s, WEIR_KEY(sale, product), 3, WEIR_DESC(sale, cents)).port;
#endif
}
