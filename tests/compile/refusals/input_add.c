/* expect: weir_input_add\(g, word, &lines\): that is an input of other records */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_graph *g, weir_input(line) lines);
void build(weir_graph *g, weir_input(line) lines)
{
#ifdef WRONG
    (void)weir_input_add(g, word, &lines);
#else
    (void)weir_input_add(g, line, &lines);
#endif
}
