/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing: names that are taken and free again, what is refused, what is held for those who may
 * come, and that it is seen who holds it. What an import makes of it is in check_import.c.
 */
#include <weir/operators/publish.h>

#include <stdio.h>
#include <string.h>
#include <weir/observe.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define EDGE(F) F(u64, from) F(u64, to)
WEIR_RECORD(edge, EDGE)

static void publish(weir_graph *g, const char *name, bool keep_history)
{
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_arranged_publish(weir_arrange(edges, WEIR_KEY(edge, from)), name,
                          .keep_history = keep_history);
}

static void build(weir_graph *g, void *ctx)
{
    publish(g, ctx, false);
}

static void build_history(weir_graph *g, void *ctx)
{
    publish(g, ctx, true);
}

static void build_inside(weir_graph *g, void *ctx)
{
    weir_scope *scope = weir_scope_add(g, NULL, "scope");
    weir_stream(edge) edges = weir_enter(weir_test_collection(g, edge), scope);
    weir_arranged_publish(weir_arrange(weir_negate(edges), WEIR_KEY(edge, from)), ctx);
}

static void refuses(weir_build_fn *fn, const char *name, weir_status status, const char *what)
{
    weir_test *t = weir_test_create(fn, (void *)(uintptr_t)name);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_msg(strstr(weir_test_error(t)->what, what) != NULL, "%s",
                  weir_test_error(t)->what);
    weir_test_destroy(t);
}

START_TEST(refusals)
{
    refuses(build, NULL, WEIR_INVALID, "without a name");
    refuses(build, "", WEIR_INVALID, "without a name");
    refuses(build_inside, "inside", WEIR_INVALID, "inside a scope cannot be published");
}
END_TEST

static weir_dataflow *add(weir_test *t, const char *build_name)
{
    weir_dataflow *d = weir_test_add(
        t, &(weir_dataflow_spec){ .struct_size = sizeof(weir_dataflow_spec), .build = build_name });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    return d;
}

/* A name is one publisher's, until that is removed. */
START_TEST(names)
{
    const weir_test_build builds[] = { { "edges", build, "edges" } };
    weir_test *t = weir_test_create(NULL, NULL, .workers = 2, .builds = builds, .build_count = 1);
    weir_dataflow_info info;
    weir_dataflow *first = add(t, "edges"), *second = add(t, "edges");
    weir_dataflow_get_info(first, &info);
    ck_assert_int_eq(info.state, WEIR_DATAFLOW_RUNNING);
    weir_dataflow_get_info(second, &info);
    ck_assert_int_eq(info.state, WEIR_DATAFLOW_FAILED);
    ck_assert_int_eq(info.error.status, WEIR_EXISTS);
    ck_assert_str_eq(info.error.what, "there is a published arrangement 'edges' already");
    weir_test_remove(t, first);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_dataflow_get_info(add(t, "edges"), &info);
    ck_assert_int_eq(info.state, WEIR_DATAFLOW_RUNNING);
    weir_test_destroy(t);
}
END_TEST

typedef struct seen {
    char since[64], owner[64], held[64];
    uint64_t updates, runs, undelivered, opened_ns;
    size_t traces, holds;
} seen;

static void note(const weir_trace_shown *shown, void *ctx)
{
    seen *s = ctx;
    ck_assert_str_eq(shown->place.node, "arrange-1");
    ck_assert_str_eq(shown->place.dataflow, "main");
    ck_assert_uint_eq(shown->hold_count, shown->readers);
    s->traces++;
    s->holds += shown->hold_count;
    s->updates += shown->updates;
    s->runs += shown->runs;
    (void)snprintf(s->since, sizeof s->since, "%s", shown->since);
    for (size_t i = 0; i < shown->hold_count; i++) {
        (void)snprintf(s->owner, sizeof s->owner, "%s", shown->holds[i].owner);
        (void)snprintf(s->held, sizeof s->held, "%s", shown->holds[i].since);
        s->undelivered += shown->holds[i].undelivered;
        s->opened_ns = shown->holds[i].opened_ns;
    }
}

static seen look(weir_test *t)
{
    seen s = { .traces = 0 };
    weir_traces_each(weir_runtime_traces(weir_test_runtime(t)), note, &s);
    return s;
}

static weir_test *run(bool keep_history)
{
    weir_test *t = weir_test_create(keep_history ? build_history : build, "edges", .workers = 2);
    for (uint64_t epoch = 1; epoch <= 40; epoch++) {
        weir_test_push(t, 0, edge, epoch, 1, { 7, epoch });
        weir_test_push(t, 0, edge, epoch, -1, { 7, epoch - 1 });
        weir_test_advance(t, 0, epoch + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    return t;
}

/* What is complete is forgotten, all but what is there; a publisher that has ended keeps it. */
START_TEST(the_past_is_forgotten)
{
    weir_test *t = run(false);
    seen s = look(t);
    ck_assert_uint_eq(s.traces, 2);
    ck_assert_uint_eq(s.holds, 2);
    ck_assert_str_eq(s.owner, "published as 'edges'");
    ck_assert_str_eq(s.held, "{41}");
    ck_assert_str_eq(s.since, "{41}");
    ck_assert_uint_eq(s.undelivered, 0);
    ck_assert_uint_gt(s.opened_ns, 0);
    ck_assert_uint_lt(s.updates, 30);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    s = look(t);
    ck_assert_uint_gt(s.updates, 0);
    weir_test_destroy(t);
}
END_TEST

START_TEST(history_is_kept)
{
    weir_test *t = run(true);
    seen s = look(t);
    ck_assert_str_eq(s.held, "{0}");
    ck_assert_str_eq(s.since, "{0}");
    ck_assert_uint_eq(s.updates, 80);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { refusals, names, the_past_is_forgotten, history_is_kept, NULL };
    return test_run(test_suite("publish", tests));
}
