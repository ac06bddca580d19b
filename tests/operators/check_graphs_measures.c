/* SPDX-License-Identifier: Apache-2.0
 *
 * What nodes are worth in graphs that change, against a computation from scratch; refusals.
 */
#include <weir/operators/graphs.h>

#define GRAPH_MODEL_CHANGES 300 /* so many that most graphs have a core of MANY */
#include "graph_model.h"

static weir_edge light(const weir_weighted_edge *e) { return (weir_edge){ e->from, e->to }; }
WEIR_MAP(light, weir_weighted_edge, weir_edge)

enum { FEW = 2, MANY = 3 };

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_edge) edges = weir_map(weir_test_collection(g, weir_weighted_edge), light);
    (void)weir_test_collection(g, weir_vertex);
    weir_test_output(weir_pagerank(edges));
    weir_test_output(weir_k_core(edges, FEW));
    weir_test_output(weir_k_core(edges, MANY));
    weir_test_output(weir_triangles(edges));
}

/* ---- from scratch ---- */

static void ranks(const graph_model *m, bag *b)
{
    int64_t rank[NODES] = { 0 }, next[NODES];
    for (bool changed = true; changed;) {
        changed = false;
        for (int n = 0; n < NODES; n++) {
            next[n] = m->is_there[n] ? 1000000 : 0;
            for (int from = 0; from < NODES; from++) {
                int64_t degree = 0;
                for (int to = 0; to < NODES; to++)
                    degree += m->edges[from][to];
                if (degree > 0)
                    next[n] += m->edges[from][n] * (rank[from] * 5 / (6 * degree));
            }
            changed = changed || next[n] != rank[n];
        }
        memcpy(rank, next, sizeof rank);
    }
    for (uint64_t n = 0; n < NODES; n++)
        if (m->is_there[n])
            bag_add_record(b, weir_rank_type(), &(weir_rank){ n, rank[n] }, 1);
}

static bool touch(const graph_model *m, int a, int b)
{
    return a != b && (m->edges[a][b] > 0 || m->edges[b][a] > 0);
}

static unsigned cores, cores_of_some; /* of MANY */

static void core(const graph_model *m, unsigned k, bag *b)
{
    bool is_in[NODES];
    for (int n = 0; n < NODES; n++) {
        is_in[n] = false;
        for (int to = 0; to < NODES; to++)
            is_in[n] = is_in[n] || touch(m, n, to);
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (int n = 0; n < NODES; n++) {
            unsigned neighbours = 0;
            for (int to = 0; to < NODES; to++)
                neighbours += is_in[to] && touch(m, n, to);
            changed = changed || (is_in[n] && neighbours < k);
            is_in[n] = is_in[n] && neighbours >= k;
        }
    }
    for (uint64_t n = 0; n < NODES; n++)
        if (is_in[n])
            bag_add_record(b, weir_vertex_type(), &(weir_vertex){ n }, 1);
}

static void triangles(const graph_model *m, bag *all)
{
    for (int a = 0; a < NODES; a++)
        for (int b = a + 1; b < NODES; b++)
            for (int c = b + 1; c < NODES; c++)
                if (touch(m, a, b) && touch(m, b, c) &&
                    touch(m, a, c))
                    bag_add_record(all, weir_triangle_type(),
                                   &(weir_triangle){ (uint64_t)a, (uint64_t)b, (uint64_t)c }, 1);
}

static void core_of_few(const graph_model *m, bag *b) { core(m, FEW, b); }
static void core_of_many(const graph_model *m, bag *b)
{
    core(m, MANY, b);
    cores++;
    cores_of_some += b->count > 0;
}

START_TEST(like_from_scratch)
{
    const graph_output outputs[] = { { weir_rank_type(), ranks },
                                     { weir_vertex_type(), core_of_few },
                                     { weir_vertex_type(), core_of_many },
                                     { weir_triangle_type(), triangles },
                                     { NULL, NULL } };
    graph_model_check(build, outputs);
    if (!test_seed(0))
        ck_assert_msg(cores_of_some > cores / 2 && cores_of_some < cores, "%u of %u cores have "
                      "nodes", cores_of_some, cores);
}
END_TEST

/* ---- refusals ---- */

static void refuse_plain(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_edge) edges = weir_test_input(g, weir_edge);
    weir_pagerank(edges);
    edges.port = NULL; /* of a call that failed */
    ck_assert_ptr_null(weir_pagerank(edges).port);
    ck_assert_ptr_null(weir_k_core(edges, FEW).port);
    ck_assert_ptr_null(weir_triangles(edges).port);
}

START_TEST(refuses_plain_streams)
{
    graph_model_refuses(refuse_plain, NULL, WEIR_TYPE_MISMATCH,
                        "collections are arranged, and this is a plain stream");
}
END_TEST

static void refuse_no_core(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(weir_k_core(weir_test_collection(g, weir_edge), 0).port);
}

START_TEST(refuses_a_core_of_0)
{
    graph_model_refuses(refuse_no_core, NULL, WEIR_INVALID,
                        "a core of nodes with 0 neighbours or more");
}
END_TEST

/* ---- ranks at the end of the range ---- */

static void build_ranks(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_pagerank(weir_test_collection(g, weir_edge)));
}

/* What comes to node 2 fits just so; together with a node's own it does not, and of that it passes
 * on 5/6. */
START_TEST(ranks_at_the_end_of_the_range)
{
    weir_test *t = weir_test_create(build_ranks, NULL);
    int64_t many = INT64_MAX / 833333;
    weir_test_push(t, 0, weir_edge, 1, many, { 1, 2 });
    weir_test_push(t, 0, weir_edge, 1, 1 - many, { 1, 3 });
    weir_test_push(t, 0, weir_edge, 1, 1, { 2, 4 });
    weir_test_push(t, 0, weir_edge, 1, -many - 1, { 5, 2 }); /* it has as many as it lacks */
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(node: 1, rank: 1000000) @1 +1\n"
                                           "(node: 2, rank: 9223372036854709518) @1 +1\n"
                                           "(node: 3, rank: -9223372036853876185) @1 +1\n"
                                           "(node: 4, rank: 7686143364047424598) @1 +1\n");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_from_scratch, refuses_plain_streams, refuses_a_core_of_0,
                                   ranks_at_the_end_of_the_range, NULL };
    return test_run(test_suite("graphs_measures", tests));
}
