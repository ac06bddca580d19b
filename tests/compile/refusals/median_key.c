/* expect: weir_median\(s, .*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
#define MIDDLE(F) F(str, product) F(f64, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)
WEIR_RECORD(middle, MIDDLE)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_median(s, middle, WEIR_KEY(other, product), cents).port;
#else
    return weir_median(s, middle, WEIR_KEY(sale, product), cents).port;
#endif
}
