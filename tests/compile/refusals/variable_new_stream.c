/* expect: weir_variable_new\(g, word, rounds, &value\): the last must point to a stream of word */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/iterate.h>

#define WORD(F) F(str, text)
#define LINE(F) F(str, text)
WEIR_RECORD(word, WORD)
WEIR_RECORD(line, LINE)

void build(weir_graph *g, weir_scope *rounds);
void build(weir_graph *g, weir_scope *rounds)
{
#ifdef WRONG
    weir_stream(line) value;
#else
    weir_stream(word) value;
#endif
    weir_variable(word) v = weir_variable_new(g, word, rounds, &value);
    weir_variable_set(v, (weir_stream(word)){ .port = value.port });
}
