/* expect: weir_delta_join3\(e, n, e, path, .*: the streams do not carry the records path */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/delta_join.h>

#define EDGE(F) F(u32, from) F(u32, to)
#define NODE(F) F(u32, id)
WEIR_RECORD(edge, EDGE)
WEIR_RECORD(node, NODE)

static void path(const edge *a, const edge *b, const edge *c, weir_out(edge) out)
{
    (void)b;
    edge_emit(out, (edge){ a->from, c->to });
}
WEIR_DELTA_JOIN3(path, edge, edge, edge, edge)

weir_port *build(weir_stream(edge) e, weir_stream(node) n);
weir_port *build(weir_stream(edge) e, weir_stream(node) n)
{
    (void)n;
#ifdef WRONG
    return weir_delta_join3(e, n, e, path, WEIR_ON(1, to, 2, from),
                            WEIR_ON(2, to, 3, from)).port;
#else
    return weir_delta_join3(e, e, e, path, WEIR_ON(1, to, 2, from),
                            WEIR_ON(2, to, 3, from)).port;
#endif
}
