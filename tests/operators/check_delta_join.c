/* SPDX-License-Identifier: Apache-2.0
 *
 * delta_join: against all combinations from scratch at every time: a cycle of three collections and
 * of one with itself, four by texts and by two fields at once; refusals.
 */
#include <weir/operators/delta_join.h>

#include <stdio.h>
#include <string.h>
#include <weir/observe.h>
#include <weir/test.h>

#include "oracle.h"

#define EDGE(F) F(u32, from) F(u32, to) F(u8, value)
#define NODE(F) F(str, name) F(opt_u32, number) F(u32, value)
#define FOUND(F) F(u32, a) F(u32, b) F(u32, c) F(u32, d) F(str, name)
WEIR_RECORD(edge, EDGE)
WEIR_RECORD(node, NODE)
WEIR_RECORD(found, FOUND)

static const char *const names[KEYS] = { "A", "a name of more than twelve bytes", "B", "" };

static edge to_edge(const fact *f)
{
    return (edge){ f->key, f->value % KEYS, (uint8_t)f->value };
}
WEIR_MAP(to_edge, fact, edge)

/* One has no number. */
static node to_node(const fact *f)
{
    return (node){ weir_str_of(names[f->key]), { f->value % 3 > 0, f->value % 3 }, f->value };
}
WEIR_MAP(to_node, fact, node)

static uint32_t number_of(const edge *e) { return e->from * 10 + e->value; }

static void triangle(const edge *ab, const edge *bc, const edge *ca, weir_out(found) out)
{
    found_emit(out, (found){ number_of(ab), number_of(bc), number_of(ca), 0, weir_str_of("") });
}
WEIR_DELTA_JOIN3(triangle, edge, edge, edge, found)

static void four(const node *a, const node *b, const edge *c, const node *d, weir_out(found) out)
{
    if (a->value != 3)
        found_emit(out, (found){ a->value, b->value, number_of(c), d->value, d->name });
}
WEIR_DELTA_JOIN4(four, node, node, edge, node, found)

static void build(const weir_stream(fact) *in)
{
    weir_stream(edge) e[3];
    for (int i = 0; i < 3; i++)
        e[i] = weir_map(in[i], to_edge);
    weir_test_output(weir_delta_join3(e[0], e[1], e[2], triangle, WEIR_ON(1, to, 2, from),
                                      WEIR_ON(2, to, 3, from), WEIR_ON(3, to, 1, from)));
    weir_test_output(weir_delta_join3(e[0], e[0], e[0], triangle, WEIR_ON(1, to, 2, from),
                                      WEIR_ON(2, to, 3, from), WEIR_ON(3, to, 1, from)));
    weir_test_output(weir_delta_join3(e[0], e[1], e[2], triangle, WEIR_CHAIN(1, 3, 2),
                                      WEIR_ON(1, to, 2, from), WEIR_ON(2, to, 3, from),
                                      WEIR_ON(3, to, 1, from), WEIR_CHAIN(3, 2, 1),
                                      WEIR_CHAIN(2, 3, 1)));
    weir_stream(node) n = weir_map(in[0], to_node), m = weir_map(in[1], to_node);
    weir_test_output(weir_delta_join4(n, m, e[2], n, four, WEIR_ON(1, name, 2, name),
                                      WEIR_ON(1, number, 2, number), WEIR_ON(2, value, 3, from),
                                      WEIR_ON(1, name, 4, name), WEIR_ON(2, name, 4, name),
                                      WEIR_ON(4, number, 1, number)));
}

static void expect_triangle(bag *b, const oracle_sums *x, const oracle_sums *y,
                            const oracle_sums *z)
{
    for (uint32_t n = 0; n < KEYS * VALUES * VALUES * VALUES; n++) {
        uint32_t p = n % VALUES, q = n / VALUES % VALUES, r = n / VALUES / VALUES % VALUES;
        uint32_t k = n / VALUES / VALUES / VALUES;
        int64_t count = r % KEYS == k ? x->of[k][p] * y->of[p % KEYS][q] * z->of[q % KEYS][r] : 0;
        found f = { k * 10 + p, p % KEYS * 10 + q, q % KEYS * 10 + r, 0, weir_str_of("") };
        if (count != 0)
            bag_add_record(b, found_type(), &f, count);
    }
}

static void expect_four(bag *b, const oracle_sums *sums)
{
    for (uint32_t n = 0; n < KEYS * VALUES * VALUES * VALUES * VALUES; n++) {
        uint32_t p = n % VALUES, q = n / VALUES % VALUES, r = n / VALUES / VALUES % VALUES;
        uint32_t s = n / VALUES / VALUES / VALUES % VALUES;
        uint32_t k = n / VALUES / VALUES / VALUES / VALUES;
        if (p == 3 || q >= KEYS || p % 3 != q % 3 || p % 3 != s % 3)
            continue;
        int64_t count = sums[0].of[k][p] * sums[1].of[k][q] * sums[2].of[q][r] * sums[0].of[k][s];
        found f = { p, q, q * 10 + r, s, weir_str_of(names[k]) };
        if (count != 0)
            bag_add_record(b, found_type(), &f, count);
    }
}

static void expect(unsigned output, bag *b, const oracle_sums *sums)
{
    if (output == 0 || output == 2)
        expect_triangle(b, &sums[0], &sums[1], &sums[2]);
    else if (output == 1)
        expect_triangle(b, &sums[0], &sums[0], &sums[0]);
    else
        expect_four(b, sums);
}

START_TEST(like_all_combinations)
{
    oracle_check(&(oracle){ .inputs = 3, .outputs = 4, .depth_max = 3, .negative = true,
                            .types = { found_type(), found_type(), found_type(), found_type() },
                            .build = build, .expect = expect, .seeds = 45 });
}
END_TEST

