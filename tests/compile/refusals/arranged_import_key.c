/* expect: weir_arranged_import\(g, sale, \(product, id\)\): the key names another record */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/publish.h>

#define SALE(F) F(u64, id) F(u32, product)
#define PRODUCT(F) F(u32, id) F(str, name)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(product, PRODUCT)

weir_arrangement *build(weir_graph *g);
weir_arrangement *build(weir_graph *g)
{
#ifdef WRONG
    return weir_arranged_import(g, sale, WEIR_KEY(product, id), "sales").arrangement;
#else
    return weir_arranged_import(g, sale, WEIR_KEY(sale, product), "sales").arrangement;
#endif
}
