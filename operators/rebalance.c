/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/rebalance.h.
 */
#include <weir/operators/rebalance.h>

/* Of all workers together, so that small batches of several are divided evenly, too. */
static void in_turn(const void *records, size_t count, uint64_t *out, void *ctx)
{
    (void)records;
    uint64_t turn = __atomic_fetch_add((uint64_t *)ctx, count, __ATOMIC_RELAXED);
    for (size_t i = 0; i < count; i++)
        out[i] = turn + i;
}

weir_port *weir_rebalance_erased(weir_port *in)
{
    if (!in)
        return NULL;
    uint64_t *turn = weir_graph_alloc(weir_port_graph(in), sizeof *turn);
    *turn = 0;
    return weir_port_by_function(in, in_turn, turn);
}
