/* SPDX-License-Identifier: Apache-2.0
 *
 * Imports: what a dataflow that comes later sees of an arrangement, with all its history and as of
 * a time, by its collection, a join and a reduction, from any moment on; what is refused; what is
 * left when the publisher goes, and when the importer does.
 */
#include <stdio.h>
#include <string.h>
#include <weir/observe.h>
#include <weir/operators/publish.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define EDGE(F) F(u64, from) F(u64, to)
WEIR_RECORD(edge, EDGE)
#define ASKED(F) F(u64, id)
WEIR_RECORD(asked, ASKED)
#define MOST(F) F(u64, from) F(u64, to)
WEIR_RECORD(most, MOST)
#define OTHER(F) F(u64, from) F(i64, to)
WEIR_RECORD(other, OTHER)

static void pair_up(const asked *a, const edge *e, weir_out(edge) out)
{
    (void)a;
    edge_emit(out, *e);
}
WEIR_JOIN(pair_up, asked, edge, edge)

static void greatest(const edge *key, weir_group(edge) edges, weir_out(most) out)
{
    most_emit(out, (most){ key->from, edges.records[edges.count - 1]->to });
}
WEIR_REDUCE(greatest, edge, most)

/* ---- dataflows ---- */

static void build(weir_graph *g, void *ctx)
{
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_arranged_publish(weir_arrange(edges, WEIR_KEY(edge, from)), "edges",
                          .keep_history = ctx != NULL);
}

static weir_status picky_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)state;
    return weir_step_worker(step) == 1
               ? weir_error_set(error, WEIR_UNAVAILABLE, "there is nothing to begin with")
               : WEIR_OK;
}

static void picky_step(weir_step *step, void *state)
{
    (void)step;
    (void)state;
}

/* A publisher that cannot begin on worker 1. */
static void build_failing(weir_graph *g, void *ctx)
{
    build(g, ctx);
    (void)weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                              .kind = "picky", .init = picky_init,
                                              .step = picky_step }, NULL);
}

/* Outputs: the collection, what is joined with input, and the greatest of each key. */
static void build_import(weir_graph *g, void *ctx)
{
    (void)ctx;
    const uint64_t *as_of = weir_graph_args(g, NULL);
    weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges",
                                                     .as_of = as_of ? *as_of : 0);
    weir_stream(asked) ids = weir_test_collection(g, asked);
    weir_stream(edge) all = weir_arranged_collection(edges);
    weir_test_output(all);
    weir_test_output(
        weir_join(ids, WEIR_KEY(asked, id), all, WEIR_KEY(edge, from), pair_up));
    weir_test_output(weir_reduce(all, WEIR_KEY(edge, from), greatest));
}

/* The arrangement alone, and in a scope: nobody reads the collection. */
static void build_loop(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *scope = weir_scope_add(g, NULL, "scope");
    weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges");
    weir_stream(edge) all = weir_enter(weir_arranged_collection(edges), scope);
    weir_arranged(edge) again = weir_arrange(all, WEIR_KEY(edge, from));
    ck_assert_uint_eq(weir_arrangement_depth(again.arrangement), 2);
    weir_test_output(weir_leave(weir_reduce(all, WEIR_KEY(edge, from), greatest)));
}

static void build_unknown(weir_graph *g, void *ctx)
{
    (void)ctx;
    (void)weir_arranged_import(g, edge, WEIR_KEY(edge, from), "roads");
}

static void build_other_records(weir_graph *g, void *ctx)
{
    (void)ctx;
    (void)weir_arranged_import(g, other, WEIR_KEY(other, from), "edges");
}

static void build_other_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    (void)weir_arranged_import(g, edge, WEIR_KEY(edge, to, from), "edges");
}

/* An import is another one's trace, which an import of the import would not know the end of. */
static void build_import_published(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges");
    weir_arranged_publish(edges, "again");
}

static void build_import_arranged(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges");
    weir_stream(edge) all = weir_arranged_collection(edges);
    weir_arranged_publish(weir_arrange(all, WEIR_KEY(edge, from)), "again");
}

/* By another key it is arranged anew. */
static void build_import_by_target(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "edges");
    weir_stream(edge) all = weir_arranged_collection(edges);
    all.port = weir_port_with_key(all.port, &(weir_key){ .count = 2, .field = { 0, 1 } });
    weir_arranged_publish(weir_arrange(all, WEIR_KEY(edge, to)), "by target");
}

