/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms that are algorithms on graphs: an item is an edge from its key to its value, of its hops as
 * the weight; of the second input a key is a root. What they give is found by following all ways.
 */
#include <string.h>
#include <weir/operators/graphs.h>
#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

enum { NODES = 6, FAR = 1000000 };

/* ---- to graphs and back ---- */

static weir_edge to_edge(const item *i) { return (weir_edge){ i->key % NODES, i->value % NODES }; }
WEIR_MAP(to_edge, item, weir_edge)
static weir_weighted_edge to_road(const item *i)
{
    return (weir_weighted_edge){ i->key % NODES, i->value % NODES, i->hops };
}
WEIR_MAP(to_road, item, weir_weighted_edge)
static weir_vertex to_root(const item *i) { return (weir_vertex){ i->key % NODES }; }
WEIR_MAP(to_root, item, weir_vertex)
static weir_label to_label(const item *i) { return (weir_label){ i->key % NODES, i->value }; }
WEIR_MAP(to_label, item, weir_label)

static item from_vertex(const weir_vertex *v) { return (item){ v->node, 0, 0 }; }
WEIR_MAP(from_vertex, weir_vertex, item)
static item from_edge(const weir_edge *e) { return (item){ e->from, e->to, 0 }; }
WEIR_MAP(from_edge, weir_edge, item)
static item from_distance(const weir_distance *d) { return (item){ d->node, d->distance % 16, 1 }; }
WEIR_MAP(from_distance, weir_distance, item)
static item from_label(const weir_label *l) { return (item){ l->node, l->label, 2 }; }
WEIR_MAP(from_label, weir_label, item)
static item from_rank(const weir_rank *r) { return (item){ r->node, sim_small(r->rank), 3 }; }
WEIR_MAP(from_rank, weir_rank, item)
static item from_triangle(const weir_triangle *t)
{
    return (item){ t->a, t->b, (t->a + t->b + t->c) % 4 };
}
WEIR_MAP(from_triangle, weir_triangle, item)

/* ---- a graph as a table ---- */

typedef struct table {
    int64_t edges[NODES][NODES];
    uint64_t ways[NODES][NODES]; /* the shortest, of an edge or more; FAR: there is none */
    bool is_there[NODES], is_root[NODES];
} table;

static void load(const sim_at *at, table *t, bool by_weight)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    memset(t, 0, sizeof *t);
    for (unsigned i = 0; i < NODES * NODES; i++)
        t->ways[i / NODES][i % NODES] = FAR;
    for (size_t i = 0; i < in->count; i++) {
        uint64_t from = in->items[i].record.key % NODES, to = in->items[i].record.value % NODES;
        uint64_t length = by_weight ? in->items[i].record.hops : 1;
        t->edges[from][to] += in->items[i].count;
        t->is_there[from] = t->is_there[to] = true;
        if (length < t->ways[from][to])
            t->ways[from][to] = length;
    }
    for (unsigned k = 0; k < NODES; k++)
        for (unsigned i = 0; i < NODES; i++)
            for (unsigned j = 0; j < NODES; j++)
                if (t->ways[i][k] + t->ways[k][j] < t->ways[i][j])
                    t->ways[i][j] = t->ways[i][k] + t->ways[k][j];
    if (at->op->inputs < 2)
        return;
    const sim_bag *roots = sim_at_input(at, 1, NULL);
    for (size_t i = 0; i < roots->count; i++)
        t->is_root[roots->items[i].record.key % NODES] = true;
}

static bool leads(const table *t, unsigned from, unsigned to)
{
    return from == to || t->ways[from][to] < FAR;
}

/* ---- ways ---- */

static weir_port *build_bfs(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_bfs(weir_map(ITEMS(in[0]), to_edge), weir_map(ITEMS(in[1]), to_root)),
                    from_distance).port;
}

static weir_port *build_paths(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_shortest_paths(weir_map(ITEMS(in[0]), to_road),
                                        weir_map(ITEMS(in[1]), to_root)), from_distance).port;
}

static void distances(const sim_at *at, sim_bag *out, bool by_weight)
{
    table t;
    load(at, &t, by_weight);
    for (unsigned n = 0; n < NODES; n++) {
        uint64_t best = FAR;
        for (unsigned r = 0; r < NODES; r++)
            if (t.is_root[r] && (r == n || t.ways[r][n] < best))
                best = r == n ? 0 : t.ways[r][n];
        sim_bag_add(out, (item){ n, best % 16, 1 }, best < FAR);
    }
}

static void bfs(const sim_at *at, sim_bag *out) { distances(at, out, false); }
static void paths(const sim_at *at, sim_bag *out) { distances(at, out, true); }

static weir_port *build_closure(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_transitive_closure(weir_map(ITEMS(in[0]), to_edge)), from_edge).port;
}

