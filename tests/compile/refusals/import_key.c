/* expect: weir_arranged_import\(.*the key names another record */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/publish.h>

#define COUNT(F) F(str, word) F(i64, count)
#define WORD(F) F(str, word)
WEIR_RECORD(count, COUNT)
WEIR_RECORD(word, WORD)

weir_stream(count) build(weir_graph *g);
weir_stream(count) build(weir_graph *g)
{
#ifdef WRONG
    weir_arranged(count) by_word = weir_arranged_import(g, count, WEIR_KEY(word, word), "counts");
#else
    weir_arranged(count) by_word = weir_arranged_import(g, count, WEIR_KEY(count, word), "counts");
#endif
    return weir_arranged_collection(by_word);
}