static void build_target(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, to), "by target");
    ck_assert_uint_eq(weir_arrangement_unique_key(edges.arrangement)->count, 2);
    weir_test_output(weir_arranged_collection(edges));
}

static void build_own(weir_graph *g, void *ctx)
{
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_arranged_publish(weir_arrange(edges, WEIR_KEY(edge, from)), "own");
    (void)weir_arranged_import(g, edge, WEIR_KEY(edge, from), "own");
    (void)ctx;
}

/* A loop that nothing feeds is over before it begins; the dataflow goes on. */
static void build_unfed(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) value;
    weir_variable(edge) v = weir_variable_new(g, edge, weir_scope_add(g, NULL, "rounds"), &value);
    weir_variable_set(v, weir_distinct(value));
    weir_arranged_publish(weir_arrange(weir_leave(value), WEIR_KEY(edge, from)), "unfed");
    weir_test_output(weir_test_collection(g, edge));
}

static void build_import_unfed(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_arranged(edge) edges = weir_arranged_import(g, edge, WEIR_KEY(edge, from), "unfed");
    weir_test_output(weir_arranged_collection(edges));
}

static const weir_test_build builds[] = { { "import", build_import, NULL },
                                          { "unfed", build_unfed, NULL },
                                          { "import unfed", build_import_unfed, NULL },
                                          { "loop", build_loop, NULL },
                                          { "publish", build, NULL },
                                          { "publish, fail", build_failing, NULL },
                                          { "import, publish", build_import_published, NULL },
                                          { "import, arrange", build_import_arranged, NULL },
                                          { "by target", build_import_by_target, NULL },
                                          { "target", build_target, NULL },
                                          { "own", build_own, NULL },
                                          { "unknown", build_unknown, NULL },
                                          { "records", build_other_records, NULL },
                                          { "key", build_other_key, NULL } };
enum { BUILDS = sizeof builds / sizeof *builds };

static weir_test *start(unsigned workers, bool keep_history, uint64_t seed)
{
    static const char yes;
    weir_test *t = weir_test_create(build, keep_history ? (void *)(uintptr_t)&yes : NULL,
                                    .workers = workers, .builds = builds, .build_count = BUILDS,
                                    .seed = seed);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_OK);
    return t;
}

static weir_dataflow *add(weir_test *t, const char *build_name, const uint64_t *as_of)
{
    weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = build_name, .args = as_of,
                                .args_size = as_of ? sizeof *as_of : 0 };
    return weir_test_add(t, &spec);
}

static void epoch(weir_test *t, uint64_t at)
{
    weir_test_push(t, 0, edge, at, 1, { 1, at });
    if (at > 1)
        weir_test_push(t, 0, edge, at, -1, { 1, at - 1 });
    weir_test_advance(t, 0, at + 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
}

/* ---- one by one ---- */

START_TEST(the_whole_history)
{
    weir_test *t = start(2, true, 0);
    for (uint64_t at = 1; at <= 3; at++)
        epoch(t, at);
    add(t, "import", NULL);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 1) @1 +1\n(from: 1, to: 1) @2 -1\n"
                                           "(from: 1, to: 2) @2 +1\n(from: 1, to: 2) @3 -1\n"
                                           "(from: 1, to: 3) @3 +1\n");
    ck_assert_str_eq(weir_test_frontier(t, 0), "{4}");
    epoch(t, 4);
    ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 3) @4 -1\n(from: 1, to: 4) @4 +1\n");
    weir_test_push(t, 1, asked, 2, 1, { 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 1), "(from: 1, to: 2) @2 +1\n"
                                                "(from: 1, to: 2) @3 -1\n(from: 1, to: 3) @3 +1\n"
                                                "(from: 1, to: 3) @4 -1\n(from: 1, to: 4) @4 +1\n");
    ck_assert_str_eq(weir_test_take_sums(t, 2),
                     "(from: 1, to: 1) @1 +1\n(from: 1, to: 1) @2 -1\n(from: 1, to: 2) @2 +1\n"
                     "(from: 1, to: 2) @3 -1\n(from: 1, to: 3) @3 +1\n(from: 1, to: 3) @4 -1\n"
                     "(from: 1, to: 4) @4 +1\n");
    ck_assert_str_eq(weir_test_frontier(t, 0), "{}");
    weir_test_destroy(t);
}
END_TEST

