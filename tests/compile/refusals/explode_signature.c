/* expect: WEIR_EXPLODE\(split, sale, other\): split must be void \(const sale \*, weir_out */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/explode.h>
#include <weir/record.h>

#define SALE(F) F(str, product) F(i64, cents)
#define OTHER(F) F(str, product) F(i64, cents)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(other, OTHER)

#ifdef WRONG
static void split(const sale *in, weir_out(sale) out) { sale_emit(out, *in); }
#else
static void split(const sale *in, weir_out(other) out)
{
    other_emit_n(out, (other){ .cents = 1 }, in->cents);
}
#endif
WEIR_EXPLODE(split, sale, other)

weir_port *build(weir_stream(sale) s);
weir_port *build(weir_stream(sale) s)
{
    return weir_explode(s, split).port;
}
