/* SPDX-License-Identifier: Apache-2.0
 *
 * A small graph as a table, and edges and roots that come and go at random: what an algorithm puts
 * out is compared with what is computed from scratch, at every epoch, with several workers, open
 * epochs and tiny batches.
 */
#ifndef WEIR_TESTS_OPERATORS_GRAPH_MODEL_H
#define WEIR_TESTS_OPERATORS_GRAPH_MODEL_H

#include <weir/operators/graphs.h>

#include <weir/weir.h>

#include "bag.h"
#include "support.h"

#ifndef GRAPH_MODEL_CHANGES
#define GRAPH_MODEL_CHANGES 90
#endif
enum { NODES = 9, EPOCHS = 6, CHANGES = GRAPH_MODEL_CHANGES, FAR = 1000000 };

typedef struct graph_model {
    int64_t edges[NODES][NODES];   /* how often each is there */
    uint64_t near[NODES][NODES];   /* by edges; FAR: no way */
    uint64_t light[NODES][NODES];  /* by weights */
    bool is_root[NODES], is_there[NODES];
} graph_model;

static void graph_model_relax(uint64_t d[NODES][NODES])
{
    for (int k = 0; k < NODES; k++)
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < NODES; j++)
                if (d[i][k] + d[k][j] < d[i][j])
                    d[i][j] = d[i][k] + d[k][j];
}

WEIR_UNUSED static bool graph_model_leads(const graph_model *m, uint64_t from, uint64_t to)
{
    return from == to || m->near[from][to] < FAR;
}

/* What an algorithm gives: records of a type, and what they must be. */
typedef struct graph_output {
    const weir_type *type;
    void (*expect)(const graph_model *m, bag *b);
} graph_output;

/* ---- a run ---- */

typedef struct change {
    weir_weighted_edge edge;
    bool is_root; /* of edge.from */
    uint64_t epoch;
    int64_t diff;
    bool is_gone;
} change;

static void graph_model_load(graph_model *m, const change *changes, size_t count, uint64_t epoch)
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
    *m = (graph_model){ .is_root = { false } };
    for (int i = 0; i < NODES; i++) {
        m->is_root[i] = roots[i] > 0;
        for (int j = 0; j < NODES; j++) {
            m->near[i][j] = m->light[i][j] = FAR;
            for (uint64_t w = 4; w-- > 0;)
                if (edges[i][j][w] > 0) {
                    m->edges[i][j] += edges[i][j][w];
                    m->near[i][j] = 1;
                    m->light[i][j] = w;
                    m->is_there[i] = m->is_there[j] = true;
                }
        }
    }
    graph_model_relax(m->near);
    graph_model_relax(m->light);
}

/* Every output, at every epoch. */
static void graph_model_compare(weir_test *t, const change *changes, size_t count,
                                const graph_output *outputs)
{
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        weir_time time = weir_time_1(epoch);
        graph_model m;
        graph_model_load(&m, changes, count, epoch);
        for (unsigned o = 0; outputs[o].type; o++) {
            bag wanted = { .count = 0 };
            outputs[o].expect(&m, &wanted);
            bag_expect(&wanted, t, o, outputs[o].type, &time);
        }
    }
}

static void graph_model_send(weir_test *t, const change *c)
{
    weir_vertex root = { c->edge.from };
    if (c->is_root)
        weir_test_push_record(t, 1, WEIR_TEST_IN_TURN, &root, c->epoch, c->diff);
    else
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &c->edge, c->epoch, c->diff);
}

static void graph_model_run(uint64_t seed, weir_build_fn *build,
                            const graph_output *outputs)
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
            graph_model_send(t, c);
        }
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_advance(t, 0, now + 1);
        weir_test_advance(t, 1, now + 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    graph_model_compare(t, changes, count, outputs);
    weir_test_destroy(t);
    free(changes);
}

/* With the seed that is given, or with some. The graph's inputs are weighted edges and roots;
 * outputs end with one without a type. */
static void graph_model_check(weir_build_fn *build, const graph_output *outputs)
{
    uint64_t seed = test_seed(0);
    if (seed) {
        graph_model_run(seed, build, outputs);
        return;
    }
    for (seed = 1; seed <= 24; seed++)
        graph_model_run(seed, build, outputs);
}

/* ---- refusals ---- */

/* Building has to end with this error. */
WEIR_UNUSED static void graph_model_refuses(weir_build_fn *build, void *ctx, weir_status status,
                                            const char *what)
{
    weir_test *t = weir_test_create(build, ctx);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    weir_test_destroy(t);
}

#endif
