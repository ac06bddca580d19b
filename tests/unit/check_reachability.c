/* SPDX-License-Identifier: Apache-2.0
 *
 * The progress graph by examples: cycles refused by name, the order of ports, what is removed.
 */
#include <string.h>

#include "progress_graph.h"

static void refused(const char *detail)
{
    weir_error error;
    ck_assert_ptr_null(oracle_topology(&g, 0, &error));
    ck_assert_int_eq(error.status, WEIR_INVALID);
    ck_assert_str_eq(error.what, "a cycle does not advance time");
    ck_assert_str_eq(error.detail, detail);
    ck_assert_ptr_null(oracle_topology(&g, 0, NULL));
}

START_TEST(cycles_that_do_not_advance)
{
    graph_clear();
    uint32_t a = port(1, NEVER), b = port(1, ALWAYS), c = port(1, NEVER);
    same(a, b);
    same(b, c);
    weir__topology_destroy(finish(0));
    same(c, b);
    refused("port 2 -> port 1 -> port 2");
    g.ports[b].name = "count.in";
    g.ports[c].name = "count.out";
    refused("count.out -> count.in -> count.out");
    g.arcs[2].summary = weir_summary_feedback(1, 1);
    weir__topology_destroy(finish(0));
    same(c, c);
    refused("count.out -> count.out");
}
END_TEST

START_TEST(leaving_and_entering_again_does_not_advance)
{
    graph_clear();
    uint32_t outer = port(1, NEVER), inner = port(2, NEVER), other = port(2, NEVER);
    oracle_arc(&g, outer, inner, weir_summary_enter(1));
    same(inner, other);
    oracle_arc(&g, other, outer, weir_summary_leave(2));
    oracle_arc(&g, other, inner, weir_summary_feedback(2, 1));
    refused("port 1 -> port 2 -> port 0 -> port 1");
    g.arcs[2].summary.add[0] = 1;
    weir__topology_destroy(finish(0));
}
END_TEST

START_TEST(long_cycles_are_cut)
{
    char detail[600];
    graph_clear();
    for (int i = 0; i < 20; i++)
        port(1, ALWAYS);
    for (uint32_t i = 0; i < 20; i++)
        same(i, (i + 1) % 20);
    refused("... (20 ports) -> port 13 -> port 14 -> port 15 -> port 16 -> port 17 -> port 18 -> "
            "port 19 -> port 0");
    memset(detail, 'x', sizeof detail);
    detail[sizeof detail - 1] = 0;
    weir_error error;
    for (uint32_t i = 0; i < 20; i++)
        g.ports[i].name = detail;
    ck_assert_ptr_null(oracle_topology(&g, 0, &error));
    ck_assert_uint_lt(strlen(error.detail), sizeof error.detail);
}
END_TEST

START_TEST(order_of_ports)
{
    graph_clear();
    uint32_t d = port(1, NEVER), c = port(1, ALWAYS), b = port(1, NEVER), a = port(1, NEVER);
    uint32_t before = port(1, NEVER), after = port(1, NEVER);
    same(before, a);
    same(a, b);
    same(b, c);
    same(c, d);
    same(d, after);
    oracle_arc(&g, d, a, weir_summary_feedback(1, 1));
    weir__topology *t = finish(0);
    uint32_t expected[] = { before, a, b, c, d, after };
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_uint_eq(weir__topology_order(t, expected[i]), i);
    ck_assert(weir__topology_in_loop_with(t, a, d) && weir__topology_in_loop_with(t, b, b));
    ck_assert(!weir__topology_in_loop_with(t, before, a));
    ck_assert(weir__topology_matters(t, before) && weir__topology_matters(t, d));
    ck_assert(!weir__topology_matters(t, after));
    ck_assert(weir__topology_is_tracked(t, c) && !weir__topology_is_tracked(t, b));
    ck_assert(weir__topology_is_tracked(t, weir__topology_done(t)));
    ck_assert_uint_eq(weir__topology_depths(t).count, 6);
    ck_assert_uint_eq(weir__topology_depths(t).of[after], 1);
    weir__topology_destroy(t);
}
END_TEST

static void sized(unsigned flags, uint32_t ports, uint32_t edges)
{
    weir__topology *t = finish(flags);
    weir__topology_size size = weir__topology_tracked(t);
    ck_assert_uint_eq(size.ports, ports);
    ck_assert_uint_eq(size.edges, edges);
    weir__topology_destroy(t);
}

START_TEST(a_chain_that_nobody_asks_about)
{
    graph_clear();
    for (int i = 0; i < 100; i++)
        port(1, NEVER);
    for (uint32_t i = 0; i + 1 < 100; i++)
        same(i, i + 1);
    sized(0, 1, 0); /* `done` */
    g.ports[99].interest = ALWAYS;
    sized(0, 2, 1);
    g.ports[99].interest = NEVER;
    g.ports[50].watched = true;
    sized(0, 2, 1);
    sized(WEIR__TOPOLOGY_KEEP_ALL, 101, 100);
}
END_TEST

START_TEST(what_is_removed)
{
    graph_clear(); /* a loop in which one port asks: its own way round leads nowhere new */
    uint32_t in = port(1, ALWAYS), out = port(1, NEVER), sink = port(1, ALWAYS);
    same(in, out);
    same(out, sink);
    oracle_arc(&g, out, in, weir_summary_feedback(1, 1));
    sized(0, 3, 2);
    graph_clear(); /* many to many: 3 × 3 edges would be more than 3 + 3 */
    uint32_t middle = port(1, NEVER);
    for (int i = 0; i < 3; i++) {
        same(port(1, ALWAYS), middle);
        same(middle, port(1, ALWAYS));
    }
    sized(0, 8, 9);
    g.arc_count -= 2;
    sized(0, 7, 8); /* 3 × 2: and the last sender leads to `done` alone */
    graph_clear();  /* one to many: a count ends up at a handful of places, not at hundreds */
    middle = port(1, NEVER);
    for (int i = 0; i < 4; i++)
        same(middle, port(1, ALWAYS));
    sized(0, 5, 4);
    for (int i = 0; i < 96; i++)
        same(middle, port(1, ALWAYS));
    sized(0, 102, 200);
    graph_clear(); /* parallel ways become one */
    uint32_t first = port(1, NEVER), last = port(1, ALWAYS);
    for (uint64_t i = 1; i < 4; i++) {
        uint32_t way = port(1, NEVER);
        same(first, way);
        oracle_arc(&g, way, last, weir_summary_feedback(1, i));
    }
    sized(0, 2, 1);
    g.ports[first].interest = ALWAYS;
    sized(0, 3, 3); /* first adds 1 to reach last, hence leads to `done` by itself */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        cycles_that_do_not_advance,
        leaving_and_entering_again_does_not_advance,
        long_cycles_are_cut,
        order_of_ports,
        a_chain_that_nobody_asks_about,
        what_is_removed,
        NULL,
    };
    return test_run(test_suite("reachability", tests));
}
