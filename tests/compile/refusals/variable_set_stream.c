/* expect: weir_variable_set\(v, lines\): the stream does not carry the records of the variable */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/iterate.h>

#define WORD(F) F(str, text)
#define LINE(F) F(str, text)
WEIR_RECORD(word, WORD)
WEIR_RECORD(line, LINE)

void build(weir_graph *g, weir_scope *rounds, weir_stream(line) lines);
void build(weir_graph *g, weir_scope *rounds, weir_stream(line) lines)
{
    weir_stream(word) words;
    weir_variable(word) v = weir_variable_new(g, word, rounds, &words);
    (void)lines;
#ifdef WRONG
    weir_variable_set(v, lines);
#else
    weir_variable_set(v, words);
#endif
}
