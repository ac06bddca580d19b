/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol of progress between workers, searched through: every reachable state of small graphs
 * in which workers send, hold, let go, publish and hear of each other in every order, with the
 * trackers of the library as their views, with ports removed and without. In every state:
 *
 *   safe    no view's frontier is beyond what is really outstanding before it;
 *   prompt  where nothing is under way between workers and nobody must publish, each view's
 *           frontier at a port with interest is exactly that;
 *   live    where nothing can move any more, everything is finished in every view, `done` as well.
 *
 * And every mistake that was thought of is found: see bug.
 */
#include <stdio.h>
#include <string.h>

#include "progress_oracle.h"

enum { WORKERS = 2, STAMPS = 14, CHANNEL = 3, PORTS = 4 };

typedef enum bug {
    NO_BUG,
    ANY_TIME,   /* not a mistake: a sum is published whenever one likes, not only when it must be */
    SPLIT,      /* what was lowered is published first, what was raised after it */
    SWAP,       /* of two sums from one worker the second is heard first */
    OWN_ONLY,   /* a view starts with the capabilities of its own worker */
    NO_PARKING, /* nothing is published before parking */
    MOVES_ONLY, /* what is lowered is news only if nothing remains there */
    MERGED,     /* counts of removed ports are added up where they arrive */
    MERGED_TIMES /* only those of one port whose times arrive as one are */
} bug;

typedef enum verdict { GOOD, UNSAFE, LATE, STUCK, TOO_MANY } verdict;

/* What may become of a pointstamp: another one, with the same worker or with any. */
typedef struct move {
    uint32_t from, to;
    bool keeps;  /* the first one stays: a capability that sends */
    bool abroad; /* the second may be any worker's */
} move;

typedef struct state {
    int8_t owned[WORKERS][STAMPS];          /* really outstanding */
    int8_t mine[WORKERS][STAMPS];           /* not yet published */
    int8_t heard[WORKERS][CHANNEL][STAMPS]; /* by the other worker, not yet taken in */
    uint8_t heard_count[WORKERS];
    uint8_t sends; /* left */
} state;

typedef struct model {
    oracle_graph g;
    bool is_output[PORTS];
    weir__change stamps[STAMPS];
    uint32_t stamp_count;
    move moves[64];
    uint32_t move_count;
    state start;
    bool lazy; /* publishes only when it must or parks; else whenever it likes */
    bug bug;
    /* the view in hand */
    weir__topology *topology;
    weir__tracker *tracker;
    int8_t view[STAMPS];
    weir_frontier truth[PORTS + 1];
    /* the states found */
    state *states;
    uint32_t count, capacity, *index, index_size;
} model;

enum { STATES_MAX = 400000 };

/* ---- graphs ---- */

static uint32_t model_port(model *m, unsigned depth, bool is_output, bool asked)
{
    uint32_t p = oracle_port(&m->g, depth, asked ? WEIR__INTEREST_ALWAYS : WEIR__INTEREST_NEVER);
    m->is_output[p] = is_output;
    return p;
}

static void model_times(model *m, uint32_t port, const weir_time *times, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        m->stamps[m->stamp_count++] = (weir__change){ .port = port, .time = times[i] };
    ck_assert_uint_le(m->stamp_count, STAMPS);
}

static uint32_t stamp_at(const model *m, uint32_t port, const weir_time *time)
{
    uint32_t i = 0;
    while (i < m->stamp_count && !(m->stamps[i].port == port &&
                                   weir_time_equal(&m->stamps[i].time, time, WEIR_TIME_COORDS)))
        i++;
    return i;
}

static void add_move(model *m, uint32_t from, uint32_t to, bool keeps, bool abroad)
{
    if (to < m->stamp_count)
        m->moves[m->move_count++] = (move){ from, to, keeps, abroad };
    ck_assert_uint_lt(m->move_count, 64);
}

/* A capability sends along an edge, keeping itself or not, or is downgraded; a batch becomes a
 * capability of its node. */
static void find_moves(model *m)
{
    for (uint32_t i = 0; i < m->stamp_count; i++) {
        const weir__change *s = &m->stamps[i];
        bool output = m->is_output[s->port];
        for (uint32_t a = 0; a < m->g.arc_count; a++) {
            weir_time image;
            if (m->g.arcs[a].from != s->port ||
                !weir_summary_apply(&m->g.arcs[a].summary, &s->time, &image))
                continue;
            uint32_t to = stamp_at(m, m->g.arcs[a].to, &image);
            add_move(m, i, to, false, output);
            if (output)
                add_move(m, i, to, true, true);
        }
        for (uint32_t k = 0; output && k < m->stamp_count; k++)
            if (m->stamps[k].port == s->port &&
                weir_time_less_than(&s->time, &m->stamps[k].time, WEIR_TIME_COORDS))
                add_move(m, i, k, false, false);
    }
}

