/* expect: weir_to_stream\(g, line, words, 2\): the third must be an array of records line */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_graph *g);
void build(weir_graph *g)
{
    static const line lines[2];
    static const word words[2];
#ifdef WRONG
    (void)weir_to_stream(g, line, words, 2);
#else
    (void)weir_to_stream(g, line, lines, 2);
#endif
    (void)lines;
    (void)words;
}
