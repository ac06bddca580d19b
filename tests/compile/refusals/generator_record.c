/* expect: weir_generator\(\.\.\., word, tell\): tell makes other records */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/connectors/generator.h>

#define LINE(F) F(u64, n)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void tell(uint64_t n, weir_out(line) out)
{
    line_emit(out, (line){ .n = n });
}
WEIR_GENERATE(tell, line)

weir_port *build(weir_graph *g);
weir_port *build(weir_graph *g)
{
#ifdef WRONG
    return weir_generator(g, word, tell, .count = 10).port;
#else
    return weir_generator(g, line, tell, .count = 10).port;
#endif
}
