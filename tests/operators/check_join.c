/* SPDX-License-Identifier: Apache-2.0
 *
 * join: pairs that come and go, keys of several fields, texts that outlive their runs, scopes and
 * loops, work that takes many steps; refusals.
 */
#include <weir/operators/join.h>

#include <stdio.h>
#include <string.h>
#include <weir/observe.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define SALE(F) F(u64, id) F(u32, product) F(str, shop)
#define PRODUCT(F) F(str, name) F(u32, id) F(str, shop)
#define NAMED(F) F(u64, sale) F(str, product)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(product, PRODUCT)
WEIR_RECORD(named, NAMED)

static const char *const long_name = "a product with a name of more than twelve bytes";

static void with_name(const sale *s, const product *p, weir_out(named) out)
{
    named_emit(out, (named){ .sale = s->id, .product = p->name });
}
WEIR_JOIN(with_name, sale, product, named)

static void sell(weir_test *t, uint64_t epoch, int64_t diff, uint64_t id, uint32_t what)
{
    weir_test_push(t, 0, sale, epoch, diff, { id, what, weir_str_of(id % 2 ? "here" : "there") });
}

static void offer(weir_test *t, uint64_t epoch, int64_t diff, uint32_t id, const char *name)
{
    weir_test_push(t, 1, product, epoch, diff, { weir_str_of(name), id, weir_str_of("here") });
}

static void to_epoch(weir_test *t, uint64_t epoch)
{
    weir_test_advance(t, 0, epoch);
    weir_test_advance(t, 1, epoch);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
}

static void build_one(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) sales = weir_test_collection(g, sale);
    weir_stream(product) products = weir_test_collection(g, product);
    weir_test_output(weir_join(sales, WEIR_KEY(sale, product), products, WEIR_KEY(product, id),
                               with_name));
}

START_TEST(pairs_come_and_go)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_one, NULL, .workers = workers);
        sell(t, 1, 1, 10, 7);
        sell(t, 1, 2, 11, 7);
        offer(t, 1, 1, 7, "tea");
        to_epoch(t, 2);
        ck_assert_str_eq(weir_test_take(t, 0), "(sale: 10, product: \"tea\") @1 +1\n"
                                               "(sale: 11, product: \"tea\") @1 +2\n");
        offer(t, 2, -1, 7, "tea");
        offer(t, 2, 1, 7, long_name);
        sell(t, 2, -1, 10, 7);
        to_epoch(t, 3);
        ck_assert_str_eq(weir_test_take_sums(t, 0),
                         "(sale: 10, product: \"tea\") @2 -1\n"
                         "(sale: 11, product: \"a product with a name of more than twelve bytes\") "
                         "@2 +2\n(sale: 11, product: \"tea\") @2 -2\n");
        sell(t, 5, 1, 12, 8);
        to_epoch(t, 6);
        ck_assert_str_eq(weir_test_take(t, 0), "");
        offer(t, 9, -3, 8, "late");
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(sale: 12, product: \"late\") @9 -3\n");
        ck_assert_str_eq(weir_test_frontier(t, 0), "{}");
        weir_test_destroy(t);
    }
}
END_TEST

