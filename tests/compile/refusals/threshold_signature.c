/* expect: WEIR_THRESHOLD\(twice, word\): twice must be int64_t \(const word \*, int64_t\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/threshold.h>

#define WORD(F) F(str, text)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static int64_t twice(const word *w, uint64_t count)
#else
static int64_t twice(const word *w, int64_t count)
#endif
{
    (void)w;
    return count >= 2;
}
WEIR_THRESHOLD(twice, word)

weir_port *build(weir_stream(word) words);
weir_port *build(weir_stream(word) words)
{
    return weir_threshold(words, twice).port;
}
