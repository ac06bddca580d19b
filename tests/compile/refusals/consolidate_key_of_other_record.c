/* expect: weir_consolidate_by\(.*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/consolidate.h>

#define COUNT(F) F(str, word) F(i64, count)
#define WORD(F) F(str, word)
WEIR_RECORD(count, COUNT)
WEIR_RECORD(word, WORD)

weir_stream(count) build(weir_stream(count) counts);
weir_stream(count) build(weir_stream(count) counts)
{
#ifdef WRONG
    return weir_consolidate_by(counts, WEIR_KEY(word, word));
#else
    return weir_consolidate_by(weir_consolidate(counts), WEIR_KEY(count, word));
#endif
}
