/* SPDX-License-Identifier: Apache-2.0
 *
 * Algorithms on graphs: random edges that come and go, against a computation from scratch at every
 * epoch, with several workers, open epochs and tiny batches.
 */
#include <weir/operators/graphs.h>

#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "support.h"

enum { NODES = 9, EPOCHS = 6, CHANGES = 90, OUTPUTS = 4 };

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
    weir_test_output(weir_connected_components(edges));
    weir_test_output(weir_transitive_closure(edges));
}

typedef struct change {
    weir_weighted_edge edge;
    bool is_root; /* of edge.from */
    uint64_t epoch;
    int64_t diff;
    bool is_gone;
} change;

/* ---- from scratch ---- */

enum { FAR = 1000000 };

typedef struct model {
    uint64_t near[NODES][NODES], light[NODES][NODES]; /* by edges, by weights; FAR: no way */
    bool root[NODES], there[NODES];
} model;

static void relax(uint64_t d[NODES][NODES])
{
    for (int k = 0; k < NODES; k++)
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++)
                if (d[i][k] + d[k][j] < d[i][j])
                    d[i][j] = d[i][k] + d[k][j];
}

static void load(model *m, const change *changes, size_t count, uint64_t epoch)
{
    int64_t edges[NODES][NODES][4] = { { { 0 } } }, roots[NODES] = { 0 };
    for (size_t i = 0; i < count; i++) {
        const change *c = &changes[i];
        if (c->epoch > epoch)
            continue;
        if (c->is_root)
            roots[c->edge.from] += c->diff;
        else
            edges[c->edge.from][c->edge.to][c->edge.weight] += c->diff;
    }
    *m = (model){ .root = { false } };
    for (int i = 0; i < NODES; i++) {
        m->root[i] = roots[i] > 0;
        for (int j = 0; j < NODES; j++) {
            m->near[i][j] = m->light[i][j] = FAR;
            for (uint64_t w = 4; w-- > 0;)
                if (edges[i][j][w] > 0) {
                    m->near[i][j] = 1;
                    m->light[i][j] = w;
                    m->there[i] = m->there[j] = true;
                }
        }
    }
    relax(m->near);
    relax(m->light);
}

static uint64_t from_roots(const model *m, uint64_t d[NODES][NODES], int to)
{
    uint64_t best = m->root[to] ? 0 : FAR;
    for (int i = 0; i < NODES; i++)
        if (m->root[i] && d[i][to] < best)
            best = d[i][to];
    return best;
}

static void expect(model *m, bag *b)
{
    bool connected[NODES][NODES];
    for (uint64_t n = 0; n < NODES; n++) {
        uint64_t d = from_roots(m, m->near, (int)n), w = from_roots(m, m->light, (int)n);
        if (d < FAR) {
            bag_add_record(&b[0], weir_distance_type(), &(weir_distance){ n, d }, 1);
            bag_add_record(&b[1], weir_distance_type(), &(weir_distance){ n, w }, 1);
        }
        for (uint64_t to = 0; to < NODES; to++) {
            connected[n][to] = m->near[n][to] < FAR || m->near[to][n] < FAR || n == to;
            if (m->near[n][to] < FAR)
                bag_add_record(&b[3], weir_edge_type(), &(weir_edge){ n, to }, 1);
        }
    }
    for (int k = 0; k < NODES; k++)
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++)
                connected[i][j] = connected[i][j] || (connected[i][k] && connected[k][j]);
    for (uint64_t n = 0; n < NODES; n++) {
        uint64_t label = 0;
        while (!connected[n][label])
            label++;
        if (m->there[n])
            bag_add_record(&b[2], weir_label_type(), &(weir_label){ n, label }, 1);
    }
}

static void compare(weir_test *t, const change *changes, size_t count)
{
    const weir_type *types[OUTPUTS] = { weir_distance_type(), weir_distance_type(),
                                        weir_label_type(), weir_edge_type() };
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        bag wanted[OUTPUTS] = { { .count = 0 } };
        weir_time time = weir_time_1(epoch);
        model m;
        load(&m, changes, count, epoch);
        expect(&m, wanted);
        for (unsigned o = 0; o < OUTPUTS; o++) {
            bag is = { .count = 0 };
            bag_of_output(&is, t, o, types[o], &time);
            const char *difference = bag_difference(&is, &wanted[o]);
            ck_assert_msg(!difference, "WEIR_SEED=%llu: output %u, epoch %u: %s",
                          (unsigned long long)weir_test_seed(t), o, (unsigned)epoch, difference);
            bag_free(&is);
            bag_free(&wanted[o]);
        }
    }
}

static void send(weir_test *t, const change *c)
{
    weir_vertex root = { c->edge.from };
    if (c->is_root)
        weir_test_push_record(t, 1, WEIR_TEST_IN_TURN, &root, c->epoch, c->diff);
    else
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &c->edge, c->epoch, c->diff);
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    change *changes = calloc(CHANGES, sizeof *changes);
    size_t count = 0;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 64 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, CHANGES / EPOCHS); n > 0; n--) {
            change *c = &changes[count++];
            change *old = &changes[test_below(&random, count)];
            uint64_t epoch = now + test_below(&random, 2);
            epoch = epoch < EPOCHS ? epoch : EPOCHS - 1;
            *c = (change){ { test_below(&random, NODES), test_below(&random, NODES),
                             test_below(&random, 4) },
                           test_below(&random, 8) == 0, epoch, 1, false };
            if (old != c && !old->is_gone && test_below(&random, 2)) {
                *c = (change){ old->edge, old->is_root, epoch < old->epoch ? old->epoch : epoch,
                               -1, true };
                old->is_gone = true;
            }
            send(t, c);
        }
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_advance(t, 0, now + 1);
        weir_test_advance(t, 1, now + 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(t, changes, count);
    weir_test_destroy(t);
    free(changes);
}

START_TEST(like_from_scratch)
{
    uint64_t seed = test_seed(0);
    if (seed) {
        run(seed);
        return;
    }
    for (seed = 1; seed <= 24; seed++)
        run(seed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_from_scratch, NULL };
    return test_run(test_suite("graphs", tests));
}