/* A side that has ended goes on being joined with. */
START_TEST(one_side_may_end)
{
    weir_test *t = weir_test_create(build_one, NULL, .workers = 2);
    offer(t, 0, 1, 7, long_name);
    weir_test_close(t, 1);
    for (uint64_t epoch = 1; epoch < 50; epoch++) {
        sell(t, epoch, 1, epoch, 7);
        weir_test_advance(t, 0, epoch + 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 1);
        const named *n = weir_test_at(t, 0, 0).record;
        ck_assert_uint_eq(n->sale, epoch);
        ck_assert_uint_eq(n->product.len, strlen(long_name));
        (void)weir_test_take(t, 0);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

static void count_updates(const weir_trace_shown *shown, void *ctx)
{
    ((uint64_t *)ctx)[strcmp(shown->place.node, "arrange-1") == 0 ? 0 : 1] += shown->updates;
}

/* When a side has ended, nothing will ask for the other one's past: it goes at once, though nothing
 * comes that the join would be called for. */
START_TEST(what_nobody_asks_for_goes)
{
    weir_test *t = weir_test_create(build_one, NULL, .workers = 2);
    uint64_t before[2] = { 0, 0 }, after[2] = { 0, 0 };
    weir_traces *traces = weir_runtime_traces(weir_test_runtime(t));
    for (uint64_t id = 0; id < 100; id++) {
        offer(t, 0, 1, id, "tea");
        sell(t, 0, 1, id, id);
    }
    to_epoch(t, 1);
    weir_traces_each(traces, count_updates, before);
    ck_assert_uint_eq(before[0], 100);
    ck_assert_uint_eq(before[1], 100);
    weir_test_close(t, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_traces_each(traces, count_updates, after);
    ck_assert_uint_eq(after[0], 0);
    ck_assert_uint_eq(after[1], 100);
    sell(t, 3, 1, 1000, 7);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 101);
    weir_test_destroy(t);
}
END_TEST

static void build_two_fields(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(sale) sales = weir_test_collection(g, sale);
    weir_stream(product) products = weir_test_collection(g, product);
    weir_test_output(weir_join(sales, WEIR_KEY(sale, shop, product), products,
                               WEIR_KEY(product, shop, id), with_name));
}

START_TEST(keys_of_two_fields)
{
    weir_test *t = weir_test_create(build_two_fields, NULL, .workers = 2);
    sell(t, 1, 1, 1, 7); /* here */
    sell(t, 1, 1, 2, 7); /* there */
    sell(t, 1, 1, 3, 8);
    offer(t, 1, 1, 7, "tea");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0), "(sale: 1, product: \"tea\") @1 +1\n");
    weir_test_destroy(t);
}
END_TEST

/* More pairs than a step makes, in batches that are tiny, while more comes. */
START_TEST(many_pairs_take_many_steps)
{
    enum { SALES = 600, NAMES = 100 };
    for (unsigned workers = 1; workers <= 2; workers++) {
        weir_test *t = weir_test_create(build_one, NULL, .workers = workers, .batch_bytes = 256);
        for (uint64_t i = 0; i < SALES; i++)
            sell(t, 1 + i % 3, 1, i, 7);
        for (uint64_t i = 0; i < NAMES; i++) {
            char name[40];
            snprintf(name, sizeof name, "the name with number %llu", (unsigned long long)i);
            offer(t, 1 + i % 2, 1, 7, name);
        }
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), SALES * NAMES);
        for (size_t i = 0; i < SALES * NAMES; i++) {
            weir_test_change c = weir_test_at(t, 0, i);
            const named *n = c.record;
            ck_assert_int_eq(memcmp(weir_str_data(&n->product), "the name with number", 20), 0);
            ck_assert_int_eq(c.diff, 1);
            ck_assert_uint_le(1 + n->sale % 3, c.time.at[0]);
        }
        weir_test_destroy(t);
    }
}
END_TEST

START_TEST(a_product_beyond_64_bits_ends_the_run)
{
    weir_test *t = weir_test_create(build_one, NULL, .workers = 1);
    sell(t, 1, INT64_MAX, 1, 7);
    offer(t, 1, 2, 7, "tea");
    ck_assert_int_eq(weir_test_finish(t), WEIR_OVERFLOWED);
    ck_assert_ptr_nonnull(strstr(weir_test_error(t)->what, "product of two diffs"));
    weir_test_destroy(t);
}
END_TEST

/* ---- in loops: what can be reached ---- */

#define EDGE(F) F(u64, from) F(u64, to)
WEIR_RECORD(edge, EDGE)

static void step_on(const edge *path, const edge *e, weir_out(edge) out)
{
    edge_emit(out, (edge){ path->from, e->to });
}
WEIR_JOIN(step_on, edge, edge, edge)

/* Paths of at most 4 edges, by a loop that counts them: edges stay outside of it. */
static void build_paths(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(edge) edges = weir_test_collection(g, edge);
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(edge) again;
    weir_loop(edge) loop =
        weir_loop_variable(g, edge, rounds, &again, .limit = 4, .collection = true);
    weir_stream(edge) inside = weir_enter(edges, rounds);
    weir_stream(edge) paths = weir_concat(inside, again);
    weir_stream(edge) longer =
        weir_join(paths, WEIR_KEY(edge, to), inside, WEIR_KEY(edge, from), step_on);
    weir_loop_connect(loop, longer);
    weir_test_output(weir_leave(paths));
}