static const weir_time zero_one_two[] = { { { 0 } }, { { 1 } }, { { 2 } } };
static const weir_time around[] = { { { 0, 0 } }, { { 0, 1 } }, { { 1, 0 } } };

/* A.out -> B.in -> B.out -> C.in */
static void chain(model *m, bool ask_b, bool ask_c, uint32_t times)
{
    uint32_t a = model_port(m, 1, true, false), b = model_port(m, 1, false, ask_b);
    uint32_t out = model_port(m, 1, true, false), c = model_port(m, 1, false, ask_c);
    oracle_arc(&m->g, a, b, weir_summary_identity(1));
    oracle_arc(&m->g, b, out, weir_summary_identity(1));
    oracle_arc(&m->g, out, c, weir_summary_identity(1));
    for (uint32_t p = 0; p < 4; p++)
        model_times(m, p, zero_one_two, times);
}

/* A.out -> B.in and A.out -> C.in, which both ask: a count at A is at two places. */
static void fork_of(model *m)
{
    uint32_t a = model_port(m, 1, true, false), b = model_port(m, 1, false, true);
    uint32_t c = model_port(m, 1, false, true);
    oracle_arc(&m->g, a, b, weir_summary_identity(1));
    oracle_arc(&m->g, a, c, weir_summary_identity(1));
    for (uint32_t p = 0; p < 3; p++)
        model_times(m, p, zero_one_two, 2);
}

/* A.out -> L.in -> L.out -> C.in, and L.out -> L.in one later. */
static void loop(model *m, bool ask_l)
{
    uint32_t a = model_port(m, 1, true, false), in = model_port(m, 1, false, ask_l);
    uint32_t out = model_port(m, 1, true, false), c = model_port(m, 1, false, true);
    oracle_arc(&m->g, a, in, weir_summary_identity(1));
    oracle_arc(&m->g, in, out, weir_summary_identity(1));
    oracle_arc(&m->g, out, in, weir_summary_feedback(1, 1));
    oracle_arc(&m->g, out, c, weir_summary_identity(1));
    model_times(m, a, zero_one_two, 1);
    for (uint32_t p = 1; p < 4; p++)
        model_times(m, p, zero_one_two, 2);
}

/* The same with the loop in a scope of its own. */
static void scope(model *m, bool ask_l, bool ask_c)
{
    uint32_t a = model_port(m, 1, true, false), in = model_port(m, 2, false, ask_l);
    uint32_t out = model_port(m, 2, true, false), c = model_port(m, 1, false, ask_c);
    oracle_arc(&m->g, a, in, weir_summary_enter(1));
    oracle_arc(&m->g, in, out, weir_summary_identity(2));
    oracle_arc(&m->g, out, in, weir_summary_feedback(2, 1));
    oracle_arc(&m->g, out, c, weir_summary_leave(2));
    model_times(m, a, zero_one_two, 1);
    model_times(m, in, around, 2);
    model_times(m, out, around, 2);
    model_times(m, c, zero_one_two, 1);
}

/* ---- views ---- */

/* As the tracker in hand knows the pointstamp: itself, except for the bugs that merge. For these
 * the last port is the only one that asks, and all lead to it at their own epoch. */
static weir__change as_known(const model *m, uint32_t stamp)
{
    weir__change known = m->stamps[stamp];
    if (m->bug == MERGED)
        known.port = m->g.port_count - 1;
    if (m->bug == MERGED || m->bug == MERGED_TIMES)
        known.time = weir_time_1(known.time.at[0]);
    return known;
}

static weir__topology *topology_of(const model *m, unsigned flags)
{
    static oracle_graph g;
    g = m->g;
    if (m->bug == MERGED || m->bug == MERGED_TIMES) {
        g.arc_count = 0;
        for (uint32_t p = 0; p < g.port_count; p++) {
            g.ports[p].depth = 1;
            if (p + 1 < g.port_count)
                oracle_arc(&g, p, g.port_count - 1, weir_summary_identity(1));
        }
    }
    return oracle_topology(&g, flags, NULL);
}

