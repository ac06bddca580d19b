/* expect: weir_assert_equal\(s, o\): the streams carry different records */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)

void build(weir_stream(sale) s, weir_stream(other) o);
void build(weir_stream(sale) s, weir_stream(other) o)
{
#ifdef WRONG
    (void)o;
    weir_assert_equal(s, o);
#else
    (void)o;
    weir_assert_equal(s, s);
#endif
}
