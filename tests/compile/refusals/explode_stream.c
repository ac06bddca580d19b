/* expect: weir_explode\(o, split\): the stream does not carry the records split takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define SALE(F) F(str, product) F(u32, shop) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)

static void split(const sale *in, weir_out(other) out)
{
    other_emit_n(out, (other){ in->product, 0 }, in->cents);
}
WEIR_EXPLODE(split, sale, other)

weir_port *build(weir_stream(sale) s, weir_stream(other) o);
weir_port *build(weir_stream(sale) s, weir_stream(other) o)
{
#ifdef WRONG
    (void)s;
    return weir_explode(o, split).port;
#else
    (void)o;
    return weir_explode(s, split).port;
#endif
}