/* What worker w knows: everything but what the other has not published and what is on its way. */
static void take_view(model *m, const state *s, uint32_t w)
{
    for (uint32_t i = 0; i < m->stamp_count; i++) {
        int view = s->owned[0][i] + s->owned[1][i] - s->mine[1 - w][i];
        for (uint32_t k = 0; k < s->heard_count[w]; k++)
            view -= s->heard[w][k][i];
        if (m->bug == OWN_ONLY)
            view -= m->start.owned[1 - w][i];
        weir__change known = as_known(m, i);
        weir__tracker_update(m->tracker, known.port, &known.time, view - m->view[i]);
        m->view[i] = (int8_t)view;
    }
    uint32_t changed;
    weir__tracker_propagate(m->tracker, &changed);
}

static bool is_anything(const model *m, const int8_t *sums)
{
    for (uint32_t i = 0; i < m->stamp_count; i++)
        if (sums[i])
            return true;
    return false;
}

/* With w's view in hand. */
static bool must_publish(model *m, const state *s, uint32_t w)
{
    weir__changes sum = { 0 };
    for (uint32_t i = 0; i < m->stamp_count; i++)
        if (s->mine[w][i] && !(m->bug == MOVES_ONLY && m->view[i] > 0 && s->mine[w][i] < 0)) {
            weir__change known = as_known(m, i);
            weir__changes_add(&sum, known.port, &known.time, s->mine[w][i]);
        }
    bool must = weir__tracker_must_publish(m->tracker, &sum);
    weir__changes_fini(&sum);
    return must;
}

static void find_truth(model *m, const state *s)
{
    for (uint32_t i = 0; i < m->stamp_count; i++)
        m->stamps[i].diff = s->owned[0][i] + s->owned[1][i];
    oracle_frontiers(&m->g, m->stamps, m->stamp_count, m->truth);
}

/* The view in hand against the truth; ports nobody asks about do not count, `done` only when
 * asked. */
static bool is_safe(const model *m)
{
    for (uint32_t p = 0; p <= m->g.port_count; p++)
        if (weir__topology_is_tracked(m->topology, p) &&
            !weir_frontier_dominates(weir__tracker_frontier(m->tracker, p), &m->truth[p]))
            return false;
    return true;
}

static bool is_exact(const model *m, bool done_too)
{
    for (uint32_t p = 0; p <= m->g.port_count; p++)
        if ((p == m->g.port_count ? done_too : m->g.ports[p].interest > 0) &&
            !weir_frontier_equal(weir__tracker_frontier(m->tracker, p), &m->truth[p]))
            return false;
    return true;
}

/* ---- the search ---- */

