/* expect: weir_count\(.*the key names a record that the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/count.h>

#define WORD(F) F(str, text)
#define LINE(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(word, WORD)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word_count, WORD_COUNT)

weir_port *build(weir_stream(word) words);
weir_port *build(weir_stream(word) words)
{
#ifdef WRONG
    return weir_count(words, word_count, WEIR_KEY(line, text)).port;
#else
    return weir_count(words, word_count, WEIR_KEY(word, text)).port;
#endif
}
