/* SPDX-License-Identifier: Apache-2.0
 *
 * arrange: one arrangement for one stream, key and order; entering of scopes; refusals; overflow.
 */
#include <weir/operators/arrange.h>

#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define EDGE(F) F(u64, from) F(u64, to) F(str, name)
WEIR_RECORD(edge, EDGE)

static void push(weir_test *t, uint64_t from, uint64_t to, uint64_t epoch, int64_t diff)
{
    weir_test_push(t, 0, edge, epoch, diff, { from, to, weir_str_of("odd") });
}

/* ---- sharing ---- */

static void build_shared(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *scope = weir_scope_add(g, NULL, "scope");
    weir_scope *inner = weir_scope_add(g, scope, "inner");
    weir_stream(edge) edges = weir_test_collection(g, edge), other = weir_test_collection(g, edge);
    weir_arranged(edge) by_from = weir_arrange(edges, WEIR_KEY(edge, from));
    ck_assert_ptr_nonnull(by_from.arrangement);
    ck_assert_ptr_eq(weir_arrange(edges, WEIR_KEY(edge, from)).arrangement, by_from.arrangement);
    ck_assert_ptr_eq(weir_arrange(weir_as_collection(edges), WEIR_KEY(edge, from)).arrangement,
                     by_from.arrangement);
    ck_assert_ptr_ne(weir_arrange(edges, WEIR_KEY(edge, to)).arrangement, by_from.arrangement);
    ck_assert_ptr_ne(weir_arrange(other, WEIR_KEY(edge, from)).arrangement, by_from.arrangement);
    weir_arranged(edge) down = weir_arrange(edges, WEIR_KEY(edge, from),
                                            .order = WEIR_DESC(edge, to));
    ck_assert_ptr_ne(down.arrangement, by_from.arrangement);
    /* what only enters is arranged outside */
    weir_arranged(edge) entered =
        weir_arrange(weir_enter(weir_enter(edges, scope), inner), WEIR_KEY(edge, from));
    weir_arranged(edge) by_hand = weir_arranged_enter(weir_arranged_enter(by_from, scope), inner);
    ck_assert_ptr_eq(entered.arrangement, by_hand.arrangement);
    ck_assert_uint_eq(weir_arrangement_depth(entered.arrangement), 3);
    ck_assert_uint_eq(weir_arrangement_depth(by_from.arrangement), 1);
    ck_assert_str_eq(weir_port_name(weir_arrangement_port(entered.arrangement)), "arrange-1");
    /* what is filtered inside is not what is outside */
    weir_stream(edge) negated = weir_negate(weir_enter(edges, scope));
    weir_arranged(edge) inside = weir_arrange(negated, WEIR_KEY(edge, from));
    ck_assert_str_ne(weir_port_name(weir_arrangement_port(inside.arrangement)), "arrange-1");
    ck_assert_ptr_eq(weir_arrangement_type(entered.arrangement), edge_type());
    ck_assert_uint_eq(weir_arrangement_key(entered.arrangement)->field[0], 0);
    weir_test_output(weir_arranged_collection(entered));
    weir_test_output(weir_arranged_collection(inside));
}

START_TEST(shared)
{
    weir_test *t = weir_test_create(build_shared, NULL, .workers = 2);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_OK);
    push(t, 1, 1, 3, 2);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(from: 1, to: 1, name: \"odd\") @(3, 0, 0) +2\n");
    ck_assert_str_eq(weir_test_take(t, 1), "(from: 1, to: 1, name: \"odd\") @(3, 0) -2\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

enum { PLAIN, KEY, ORDER, FIELD, TWICE, ANOTHER };

static void build_refused(weir_graph *g, void *ctx)
{
    weir_stream(edge) edges = weir_test_collection(g, edge);
    const char *none[] = { "nothing", NULL };
    struct weir_arrange_options options = { .struct_size = sizeof options };
    weir_arrange_spec spec = { .struct_size = sizeof spec, .key = { .count = 1 } };
    weir_arrangement *a = NULL;
    switch (*(int *)ctx) {
    case PLAIN:
        edges = weir_test_input(g, edge);
        a = weir_arrange(edges, WEIR_KEY(edge, from), .name = "mine").arrangement;
        break;
    case KEY:
        a = weir__arrange(edges.port, none, &options);
        break;
    case ORDER:
        options.order = (weir_order){ .type = edge_type(), .count = 1, .field = { "nothing" } };
        a = weir__arrange(edges.port, NULL, &options);
        break;
    case FIELD:
        spec.key.field[0] = 3;
        a = weir_arrange_erased(edges.port, &spec);
        break;
    case TWICE:
        spec.key = (weir_key){ .count = 2, .field = { 1, 1 } };
        a = weir_arrange_erased(edges.port, &spec);
        break;
    default:
        weir_graph_fail(g, WEIR_INVALID, NULL, NULL, "an error before");
        a = weir_arrange(edges, WEIR_KEY(edge, from)).arrangement;
        break;
    }
    ck_assert_ptr_null(a);
    ck_assert_ptr_null(weir_arrangement_enter(a, weir_scope_add(g, NULL, "scope")));
    ck_assert_ptr_null(weir_arrangement_collection(a));
    ck_assert_ptr_null(weir_arrangement_port(a));
    ck_assert_uint_eq(weir_arrangement_key(a)->count, 0);
}

static const struct {
    weir_status status;
    const char *what;
} refusals[] = {
    [PLAIN] = { WEIR_TYPE_MISMATCH, "collections are arranged, and this is a plain stream" },
    [KEY] = { WEIR_TYPE_MISMATCH, "nothing" },
    [ORDER] = { WEIR_TYPE_MISMATCH, "nothing" },
    [FIELD] = { WEIR_TYPE_MISMATCH, "an arrangement names fields that 'edge' does not have" },
    [TWICE] = { WEIR_INVALID, "cannot be arranged" },
    [ANOTHER] = { WEIR_INVALID, "an error before" },
};

START_TEST(refused)
{
    for (int which = PLAIN; which <= ANOTHER; which++) {
        weir_test *t = weir_test_create(build_refused, &which);
        const weir_error *error = weir_test_error(t);
        ck_assert_int_eq(error->status, refusals[which].status);
        ck_assert_msg(strstr(error->what, refusals[which].what), "%s", error->what);
        weir_test_destroy(t);
    }
}
END_TEST

static void build_one(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_test_output(weir_arranged_collection(weir_arrange_by_self(edges)));
}

START_TEST(overflow)
{
    weir_test *t = weir_test_create(build_one, NULL);
    push(t, 1, 1, 1, INT64_MAX);
    push(t, 1, 1, 1, 1);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_msg(strstr(weir_test_error(t)->what, "add up to more"), "%s",
                  weir_test_error(t)->what);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { shared, refused, overflow, NULL };
    return test_run(test_suite("arrange", tests));
}
