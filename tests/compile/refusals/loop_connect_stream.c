/* expect: weir_loop_connect\(loop, words\): the stream does not carry the records of the loop */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_graph *g, weir_stream(word) words);
void build(weir_graph *g, weir_stream(word) words)
{
    weir_stream(line) again;
    weir_loop(line) loop = weir_loop_variable(g, line, NULL, &again, .limit = 3);
#ifdef WRONG
    weir_loop_connect(loop, words);
#else
    weir_loop_connect(loop, again);
#endif
    (void)words;
}
