/* expect: weir_threshold\(lines, twice\): the stream does not carry the records twice takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/threshold.h>

#define WORD(F) F(str, text)
#define LINE(F) F(str, text)
WEIR_RECORD(word, WORD)
WEIR_RECORD(line, LINE)

static int64_t twice(const word *w, int64_t count)
{
    (void)w;
    return count >= 2;
}
WEIR_THRESHOLD(twice, word)

weir_port *build(weir_stream(word) words, weir_stream(line) lines);
weir_port *build(weir_stream(word) words, weir_stream(line) lines)
{
    (void)words;
    (void)lines;
#ifdef WRONG
    return weir_threshold(lines, twice).port;
#else
    return weir_threshold(words, twice).port;
#endif
}
