/* expect: weir_loop_variable\(g, line, scope, &again\): the last must point to a stream of line */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_graph *g, weir_scope *scope);
void build(weir_graph *g, weir_scope *scope)
{
#ifdef WRONG
    weir_stream(word) again;
#else
    weir_stream(line) again;
#endif
    weir_loop(line) loop = weir_loop_variable(g, line, scope, &again);
    weir_loop_connect(loop, again);
}
