/* expect: weir_max\(.*must have the kinds of the key, in order, then that of the field */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
#define NAMES(F) F(str, product) F(str, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)
WEIR_RECORD(names, NAMES)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
#ifdef WRONG
    return weir_max(s, names, WEIR_KEY(sale, product), cents).port;
#else
    return weir_max(s, other, WEIR_KEY(sale, product), cents).port;
#endif
}
