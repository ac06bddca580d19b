/* SPDX-License-Identifier: Apache-2.0
 *
 * The graphs for Graphviz: whatever their names, the text is of DOT's grammar, and nodes, stages
 * and edges are in it.
 */
#include <ctype.h>
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static number next(const number *n) { return (number){ n->value + 1 }; }
WEIR_MAP(next, number, number)
static bool is_odd(const number *n) { return n->value & 1; }
WEIR_FILTER(is_odd, number)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_test_input(g, number);
    weir_stream(number) s = weir_filter(weir_map(in, next), is_odd);
    s.port = weir_port_set_name(s.port, "a \"name\" \\ with\nall; {of} it ->");
    weir_test_output(weir_exchange(s, WEIR_KEY(number, value)));
    weir_test_output(weir_concat(s, in));
}

/* ---- a small reader of DOT: what this library writes, and no more ---- */

typedef struct reader {
    const char *at;
    char id[1000];
} reader;

static bool take(reader *r, const char *token)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
    size_t len = strlen(token);
    if (strncmp(r->at, token, len) != 0)
        return false;
    r->at += len;
    return true;
}

static bool take_id(reader *r)
{
    size_t n = 0;
    while (isspace((unsigned char)*r->at))
        r->at++;
    bool quoted = *r->at == '"';
    r->at += quoted;
    while (quoted ? *r->at && *r->at != '"' : isalnum((unsigned char)*r->at) || *r->at == '_') {
        if (*r->at == '\\')
            r->id[n++] = *r->at++;
        ck_assert_msg((unsigned char)*r->at >= ' ' && (unsigned char)*r->at <= '~', "byte %02x",
                      (unsigned char)*r->at);
        r->id[n++] = *r->at++;
        ck_assert_uint_lt(n, sizeof r->id - 2);
    }
    r->id[n] = '\0';
    if (!quoted)
        return n > 0;
    ck_assert_int_eq(*r->at++, '"');
    return true;
}

/* [name=value,…] */
static void take_attributes(reader *r)
{
    if (!take(r, "["))
        return;
    do {
        ck_assert(take_id(r) && take(r, "=") && take_id(r));
    } while (take(r, ","));
    ck_assert_msg(take(r, "]"), "not closed: %.40s", r->at);
}

static unsigned statements(reader *r, unsigned *edges)
{
    unsigned nodes = 0;
    while (!take(r, "}")) {
        if (take(r, "subgraph")) {
            ck_assert(take_id(r) && take(r, "{"));
            nodes += statements(r, edges);
            continue;
        }
        ck_assert_msg(take_id(r), "no statement: %.40s", r->at);
        if (take(r, "=")) {
            ck_assert(take_id(r));
        } else if (take(r, "->")) {
            ck_assert(take_id(r));
            ++*edges;
            take_attributes(r);
        } else {
            nodes++;
            take_attributes(r);
        }
        ck_assert_msg(take(r, ";"), "no semicolon: %.40s", r->at);
    }
    return nodes;
}

static void on_stage(const weir_stage_info *info, void *ctx)
{
    (void)info;
    ++*(unsigned *)ctx;
}

static void on_node(const weir_node_info *info, void *ctx)
{
    (void)info;
    ++*(unsigned *)ctx;
}

static void on_edge(const weir_edge_info *info, void *ctx)
{
    ck_assert_ptr_nonnull(info->from);
    ck_assert_ptr_nonnull(info->to);
    ++*(unsigned *)ctx;
}

START_TEST(is_in_the_language)
{
    weir_test *t = weir_test_create(build, NULL, .workers = 2);
    unsigned nodes = 0, stages = 0, edges = 0, drawn = 0;
    weir_worker *worker = weir_test_worker(t, 0);
    weir_bytes_out out = { 0 };
    weir_test_push(t, 0, number, 5, +1, { 2 });
    weir_test_advance(t, 0, 7);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_observe(worker, &(weir_observer){ .node = on_node, .ctx = &nodes });
    weir_observe(worker, &(weir_observer){ .stage = on_stage, .ctx = &stages });
    weir_observe(worker, &(weir_observer){ .edge = on_edge, .ctx = &edges });
    ck_assert_uint_eq(stages, 2);
    ck_assert_uint_ge(edges, 3);
    ck_assert_int_eq(weir_observe_dot(worker, &out), WEIR_OK);
    ck_assert_int_eq(weir_bytes_out_add(&out, "", 1), WEIR_OK);
    reader r = { .at = out.data };
    ck_assert(take(&r, "digraph") && take_id(&r) && take(&r, "{"));
    ck_assert_uint_eq(statements(&r, &drawn), nodes + stages);
    ck_assert_uint_eq(drawn, edges + stages);
    while (isspace((unsigned char)*r.at))
        r.at++;
    ck_assert_str_eq(r.at, "");
    ck_assert_ptr_nonnull(strstr(out.data, "a \\\"name\\\" \\\\ with?all; {of} it ->"));
    ck_assert_ptr_nonnull(strstr(out.data, "input 0 at {7}"));
    ck_assert_ptr_nonnull(strstr(out.data, "by key"));
    weir_bytes_out_fini(&out);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("dot", (const TTest *const[]){ is_in_the_language, NULL }));
}
