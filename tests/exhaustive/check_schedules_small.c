/* SPDX-License-Identifier: Apache-2.0
 *
 * Every graph of up to four nodes, with all loops, up to the names of its nodes; and on them every
 * short schedule of two workers (of four nodes: the longer ones on a part of the graphs). An event
 * is to hand a pointstamp on along an arc, to oneself or to the other, to drop it, to publish all
 * that is not published, or to hear one set. After each both views are held against what is really
 * outstanding, computed from nothing: no frontier is beyond it. Where all is published and heard,
 * all are exactly that.
 *
 * A node is a port. Arcs that add nothing lead from lower to higher ones, as in some order of every
 * graph that is allowed; arcs that add one lead anywhere.
 */
#include <string.h>

#include "progress_oracle.h"

/* Sanitizers see the same code in a part of the graphs; all of them are for the other builds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { PART = 16 };
#else
enum { PART = 1 };
#endif
enum { NODES = 4, TIMES = 3, STAMPS = NODES * TIMES, WORKERS = 2, SETS = 8 };

/* ---- graphs ---- */

/* way[from][to]: 0 no arc, 1 one that adds nothing, 2 one that adds one. */
typedef struct drawing {
    unsigned nodes;
    uint8_t way[NODES][NODES];
} drawing;

/* The n-th; false behind the last. */
static bool drawing_at(drawing *d, unsigned nodes, uint64_t n)
{
    d->nodes = nodes;
    for (unsigned i = 0; i < nodes; i++)
        for (unsigned k = 0; k < nodes; k++) {
            unsigned ways = i < k ? 3 : 2, which = (unsigned)(n % ways);
            n /= ways;
            d->way[i][k] = (uint8_t)(which == 1 && i >= k ? 2 : which);
        }
    return n == 0;
}

/* Whether another order of the nodes but the first, which is the source, makes a smaller one. */
static bool has_smaller_twin(const drawing *d)
{
    static const uint8_t orders[6][NODES] = { { 0, 1, 2, 3 }, { 0, 1, 3, 2 }, { 0, 2, 1, 3 },
                                              { 0, 2, 3, 1 }, { 0, 3, 1, 2 }, { 0, 3, 2, 1 } };
    for (unsigned o = 1; o < 6; o++) {
        bool fits = true;
        int order = 0;
        for (unsigned i = 0; i < d->nodes; i++)
            fits &= orders[o][i] < d->nodes;
        for (unsigned i = 0; fits && i < d->nodes; i++)
            for (unsigned k = 0; k <= i; k++) /* it is one of those that are drawn */
                fits &= d->way[orders[o][i]][orders[o][k]] != 1;
        for (unsigned i = 0; fits && order == 0 && i < d->nodes; i++)
            for (unsigned k = 0; order == 0 && k < d->nodes; k++)
                order = d->way[orders[o][i]][orders[o][k]] - d->way[i][k];
        if (fits && order < 0)
            return true;
    }
    return false;
}

/* What cannot be reached from the source changes nothing. */
static bool is_connected(const drawing *d)
{
    unsigned reached = 1;
    for (unsigned round = 0; round < d->nodes; round++)
        for (unsigned i = 0; i < d->nodes; i++)
            for (unsigned k = 0; k < d->nodes; k++)
                if (reached >> i & 1 && d->way[i][k])
                    reached |= 1u << k;
    return reached == (1u << d->nodes) - 1;
}

/* ---- two workers ---- */

typedef int8_t sums[STAMPS];

typedef struct cluster {
    oracle_graph *g;
    weir__topology *topology;
    weir__tracker *views[WORKERS];
    weir__change stamps[STAMPS];
    weir_frontier truth[NODES + 1];
    sums owned[WORKERS], mine[WORKERS];   /* really outstanding; not published */
    sums heard[WORKERS][SETS];            /* by this worker: under way to it */
    unsigned first[WORKERS], end[WORKERS];
    uint64_t events;
} cluster;

