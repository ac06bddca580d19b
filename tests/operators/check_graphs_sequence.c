/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that nodes get one after the other, in graphs that change: against going through the nodes
 * from scratch at every epoch, with a function that depends on all it is given, and with colours.
 */
#include <weir/operators/graphs.h>

#include "graph_model.h"

static weir_edge light(const weir_weighted_edge *e) { return (weir_edge){ e->from, e->to }; }
WEIR_MAP(light, weir_weighted_edge, weir_edge)

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
    (void)weir_test_collection(g, weir_vertex);
    weir_test_output(weir_sequence(edges, mix, &seven));
    weir_test_output(weir_coloring(edges));
}

/* ---- from scratch ---- */

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
    graph_output outputs[] = { { weir_label_type(), sequence },
                               { weir_label_type(), coloring },
                               { NULL, NULL } };
    graph_model_check(build, outputs);
}
END_TEST

int main(void)
{
    return test_run(test_suite("graphs_sequence",
                               (const TTest *const[]){ like_from_scratch, NULL }));
}