START_TEST(as_of_a_time)
{
    weir_test *t = start(2, true, 0);
    for (uint64_t at = 1; at <= 3; at++)
        epoch(t, at);
    uint64_t as_of = 2, later = 6;
    add(t, "import", &as_of);
    add(t, "import", &later);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 0), "(from: 1, to: 2) @2 +1\n"
                                                "(from: 1, to: 2) @3 -1\n(from: 1, to: 3) @3 +1\n");
    ck_assert_str_eq(weir_test_take_sums(t, 3), "(from: 1, to: 3) @6 +1\n");
    ck_assert_str_eq(weir_test_frontier(t, 3), "{6}");
    for (uint64_t at = 4; at <= 8; at++)
        epoch(t, at);
    ck_assert_str_eq(weir_test_take_sums(t, 3), "(from: 1, to: 3) @6 -1\n"
                                                "(from: 1, to: 6) @6 +1\n"
                                                "(from: 1, to: 6) @7 -1\n(from: 1, to: 7) @7 +1\n"
                                                "(from: 1, to: 7) @8 -1\n(from: 1, to: 8) @8 +1\n");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 5),
                     "(from: 1, to: 6) @6 +1\n(from: 1, to: 6) @7 -1\n(from: 1, to: 7) @7 +1\n"
                     "(from: 1, to: 7) @8 -1\n(from: 1, to: 8) @8 +1\n");
    weir_test_destroy(t);
}
END_TEST

START_TEST(in_a_scope)
{
    weir_test *t = start(2, false, 0);
    for (uint64_t at = 1; at <= 9; at++)
        epoch(t, at);
    add(t, "loop", NULL);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 0), ""); /* more may come of epoch 10 */
    epoch(t, 10);
    ck_assert_str_eq(weir_test_take_sums(t, 0), "(from: 1, to: 10) @10 +1\n");
    epoch(t, 11);
    ck_assert_str_eq(weir_test_take_sums(t, 0), "(from: 1, to: 10) @11 -1\n"
                                                "(from: 1, to: 11) @11 +1\n");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

START_TEST(of_what_nothing_feeds)
{
    weir_test *t = start(2, false, 0);
    add(t, "unfed", NULL);
    add(t, "import unfed", NULL);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_str_eq(weir_test_frontier(t, 1), "{}");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

static void fails_as_of(weir_test *t, const char *build_name, const uint64_t *as_of,
                        weir_status status, const char *what)
{
    weir_dataflow_info info;
    weir_dataflow *d = add(t, build_name, as_of);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_dataflow_get_info(d, &info);
    ck_assert_int_eq(info.state, WEIR_DATAFLOW_FAILED);
    ck_assert_int_eq(info.error.status, status);
    ck_assert_str_eq(info.error.what, what);
    ck_assert_uint_eq(info.workers, 0);
}

static void fails(weir_test *t, const char *build_name, weir_status status, const char *what)
{
    fails_as_of(t, build_name, NULL, status, what);
}

static const char import_again[] =
    "an imported arrangement cannot be published again: 'edges' is its name";

START_TEST(refusals)
{
    weir_test *t = start(2, false, 0);
    fails(t, "unknown", WEIR_NOT_FOUND, "no arrangement was published as 'roads'");
    fails(t, "records", WEIR_TYPE_MISMATCH,
          "'edges' was published with records 'edge', not 'other'");
    fails(t, "key", WEIR_TYPE_MISMATCH, "'edges' was arranged by (from), not by (to, from)");
    fails(t, "import, publish", WEIR_INVALID, import_again);
    fails(t, "import, arrange", WEIR_INVALID, import_again);
    fails(t, "own", WEIR_INVALID, "'own' is imported by the dataflow that publishes it");
    epoch(t, 1);
    epoch(t, 2);
    uint64_t as_of = 1;
    fails_as_of(t, "import", &as_of, WEIR_GONE,
                "'edges' cannot be imported as of epoch 1: only epochs from 3 on are kept; publish "
                "it with .keep_history, or import it sooner");
    add(t, "loop", NULL); /* the others go on */
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    epoch(t, 3);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 3), "(from: 1, to: 3) @3 +1\n");
    weir_test_destroy(t);
}
END_TEST

