/* expect: weir_join\(\.\.\., products, .*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/join.h>

#define SALE(F) F(u64, id) F(u32, product)
#define PRODUCT(F) F(str, name) F(u32, id) F(u64, code)
#define NAMED(F) F(u64, sale) F(str, product)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(product, PRODUCT)
WEIR_RECORD(named, NAMED)

static void with_name(const sale *s, const product *p, weir_out(named) out)
{
    named_emit(out, (named){ .sale = s->id, .product = p->name });
}
WEIR_JOIN(with_name, sale, product, named)

weir_port *build(weir_stream(sale) sales, weir_stream(product) products);
weir_port *build(weir_stream(sale) sales, weir_stream(product) products)
{
#ifdef WRONG
    return weir_join(sales, WEIR_KEY(sale, product), products, WEIR_KEY(sale, product), with_name)
        .port;
#else
    return weir_join(sales, WEIR_KEY(sale, product), products, WEIR_KEY(product, id), with_name)
        .port;
#endif
}
