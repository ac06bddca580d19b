/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of two numbers, and the feed that draws both at random below --nodes: rows of a join.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include "feed.h"

#define BENCH_PAIR(F) F(u64, key) F(u64, value)
WEIR_RECORD(pair, BENCH_PAIR)

static inline void pair_fill(bench_feed *feed, void *room, size_t n)
{
    pair *pairs = room;
    uint64_t state = feed->state, nodes = feed->c->options.nodes;
    for (size_t i = 0; i < n; i++) {
        pairs[i].key = bench_random_below(&state, nodes);
        pairs[i].value = bench_random_below(&state, nodes);
    }
    feed->state = state;
}

#endif