/* ---- the order of look-ups ---- */

enum { MANY = 500 };

static void build_stars(weir_graph *g, void *ctx)
{
    weir_stream(edge) e[3];
    for (int i = 0; i < 3; i++)
        e[i] = weir_test_collection(g, edge);
    weir_test_output(ctx ? weir_delta_join3(e[0], e[1], e[2], triangle, WEIR_ON(1, to, 2, from),
                                            WEIR_ON(1, from, 3, from), WEIR_CHAIN(1, 3, 2))
                         : weir_delta_join3(e[0], e[1], e[2], triangle, WEIR_ON(1, to, 2, from),
                                            WEIR_ON(1, from, 3, from)));
}

static void add_records(const weir_node_info *info, void *ctx)
{
    if (strcmp(info->kind, "look_up") == 0)
        *(uint64_t *)ctx += info->records_out;
}

/* A change that many records of the second stream agree with, and none of the third. */
START_TEST(the_order_that_is_named)
{
    for (int named = 0; named < 2; named++) {
        uint64_t made = 0;
        weir_test *t = weir_test_create(build_stars, named ? "named" : NULL);
        for (uint32_t i = 0; i < MANY; i++)
            weir_test_push(t, 1, edge, 0, 1, { 7, i, 0 });
        weir_test_push(t, 0, edge, 1, 1, { 1, 7, 0 });
        for (unsigned i = 0; i < 3; i++)
            weir_test_advance(t, i, 2);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_observe(weir_test_worker(t, 0),
                     &(weir_observer){ .node = add_records, .ctx = &made });
        ck_assert_uint_eq(made, named ? 0 : MANY);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 0);
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- refusals ---- */

static int wrong;

static weir_port *join_wrongly(const weir_stream(edge) *e, const weir_on *on, size_t count)
{
    weir_port *const streams[] = { e[0].port, e[1].port, e[2].port };
    const weir_type *const takes[] = { edge_type(), edge_type(), edge_type() };
    weir_delta_join_spec spec = { sizeof spec, "mine", wrong == 7 ? 1 : 3, takes, found_type(),
                                  weir_delta_of_triangle };
    return weir_delta_join_erased(streams, &spec, on, count);
}

static void refuse(weir_graph *g, void *ctx)
{
    weir_stream(edge) e[3];
    (void)ctx;
    for (int i = 0; i < 3; i++)
        e[i] = weir_test_collection(g, edge);
    static const unsigned chains[][WEIR_DELTA_JOIN_MAX] = {
        { 1, 3, 2 }, { 1, 2 }, { 1, 2, 4 }, { 2, 2, 1 }, { 1, 2, 3, 1 }, { 0 }, { 2, 3, 1 },
    };
    weir_on on[] = { WEIR_ON(1, to, 2, from), WEIR_ON(2, to, 3, from), WEIR_CHAIN(2, 1, 3),
                     WEIR_CHAIN(2, 3, 1) };
    if (wrong == 0)
        e[1] = weir_test_input(g, edge);
    else if (wrong == 1)
        e[2].port = weir_test_collection(g, node).port;
    else if (wrong == 2)
        e[1] = weir_enter(e[1], weir_scope_add(g, NULL, "rounds"));
    else if (wrong == 3)
        on[1].field[1] = "middle";
    else if (wrong == 4)
        on[1].stream[0] = 0;
    else if (wrong == 5)
        on[1].field[1] = "value";
    else if (wrong == 6)
        on[1].stream[0] = 3;
    else if (wrong >= 9)
        memcpy(on[3].chain, chains[wrong - 9], sizeof on[3].chain);
    ck_assert_ptr_null(join_wrongly(e, on, wrong == 8 ? 1 : wrong >= 9 ? 4 : 2));
    e[0].port = NULL;
    ck_assert_ptr_null(join_wrongly(e, on, 2));
}

START_TEST(refusals)
{
    static const struct {
        weir_status status;
        const char *what;
    } expected[] = {
        { WEIR_TYPE_MISMATCH, "collections are joined, and stream 2 is a plain one" },
        { WEIR_TYPE_MISMATCH, "stream 3 carries 'node', the function takes 'edge'" },
        { WEIR_INVALID, "streams 1 and 2 are in different scopes" },
        { WEIR_TYPE_MISMATCH, "a condition names field 'middle' of stream 3" },
        { WEIR_TYPE_MISMATCH, "a condition names field 'to' of stream 0" },
        { WEIR_TYPE_MISMATCH, "'to' of stream 2 and 'value' of stream 3 cannot be compared" },
        { WEIR_TYPE_MISMATCH, "'to' of stream 3 and 'from' of stream 3 cannot be compared" },
        { WEIR_INVALID, "a join of 1 streams" },
        { WEIR_INVALID, "the conditions do not connect all 3 streams" },
        { WEIR_INVALID, "an order of look-ups cannot go on behind its first 1 streams" },
        { WEIR_INVALID, "an order of look-ups cannot go on behind its first 2 streams" },
        { WEIR_INVALID, "an order of look-ups cannot go on behind its first 2 streams" },
        { WEIR_INVALID, "an order of look-ups cannot go on behind its first 1 streams" },
        { WEIR_INVALID, "an order of look-ups cannot go on behind its first 3 streams" },
        { WEIR_INVALID, "an order of look-ups cannot go on behind its first 0 streams" },
        { WEIR_INVALID, "stream 2 has two orders of look-ups" },
    };
    for (wrong = 0; wrong < (int)(sizeof expected / sizeof *expected); wrong++)
        oracle_refused(refuse, expected[wrong].status, expected[wrong].what);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_all_combinations, the_order_that_is_named, refusals, NULL };
    return test_run(test_suite("delta_join", tests));
}
