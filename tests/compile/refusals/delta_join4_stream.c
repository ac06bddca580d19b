/* expect: weir_delta_join4\(e, e, e, n, path, .*: the streams do not carry the records */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/delta_join.h>

#define EDGE(F) F(u32, from) F(u32, to)
#define NODE(F) F(u32, id)
WEIR_RECORD(edge, EDGE)
WEIR_RECORD(node, NODE)

static void path(const edge *a, const edge *b, const edge *c, const edge *d,
                 weir_out(edge) out)
{
    (void)b;
    (void)c;
    edge_emit(out, (edge){ a->from, d->to });
}
WEIR_DELTA_JOIN4(path, edge, edge, edge, edge, edge)

weir_port *build(weir_stream(edge) e, weir_stream(node) n);
weir_port *build(weir_stream(edge) e, weir_stream(node) n)
{
    (void)n;
#ifdef WRONG
    return weir_delta_join4(e, e, e, n, path, WEIR_ON(1, to, 2, from),
                            WEIR_ON(2, to, 3, from), WEIR_ON(3, to, 4, from)).port;
#else
    return weir_delta_join4(e, e, e, e, path, WEIR_ON(1, to, 2, from),
                            WEIR_ON(2, to, 3, from), WEIR_ON(3, to, 4, from)).port;
#endif
}