static void closure(const sim_at *at, sim_bag *out)
{
    table t;
    load(at, &t, false);
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned j = 0; j < NODES; j++)
            sim_bag_add(out, (item){ i, j, 0 }, t.ways[i][j] < FAR);
}

static item from_way(const weir_way *w) { return (item){ w->from, w->to, w->distance % 4 }; }
WEIR_MAP(from_way, weir_way, item)

/* Of the second input an item is a pair that is asked for. */
static weir_port *build_search(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_bidirectional_search(weir_map(ITEMS(in[0]), to_edge),
                                              weir_map(ITEMS(in[1]), to_edge)), from_way).port;
}

static void search(const sim_at *at, sim_bag *out)
{
    const sim_bag *pairs = sim_at_input(at, 1, NULL);
    bool is_asked[NODES][NODES] = { { false } };
    table t;
    load(at, &t, false);
    for (size_t i = 0; i < pairs->count; i++)
        is_asked[pairs->items[i].record.key % NODES][pairs->items[i].record.value % NODES] = true;
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned j = 0; j < NODES; j++)
            sim_bag_add(out, (item){ i, j, i == j ? 0 : t.ways[i][j] % 4 },
                        is_asked[i][j] && leads(&t, i, j));
}

/* ---- components ---- */

static weir_port *build_propagate(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_propagate(weir_map(ITEMS(in[0]), to_edge),
                                   weir_map(ITEMS(in[1]), to_label)), from_label).port;
}

static void propagate(const sim_at *at, sim_bag *out)
{
    const sim_bag *labels = sim_at_input(at, 1, NULL);
    table t;
    load(at, &t, false);
    for (unsigned n = 0; n < NODES; n++) {
        uint64_t best = FAR;
        for (size_t i = 0; i < labels->count; i++) {
            const item *l = &labels->items[i].record;
            if (leads(&t, l->key % NODES, n) && l->value < best)
                best = l->value;
        }
        sim_bag_add(out, (item){ n, best, 2 }, best < FAR);
    }
}

static weir_port *build_components(const sim_op *op, weir_port *const *in)
{
    weir_stream(weir_edge) edges = weir_map(ITEMS(in[0]), to_edge);
    return op->a % 2 ? weir_map(weir_connected_components(edges), from_label).port
                     : weir_map(weir_strongly_connected_components(edges), from_label).port;
}

static void components(const sim_at *at, sim_bag *out)
{
    table t;
    bool joined[NODES][NODES];
    load(at, &t, false);
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned j = 0; j < NODES; j++)
            joined[i][j] = at->op->a % 2 ? leads(&t, i, j) || leads(&t, j, i)
                                         : leads(&t, i, j) && leads(&t, j, i);
    for (unsigned k = 0; k < NODES; k++) /* both ways in turn */
        for (unsigned i = 0; i < NODES; i++)
            for (unsigned j = 0; j < NODES; j++)
                joined[i][j] |= joined[i][k] && joined[k][j];
    for (unsigned n = 0; n < NODES; n++) {
        uint64_t label = 0;
        while (!joined[n][label])
            label++;
        sim_bag_add(out, (item){ n, label, 2 }, t.is_there[n]);
    }
}

static weir_port *build_strong(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_strongly_connected(weir_map(ITEMS(in[0]), to_edge)), from_edge).port;
}

static void strong(const sim_at *at, sim_bag *out)
{
    table t;
    load(at, &t, false);
    for (unsigned i = 0; i < NODES; i++)
        for (unsigned j = 0; j < NODES; j++)
            sim_bag_add(out, (item){ i, j, 0 }, leads(&t, j, i) ? t.edges[i][j] : 0);
}

/* ---- what nodes are worth ---- */

static weir_port *build_pagerank(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_pagerank(weir_map(ITEMS(in[0]), to_edge)), from_rank).port;
}

static void pagerank(const sim_at *at, sim_bag *out)
{
    table t;
    int64_t rank[NODES] = { 0 }, next[NODES], degree[NODES] = { 0 };
    load(at, &t, false);
    for (unsigned n = 0; n < NODES * NODES; n++)
        degree[n / NODES] += t.edges[n / NODES][n % NODES];
    for (bool changed = true; changed;) {
        for (unsigned n = 0; n < NODES; n++) {
            next[n] = t.is_there[n] ? 1000000 : 0;
            for (unsigned from = 0; from < NODES; from++)
                if (degree[from] > 0)
                    next[n] += t.edges[from][n] * (rank[from] * 5 / (6 * degree[from]));
        }
        changed = memcmp(rank, next, sizeof rank) != 0;
        memcpy(rank, next, sizeof rank);
    }
    for (unsigned n = 0; n < NODES; n++)
        sim_bag_add(out, (item){ n, sim_small(rank[n]), 3 }, t.is_there[n]);
}

