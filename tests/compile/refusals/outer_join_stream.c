/* expect: weir_full_join\(.*the first stream does not carry the records that with_name takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/outer_join.h>

#define SALE(F) F(u64, id) F(u32, product)
#define PRODUCT(F) F(u32, id) F(str, name)
#define NAMED(F) F(u64, sale) F(str, name)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(product, PRODUCT)
WEIR_RECORD(named, NAMED)

static void with_name(const sale *s, const product *p, weir_out(named) out)
{
    named_emit(out, (named){ s ? s->id : 0, p ? p->name : weir_str_of("?") });
}
WEIR_OUTER_JOIN(with_name, sale, product, named)

weir_port *build(weir_stream(sale) sales, weir_stream(product) products);
weir_port *build(weir_stream(sale) sales, weir_stream(product) products)
{
#ifdef WRONG
    return weir_full_join(products, WEIR_KEY(product, id), sales, WEIR_KEY(sale, product),
                          with_name).port;
#else
    return weir_full_join(sales, WEIR_KEY(sale, product), products, WEIR_KEY(product, id),
                          with_name).port;
#endif
}
