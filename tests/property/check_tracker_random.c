/* SPDX-License-Identifier: Apache-2.0
 *
 * Large random progress graphs, with loops in loops and with summaries of any shape: after every
 * random batch of counts the frontiers are those computed from nothing, whether ports were removed
 * or not. And the protocol: several workers work, hold back, publish and hear of each other in any
 * order.
 */
#include <stdio.h>
#include <string.h>

#include "progress_oracle.h"

enum { STAMPS = 96, WORKERS_MAX = 4, CHANNEL_MAX = 64 };

static oracle_graph g;
static uint64_t seed, state;

static bool chance(uint64_t of)
{
    return test_below(&state, of) == 0;
}

static uint32_t any(uint64_t below)
{
    return (uint32_t)test_below(&state, below);
}

/* ---- graphs ---- */

/* Ports of one scope from `begin` on: each follows from some before it, some lead back; scopes
 * within are entered from the port before them and left to the one after. */
static void grow_scope(unsigned depth, uint32_t ports, unsigned links)
{
    uint32_t begin = g.port_count, mine[256], count = 0;
    while (g.port_count < begin + ports && count < 256) {
        uint32_t p = oracle_port(&g, depth, any(3));
        for (unsigned i = 0; i < links && count > 0; i++)
            oracle_arc(&g, mine[any(count)], p, weir_summary_identity(depth));
        mine[count++] = p;
        if (depth < 3 && chance(4)) {
            uint32_t first = g.port_count;
            grow_scope(depth + 1, 1 + any(ports / 2 + 1), links);
            uint32_t inside = g.port_count - first, next = oracle_port(&g, depth, any(3));
            for (uint32_t i = 0; i < inside; i++) {
                uint32_t q = first + i;
                if (g.ports[q].depth != depth + 1)
                    continue;
                if (chance(3))
                    oracle_arc(&g, p, q, weir_summary_enter(depth));
                if (chance(3))
                    oracle_arc(&g, q, next, weir_summary_leave(depth + 1));
            }
            mine[count++] = next;
        }
    }
    for (uint32_t i = 0; i < 1 + count / 8; i++)
        oracle_arc(&g, mine[any(count)], mine[any(count)],
                   weir_summary_feedback(depth, 1 + any(2)));
}

/* Summaries of any shape forward; backward they add to the first coordinate. */
static void grow_wild(uint32_t ports, uint32_t arcs, unsigned depth_max)
{
    for (uint32_t p = 0; p < ports; p++)
        oracle_port(&g, 1 + any(depth_max), any(3));
    for (uint32_t i = 0; i < arcs; i++) {
        uint32_t from = any(ports), to = chance(2) ? any(ports) : (from + 1) % ports;
        unsigned a = g.ports[from].depth, b = g.ports[to].depth;
        weir_summary s = { .keep = (uint8_t)(1 + any(a < b ? a : b)), .depth = (uint8_t)b };
        for (unsigned k = 0; k < b; k++)
            s.add[k] = chance(3) ? any(3) : 0;
        if (to <= from)
            s.add[0]++;
        oracle_arc(&g, from, to, s);
    }
}

/* One loop of many ports with short cuts. */
static void grow_ring(uint32_t ports, unsigned depth)
{
    for (uint32_t p = 0; p < ports; p++)
        oracle_port(&g, depth, chance(4) ? WEIR__INTEREST_NEVER : WEIR__INTEREST_ALWAYS);
    for (uint32_t p = 0; p < ports; p++) {
        uint32_t to = any(ports);
        oracle_arc(&g, p, (p + 1) % ports,
                   p + 1 < ports ? weir_summary_identity(depth) : weir_summary_feedback(depth, 2));
        if (chance(3))
            oracle_arc(&g, p, to,
                       to > p ? weir_summary_identity(depth) : weir_summary_feedback(depth, 1));
        if (depth > 1 && chance(20))
            oracle_arc(&g, p, to,
                       (weir_summary){ .keep = 1, .depth = (uint8_t)depth, .add = { 1 } });
    }
}

static void grow(uint32_t ports)
{
    unsigned depth = 1 + any(2);
    do {
        memset(&g, 0, sizeof g);
        switch (any(4)) {
        case 0:
            grow_scope(1, ports, 2);
            break;
        case 1:
            grow_wild(ports, ports + any(2 * ports), 1 + any(4));
            break;
        case 2:
            grow_wild(ports, ports + any(2 * ports), 1);
            break;
        case 3:
            grow_ring(ports, depth);
            break;
        }
    } while (g.port_count > ORACLE_PORTS - 1);
}

static weir_time any_time(unsigned depth, uint64_t span)
{
    weir_time t = { { 0 } };
    for (unsigned i = 0; i < depth; i++)
        t.at[i] = test_below(&state, span);
    return t;
}