static uint64_t hash_state(const state *s)
{
    uint64_t h = 0, word;
    const char *bytes = (const char *)s;
    for (size_t i = 0; i < sizeof *s; i += sizeof word) {
        word = 0;
        memcpy(&word, bytes + i, sizeof *s - i < sizeof word ? sizeof *s - i : sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return h;
}

/* The workers are alike: of a state and its mirror image one is looked at. */
static state normal(const state *s)
{
    state other = { .sends = s->sends };
    for (uint32_t w = 0; w < WORKERS; w++) {
        memcpy(other.owned[w], s->owned[1 - w], STAMPS);
        memcpy(other.mine[w], s->mine[1 - w], STAMPS);
        memcpy(other.heard[w], s->heard[1 - w], sizeof other.heard[w]);
        other.heard_count[w] = s->heard_count[1 - w];
    }
    return memcmp(s, &other, sizeof other) <= 0 ? *s : other;
}

static void found(model *m, const state *reached)
{
    const state normed = normal(reached), *s = &normed;
    uint32_t at = (uint32_t)(hash_state(s) & (m->index_size - 1));
    for (; m->index[at]; at = (at + 1) & (m->index_size - 1))
        if (memcmp(&m->states[m->index[at] - 1], s, sizeof *s) == 0)
            return;
    if (m->count == m->capacity) {
        m->capacity = m->capacity ? 2 * m->capacity : 1024;
        m->states = realloc(m->states, m->capacity * sizeof *m->states);
    }
    m->states[m->count++] = *s;
    m->index[at] = m->count;
}

static void say(state *s, uint32_t w, const int8_t *sums)
{
    memcpy(s->heard[1 - w][s->heard_count[1 - w]++], sums, STAMPS);
}

static bool publish(model *m, const state *s, uint32_t w)
{
    state next = *s;
    int8_t lowered[STAMPS] = { 0 }, raised[STAMPS] = { 0 };
    uint32_t room = CHANNEL - s->heard_count[1 - w];
    if (room < (m->bug == SPLIT ? 2 : 1))
        return false;
    for (uint32_t i = 0; i < m->stamp_count; i++)
        *(s->mine[w][i] < 0 ? &lowered[i] : &raised[i]) = s->mine[w][i];
    if (m->bug == SPLIT && is_anything(m, lowered) && is_anything(m, raised)) {
        say(&next, w, lowered);
        say(&next, w, raised);
    } else {
        say(&next, w, s->mine[w]);
    }
    memset(next.mine[w], 0, STAMPS);
    found(m, &next);
    return true;
}

static void hear(model *m, const state *s, uint32_t w)
{
    state next = *s;
    uint32_t first = m->bug == SWAP && s->heard_count[w] > 1;
    for (uint32_t k = first; k + 1 < s->heard_count[w]; k++)
        memcpy(next.heard[w][k], next.heard[w][k + 1], STAMPS);
    memset(next.heard[w][--next.heard_count[w]], 0, STAMPS);
    found(m, &next);
}

static void change(state *s, uint32_t w, uint32_t owner, uint32_t stamp, int diff)
{
    s->owned[owner][stamp] = (int8_t)(s->owned[owner][stamp] + diff);
    s->mine[w][stamp] = (int8_t)(s->mine[w][stamp] + diff);
}

/* Everything worker w can do with what it has. */
static bool work(model *m, const state *s, uint32_t w)
{
    bool any = false;
    for (uint32_t i = 0; i < m->stamp_count; i++) {
        if (s->owned[w][i] == 0)
            continue;
        state next = *s;
        change(&next, w, w, i, -1);
        found(m, &next);
        any = true;
    }
    for (uint32_t i = 0; i < m->move_count; i++) {
        const move *v = &m->moves[i];
        if (s->owned[w][v->from] == 0 || (v->keeps && s->sends == 0))
            continue;
        for (uint32_t owner = 0; owner < WORKERS; owner++) {
            state next = *s;
            if (owner != w && !v->abroad)
                continue;
            if (v->keeps)
                next.sends--;
            else
                change(&next, w, w, v->from, -1);
            change(&next, w, owner, v->to, 1);
            found(m, &next);
        }
    }
    return any;
}

/* Nothing to do but what a capability might do by itself some day. */
static bool is_parking(const model *m, const state *s, uint32_t w)
{
    for (uint32_t i = 0; i < m->stamp_count; i++)
        if (s->owned[w][i] && (!m->is_output[m->stamps[i].port] || m->stamps[i].port != 0))
            return false;
    return s->heard_count[w] == 0;
}

static verdict visit(model *m, const state *s)
{
    bool moved = false, quiet = s->heard_count[0] + s->heard_count[1] == 0;
    bool exact = true, finished = true;
    find_truth(m, s);
    for (uint32_t w = 0; w < WORKERS; w++) {
        take_view(m, s, w);
        if (!is_safe(m))
            return UNSAFE;
        exact &= is_exact(m, false);
        finished &= is_exact(m, true);
        bool unpublished = is_anything(m, s->mine[w]);
        bool must = unpublished && must_publish(m, s, w);
        bool may = !m->lazy || (m->bug != NO_PARKING && is_parking(m, s, w));
        quiet &= !must;
        if (unpublished && (must || may))
            moved |= publish(m, s, w);
        if (m->lazy && must)
            continue;
        if (s->heard_count[w] > 0) {
            hear(m, s, w);
            moved = true;
        }
        moved |= work(m, s, w);
    }
    return quiet && !exact ? LATE : !moved && !finished ? STUCK : GOOD;
}

static verdict search(model *m)
{
    verdict v = GOOD;
    m->index_size = 1u << 20;
    m->index = calloc(m->index_size, sizeof *m->index);
    oracle_init(&m->g, m->truth);
    m->tracker = weir__tracker_create(m->topology, NULL, 0);
    found(m, &m->start);
    for (uint32_t i = 0; i < m->count && v == GOOD; i++) {
        state s = m->states[i];
        v = m->count > STATES_MAX ? TOO_MANY : visit(m, &s);
    }
    weir__tracker_destroy(m->tracker);
    oracle_fini(&m->g, m->truth);
    free(m->index);
    free(m->states);
    m->states = NULL;
    return v;
}

typedef enum graph {
    CHAIN_C, /* asks at C */
    CHAIN_B,
    CHAIN_NOBODY,
    SHORT_CHAIN, /* asks at C; one time only */
    FORK,
    LOOP_L,
    LOOP_C,
    SCOPE_C,
    SCOPE_L,
    SCOPE_NOBODY
} graph;

static void make(model *m, graph which)
{
    switch (which) {
    case CHAIN_C:
        chain(m, false, true, 2);
        break;
    case CHAIN_B:
        chain(m, true, false, 2);
        break;
    case CHAIN_NOBODY:
        chain(m, false, false, 2);
        break;
    case SHORT_CHAIN:
        chain(m, false, true, 1);
        break;
    case FORK:
        fork_of(m);
        break;
    case LOOP_L:
        loop(m, true);
        break;
    case LOOP_C:
        loop(m, false);
        break;
    case SCOPE_C:
        scope(m, false, true);
        break;
    case SCOPE_L:
        scope(m, true, true);
        break;
    case SCOPE_NOBODY:
        scope(m, false, false);
        break;
    }
}

enum { REMOVED = 0, KEPT = WEIR__TOPOLOGY_KEEP_ALL }; /* the ports nobody asks about */

/* Each worker starts with a capability at the first pointstamp; beyond what moves, `sends`
 * batches may be sent by capabilities that stay. */
static void expect(graph which, uint8_t sends, unsigned flags, bug planted, verdict expected)
{
    static model m;
    memset(&m, 0, sizeof m);
    make(&m, which);
    m.lazy = planted != ANY_TIME;
    m.bug = planted;
    m.start.sends = sends;
    m.start.owned[0][0] = m.start.owned[1][0] = 1;
    weir__topology *all = oracle_topology(&m.g, WEIR__TOPOLOGY_KEEP_ALL, NULL);
    m.topology = topology_of(&m, flags);
    ck_assert_int_eq(weir__topology_tracked(m.topology).ports < weir__topology_tracked(all).ports,
                     flags == REMOVED);
    find_moves(&m);
    verdict got = search(&m);
    weir__topology_destroy(m.topology);
    weir__topology_destroy(all);
    ck_assert_msg(got == expected,
                  "graph %d, %d sends, flags %u, bug %d: verdict %d after %u states", which, sends,
                  flags, planted, got, m.count);
}

START_TEST(chains)
{
    for (unsigned flags = REMOVED; flags <= KEPT; flags++) {
        expect(CHAIN_C, 0, flags, NO_BUG, GOOD);
        expect(CHAIN_B, 0, flags, NO_BUG, GOOD);
        expect(CHAIN_NOBODY, 0, flags, NO_BUG, GOOD);
        expect(SHORT_CHAIN, 1, flags, NO_BUG, GOOD);
        expect(SHORT_CHAIN, 0, flags, ANY_TIME, GOOD);
    }
}
END_TEST

START_TEST(a_count_at_two_places)
{
    expect(FORK, 0, REMOVED, NO_BUG, GOOD);
    expect(FORK, 1, REMOVED, NO_BUG, GOOD);
    expect(FORK, 0, KEPT, NO_BUG, GOOD);
    expect(FORK, 0, REMOVED, ANY_TIME, GOOD);
}
END_TEST

START_TEST(loops)
{
    expect(LOOP_C, 0, REMOVED, NO_BUG, GOOD);
    expect(LOOP_L, 0, REMOVED, NO_BUG, GOOD);
    expect(LOOP_L, 0, KEPT, NO_BUG, GOOD);
}
END_TEST

START_TEST(loops_in_a_scope)
{
    expect(SCOPE_C, 0, REMOVED, NO_BUG, GOOD);
    expect(SCOPE_L, 0, REMOVED, NO_BUG, GOOD);
    expect(SCOPE_L, 0, KEPT, NO_BUG, GOOD);
    expect(SCOPE_NOBODY, 0, REMOVED, NO_BUG, GOOD);
}
END_TEST

START_TEST(mistakes_are_found)
{
    for (unsigned flags = REMOVED; flags <= KEPT; flags++) {
        expect(CHAIN_C, 0, flags, SPLIT, UNSAFE);
        expect(CHAIN_C, 1, flags, SWAP, UNSAFE);
        expect(CHAIN_C, 0, flags, OWN_ONLY, UNSAFE);
        expect(CHAIN_C, 0, flags, MOVES_ONLY, LATE);
        expect(CHAIN_B, 0, flags, NO_PARKING, STUCK);
        expect(CHAIN_NOBODY, 0, flags, NO_PARKING, STUCK);
    }
    expect(CHAIN_C, 1, REMOVED, MERGED, UNSAFE);
    expect(SCOPE_C, 1, REMOVED, MERGED_TIMES, UNSAFE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        chains, a_count_at_two_places, loops, loops_in_a_scope, mistakes_are_found, NULL,
    };
    return test_run(test_suite("holdback", tests));
}
