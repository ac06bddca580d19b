/* expect: weir_quantile\(.*must have the kinds of the key, in order, then that of */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define BOTH(F) F(str, product) F(i64, low) F(i64, high)
#define NAMES(F) F(str, product) F(i64, cents) F(str, name)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(both, BOTH)
WEIR_RECORD(names, NAMES)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_quantile(s, names, WEIR_KEY(sale, product), cents, 0.1, 0.9).port;
#else
    return weir_quantile(s, both, WEIR_KEY(sale, product), cents, 0.1, 0.9).port;
#endif
}