START_TEST(an_import_arranged_anew_is_published)
{
    weir_test *t = start(2, false, 0);
    epoch(t, 1);
    add(t, "by target", NULL);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    add(t, "target", NULL);
    epoch(t, 2);
    epoch(t, 3);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take_sums(t, 0), "(from: 1, to: 2) @2 +1\n"
                                                "(from: 1, to: 2) @3 -1\n(from: 1, to: 3) @3 +1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- who goes first ---- */

static void count(const weir_trace_shown *shown, void *ctx)
{
    uint64_t *counts = ctx;
    if (strcmp(shown->place.node, "arrange-1") != 0)
        return;
    counts[0]++;
    counts[1] += shown->readers;
}

static void traces(weir_test *t, uint64_t arranged, uint64_t readers)
{
    uint64_t counts[2] = { 0, 0 };
    weir_traces_each(weir_runtime_traces(weir_test_runtime(t)), count, counts);
    ck_assert_uint_eq(counts[0], arranged);
    ck_assert_uint_eq(counts[1], readers);
}

START_TEST(the_importer_goes)
{
    weir_test *t = start(2, false, 0);
    epoch(t, 1);
    traces(t, 2, 2);
    weir_dataflow *d = add(t, "import", NULL);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    traces(t, 4, 2 * 4 + 2); /* of edges: publisher, collection, join, reduction; of ids: join */
    weir_test_remove(t, d);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    traces(t, 2, 2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

/* What is there can still be read; no later time is complete, until the end. */
START_TEST(the_publisher_goes)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(NULL, NULL, .workers = workers, .builds = builds,
                                        .build_count = BUILDS);
        weir_dataflow *publisher = add(t, "publish", NULL), *importer;
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        epoch(t, 1);
        importer = add(t, "import", NULL);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_remove(t, publisher);
        weir_test_push(t, 1, asked, 7, 1, { 1 });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{2}");
        ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 1) @2 +1\n");
        weir_test_advance(t, 1, 8);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take_sums(t, 1), "(from: 1, to: 1) @7 +1\n");
        ck_assert_str_eq(weir_test_take_sums(t, 2), "");
        add(t, "unknown", NULL); /* the name is free */
        add(t, "publish", NULL);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_dataflow_info info;
        weir_dataflow_get_info(importer, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_RUNNING);
        weir_runtime_stop(weir_test_runtime(t));
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{}");
        ck_assert_str_eq(weir_test_take_sums(t, 2), "(from: 1, to: 1) @2 +1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* Complete on all workers, some of which have heard of it sooner: there for all, until it is
 * removed. */
START_TEST(the_publisher_is_complete)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        weir_test *t = weir_test_create(NULL, NULL, .workers = 2, .builds = builds,
                                        .build_count = BUILDS, .seed = seed);
        weir_dataflow *publisher = add(t, "publish", NULL);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_push(t, 0, edge, 0, 1, { 3, 4 });
        weir_test_close(t, 0);
        if (seed % 2)
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_dataflow *importer = add(t, "import", NULL);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_dataflow_info info;
        weir_dataflow_get_info(importer, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_RUNNING);
        ck_assert_str_eq(weir_test_take_sums(t, 0), "(from: 3, to: 4) @0 +1\n");
        weir_dataflow_get_info(publisher, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_COMPLETE);
        weir_test_remove(t, publisher);
        publisher = add(t, "publish", NULL); /* the name is free */
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_dataflow_get_info(publisher, &info);
        ck_assert_int_eq(info.state, WEIR_DATAFLOW_RUNNING);
        weir_runtime_stop(weir_test_runtime(t));
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

/* On one worker it could not begin: an import that was asked for before that was known fails, too,
 * and nothing else. */
START_TEST(the_publisher_fails)
{
    unsigned late = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        weir_test *t = weir_test_create(NULL, NULL, .workers = 2, .builds = builds,
                                        .build_count = BUILDS, .seed = seed);
        weir_dataflow *both[] = { add(t, "publish, fail", NULL), add(t, "import", NULL) };
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_runtime_stop(weir_test_runtime(t));
        for (int i = 0; i < 2; i++) {
            weir_dataflow_info info;
            weir_dataflow_get_info(both[i], &info);
            ck_assert_int_eq(info.state, WEIR_DATAFLOW_FAILED);
            if (i && info.error.status == WEIR_GONE) {
                late++;
                ck_assert_str_eq(info.error.what, "what publishes 'edges' has failed on worker 1");
            }
        }
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
    ck_assert_uint_gt(late, 0);
}
END_TEST

/* ---- at random ---- */

/* LAST: no import begins later. */
enum { EPOCHS = 30, LAST = EPOCHS + 2, KEYS = 6, TARGETS = 5, IMPORTS = 4, OUTPUTS = 3 };

typedef struct model {
    uint64_t random;
    int64_t there[LAST + 1][KEYS][TARGETS]; /* how often, when an epoch is complete */
} model;

/* The third output has the greatest target of each key. */
static int64_t expected(const model *m, unsigned output, uint64_t at, uint64_t k, uint64_t to)
{
    const int64_t *there = m->there[at][k];
    if (output % OUTPUTS != 2)
        return there[to];
    for (uint64_t greater = to + 1; greater < TARGETS; greater++)
        if (there[greater] != 0)
            return 0;
    return there[to] != 0;
}

/* Sums up an output and compares it with the model from the first epoch that it may tell on. */
static void compare(weir_test *t, const model *m, unsigned output, uint64_t from)
{
    int64_t sums[KEYS][TARGETS] = { { 0 } };
    size_t i = 0, changes = weir_test_count(t, output);
    for (uint64_t at = 0; at <= LAST; at++) {
        for (; i < changes; i++) {
            weir_test_change c = weir_test_at(t, output, i);
            const edge *e = c.record;
            ck_assert_uint_ge(c.time.at[0], from);
            if (c.time.at[0] > at)
                break;
            sums[e->from][e->to] += c.diff;
        }
        for (uint64_t k = 0; at >= from && k < KEYS; k++)
            for (uint64_t to = 0; to < TARGETS; to++)
                ck_assert_msg(sums[k][to] == expected(m, output, at, k, to),
                              "output %u, epoch %llu: (%llu, %llu) is there %lld times, not %lld",
                              output, (unsigned long long)at, (unsigned long long)k,
                              (unsigned long long)to, (long long)sums[k][to],
                              (long long)expected(m, output, at, k, to));
    }
    ck_assert_uint_eq(i, changes);
}

static void change(weir_test *t, model *m, uint64_t at)
{
    memcpy(m->there[at], m->there[at ? at - 1 : 0], sizeof m->there[at]);
    for (uint64_t n = test_below(&m->random, 8); n > 0; n--) {
        uint64_t k = test_below(&m->random, KEYS), to = test_below(&m->random, TARGETS);
        int64_t diff = m->there[at][k][to] > 0 && test_below(&m->random, 2) ? -1 : 1;
        m->there[at][k][to] += diff;
        weir_test_push(t, 0, edge, at, diff, { k, to });
    }
}

/* Without history nobody says where an import begins, but it is at no later epoch than was open
 * when it had been built; where it had something to tell before, it is held to that, too. */
static void compare_import(weir_test *t, const model *m, unsigned import, uint64_t from, bool exact)
{
    for (unsigned o = import * OUTPUTS; o < (import + 1) * OUTPUTS; o++) {
        uint64_t first = from;
        if (!exact && weir_test_count(t, o) > 0 && weir_test_at(t, o, 0).time.at[0] < from)
            first = weir_test_at(t, o, 0).time.at[0];
        compare(t, m, o, first);
    }
}

static void one_run(uint64_t seed, bool keep_history, unsigned workers)
{
    model m = { .random = seed };
    weir_test *t = start(workers, keep_history, seed);
    uint64_t imports = 0, built = 0, from[IMPORTS];
    for (uint64_t at = 0; at <= EPOCHS; at++) {
        change(t, &m, at);
        weir_test_advance(t, 0, at + 1);
        if (imports < IMPORTS && test_below(&m.random, 6) == 0) {
            uint64_t as_of = keep_history ? test_below(&m.random, at + 3) : 0;
            from[imports] = as_of;
            add(t, "import", as_of ? &as_of : NULL);
            imports++;
        }
        if (at < EPOCHS && test_below(&m.random, 3) == 0)
            continue;
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        for (; built < imports; built++)
            from[built] = keep_history ? from[built] : at + 1;
    }
    for (uint64_t at = EPOCHS + 1; at <= LAST; at++)
        memcpy(m.there[at], m.there[EPOCHS], sizeof m.there[at]);
    for (uint64_t i = 0; i < imports; i++)
        for (uint64_t k = 0; k < KEYS; k++)
            weir_test_push(t, 1 + (unsigned)i, asked, 0, 1, { k });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (unsigned i = 0; i < imports; i++)
        compare_import(t, &m, i, from[i], keep_history);
    weir_test_destroy(t);
}

START_TEST(at_random)
{
    uint64_t seed = test_seed(1);
    for (unsigned workers = 1; workers <= 3; workers++)
        for (uint64_t n = 0; n < 12; n++)
            one_run(seed * 1000 + n, n % 2, workers);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { the_whole_history, as_of_a_time, in_a_scope,
                                  of_what_nothing_feeds, refusals,
                                  an_import_arranged_anew_is_published, the_importer_goes,
                                  the_publisher_goes, the_publisher_is_complete,
                                  the_publisher_fails, at_random, NULL };
    return test_run(test_suite("import", tests));
}
