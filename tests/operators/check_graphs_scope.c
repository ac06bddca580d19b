/* SPDX-License-Identifier: Apache-2.0
 *
 * The algorithms of graphs inside a scope whose rounds edges come in: what leaves it is what they
 * give outside, at every time.
 */
#include <weir/operators/graphs.h>

#include "graph_model.h"

static weir_edge light(const weir_weighted_edge *e) { return (weir_edge){ e->from, e->to }; }
WEIR_MAP(light, weir_weighted_edge, weir_edge)
static uint64_t by_weight(const weir_weighted_edge *e) { return e->weight; }
WEIR_ENTER_AT(by_weight, weir_weighted_edge)
static weir_label label(const weir_vertex *v) { return (weir_label){ v->node, v->node % 4 }; }
WEIR_MAP(label, weir_vertex, weir_label)

/* What there is to compute with, outside or inside. */
typedef struct given {
    weir_stream(weir_weighted_edge) roads;
    weir_stream(weir_edge) edges;
    weir_stream(weir_vertex) roots;
} given;

static void compare(weir_port *inside, weir_port *outside)
{
    weir_port *left = weir_port_leave(inside);
    weir_assert_equal_erased(left, outside, NULL);
    weir__test_output(left);
}

static void build_ways(const given *in, const given *out)
{
    compare(weir_bfs(in->edges, in->roots).port, weir_bfs(out->edges, out->roots).port);
    compare(weir_shortest_paths(in->roads, in->roots).port,
            weir_shortest_paths(out->roads, out->roots).port);
    compare(weir_transitive_closure(in->edges).port, weir_transitive_closure(out->edges).port);
}

static void build_components(const given *in, const given *out)
{
    compare(weir_propagate(in->edges, weir_map(in->roots, label)).port,
            weir_propagate(out->edges, weir_map(out->roots, label)).port);
    compare(weir_connected_components(in->edges).port,
            weir_connected_components(out->edges).port);
    compare(weir_strongly_connected(in->edges).port, weir_strongly_connected(out->edges).port);
    compare(weir_strongly_connected_components(in->edges).port,
            weir_strongly_connected_components(out->edges).port);
}

static void build_measures(const given *in, const given *out)
{
    compare(weir_pagerank(in->edges).port, weir_pagerank(out->edges).port);
    compare(weir_k_core(in->edges, 2).port, weir_k_core(out->edges, 2).port);
    compare(weir_triangles(in->edges).port, weir_triangles(out->edges).port);
}

static void (*build_all)(const given *in, const given *out);

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *scope = weir_scope_add(g, NULL, "rounds");
    given out = { .roads = weir_test_collection(g, weir_weighted_edge) };
    out.roots = weir_test_collection(g, weir_vertex);
    out.edges = weir_map(out.roads, light);
    given in = { .roads = weir_enter_at(out.roads, scope, by_weight),
                 .roots = weir_enter(out.roots, scope) };
    in.edges = weir_map(in.roads, light);
    build_all(&in, &out);
}

/* ---- by chance ---- */

static void check(void (*all)(const given *in, const given *out))
{
    static const graph_output none[] = { { NULL, NULL } };
    build_all = all;
    graph_model_check(build, none);
}

START_TEST(ways)
{
    check(build_ways);
}
END_TEST

START_TEST(components)
{
    check(build_components);
}
END_TEST

START_TEST(measures)
{
    check(build_measures);
}
END_TEST

/* ---- one graph: there is something to compare ---- */

/* A triangle, and an edge from it, each edge of another round. */
static void one_graph(void (*all)(const given *in, const given *out), unsigned outputs)
{
    build_all = all;
    weir_test *t = weir_test_create(build, NULL, .workers = 2);
    for (uint64_t n = 1; n <= 4; n++) {
        weir_weighted_edge e = { n == 4 ? 1 : n, n == 3 ? 1 : n + (n < 4), n - 1 };
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &e, 1, 1);
    }
    weir_test_push(t, 1, weir_vertex, 1, 1, { 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (unsigned o = 0; o < outputs; o++)
        ck_assert_msg(weir_test_take(t, o)[0] != '\0', "output %u is empty", o);
    weir_test_destroy(t);
}

START_TEST(none_is_empty)
{
    one_graph(build_ways, 3);
    one_graph(build_components, 4);
    one_graph(build_measures, 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { ways, components, measures, none_is_empty, NULL };
    return test_run(test_suite("graphs_scope", tests));
}