static bool is_flat(void)
{
    for (uint32_t p = 0; p < g.port_count; p++)
        if (g.ports[p].depth > 1)
            return false;
    return true;
}

/* ---- one tracker ---- */

typedef struct counts {
    weir__change stamps[STAMPS];
    uint32_t count;
} counts;

/* The place of a pointstamp to change: one there is, or a new one. */
static weir__change *any_stamp(counts *c, uint64_t span, bool far)
{
    if (c->count == STAMPS || (c->count > 0 && !chance(3)))
        return &c->stamps[any(c->count)];
    weir__change new = { .port = any(g.port_count) };
    new.time = any_time(g.ports[new.port].depth, span);
    if (far && chance(50))
        new.time.at[any(g.ports[new.port].depth)] = UINT64_MAX - any(3);
    return oracle_count(c->stamps, &c->count, new.port, &new.time, 0);
}

static void forget_zeros(counts *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->stamps[i].diff)
            c->stamps[kept++] = c->stamps[i];
    c->count = kept;
}

typedef struct named {
    const counts *c;
    bool seen[STAMPS];
} named;

static void name(const weir__outstanding *o, void *ctx)
{
    named *n = ctx;
    uint32_t i = 0;
    while (i < n->c->count &&
           !(n->c->stamps[i].port == o->port && n->c->stamps[i].diff == o->count &&
             weir_time_equal(&n->c->stamps[i].time, &o->time, WEIR_TIME_COORDS)))
        i++;
    ck_assert_msg(i < n->c->count && !n->seen[i], "WEIR_SEED=%lu", (long)seed);
    n->seen[i] = true;
}

/* Who holds a port's frontier back: each count that alone makes one of its elements. */
static void check_holders(const weir__tracker *tracker, const counts *c, uint32_t port,
                          const weir_frontier *frontier)
{
    static weir_frontier alone[ORACLE_PORTS + 1];
    named held = { .c = c }, all = { .c = c };
    weir__tracker_holders(tracker, port, name, &held);
    weir__tracker_each(tracker, name, &all);
    oracle_init(&g, alone);
    for (uint32_t i = 0; i < c->count; i++) {
        bool holds = false;
        oracle_frontiers(&g, &c->stamps[i], 1, alone);
        for (uint32_t e = 0; e < alone[port].count; e++) {
            const weir_time *t = &weir_frontier_times(&alone[port])[e];
            holds |= !weir_frontier_less_than(frontier, t);
        }
        ck_assert_msg(all.seen[i] && held.seen[i] == holds, "WEIR_SEED=%lu", (long)seed);
    }
    oracle_fini(&g, alone);
}

/* far: with times near the end of the range. Where coordinates are dropped, what overflows
 * between ports that were removed may go on without them: those graphs do without such times. */
static void track(unsigned flags, int steps, bool far)
{
    counts c = { .count = 0 };
    static weir_frontier f[ORACLE_PORTS + 1], before[ORACLE_PORTS + 1];
    weir__topology *topology = oracle_topology(&g, flags, NULL);
    ck_assert_ptr_nonnull(topology);
    weir__tracker *tracker = weir__tracker_create(topology, NULL, 0);
    oracle_init(&g, f);
    oracle_init(&g, before);
    for (int step = 0; step < steps; step++) {
        uint64_t span = 2 + any(5), batch = chance(10) ? 200 : 1 + any(6);
        for (uint64_t i = 0; i < batch; i++) {
            weir__change *s = any_stamp(&c, span, far);
            int64_t to = chance(2) ? 0 : chance(6) ? -1 : (int64_t)(1 + any(2));
            weir__tracker_update(tracker, s->port, &s->time, to - s->diff);
            s->diff = to;
        }
        forget_zeros(&c);
        uint32_t changed, expected = 0;
        weir__tracker_propagate(tracker, &changed);
        for (uint32_t p = 0; p <= g.port_count; p++)
            weir_frontier_set(&before[p], &f[p]);
        oracle_frontiers(&g, c.stamps, c.count, f);
        for (uint32_t p = 0; p <= g.port_count; p++)
            expected +=
                weir__topology_is_tracked(topology, p) && !weir_frontier_equal(&f[p], &before[p]);
        bool good = oracle_agrees(&g, topology, tracker, f);
        ck_assert_msg(good && changed == expected, "step %d: WEIR_SEED=%lu", step, (long)seed);
        uint32_t asked = any(g.port_count + 1);
        if (g.port_count < 50 && (!far || is_flat()) && weir__topology_is_tracked(topology, asked))
            check_holders(tracker, &c, asked, &f[asked]);
    }
    oracle_fini(&g, f);
    oracle_fini(&g, before);
    weir__tracker_destroy(tracker);
    weir__topology_destroy(topology);
}