static void add(cluster *c, unsigned view, unsigned stamp, int diff)
{
    if (diff)
        weir__tracker_update(c->views[view], c->stamps[stamp].port, &c->stamps[stamp].time, diff);
}

/* Worker w changes what `owner` has, and says so later. */
static void change(cluster *c, unsigned w, unsigned owner, unsigned stamp, int diff)
{
    c->owned[owner][stamp] = (int8_t)(c->owned[owner][stamp] + diff);
    c->mine[w][stamp] = (int8_t)(c->mine[w][stamp] + diff);
    add(c, w, stamp, diff);
}

static bool is_quiet(const cluster *c)
{
    static const sums none;
    bool quiet = true;
    for (unsigned w = 0; w < WORKERS; w++)
        quiet &= c->first[w] == c->end[w] && memcmp(c->mine[w], none, sizeof none) == 0;
    return quiet;
}

static void check(cluster *c)
{
    uint32_t changed;
    bool good = true, quiet = is_quiet(c);
    for (unsigned i = 0; i < STAMPS; i++)
        c->stamps[i].diff = c->owned[0][i] + c->owned[1][i];
    oracle_frontiers(c->g, c->stamps, c->g->port_count * TIMES, c->truth);
    for (unsigned w = 0; w < WORKERS; w++) {
        weir__tracker_propagate(c->views[w], &changed);
        for (uint32_t p = 0; p <= c->g->port_count; p++) {
            if (!weir__topology_is_tracked(c->topology, p))
                continue;
            const weir_frontier *f = weir__tracker_frontier(c->views[w], p);
            good &= weir_frontier_dominates(f, &c->truth[p]);
            good &= !quiet || weir_frontier_equal(f, &c->truth[p]);
        }
    }
    if (!good)
        oracle_print(c->g, c->stamps, c->g->port_count * TIMES);
    ck_assert_msg(good, "after %llu events", (unsigned long long)c->events);
    c->events++;
}

static void explore(cluster *c, unsigned left);

static void publish(cluster *c, unsigned w, unsigned left)
{
    static const sums none;
    unsigned to = 1 - w;
    sums kept;
    if (memcmp(c->mine[w], none, sizeof none) == 0)
        return;
    memcpy(kept, c->mine[w], sizeof kept);
    memcpy(c->heard[to][c->end[to]++], kept, sizeof kept);
    memset(c->mine[w], 0, sizeof kept);
    explore(c, left);
    memcpy(c->mine[w], kept, sizeof kept);
    c->end[to]--;
}

static void hear(cluster *c, unsigned w, unsigned left)
{
    if (c->first[w] == c->end[w])
        return;
    const int8_t *set = c->heard[w][c->first[w]++];
    for (unsigned i = 0; i < STAMPS; i++)
        add(c, w, i, set[i]);
    explore(c, left);
    set = c->heard[w][--c->first[w]];
    for (unsigned i = 0; i < STAMPS; i++)
        add(c, w, i, -set[i]);
}

/* One of w's at this pointstamp goes, and becomes one of `owner` at another, if there is one. */
static void hand_on(cluster *c, unsigned w, unsigned stamp, unsigned owner, unsigned to,
                    unsigned left)
{
    change(c, w, w, stamp, -1);
    if (to < STAMPS)
        change(c, w, owner, to, 1);
    explore(c, left);
    if (to < STAMPS)
        change(c, w, owner, to, -1);
    change(c, w, w, stamp, 1);
}

static void act(cluster *c, unsigned w, unsigned left)
{
    for (unsigned i = 0; i < STAMPS; i++) {
        if (c->owned[w][i] <= 0)
            continue;
        hand_on(c, w, i, w, STAMPS, left);
        for (uint32_t a = 0; a < c->g->arc_count; a++) {
            unsigned time = i % TIMES + (unsigned)c->g->arcs[a].summary.add[0];
            unsigned to = c->g->arcs[a].to * TIMES + time;
            if (c->g->arcs[a].from != i / TIMES || time >= TIMES)
                continue;
            hand_on(c, w, i, w, to, left);
            hand_on(c, w, i, 1 - w, to, left);
        }
    }
}

