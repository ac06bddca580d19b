/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways through graphs that change, against a computation from scratch; weights that are too much;
 * refusals.
 */
#include <weir/operators/graphs.h>

#include "graph_model.h"

static weir_edge light(const weir_weighted_edge *e) { return (weir_edge){ e->from, e->to }; }
WEIR_MAP(light, weir_weighted_edge, weir_edge)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_weighted_edge) weighted = weir_test_collection(g, weir_weighted_edge);
    weir_stream(weir_vertex) roots = weir_test_collection(g, weir_vertex);
    weir_stream(weir_edge) edges = weir_map(weighted, light);
    weir_test_output(weir_bfs(edges, roots));
    weir_test_output(weir_shortest_paths(weighted, roots));
    weir_test_output(weir_transitive_closure(edges));
}

/* ---- from scratch ---- */

/* By d, from the nearest root. */
static uint64_t far_of(const graph_model *m, const uint64_t d[NODES][NODES], uint64_t to)
{
    uint64_t best = m->is_root[to] ? 0 : FAR;
    for (int i = 0; i < NODES; i++)
        if (m->is_root[i] && d[i][to] < best)
            best = d[i][to];
    return best;
}

static void distances(const graph_model *m, const uint64_t d[NODES][NODES], bag *b)
{
    for (uint64_t n = 0; n < NODES; n++) {
        uint64_t far = far_of(m, d, n);
        if (far < FAR)
            bag_add_record(b, weir_distance_type(), &(weir_distance){ n, far }, 1);
    }
}

static void closure(const graph_model *m, bag *b)
{
    for (uint64_t n = 0; n < NODES; n++)
        for (uint64_t to = 0; to < NODES; to++)
            if (m->near[n][to] < FAR)
                bag_add_record(b, weir_edge_type(), &(weir_edge){ n, to }, 1);
}

static void near(const graph_model *m, bag *b)
{
    distances(m, m->near, b);
}
static void lightest(const graph_model *m, bag *b)
{
    distances(m, m->light, b);
}

START_TEST(like_from_scratch)
{
    const graph_output outputs[] = { { weir_distance_type(), near },
                                     { weir_distance_type(), lightest },
                                     { weir_edge_type(), closure },
                                     { NULL, NULL } };
    graph_model_check(build, outputs);
}
END_TEST

/* Weights that no sum of holds: a way is as long as there is a number for. */
START_TEST(sums_stop)
{
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 1, weir_vertex, 0, 1, { 0 });
    for (uint64_t i = 0; i < 3; i++)
        weir_test_push(t, 0, weir_weighted_edge, 0, 1, { i, i + 1, UINT64_MAX / 2 + 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 1), "(node: 0, distance: 0) @0 +1\n"
                                           "(node: 1, distance: 9223372036854775808) @0 +1\n"
                                           "(node: 2, distance: 18446744073709551615) @0 +1\n"
                                           "(node: 3, distance: 18446744073709551615) @0 +1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

enum { BFS, SHORTEST, CLOSURE, REFUSING };

/* One algorithm of a plain stream; and then all, of what a call that failed has given. */
static void refuse_plain(weir_graph *g, void *ctx)
{
    weir_stream(weir_edge) edges = weir_test_input(g, weir_edge);
    weir_stream(weir_weighted_edge) weighted = weir_test_input(g, weir_weighted_edge);
    weir_stream(weir_vertex) roots = weir_test_collection(g, weir_vertex);
    switch (*(const int *)ctx) {
    case BFS:
        weir_bfs(edges, roots);
        break;
    case SHORTEST:
        weir_shortest_paths(weighted, roots);
        break;
    case CLOSURE:
        weir_transitive_closure(edges);
        break;
    }
    edges.port = NULL;
    weighted.port = NULL;
    ck_assert_ptr_null(weir_bfs(edges, roots).port);
    ck_assert_ptr_null(weir_shortest_paths(weighted, roots).port);
    ck_assert_ptr_null(weir_transitive_closure(edges).port);
}

START_TEST(refuses_plain_streams)
{
    for (int which = 0; which < REFUSING; which++)
        graph_model_refuses(refuse_plain, &which, WEIR_TYPE_MISMATCH,
                            "collections are arranged, and this is a plain stream");
}
END_TEST

/* Roots and edges are in one scope. */
static void apart(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_edge) edges = weir_test_collection(g, weir_edge);
    weir_stream(weir_vertex) roots = weir_test_collection(g, weir_vertex);
    weir_bfs(weir_enter(edges, weir_scope_add(g, NULL, "apart")), roots);
}

START_TEST(refuses_roots_of_another_scope)
{
    graph_model_refuses(apart, NULL, WEIR_INVALID, "the stream is not in the scope around 'bfs'");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_from_scratch, sums_stop, refuses_plain_streams,
                                   refuses_roots_of_another_scope, NULL };
    return test_run(test_suite("graphs", tests));
}