static bool touch(const table *t, unsigned a, unsigned b)
{
    return a != b && (t->edges[a][b] > 0 || t->edges[b][a] > 0);
}

static weir_port *build_core(const sim_op *op, weir_port *const *in)
{
    return weir_map(weir_k_core(weir_map(ITEMS(in[0]), to_edge), 1 + op->a % 3), from_vertex).port;
}

/* Of all sets of nodes the largest that keeps to it. */
static void core(const sim_at *at, sim_bag *out)
{
    table t;
    load(at, &t, false);
    unsigned kept = 0;
    for (unsigned set = 1; set < 1 << NODES; set++) {
        bool fits = true;
        for (unsigned n = 0; n < NODES; n++) {
            unsigned neighbours = 0;
            for (unsigned other = 0; other < NODES; other++)
                neighbours += (set >> other & 1) && touch(&t, n, other);
            fits &= !(set >> n & 1) || neighbours >= 1 + at->op->a % 3;
        }
        kept |= fits ? set : 0;
    }
    for (unsigned n = 0; n < NODES; n++)
        sim_bag_add(out, (item){ n, 0, 0 }, kept >> n & 1);
}

static weir_port *build_triangles(const sim_op *op, weir_port *const *in)
{
    (void)op;
    return weir_map(weir_triangles(weir_map(ITEMS(in[0]), to_edge)), from_triangle).port;
}

static void triangles(const sim_at *at, sim_bag *out)
{
    table t;
    load(at, &t, false);
    for (unsigned a = 0; a < NODES; a++)
        for (unsigned b = a + 1; b < NODES; b++)
            for (unsigned c = b + 1; c < NODES; c++)
                sim_bag_add(out, (item){ a, b, (a + b + c) % 4 },
                            touch(&t, a, b) && touch(&t, b, c) && touch(&t, a, c));
}

/* ---- one after the other ---- */

static uint64_t all_of_them(uint64_t node, const uint64_t *values, const int64_t *counts,
                            size_t count, const void *ctx)
{
    uint64_t all = node;
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        all += (uint64_t)counts[i] * (1 + values[i]);
    return all % 16;
}

static weir_port *build_sequence(const sim_op *op, weir_port *const *in)
{
    weir_stream(weir_edge) edges = weir_map(ITEMS(in[0]), to_edge);
    return op->a % 2 ? weir_map(weir_sequence(edges, all_of_them, NULL), from_label).port
                     : weir_map(weir_coloring(edges), from_label).port;
}

static void sequence(const sim_at *at, sim_bag *out)
{
    table t;
    uint64_t value[NODES];
    load(at, &t, false);
    for (unsigned n = 0; n < NODES; n++) {
        unsigned taken = 0;
        uint64_t all = n;
        for (unsigned lesser = 0; lesser < n; lesser++)
            if (touch(&t, n, lesser)) {
                taken |= 1u << value[lesser];
                all += 1 + value[lesser];
            }
        for (value[n] = 0; taken >> value[n] & 1u;)
            value[n]++;
        if (at->op->a % 2)
            value[n] = all % 16;
        sim_bag_add(out, (item){ n, value[n], 2 }, t.is_there[n]);
    }
}

const sim_form sim_forms_graphs[] = {
    { "bfs", 2, 1, SIM_WHOLE | SIM_CLEAN, 1, 2, build_bfs, bfs, NULL },
    { "shortest_paths", 2, 1, SIM_WHOLE | SIM_CLEAN, 1, 1, build_paths, paths, NULL },
    { "bidirectional_search", 2, 1, SIM_WHOLE | SIM_CLEAN, 1, 1, build_search, search, NULL },
    { "transitive_closure", 1, 1, SIM_WHOLE | SIM_CLEAN, 1, 2, build_closure, closure, NULL },
    { "propagate", 2, 1, SIM_WHOLE | SIM_CLEAN, 1, 1, build_propagate, propagate, NULL },
    { "components", 1, 1, SIM_WHOLE | SIM_CLEAN, 2, 1, build_components, components, NULL },
    { "strongly_connected", 1, 1, SIM_WHOLE | SIM_CLEAN, 2, 1, build_strong, strong, NULL },
    { "pagerank", 1, 1, SIM_WHOLE | SIM_CLEAN | SIM_LONG, 1, 1, build_pagerank, pagerank, NULL },
    { "k_core", 1, 1, SIM_WHOLE | SIM_CLEAN, 1, 1, build_core, core, NULL },
    { "sequence", 1, 1, SIM_WHOLE | SIM_CLEAN, 1, 2, build_sequence, sequence, NULL },
    { "triangles", 1, 1, SIM_WHOLE | SIM_CLEAN, 1, 1, build_triangles, triangles, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};
