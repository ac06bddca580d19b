/* SPDX-License-Identifier: Apache-2.0
 *
 * A progress graph and its outstanding pointstamps, written down plainly, and what follows from
 * them by definition: every frontier from nothing, by following all paths. What tests compare
 * trackers with.
 */
#ifndef WEIR_TESTS_PROGRESS_ORACLE_H
#define WEIR_TESTS_PROGRESS_ORACLE_H

#include <stdio.h>

#include "progress/order.h"
#include "progress/tracker.h"
#include "support.h"

enum { ORACLE_PORTS = 1024, ORACLE_ARCS = 4096 };

typedef struct oracle_graph {
    uint32_t port_count, arc_count;
    weir__port_spec ports[ORACLE_PORTS];
    weir__arc arcs[ORACLE_ARCS];
    uint32_t first[ORACLE_PORTS + 1]; /* of each port's arcs, once they are sorted */
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

static inline int oracle_by_from(const void *a, const void *b)
{
    const weir__arc *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Sorts the arcs on the way. NULL if some cycle does not advance. */
static inline weir__topology *oracle_topology(oracle_graph *g, unsigned flags, weir_error *error)
{
    uint32_t at = 0;
    qsort(g->arcs, g->arc_count, sizeof *g->arcs, oracle_by_from);
    for (uint32_t p = 0; p <= g->port_count; p++) {
        while (at < g->arc_count && g->arcs[at].from < p)
            at++;
        g->first[p] = at;
    }
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

/* f: one frontier a port, and one for `done`, initialised; cleared here. Positive counts only. */
static inline void oracle_frontiers(const oracle_graph *g, const weir__change *stamps,
                                    uint32_t count, weir_frontier *f)
{
    uint32_t pending = 0, room = count + 64;
    weir__change *list = malloc(room * sizeof *list);
    for (uint32_t p = 0; p <= g->port_count; p++)
        weir_frontier_clear(&f[p]);
    for (uint32_t i = 0; i < count; i++) {
        weir_time epoch = weir_time_1(stamps[i].time.at[0]);
        if (stamps[i].diff <= 0)
            continue;
        list[pending++] = stamps[i];
        weir_frontier_insert(&f[g->port_count], &epoch);
    }
    for (uint32_t i = 0; i < pending; i++) {
        weir__change now = list[i], next;
        if (!weir_frontier_insert(&f[now.port], &now.time))
            continue;
        for (uint32_t a = g->first[now.port]; a < g->first[now.port + 1]; a++) {
            next.port = g->arcs[a].to;
            if (!weir_summary_apply(&g->arcs[a].summary, &now.time, &next.time))
                continue;
            if (pending == room)
                list = realloc(list, (room *= 2) * sizeof *list);
            list[pending++] = next;
        }
    }
    free(list);
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

/* Adds to the list of counts; a pair that is new is appended. Returns its place. */
static inline weir__change *oracle_count(weir__change *stamps, uint32_t *count, uint32_t port,
                                         const weir_time *time, int64_t diff)
{
    uint32_t i = 0;
    while (i < *count && !(stamps[i].port == port && weir_time_equal(&stamps[i].time, time, 4)))
        i++;
    if (i == *count)
        stamps[(*count)++] = (weir__change){ .time = *time, .port = port };
    stamps[i].diff += diff;
    return &stamps[i];
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