static void track_graphs(int graphs, uint32_t ports, int steps)
{
    for (int i = 0; i < graphs; i++) {
        seed = test_seed(1000 * ports + (uint64_t)i);
        state = seed;
        grow(1 + any(ports));
        track(WEIR__TOPOLOGY_KEEP_ALL, steps, true);
        track(0, steps, is_flat());
    }
}

START_TEST(small_graphs)
{
    track_graphs(400, 12, 40);
}
END_TEST

START_TEST(large_graphs)
{
    track_graphs(30, 120, 40);
}
END_TEST

START_TEST(very_large_graphs)
{
    track_graphs(6, 400, 20);
}
END_TEST

/* ---- several workers ---- */

typedef struct worker {
    weir__tracker *tracker;
    weir__changes unpublished;
    counts owned;                                   /* what is really outstanding with it */
    weir__changes *heard[WORKERS_MAX][CHANNEL_MAX]; /* published by each of the others, in order */
    uint32_t heard_count[WORKERS_MAX];
} worker;

typedef struct cluster {
    weir__topology *topology;
    worker workers[WORKERS_MAX];
    uint32_t count;
    weir_frontier truth[ORACLE_PORTS + 1];
} cluster;

static void settle(cluster *c, uint32_t w)
{
    uint32_t changed;
    weir__tracker_propagate(c->workers[w].tracker, &changed);
}

static void find_truth(cluster *c)
{
    static weir__change all[WORKERS_MAX * STAMPS];
    uint32_t count = 0;
    for (uint32_t w = 0; w < c->count; w++) {
        forget_zeros(&c->workers[w].owned);
        memcpy(&all[count], c->workers[w].owned.stamps, c->workers[w].owned.count * sizeof *all);
        count += c->workers[w].owned.count;
    }
    oracle_frontiers(&g, all, count, c->truth);
}

/* No frontier is beyond what is outstanding. If exact it is that where there is interest, and if
 * all are parked at `done` too. */
static void check_views(cluster *c, bool exact, bool parked)
{
    find_truth(c);
    for (uint32_t w = 0; w < c->count; w++)
        for (uint32_t p = 0; p <= g.port_count; p++) {
            if (!weir__topology_is_tracked(c->topology, p))
                continue;
            const weir_frontier *mine = weir__tracker_frontier(c->workers[w].tracker, p);
            char have[300], want[300];
            ck_assert_msg(weir_frontier_dominates(mine, &c->truth[p]) &&
                              (!(p == g.port_count ? parked : exact && g.ports[p].interest) ||
                               weir_frontier_equal(mine, &c->truth[p])),
                          "worker %u, port %u: %s for %s: WEIR_SEED=%lu", w, p,
                          weir_frontier_text(mine, have, sizeof have),
                          weir_frontier_text(&c->truth[p], want, sizeof want), (long)seed);
        }
}

static void publish(cluster *c, uint32_t w)
{
    worker *me = &c->workers[w];
    if (weir__changes_is_empty(&me->unpublished))
        return;
    for (uint32_t o = 0; o < c->count; o++) {
        worker *other = &c->workers[o];
        if (o == w)
            continue;
        weir__changes *sent = calloc(1, sizeof *sent);
        weir__changes_merge(sent, &me->unpublished);
        ck_assert_uint_lt(other->heard_count[w], CHANNEL_MAX);
        other->heard[w][other->heard_count[w]++] = sent;
    }
    weir__changes_clear(&me->unpublished);
}

/* w hears the next of what o has published; false if there is nothing. */
static bool hear(cluster *c, uint32_t w, uint32_t o)
{
    worker *me = &c->workers[w];
    if (me->heard_count[o] == 0)
        return false;
    weir__changes *next = me->heard[o][0];
    memmove(&me->heard[o][0], &me->heard[o][1], --me->heard_count[o] * sizeof next);
    weir__tracker_apply(me->tracker, next);
    weir__changes_fini(next);
    free(next);
    settle(c, w);
    return true;
}

static void note(cluster *c, uint32_t owner, weir__changes *step, uint32_t port, weir_time t,
                 int64_t diff)
{
    oracle_count(c->workers[owner].owned.stamps, &c->workers[owner].owned.count, port, &t, diff);
    weir__changes_add(step, port, &t, diff);
}

/* One step of a node: uses up or keeps a pointstamp of the worker's, and makes others from it:
 * later at the same port, or behind it, with any worker. False if the worker has none. */
