/* SPDX-License-Identifier: Apache-2.0
 *
 * Searches from both ends in graphs that change, against a computation from scratch at every epoch.
 */
#include <weir/operators/graphs.h>

#include "graph_model.h"

static weir_edge light(const weir_weighted_edge *e) { return (weir_edge){ e->from, e->to }; }
WEIR_MAP(light, weir_weighted_edge, weir_edge)

/* Pairs that are asked for, of each root: some of them are of one node. */
enum { PAIRS = 3 };
static uint64_t other_end(uint64_t root, uint64_t i) { return (root * 4 + i * i) % NODES; }
static void pairs_of(const weir_vertex *root, weir_out(weir_edge) out)
{
    for (uint64_t i = 0; i < PAIRS; i++)
        weir_edge_emit(out, (weir_edge){ root->node, other_end(root->node, i) });
}
WEIR_FLAT_MAP(pairs_of, weir_vertex, weir_edge)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_edge) edges = weir_map(weir_test_collection(g, weir_weighted_edge), light);
    weir_stream(weir_edge) pairs = weir_flat_map(weir_test_collection(g, weir_vertex), pairs_of);
    weir_test_output(weir_bidirectional_search(edges, pairs));
}

/* ---- from scratch ---- */

static void ways(const graph_model *m, bag *b)
{
    for (uint64_t from = 0; from < NODES; from++)
        for (uint64_t i = 0; i < PAIRS && m->is_root[from]; i++) {
            uint64_t to = other_end(from, i);
            weir_way w = { from, to, from == to ? 0 : m->near[from][to] };
            bool again = i == 2 && (to == other_end(from, 0) || to == other_end(from, 1));
            again |= i == 1 && to == other_end(from, 0);
            bag_add_record(b, weir_way_type(), &w, w.distance < FAR && !again);
        }
}

START_TEST(like_from_scratch)
{
    graph_output outputs[] = { { weir_way_type(), ways }, { NULL, NULL } };
    graph_model_check(build, outputs);
}
END_TEST

/* ---- a long way ---- */

static void build_search(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_edge) edges = weir_test_collection(g, weir_edge);
    weir_test_output(weir_bidirectional_search(edges, weir_test_collection(g, weir_edge)));
}

/* A shorter way comes, and goes again; so does the pair. */
START_TEST(shortcut)
{
    enum { FAR_AWAY = 40 };
    weir_test *t = weir_test_create(build_search, NULL, .workers = 2);
    for (uint64_t i = 0; i < FAR_AWAY; i++)
        weir_test_push(t, 0, weir_edge, 0, 1, { i, i + 1 });
    weir_test_push(t, 1, weir_edge, 0, 1, { 0, FAR_AWAY });
    weir_test_push(t, 0, weir_edge, 1, 1, { 5, 30 });
    weir_test_push(t, 0, weir_edge, 2, -1, { 5, 30 });
    weir_test_push(t, 1, weir_edge, 3, -1, { 0, FAR_AWAY });
    weir_test_push(t, 1, weir_edge, 3, 1, { FAR_AWAY, 0 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(from: 0, to: 40, distance: 40) @0 +1\n"
                                           "(from: 0, to: 40, distance: 16) @1 +1\n"
                                           "(from: 0, to: 40, distance: 40) @1 -1\n"
                                           "(from: 0, to: 40, distance: 16) @2 -1\n"
                                           "(from: 0, to: 40, distance: 40) @2 +1\n"
                                           "(from: 0, to: 40, distance: 40) @3 -1\n");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_from_scratch, shortcut, NULL };
    return test_run(test_suite("graphs_search", tests));
}
