/* expect: weir_arrange\(.*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/arrange.h>

#define COUNT(F) F(str, word) F(i64, count)
#define WORD(F) F(str, word)
WEIR_RECORD(count, COUNT)
WEIR_RECORD(word, WORD)

weir_stream(count) build(weir_stream(count) counts);
weir_stream(count) build(weir_stream(count) counts)
{
#ifdef WRONG
    weir_arranged(count) by_word = weir_arrange(counts, WEIR_KEY(word, word));
#else
    weir_arranged(count) by_word = weir_arrange(counts, WEIR_KEY(count, word));
#endif
    return weir_arranged_collection(by_word);
}
