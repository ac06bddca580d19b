/* SPDX-License-Identifier: Apache-2.0
 *
 * Every small progress graph: three ports, each pair of them (and each port with itself) linked in
 * every way their depths allow; every set of ports with interest; walks through the states of the
 * counts. Compared with frontiers computed from nothing, and with the rule on holding back by its
 * definition.
 */
#include <stdio.h>

#include "progress_oracle.h"

/* Sanitizers see the same code in a part of the graphs; all of them are for the other builds. */
#ifdef __SANITIZE_ADDRESS__
enum { PART = 7 };
#else
enum { PART = 1 };
#endif
enum { PORTS = 3, PAIRS = PORTS * PORTS, TIMES = 3, STAMPS = PORTS * TIMES };

/* The ways to link a port of depth `from` with one of depth `to`; way 0 is no link. */
static unsigned ways(unsigned from, unsigned to)
{
    return from == 1 && to == 1 ? 3 : from == 2 && to == 2 ? 4 : 2;
}

static weir_summary way(unsigned from, unsigned to, unsigned which)
{
    weir_summary around = { .keep = 1, .depth = 2, .add = { 1 } };
    if (from < to)
        return weir_summary_enter(from);
    if (from > to)
        return weir_summary_leave(from);
    return which == 1   ? weir_summary_identity(from)
           : which == 2 ? weir_summary_feedback(from, 1)
                        : around;
}

/* The n-th graph for these depths; false when there are no more. */
static bool graph_at(oracle_graph *g, const unsigned *depths, uint64_t n)
{
    g->port_count = g->arc_count = 0;
    for (uint32_t p = 0; p < PORTS; p++)
        oracle_port(g, depths[p], WEIR__INTEREST_NEVER);
    for (uint32_t i = 0; i < PAIRS; i++) {
        uint32_t from = i / PORTS, to = i % PORTS;
        unsigned which = (unsigned)(n % ways(depths[from], depths[to]));
        n /= ways(depths[from], depths[to]);
        if (which > 0)
            oracle_arc(g, from, to, way(depths[from], depths[to], which));
    }
    return n == 0;
}

/* A tracker beside the plain counts. */
typedef struct subject {
    const oracle_graph *g;
    weir__topology *topology;
    weir__tracker *tracker;
    weir__change stamps[STAMPS];
    weir_frontier f[PORTS + 1], before[PORTS + 1], others[PORTS + 1];
    weir__changes sum;
} subject;

/* Times at depth 2 are incomparable with each other where possible. */
static void subject_init(subject *s, const oracle_graph *g, weir__topology *topology)
{
    static const weir_time deep[TIMES] = { { { 0, 2 } }, { { 1, 0 } }, { { 1, 1 } } };
    *s = (subject){ .g = g, .topology = topology };
    s->tracker = weir__tracker_create(topology, NULL, 0);
    for (uint32_t i = 0; i < STAMPS; i++) {
        s->stamps[i].port = i / TIMES;
        s->stamps[i].time =
            g->ports[i / TIMES].depth == 1 ? weir_time_1(i % TIMES) : deep[i % TIMES];
    }
    oracle_init(g, s->f);
    oracle_init(g, s->before);
    oracle_init(g, s->others);
}

static void subject_fini(subject *s)
{
    oracle_fini(s->g, s->f);
    oracle_fini(s->g, s->before);
    oracle_fini(s->g, s->others);
    weir__changes_fini(&s->sum);
    weir__tracker_destroy(s->tracker);
    weir__topology_destroy(s->topology);
}

static void subject_count(subject *s, weir__change *stamp, int64_t to)
{
    int64_t diff = to - stamp->diff;
    stamp->diff = to;
    weir__tracker_update(s->tracker, stamp->port, &stamp->time, diff);
    weir__changes_add(&s->sum, stamp->port, &stamp->time, diff);
}

/* By definition, on the whole graph: some lowered pointstamp at a port that matters has no other
 * one before it. */
static bool must_publish(subject *s)
{
    bool must = false;
    for (uint32_t i = 0; i < s->sum.count && !must; i++) {
        const weir__change *e = &s->sum.entries[i];
        weir__change rest[STAMPS];
        uint32_t count = 0;
        if (e->diff >= 0 || !weir__topology_matters(s->topology, e->port))
            continue;
        for (uint32_t k = 0; k < STAMPS; k++)
            if (s->stamps[k].port != e->port || !weir_time_equal(&s->stamps[k].time, &e->time, 4))
                rest[count++] = s->stamps[k];
        oracle_frontiers(s->g, rest, count, s->others);
        must = !weir_frontier_less_equal(&s->others[e->port], &e->time);
    }
    return must;
}

