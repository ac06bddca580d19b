/* expect: weir_concat\(lines, words\): the streams carry different records */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_concat(lines, words);
#else
    weir_concat(lines, lines);
#endif
    (void)lines;
    (void)words;
}
