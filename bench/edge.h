/* SPDX-License-Identifier: Apache-2.0
 *
 * Edges of a random graph of --nodes nodes, --records of them, and the feed that draws them. Node n
 * lives on worker n mod workers, as the n / workers-th there.
 */
#ifndef BENCH_EDGE_H
#define BENCH_EDGE_H

#include "feed.h"

#define BENCH_EDGE(F) F(u32, from) F(u32, to)
WEIR_RECORD(edge, BENCH_EDGE)

static inline void edge_fill(bench_feed *feed, void *room, size_t n)
{
    edge *edges = room;
    uint64_t state = feed->state, nodes = feed->c->options.nodes;
    for (size_t i = 0; i < n; i++) {
        edges[i].from = (uint32_t)bench_random_below(&state, nodes);
        edges[i].to = (uint32_t)bench_random_below(&state, nodes);
    }
    feed->state = state;
}

/* Where a node is on its worker: by the inverse, since a division costs as much as all the rest. */
static inline uint64_t edge_inverse(unsigned workers)
{
    return UINT64_MAX / workers;
}
static inline uint32_t edge_place(uint64_t inverse, uint32_t node)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint32_t)((wide)inverse * (node + UINT64_C(1)) >> 64);
}

/* To the worker where the edge starts. */
static inline void edge_home(const void *records, size_t count, uint64_t *out, void *ctx)
{
    const edge *edges = records;
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        out[i] = edges[i].from;
}

#endif
