/* SPDX-License-Identifier: Apache-2.0
 *
 * Components of graphs that change, against a computation from scratch; refusals.
 */
#include <weir/operators/graphs.h>

#include "graph_model.h"

static weir_edge light(const weir_weighted_edge *e) { return (weir_edge){ e->from, e->to }; }
WEIR_MAP(light, weir_weighted_edge, weir_edge)

/* Not in the order of nodes, and the same for several; so large that bits differ. */
static uint64_t label_of(uint64_t node) { return node * 5 % 7 * node % 7 * 100; }
static weir_label labelled(const weir_vertex *v)
{
    return (weir_label){ v->node, label_of(v->node) };
}
WEIR_MAP(labelled, weir_vertex, weir_label)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_edge) edges = weir_map(weir_test_collection(g, weir_weighted_edge), light);
    weir_stream(weir_vertex) roots = weir_test_collection(g, weir_vertex);
    weir_test_output(weir_propagate(edges, weir_map(roots, labelled)));
    weir_test_output(weir_connected_components(edges));
    weir_test_output(weir_strongly_connected(edges));
    weir_test_output(weir_strongly_connected_components(edges));
}

/* ---- from scratch ---- */

static void put_label(bag *b, uint64_t node, uint64_t label)
{
    bag_add_record(b, weir_label_type(), &(weir_label){ node, label }, 1);
}

static void connected(const graph_model *m, bag *b)
{
    uint64_t ways[NODES][NODES];
    for (uint64_t n = 0; n < NODES; n++)
        for (uint64_t to = 0; to < NODES; to++)
            ways[n][to] = graph_model_leads(m, n, to) || graph_model_leads(m, to, n) ? 1 : FAR;
    graph_model_relax(ways);
    for (uint64_t n = 0; n < NODES; n++) {
        uint64_t label = 0;
        while (ways[n][label] >= FAR)
            label++;
        if (m->is_there[n])
            put_label(b, n, label);
    }
}

/* Of those roots that a node is reached from, the least label. */
static void propagated(const graph_model *m, bag *b)
{
    for (uint64_t n = 0; n < NODES; n++) {
        uint64_t best = UINT64_MAX;
        for (uint64_t r = 0; r < NODES; r++)
            if (m->is_root[r] && graph_model_leads(m, r, n) && label_of(r) < best)
                best = label_of(r);
        if (best < UINT64_MAX)
            put_label(b, n, best);
    }
}

static void strong_edges(const graph_model *m, bag *b)
{
    for (uint64_t n = 0; n < NODES; n++)
        for (uint64_t to = 0; to < NODES; to++)
            if (m->edges[n][to] > 0 && graph_model_leads(m, to, n))
                bag_add_record(b, weir_edge_type(), &(weir_edge){ n, to }, m->edges[n][to]);
}

static void strong_labels(const graph_model *m, bag *b)
{
    for (uint64_t n = 0; n < NODES; n++) {
        uint64_t label = 0;
        while (!graph_model_leads(m, n, label) || !graph_model_leads(m, label, n))
            label++;
        if (m->is_there[n])
            put_label(b, n, label);
    }
}

START_TEST(like_from_scratch)
{
    const graph_output outputs[] = { { weir_label_type(), propagated },
                                     { weir_label_type(), connected },
                                     { weir_edge_type(), strong_edges },
                                     { weir_label_type(), strong_labels },
                                     { NULL, NULL } };
    graph_model_check(build, outputs);
}
END_TEST

/* ---- refusals ---- */

enum { PROPAGATE, CONNECTED, STRONG, STRONG_LABELS, REFUSING };

/* One algorithm of a plain stream; and then all, of what a call that failed has given. */
static void refuse_plain(weir_graph *g, void *ctx)
{
    weir_stream(weir_edge) edges = weir_test_input(g, weir_edge);
    weir_stream(weir_vertex) roots = weir_test_collection(g, weir_vertex);
    switch (*(const int *)ctx) {
    case PROPAGATE: weir_propagate(edges, weir_map(roots, labelled)); break;
    case CONNECTED: weir_connected_components(edges); break;
    case STRONG: weir_strongly_connected(edges); break;
    case STRONG_LABELS: weir_strongly_connected_components(edges); break;
    }
    edges.port = NULL;
    ck_assert_ptr_null(weir_propagate(edges, weir_map(roots, labelled)).port);
    ck_assert_ptr_null(weir_connected_components(edges).port);
    ck_assert_ptr_null(weir_strongly_connected(edges).port);
    ck_assert_ptr_null(weir_strongly_connected_components(edges).port);
}

START_TEST(refuses_plain_streams)
{
    for (int which = 0; which < REFUSING; which++)
        graph_model_refuses(refuse_plain, &which, WEIR_TYPE_MISMATCH,
                            which < STRONG
                                ? "collections are arranged, and this is a plain stream"
                                : "collections are repeated, and this is a plain stream");
}
END_TEST

/* Strongly connected components count two kinds of rounds: two scopes around are too many. */
static void nest(weir_graph *g, void *ctx)
{
    weir_stream(weir_edge) edges = weir_test_collection(g, weir_edge);
    weir_scope *scope = NULL;
    for (int i = 0; i < *(const int *)ctx; i++) {
        scope = weir_scope_add(g, scope, "around");
        edges = weir_enter(edges, scope);
    }
    weir_stream(weir_edge) inside = weir_strongly_connected(edges);
    for (int i = 0; i < *(const int *)ctx; i++)
        inside = weir_leave(inside);
    weir_test_output(inside);
}

START_TEST(refuses_too_many_scopes)
{
    int around = WEIR_TIME_COORDS - 3;
    weir_test *t = weir_test_create(nest, &around);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_OK);
    weir_test_destroy(t);
    around++;
    graph_model_refuses(nest, &around, WEIR_TOO_LARGE, "times have at most 4 coordinates");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_from_scratch, refuses_plain_streams,
                                   refuses_too_many_scopes, NULL };
    return test_run(test_suite("graphs_components", tests));
}
