/* expect: WEIR_REDUCE\(first, word, word\): first must be void \(const word \*, weir_group */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/reduce.h>

#define WORD(F) F(str, text) F(i64, n)
#define LINE(F) F(str, text)
WEIR_RECORD(word, WORD)
WEIR_RECORD(line, LINE)

#ifdef WRONG
static void first(const word *key, weir_group(word) words, weir_out(line) out)
{
    (void)words;
    line_emit(out, (line){ key->text });
}
#else
static void first(const word *key, weir_group(word) words, weir_out(word) out)
{
    (void)key;
    word_emit(out, *words.records[0]);
}
#endif
WEIR_REDUCE(first, word, word)

weir_port *build(weir_stream(word) words);
weir_port *build(weir_stream(word) words)
{
    return weir_reduce(words, WEIR_KEY(word, text), first).port;
}