static void check(subject *s, uint64_t graph, bool whole)
{
    uint32_t count, changed = 0;
    const uint32_t *list = weir__tracker_propagate(s->tracker, &count);
    for (uint32_t p = 0; p <= PORTS; p++)
        weir_frontier_set(&s->before[p], &s->f[p]);
    oracle_frontiers(s->g, s->stamps, STAMPS, s->f);
    bool good = oracle_agrees(s->g, s->topology, s->tracker, s->f);
    for (uint32_t p = 0; p <= PORTS; p++)
        changed += weir__topology_is_tracked(s->topology, p) &&
                   !weir_frontier_equal(&s->f[p], &s->before[p]);
    good &= changed == count;
    for (uint32_t i = 0; i < count; i++)
        good &= !weir_frontier_equal(&s->f[list[i]], &s->before[list[i]]);
    if (whole && good)
        good = must_publish(s) == weir__tracker_must_publish(s->tracker, &s->sum);
    if (!good)
        oracle_print(s->g, s->stamps, STAMPS);
    ck_assert_msg(good, "graph %lu", (long)graph);
}

/* From state to state: each step gives some of the counts another value, or leaves one alone. */
static void walk(subject *s, uint64_t graph, int steps, bool whole)
{
    static const int64_t values[] = { 0, 0, 0, 1, 1, 2, -1 };
    uint64_t state = graph * 77 + (uint64_t)steps;
    for (int i = 0; i < steps; i++) {
        uint64_t alone = test_below(&state, 8 * STAMPS);
        weir__changes_clear(&s->sum);
        for (uint32_t k = 0; k < STAMPS; k++)
            if (alone < STAMPS)
                subject_count(s, &s->stamps[k], k == alone);
            else if (test_below(&state, 4) == 0)
                subject_count(s, &s->stamps[k], values[test_below(&state, 7)]);
        check(s, graph, whole);
    }
}

/* Returns whether every cycle of the graph advances. */
static bool try_graph(oracle_graph *g, uint64_t n, int steps)
{
    subject s;
    for (uint32_t p = 0; p < PORTS; p++)
        g->ports[p].interest = n % (p + 2) ? WEIR__INTEREST_ALWAYS : WEIR__INTEREST_NEVER;
    weir__topology *topology = oracle_topology(g, WEIR__TOPOLOGY_KEEP_ALL, NULL);
    if (!topology)
        return false;
    subject_init(&s, g, topology);
    walk(&s, n, 2 * steps, true);
    subject_fini(&s);
    for (int set = 0; set < 1 << PORTS; set++) {
        for (uint32_t p = 0; p < PORTS; p++)
            g->ports[p].interest = set >> p & 1 ? WEIR__INTEREST_IF_HOLDING : WEIR__INTEREST_NEVER;
        topology = oracle_topology(g, 0, NULL);
        subject_init(&s, g, topology);
        walk(&s, n + (uint64_t)set, steps, false);
        subject_fini(&s);
    }
    return true;
}

/* By definition: a way from a port to itself after which none of the coordinates it keeps has
 * grown. Three ports have cycles of at most three links. */
static bool has_bad_cycle(const oracle_graph *g, uint32_t start, uint32_t at, weir_summary so_far,
                          int length)
{
    for (uint32_t i = 0; i < g->arc_count; i++) {
        weir_summary s;
        bool advances = false;
        if (g->arcs[i].from != at || !weir_summary_follow(&so_far, &g->arcs[i].summary, &s))
            continue;
        for (unsigned k = 0; k < s.keep; k++)
            advances |= s.add[k] > 0;
        if (g->arcs[i].to == start
                ? !advances
                : length < PORTS && has_bad_cycle(g, start, g->arcs[i].to, s, length + 1))
            return true;
    }
    return false;
}

static void all_graphs(unsigned a, unsigned b, unsigned c, uint64_t stride, int steps)
{
    static oracle_graph g;
    const unsigned depths[PORTS] = { a, b, c };
    uint64_t good = 0, bad = 0;
    for (uint64_t n = 0; graph_at(&g, depths, n); n += stride * PART) {
        bool expected = true;
        for (uint32_t p = 0; p < PORTS && expected; p++)
            expected = !has_bad_cycle(&g, p, p, weir_summary_identity(depths[p]), 1);
        bool taken = try_graph(&g, n, steps);
        if (taken != expected)
            oracle_print(&g, NULL, 0);
        ck_assert_msg(taken == expected, "graph %lu is %s", (long)n, expected ? "good" : "bad");
        good += taken;
        bad += !taken;
    }
    ck_assert(good > 0 && bad > 0);
}

START_TEST(depth_1)
{
    all_graphs(1, 1, 1, 1, 6);
}
END_TEST

START_TEST(one_inner_port)
{
    all_graphs(1, 1, 2, 1, 8);
    all_graphs(2, 1, 1, 1, 8);
}
END_TEST

START_TEST(two_inner_ports)
{
    all_graphs(1, 2, 2, 1, 6);
}
END_TEST

START_TEST(depth_2)
{
    all_graphs(2, 2, 2, 11, 6);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { depth_1, one_inner_port, two_inner_ports, depth_2, NULL };
    return test_run(test_suite("tracker_small", tests));
}
