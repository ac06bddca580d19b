/* expect: weir_quantile\(s, .*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
#define BOTH(F) F(str, product) F(i64, low) F(i64, high)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)
WEIR_RECORD(both, BOTH)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_quantile(s, both, WEIR_KEY(other, product), cents, 0.1, 0.9).port;
#else
    return weir_quantile(s, both, WEIR_KEY(sale, product), cents, 0.1, 0.9).port;
#endif
}
