/* expect: weir_reduce\(lines, .*the stream does not carry the records first takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/reduce.h>

#define WORD(F) F(str, text) F(i64, n)
#define LINE(F) F(str, text)
WEIR_RECORD(word, WORD)
WEIR_RECORD(line, LINE)

static void first(const word *key, weir_group(word) words, weir_out(word) out)
{
    (void)key;
    word_emit(out, *words.records[0]);
}
WEIR_REDUCE(first, word, word)

weir_port *build(weir_stream(word) words, weir_stream(line) lines);
weir_port *build(weir_stream(word) words, weir_stream(line) lines)
{
    (void)lines;
#ifdef WRONG
    return weir_reduce(lines, WEIR_KEY(line, text), first).port;
#else
    return weir_reduce(words, WEIR_KEY(word, text), first).port;
#endif
}
