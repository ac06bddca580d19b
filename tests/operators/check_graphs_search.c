/* SPDX-License-Identifier: Apache-2.0
 *
 * Searches from both ends, and values that nodes get one after the other, in graphs that change:
 * against a computation from scratch at every epoch.
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

/* Depends on all that it is given, and on how often. */
static uint64_t mix(uint64_t node, const uint64_t *values, const int64_t *counts, size_t count,
                    const void *ctx)
{
    uint64_t sum = node + *(const uint64_t *)ctx;
    for (size_t i = 0; i < count; i++) {
        ck_assert(i == 0 || values[i] > values[i - 1]);
        sum += (values[i] + i) * (uint64_t)counts[i];
    }
    return sum % 5;
}

static const uint64_t seven = 7;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(weir_edge) edges = weir_map(weir_test_collection(g, weir_weighted_edge), light);
    weir_stream(weir_edge) pairs = weir_flat_map(weir_test_collection(g, weir_vertex), pairs_of);
    weir_test_output(weir_bidirectional_search(edges, pairs));
    weir_test_output(weir_sequence(edges, mix, &seven));
    weir_test_output(weir_coloring(edges));
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

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void one_by_one(const graph_model *m, bag *b, weir_sequence_fn *fn)
{
    uint64_t value[NODES];
    for (uint64_t n = 0; n < NODES; n++) {
        uint64_t all[NODES], values[NODES];
        int64_t counts[NODES] = { 0 };
        size_t many = 0, count = 0;
        for (uint64_t i = 0; i < n; i++)
            if (m->edges[n][i] > 0 || m->edges[i][n] > 0)
                all[many++] = value[i];
        qsort(all, many, sizeof *all, compare);
        for (size_t i = 0; i < many; i++) {
            if (i == 0 || all[i] != all[i - 1])
                values[count++] = all[i];
            counts[count - 1]++;
        }
        value[n] = fn(n, values, counts, count, &seven);
        if (m->is_there[n])
            bag_add_record(b, weir_label_type(), &(weir_label){ n, value[n] }, 1);
    }
}

static void sequence(const graph_model *m, bag *b) { one_by_one(m, b, mix); }

static uint64_t naive_color(uint64_t node, const uint64_t *values, const int64_t *counts,
                            size_t count, const void *ctx)
{
    (void)node;
    (void)counts;
    (void)ctx;
    for (uint64_t color = 0;; color++) {
        bool is_free = true;
        for (size_t i = 0; i < count; i++)
            is_free &= values[i] != color;
        if (is_free)
            return color;
    }
}

static void coloring(const graph_model *m, bag *b) { one_by_one(m, b, naive_color); }

START_TEST(like_from_scratch)
{
    graph_output outputs[] = { { weir_way_type(), ways },
                               { weir_label_type(), sequence },
                               { weir_label_type(), coloring },
                               { NULL, NULL } };
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