static bool work(cluster *c, uint32_t w, bool ending)
{
    worker *me = &c->workers[w];
    weir__changes step = { 0 };
    forget_zeros(&me->owned);
    if (me->owned.count == 0)
        return false;
    weir__change cause = me->owned.stamps[any(me->owned.count)];
    uint32_t arcs = g.first[cause.port + 1] - g.first[cause.port];
    for (uint32_t i = ending ? 0 : any(3); i > 0; i--) {
        uint32_t port = cause.port, owner = any(c->count);
        weir_time t = cause.time;
        if (arcs > 0 && !chance(4)) {
            const weir__arc *arc = &g.arcs[g.first[port] + any(arcs)];
            port = arc->to;
            weir_summary_apply(&arc->summary, &cause.time, &t);
        } else {
            t.at[any(g.ports[port].depth)] += 1 + any(2);
            owner = w;
        }
        if (c->workers[owner].owned.count < STAMPS)
            note(c, owner, &step, port, t, 1);
    }
    if (ending || !chance(3))
        note(c, w, &step, cause.port, cause.time, -1);
    weir__tracker_apply(me->tracker, &step);
    settle(c, w);
    weir__changes_merge(&me->unpublished, &step);
    weir__changes_fini(&step);
    return true;
}

/* Everybody hears everything and publishes what must be. */
static void rest(cluster *c, bool parking)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t w = 0; w < c->count; w++) {
            for (uint32_t o = 0; o < c->count; o++)
                while (hear(c, w, o))
                    moved = true;
            worker *me = &c->workers[w];
            if (!weir__changes_is_empty(&me->unpublished) &&
                (parking || weir__tracker_must_publish(me->tracker, &me->unpublished))) {
                publish(c, w);
                moved = true;
            }
        }
    }
}

static void start(cluster *c, unsigned flags)
{
    weir__change initial[WORKERS_MAX * 4];
    uint32_t count = 0;
    c->count = 2 + any(WORKERS_MAX - 1);
    c->topology = oracle_topology(&g, flags, NULL);
    memset(c->workers, 0, sizeof c->workers);
    oracle_init(&g, c->truth);
    for (uint32_t i = 0; i < 4; i++) { /* a capability of each worker */
        uint32_t p = any(g.port_count / 4 + 1);
        initial[count++] = (weir__change){ .port = p, .diff = c->count };
        for (uint32_t w = 0; w < c->count; w++)
            oracle_count(c->workers[w].owned.stamps, &c->workers[w].owned.count, p,
                         &initial[count - 1].time, 1);
    }
    for (uint32_t w = 0; w < c->count; w++)
        c->workers[w].tracker = weir__tracker_create(c->topology, initial, count);
}

static void finish(cluster *c)
{
    for (uint32_t w = 0; w < c->count; w++) {
        weir__changes_fini(&c->workers[w].unpublished);
        weir__tracker_destroy(c->workers[w].tracker);
    }
    weir__topology_destroy(c->topology);
    oracle_fini(&g, c->truth);
}

static void run_protocol(unsigned flags, int steps)
{
    static cluster c;
    start(&c, flags);
    for (int i = 0; i < steps; i++) {
        uint32_t w = any(c.count), o = any(c.count);
        worker *me = &c.workers[w];
        bool must = weir__tracker_must_publish(me->tracker, &me->unpublished);
        if (o != w && (chance(2) || me->heard_count[o] > CHANNEL_MAX / 2))
            hear(&c, w, o);
        else if (must || chance(40))
            publish(&c, w);
        else
            work(&c, w, false);
        if (chance(8) || c.workers[o].heard_count[w] > CHANNEL_MAX / 2)
            rest(&c, false), check_views(&c, true, false);
        else if (chance(4))
            check_views(&c, false, false);
    }
    for (uint32_t w = 0; w < c.count; w++)
        while (work(&c, w, true))
            if (chance(4))
                rest(&c, false), check_views(&c, true, false);
    rest(&c, true);
    check_views(&c, true, true);
    for (uint32_t w = 0; w < c.count; w++)
        ck_assert_msg(weir__tracker_is_empty(c.workers[w].tracker), "WEIR_SEED=%lu", (long)seed);
    finish(&c);
}

static void run_protocols(int graphs, uint32_t ports, int steps)
{
    for (int i = 0; i < graphs; i++) {
        seed = test_seed(77000 * ports + (uint64_t)i);
        state = seed;
        grow(1 + any(ports));
        run_protocol(WEIR__TOPOLOGY_KEEP_ALL, steps);
        run_protocol(0, steps);
    }
}

START_TEST(workers_on_small_graphs)
{
    run_protocols(300, 8, 200);
}
END_TEST

START_TEST(workers_on_large_graphs)
{
    run_protocols(30, 60, 300);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        small_graphs,
        large_graphs,
        very_large_graphs,
        workers_on_small_graphs,
        workers_on_large_graphs,
        NULL,
    };
    return test_run(test_suite("tracker_random", tests));
}