START_TEST(in_a_loop)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_paths, NULL, .workers = workers);
        for (uint64_t n = 0; n < 6; n++)
            weir_test_push(t, 0, edge, 1, 1, { n, n + 1 });
        weir_test_advance(t, 0, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 6 + 5 + 4 + 3);
        (void)weir_test_take(t, 0);
        weir_test_push(t, 0, edge, 2, -1, { 2, 3 });
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take_sums(t, 0), "(from: 0, to: 3) @2 -1\n"
                                                    "(from: 0, to: 4) @2 -1\n"
                                                    "(from: 1, to: 3) @2 -1\n"
                                                    "(from: 1, to: 4) @2 -1\n"
                                                    "(from: 1, to: 5) @2 -1\n"
                                                    "(from: 2, to: 3) @2 -1\n"
                                                    "(from: 2, to: 4) @2 -1\n"
                                                    "(from: 2, to: 5) @2 -1\n"
                                                    "(from: 2, to: 6) @2 -1\n");
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- refusals ---- */

enum { PLAIN, SCOPES, RECORDS, KEYS, FIELD, NAME };

static void build_refused(weir_graph *g, void *ctx)
{
    weir_port *sides[2] = { weir_test_collection(g, sale).port,
                            weir_test_collection(g, product).port };
    weir_key keys[2] = { { .count = 1, .field = { 1 } }, { .count = 1, .field = { 1 } } };
    weir_join_spec spec = { .struct_size = sizeof spec,
                            .takes = { sale_type(), product_type() },
                            .out = named_type(),
                            .kernel = weir_join_kernel_with_name };
    const char *const one[] = { "product", NULL }, *const none[] = { "nothing", NULL };
    const char *const *names[2] = { one, none };
    switch (*(int *)ctx) {
    case PLAIN:
        sides[0] = weir_test_input(g, sale).port;
        break;
    case SCOPES:
        sides[0] = weir_port_enter(sides[0], weir_scope_add(g, NULL, "scope"));
        break;
    case RECORDS:
        spec.takes[1] = sale_type();
        break;
    case KEYS:
        keys[1].field[0] = 0;
        break;
    case FIELD:
        keys[1].field[0] = 3;
        break;
    default:
        ck_assert_ptr_null(weir__join(sides, names, &spec));
        return;
    }
    ck_assert_ptr_null(weir_join_erased(sides, keys, &spec));
}

START_TEST(refusals)
{
    static const struct {
        weir_status status;
        const char *what;
    } wanted[] = {
        [PLAIN] = { WEIR_TYPE_MISMATCH, "this is a plain stream" },
        [SCOPES] = { WEIR_INVALID, "the streams are in different scopes" },
        [RECORDS] = { WEIR_TYPE_MISMATCH, "stream 2 carries 'product', the function takes 'sale'" },
        [KEYS] = { WEIR_TYPE_MISMATCH, "the keys of 'sale' and 'product' do not agree" },
        [FIELD] = { WEIR_TYPE_MISMATCH, "the key of stream 2 is none of its records 'product'" },
        [NAME] = { WEIR_TYPE_MISMATCH, "record 'product' has no field 'nothing'" },
    };
    for (int i = 0; i < (int)(sizeof wanted / sizeof *wanted); i++) {
        weir_test *t = weir_test_create(build_refused, &i);
        const weir_error *error = weir_test_error(t);
        ck_assert_int_eq(error->status, wanted[i].status);
        ck_assert_msg(strstr(error->what, wanted[i].what) != NULL, "%s", error->what);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pairs_come_and_go,
        one_side_may_end, what_nobody_asks_for_goes,
        keys_of_two_fields,
        many_pairs_take_many_steps,
        a_product_beyond_64_bits_ends_the_run,
        in_a_loop,
        refusals,
        NULL,
    };
    return test_run(test_suite("join", tests));
}