static void explore(cluster *c, unsigned left)
{
    check(c);
    if (left == 0)
        return;
    for (unsigned w = 0; w < WORKERS; w++) {
        act(c, w, left - 1);
        publish(c, w, left - 1);
        hear(c, w, left - 1);
    }
}

/* Both begin with a capability at the source. */
static void begin(cluster *c, oracle_graph *g, const drawing *d, unsigned interest)
{
    memset(c, 0, sizeof *c);
    c->g = g;
    g->port_count = g->arc_count = 0;
    for (unsigned i = 0; i < d->nodes; i++)
        oracle_port(g, 1, interest >> i & 1 ? WEIR__INTEREST_ALWAYS : WEIR__INTEREST_NEVER);
    for (unsigned i = 0; i < d->nodes; i++)
        for (unsigned k = 0; k < d->nodes; k++)
            if (d->way[i][k])
                oracle_arc(g, i, k, d->way[i][k] == 1 ? weir_summary_identity(1)
                                                      : weir_summary_feedback(1, 1));
    c->topology = oracle_topology(g, 0, NULL);
    ck_assert_ptr_nonnull(c->topology);
    oracle_init(g, c->truth);
    for (unsigned i = 0; i < STAMPS; i++)
        c->stamps[i] = (weir__change){ .port = i / TIMES, .time = weir_time_1(i % TIMES) };
    weir__change initial = { .port = 0, .diff = WORKERS };
    for (unsigned w = 0; w < WORKERS; w++) {
        c->views[w] = weir__tracker_create(c->topology, &initial, 1);
        c->owned[w][0] = 1;
    }
}

static void end(cluster *c)
{
    oracle_fini(c->g, c->truth);
    for (unsigned w = 0; w < WORKERS; w++)
        weir__tracker_destroy(c->views[w]);
    weir__topology_destroy(c->topology);
}

/* Every graph of so many nodes; the ports that are asked for change from one to the next, unless
 * all sets of them are wanted. */
typedef struct scope {
    unsigned nodes, length; /* of the schedules */
    uint64_t one_in;        /* graph, of those there are */
    bool all_interests;
} scope;

/* How many graphs there are. */
static uint64_t try_all(const scope *s)
{
    static oracle_graph g;
    static cluster c;
    uint64_t graphs = 0;
    drawing d;
    for (uint64_t n = 0; drawing_at(&d, s->nodes, n); n++) {
        unsigned sets = 1u << s->nodes, chosen = (unsigned)(graphs / s->one_in % sets);
        if (!is_connected(&d) || has_smaller_twin(&d) || graphs++ % s->one_in)
            continue;
        for (unsigned set = 0; set < sets; set++)
            if (s->all_interests || set == chosen) {
                begin(&c, &g, &d, set);
                explore(&c, s->length);
                end(&c);
            }
    }
    return graphs;
}

START_TEST(up_to_three_nodes)
{
    ck_assert_uint_eq(try_all(&(scope){ 1, 6, 1, true }), 2);
    ck_assert_uint_eq(try_all(&(scope){ 2, 4, 1, true }), 16);
    ck_assert_uint_eq(try_all(&(scope){ 3, 3, 1, false }), 848);
}
END_TEST

/* Longer schedules for one in so many of them: all would take too long. */
START_TEST(four_nodes)
{
    ck_assert_uint_eq(try_all(&(scope){ 4, 1, PART, false }), 237632);
    ck_assert_uint_eq(try_all(&(scope){ 4, 3, 151 * PART, false }), 237632);
}
END_TEST

int main(void)
{
    return test_run(test_suite("schedules_small", (const TTest *const[]){ up_to_three_nodes,
                                                                          four_nodes, NULL }));
}
