/* expect: WEIR_GENERATE\(tell, line\): tell must be void \(uint64_t n, weir_out\(line\) out\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/connectors/generator.h>

#define LINE(F) F(u64, n)
WEIR_RECORD(line, LINE)

#ifdef WRONG
static void tell(int64_t n, weir_out(line) out)
#else
static void tell(uint64_t n, weir_out(line) out)
#endif
{
    line_emit(out, (line){ .n = (uint64_t)n });
}
WEIR_GENERATE(tell, line)

weir_port *build(weir_graph *g);
weir_port *build(weir_graph *g)
{
    return weir_generator(g, line, tell, .count = 10).port;
}
