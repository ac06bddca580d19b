/* SPDX-License-Identifier: Apache-2.0
 *
 * A progress graph and its outstanding pointstamps, written down plainly, and what follows from them by
 * definition: every frontier from nothing, by following all paths. What tests compare trackers with.
 */
#ifndef WEIR_TESTS_PROGRESS_ORACLE_H
#define WEIR_TESTS_PROGRESS_ORACLE_H

#include "progress/order.h"
#include "progress/tracker.h"
#include "support.h"

enum { ORACLE_PORTS = 512, ORACLE_ARCS = 4096 };

typedef struct oracle_graph {
    uint32_t port_count, arc_count;
    weir__port_spec ports[ORACLE_PORTS];
    weir__arc arcs[ORACLE_ARCS];
} oracle_graph;

static inline uint32_t oracle_port(oracle_graph *g, unsigned depth, weir__interest interest)
{
    g->ports[g->port_count] = (weir__port_spec){ .depth = depth, .interest = interest };
    return g->port_count++;
}

static inline void oracle_arc(oracle_graph *g, uint32_t from, uint32_t to, weir_summary summary)
{
    ck_assert_uint_lt(g->arc_count, ORACLE_ARCS);
    g->arcs[g->arc_count++] = (weir__arc){ from, to, summary };
}

/* NULL if some cycle does not advance. */
static inline weir__topology *oracle_topology(const oracle_graph *g, unsigned flags,
                                              weir_error *error)
{
    weir__topology_builder *b = weir__topology_builder_create();
    weir__topology *topology;
    for (uint32_t p = 0; p < g->port_count; p++)
        ck_assert_uint_eq(weir__topology_add_port(b, &g->ports[p]), p);
    for (uint32_t i = 0; i < g->arc_count; i++)
        weir__topology_add_edge(b, g->arcs[i].from, g->arcs[i].to, &g->arcs[i].summary);
    weir_status status = weir__topology_finish(b, flags, &topology, error);
    ck_assert((status == WEIR_OK) == (topology != NULL));
    weir__topology_builder_destroy(b);
    return topology;
}

/* Adds to f everything the pointstamp (port, time) leads to. */
static inline void oracle_spread(const oracle_graph *g, uint32_t port, const weir_time *time,
                                 weir_frontier *f)
{
    weir_time image;
    if (!weir_frontier_insert(&f[port], time))
        return;
    for (uint32_t i = 0; i < g->arc_count; i++)
        if (g->arcs[i].from == port && weir_summary_apply(&g->arcs[i].summary, time, &image))
            oracle_spread(g, g->arcs[i].to, &image, f);
}

/* f: one frontier a port, and one for `done`, initialised; cleared here. Positive counts only. */
static inline void oracle_frontiers(const oracle_graph *g, const weir__change *stamps,
                                    uint32_t count, weir_frontier *f)
{
    for (uint32_t p = 0; p <= g->port_count; p++)
        weir_frontier_clear(&f[p]);
    for (uint32_t i = 0; i < count; i++) {
        weir_time epoch = weir_time_1(stamps[i].time.at[0]);
        if (stamps[i].diff <= 0)
            continue;
        oracle_spread(g, stamps[i].port, &stamps[i].time, f);
        weir_frontier_insert(&f[g->port_count], &epoch);
    }
}

static inline void oracle_init(const oracle_graph *g, weir_frontier *f)
{
    for (uint32_t p = 0; p < g->port_count; p++)
        weir_frontier_init(&f[p], g->ports[p].depth);
    weir_frontier_init(&f[g->port_count], 1);
}

static inline void oracle_fini(const oracle_graph *g, weir_frontier *f)
{
    for (uint32_t p = 0; p <= g->port_count; p++)
        weir_frontier_fini(&f[p]);
}

/* Adds to the list of counts; a pair that is new is appended. */
static inline void oracle_count(weir__change *stamps, uint32_t *count, uint32_t port,
                                const weir_time *time, int64_t diff)
{
    uint32_t i = 0;
    while (i < *count && !(stamps[i].port == port && weir_time_equal(&stamps[i].time, time, 4)))
        i++;
    if (i == *count)
        stamps[(*count)++] = (weir__change){ .time = *time, .port = port };
    stamps[i].diff += diff;
}

/* The tracked frontiers are those of the oracle; says which one is not. */
static inline bool oracle_agrees(const oracle_graph *g, const weir__topology *topology,
                                 const weir__tracker *tracker, const weir_frontier *f)
{
    char have[400], want[400];
    for (uint32_t p = 0; p <= g->port_count; p++) {
        if (!weir__topology_is_tracked(topology, p))
            continue;
        const weir_frontier *mine = weir__tracker_frontier(tracker, p);
        if (weir_frontier_equal(mine, &f[p]))
            continue;
        printf("port %u of %u: %s and not %s\n", p, g->port_count,
               weir_frontier_text(mine, have, sizeof have),
               weir_frontier_text(&f[p], want, sizeof want));
        return false;
    }
    return true;
}

static inline void oracle_print(const oracle_graph *g, const weir__change *stamps, uint32_t count)
{
    for (uint32_t i = 0; i < g->arc_count; i++) {
        const weir_summary *s = &g->arcs[i].summary;
        printf("  %u (depth %u%s) -> %u (depth %u%s): keep %u, add %lu %lu %lu\n", g->arcs[i].from,
               g->ports[g->arcs[i].from].depth, g->ports[g->arcs[i].from].interest ? ", asked" : "",
               g->arcs[i].to, g->ports[g->arcs[i].to].depth,
               g->ports[g->arcs[i].to].interest ? ", asked" : "", s->keep, (long)s->add[0],
               (long)s->add[1], (long)s->add[2]);
    }
    for (uint32_t i = 0; i < count; i++)
        printf("  count %ld at port %u, (%lu, %lu, %lu)\n", (long)stamps[i].diff, stamps[i].port,
               (long)stamps[i].time.at[0], (long)stamps[i].time.at[1], (long)stamps[i].time.at[2]);
}

#endif
