/* SPDX-License-Identifier: Apache-2.0
 *
 * The tracker by examples: frontiers, `done`, removed ports, the ends of the range of times,
 * reports, the rule on holding back; and the assertions of progress.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/memory.h>

#include "progress_graph.h"

static void count(weir__tracker *t, uint32_t p, uint64_t time, int64_t diff)
{
    weir_time at = weir_time_1(time);
    weir__tracker_update(t, p, &at, diff);
}

static uint32_t propagate(weir__tracker *t)
{
    uint32_t changed;
    weir__tracker_propagate(t, &changed);
    return changed;
}

static void expect(const weir__tracker *t, uint32_t p, const char *text)
{
    char room[200];
    ck_assert_str_eq(weir_frontier_text(weir__tracker_frontier(t, p), room, sizeof room), text);
}

/* ---- tracking ---- */

START_TEST(counting_at_removed_ports)
{
    graph_clear();
    for (int i = 0; i < 100; i++)
        port(1, NEVER);
    for (uint32_t i = 0; i + 1 < 100; i++)
        same(i, i + 1);
    g.ports[50].watched = true;
    weir__topology *t = finish(0);
    weir__change initial[] = { { .port = 0, .diff = 2 }, { .port = 70, .diff = 1 } };
    weir__tracker *k = weir__tracker_create(t, initial, 2);
    expect(k, 50, "{0}");
    count(k, 0, 0, -2);
    count(k, 3, 4, 1);
    count(k, 99, 2, 1);
    ck_assert_uint_eq(propagate(k), 1);
    expect(k, 50, "{4}");
    expect(k, 100, "{0}");
    count(k, 3, 4, -1);
    count(k, 70, 0, -1);
    ck_assert_uint_eq(propagate(k), 2);
    expect(k, 50, "{}");
    expect(k, 100, "{2}");
    count(k, 99, 2, -1);
    ck_assert_uint_eq(propagate(k), 1);
    expect(k, 100, "{}");
    ck_assert(weir__tracker_is_empty(k));
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

/* A loop around a scope: the ports in it come back to themselves at times that are not after
 * theirs. */
START_TEST(a_loop_around_a_scope)
{
    graph_clear();
    uint32_t outer = port(1, NEVER), inner = port(2, NEVER), ask = port(2, ALWAYS);
    oracle_arc(&g, outer, inner, weir_summary_enter(1));
    same(inner, ask);
    weir_summary around = { .keep = 1, .depth = 1, .add = { 1 } };
    oracle_arc(&g, inner, outer, around);
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    weir_time at = { { 5, 7 } };
    weir__tracker_update(k, inner, &at, 1);
    ck_assert_uint_eq(propagate(k), 2);
    ck_assert_uint_eq(weir__tracker_frontier(k, ask)->count, 2);
    ck_assert(weir_frontier_less_equal(weir__tracker_frontier(k, ask), &(weir_time){ { 6, 0 } }));
    ck_assert(!weir_frontier_less_equal(weir__tracker_frontier(k, ask), &(weir_time){ { 5, 6 } }));
    expect(k, weir__topology_done(t), "{5}");
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

START_TEST(nothing_at_all)
{
    graph_clear();
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    ck_assert_uint_eq(propagate(k), 0);
    expect(k, weir__topology_done(t), "{}");
    ck_assert(weir__tracker_is_empty(k));
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
    weir__topology_destroy(NULL);
    weir__tracker_destroy(NULL);
    weir__topology_builder_destroy(NULL);
}
END_TEST

START_TEST(feeding_back)
{
    graph_clear();
    uint32_t source = port(1, NEVER), in = port(1, ALWAYS), out = port(1, NEVER);
    g.ports[out].watched = true;
    same(source, in);
    same(in, out);
    oracle_arc(&g, out, in, weir_summary_feedback(1, 1));
    weir__topology *t = finish(0);
    weir__change initial = { .port = source, .diff = 1 };
    weir__tracker *k = weir__tracker_create(t, &initial, 1);
    count(k, in, 0, 1);
    ck_assert_uint_eq(propagate(k), 0);
    count(k, source, 0, -1);
    ck_assert_uint_eq(propagate(k), 0);
    for (uint64_t i = 0; i < 10; i++) { /* only the batch that goes round is left */
        count(k, in, i, -1);
        count(k, in, i + 1, 1);
        uint32_t changed;
        const uint32_t *list = weir__tracker_propagate(k, &changed);
        ck_assert_uint_eq(changed, 3);
        ck_assert(list[0] == in && list[1] == out && list[2] == weir__topology_done(t));
        ck_assert_uint_eq(weir__tracker_frontier(k, in)->one.at[0], i + 1);
    }
    count(k, in, 10, -1);
    ck_assert_uint_eq(propagate(k), 3);
    expect(k, in, "{}");
    expect(k, out, "{}");
    ck_assert(weir__tracker_is_empty(k));
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

START_TEST(negative_counts_make_no_frontier)
{
    graph_clear();
    uint32_t a = port(1, NEVER), b = port(1, ALWAYS);
    same(a, b);
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    count(k, b, 3, -1);
    ck_assert_uint_eq(propagate(k), 0);
    ck_assert(!weir__tracker_is_empty(k));
    count(k, a, 2, 1);
    count(k, a, 5, 0);
    propagate(k);
    expect(k, b, "{2}");
    count(k, b, 3, 2);
    count(k, a, 2, -1);
    propagate(k);
    expect(k, b, "{3}");
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

START_TEST(applying_changes)
{
    graph_clear();
    uint32_t a = port(1, NEVER), b = port(1, ALWAYS);
    same(a, b);
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    weir__changes c = { 0 };
    weir_time two = weir_time_1(2), three = weir_time_1(3);
    weir__changes_add(&c, a, &two, 1);
    weir__changes_add(&c, b, &three, 1);
    weir__changes_add(&c, b, &three, -1);
    weir__tracker_apply(k, &c);
    ck_assert_uint_eq(propagate(k), 2);
    expect(k, b, "{2}");
    weir__changes_fini(&c);
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

/* A thousand open times at one port, and a thousand ports that count at one slot. */
START_TEST(many_counts)
{
    enum { MANY = 500 };
    graph_clear();
    for (int i = 0; i < MANY; i++)
        port(1, NEVER);
    uint32_t sink = port(1, ALWAYS);
    for (uint32_t i = 0; i < MANY; i++)
        same(i, sink);
    weir__topology *t = finish(0);
    ck_assert_uint_eq(weir__topology_tracked(t).ports, 2);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    for (uint32_t i = 0; i < MANY; i++)
        count(k, i * 7 % MANY, 0, 1);
    for (uint64_t time = 1; time < 5; time++)
        for (uint32_t i = 0; i < MANY; i++) {
            propagate(k);
            ck_assert_uint_eq(weir__tracker_frontier(k, sink)->one.at[0], time - 1);
            count(k, i * 7 % MANY, time, 1);
            count(k, i * 7 % MANY, time - 1, -1);
        }
    for (uint32_t i = 0; i < MANY; i++)
        count(k, i, 4, -1);
    for (uint64_t time = 0; time < MANY; time++)
        count(k, 0, time * 3 % MANY, 1);
    for (uint64_t time = 0; time < MANY; time++) {
        propagate(k);
        ck_assert_uint_eq(weir__tracker_frontier(k, sink)->one.at[0], time);
        count(k, 0, time, -1);
    }
    ck_assert_uint_eq(propagate(k), 2);
    ck_assert(weir__tracker_is_empty(k));
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

/* Times above 2^63 and the last one of all; nothing outstanding is not the same as that one. */
START_TEST(ends_of_the_range)
{
    graph_clear();
    uint32_t a = port(1, NEVER), b = port(1, ALWAYS), back = port(1, ALWAYS);
    same(a, b);
    oracle_arc(&g, b, back, weir_summary_feedback(1, 3));
    oracle_arc(&g, back, b, weir_summary_feedback(1, 1));
    weir__topology *t = finish(0);
    weir__change initial = { .time = { { 7 } }, .port = a, .diff = 1 };
    weir__tracker *k = weir__tracker_create(t, &initial, 1);
    size_t bytes = weir__tracker_bytes(k);
    expect(k, back, "{10}");
    count(k, a, 7, -1);
    count(k, a, UINT64_MAX, 1);
    ck_assert_uint_eq(propagate(k), 3);
    expect(k, b, "{18446744073709551615}");
    expect(k, back, "{}");
    expect(k, weir__topology_done(t), "{18446744073709551615}");
    ck_assert_uint_ne(weir__tracker_bytes(k), bytes);
    count(k, b, UINT64_MAX - 3, 1);
    ck_assert_uint_eq(propagate(k), 3);
    expect(k, back, "{18446744073709551615}");
    count(k, b, UINT64_MAX - 3, -1);
    count(k, a, UINT64_MAX, -1);
    ck_assert_uint_eq(propagate(k), 3);
    expect(k, b, "{}");
    ck_assert(weir__tracker_is_empty(k));
    count(k, a, 3, 1);
    propagate(k);
    expect(k, back, "{6}");
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

START_TEST(steps_too_large_for_the_short_way)
{
    graph_clear();
    uint32_t a = port(1, ALWAYS), b = port(1, ALWAYS);
    oracle_arc(&g, a, b, weir_summary_feedback(1, UINT64_MAX - 5));
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    count(k, a, 5, 1);
    propagate(k);
    expect(k, b, "{18446744073709551615}");
    count(k, a, 6, 1);
    count(k, a, 5, -1);
    propagate(k);
    expect(k, b, "{}");
    expect(k, a, "{6}");
    expect(k, weir__topology_done(t), "{6}");
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

/* Changes here and there in a chain of more ports than one word of the bits covers. */
START_TEST(many_ports)
{
    enum { MANY = 20000 };
    static uint64_t least[MANY];
    uint64_t state = test_seed(9);
    weir__topology_builder *b = weir__topology_builder_create();
    weir_summary identity = weir_summary_identity(1);
    for (uint32_t i = 0; i < MANY; i++)
        weir__topology_add_port(b, &(weir__port_spec){ .depth = 1, .watched = true });
    for (uint32_t i = 1; i < MANY; i++)
        weir__topology_add_edge(b, i - 1, i, &identity);
    weir__topology *t;
    ck_assert_int_eq(weir__topology_finish(b, 0, &t, NULL), WEIR_OK);
    weir__topology_builder_destroy(b);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    memset(least, 0xff, sizeof least);
    for (int round = 0; round < 60; round++) {
        uint64_t now = UINT64_MAX;
        bool good = true;
        for (int i = 0; i < 3; i++) {
            uint32_t p = (uint32_t)test_below(&state, MANY);
            if (least[p] != UINT64_MAX)
                count(k, p, least[p], -1);
            least[p] = test_below(&state, 3) ? test_below(&state, 100) : UINT64_MAX;
            if (least[p] != UINT64_MAX)
                count(k, p, least[p], 1);
        }
        propagate(k);
        for (uint32_t p = 0; p < MANY; p++) {
            const weir_frontier *f = weir__tracker_frontier(k, p);
            now = least[p] < now ? least[p] : now;
            good &= f->count == (now != UINT64_MAX) && (f->count == 0 || f->one.at[0] == now);
        }
        ck_assert(good);
    }
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

/* ---- reports ---- */

typedef struct seen {
    weir__outstanding items[16];
    uint32_t count;
} seen;

static void see(const weir__outstanding *o, void *ctx)
{
    seen *s = ctx;
    ck_assert_uint_lt(s->count, 16);
    s->items[s->count++] = *o;
}

static bool has(const seen *s, uint32_t p, uint64_t time, int64_t diff)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->items[i].port == p && s->items[i].time.at[0] == time && s->items[i].count == diff)
            return true;
    return false;
}

START_TEST(who_holds_it_back)
{
    graph_clear();
    uint32_t a = port(1, NEVER), b = port(1, ALWAYS), c = port(1, NEVER), other = port(1, ALWAYS);
    same(a, b);
    oracle_arc(&g, b, c, weir_summary_feedback(1, 2));
    same(c, other);
    oracle_arc(&g, other, b, weir_summary_feedback(1, 1));
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    seen s = { .count = 0 };
    count(k, a, 4, 2);
    count(k, b, 4, 1);
    count(k, b, 5, 1);
    count(k, c, 6, 1);
    count(k, c, 7, -1);
    propagate(k);
    weir__tracker_holders(k, other, see, &s);
    ck_assert_uint_eq(s.count, 3);
    ck_assert(has(&s, a, 4, 2) && has(&s, b, 4, 1) && has(&s, c, 6, 1));
    s.count = 0;
    weir__tracker_holders(k, b, see, &s);
    ck_assert(s.count == 2 && has(&s, a, 4, 2) && has(&s, b, 4, 1));
    s.count = 0;
    weir__tracker_holders(k, weir__topology_done(t), see, &s);
    ck_assert_uint_eq(s.count, 2);
    s.count = 0;
    weir__tracker_each(k, see, &s);
    ck_assert_uint_eq(s.count, 5);
    ck_assert(has(&s, c, 7, -1) && has(&s, b, 5, 1));
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

START_TEST(holders_in_a_scope)
{
    graph_clear();
    uint32_t a = port(1, NEVER), in = port(2, ALWAYS), out = port(2, ALWAYS),
             sink = port(1, ALWAYS);
    oracle_arc(&g, a, in, weir_summary_enter(1));
    same(in, out);
    oracle_arc(&g, out, in, weir_summary_feedback(2, 1));
    oracle_arc(&g, out, sink, weir_summary_leave(2));
    oracle_arc(&g, sink, in, (weir_summary){ .keep = 1, .depth = 2, .add = { 1 } });
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    seen s = { .count = 0 };
    for (uint64_t i = 3; i < 6; i++)
        weir__tracker_update(k, in, &(weir_time){ { 1, i } }, 1);
    count(k, a, 2, 1);
    propagate(k);
    expect(k, in, "{(1, 3), (2, 0)}");
    expect(k, sink, "{1}");
    weir__tracker_holders(k, sink, see, &s);
    ck_assert_uint_eq(s.count, 3);
    s.count = 0;
    weir__tracker_holders(k, out, see, &s);
    ck_assert_uint_eq(s.count, 4); /* (1, 3); the others by way of the sink; and a */
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

/* A removed port that counts at two places, and one whose times lose a coordinate on the way:
 * reports name the pointstamp itself, once. */
START_TEST(reports_of_removed_ports)
{
    graph_clear();
    uint32_t a = port(2, NEVER), b = port(1, ALWAYS), c = port(1, ALWAYS);
    oracle_arc(&g, a, b, weir_summary_leave(2));
    oracle_arc(&g, a, c, weir_summary_leave(2));
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    seen s = { .count = 0 };
    weir__tracker_update(k, a, &(weir_time){ { 4, 1 } }, 1);
    weir__tracker_update(k, a, &(weir_time){ { 4, 2 } }, 2);
    weir__tracker_update(k, a, &(weir_time){ { 4, 3 } }, -3);
    weir__tracker_update(k, b, &(weir_time){ { 5, 0 } }, 1);
    propagate(k);
    expect(k, b, "{4}");
    weir__tracker_each(k, see, &s);
    ck_assert_uint_eq(s.count, 4);
    ck_assert(has(&s, a, 4, 1) && has(&s, a, 4, 2) && has(&s, a, 4, -3) && has(&s, b, 5, 1));
    for (uint32_t asked = b; asked <= weir__topology_done(t); asked++) {
        s.count = 0;
        weir__tracker_holders(k, asked, see, &s);
        ck_assert(s.count == 2 && has(&s, a, 4, 1) && has(&s, a, 4, 2));
        ck_assert_uint_eq(s.items[0].time.at[1] + s.items[1].time.at[1], 3);
    }
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
}
END_TEST

/* ---- holding back ---- */

static bool must(const weir__tracker *k, uint32_t p, uint64_t time, uint32_t q, uint64_t next)
{
    weir__changes sum = { 0 };
    weir_time t = weir_time_1(time), n = weir_time_1(next);
    weir__changes_add(&sum, p, &t, -1);
    if (q != UINT32_MAX)
        weir__changes_add(&sum, q, &n, 1);
    bool answer = weir__tracker_must_publish(k, &sum);
    weir__changes_fini(&sum);
    return answer;
}

/* A source exchanges with a node that passes on to a sink. Batches that come and go behind the
 * source's capability are nobody's business, whether the ports in between were removed or not. */
START_TEST(holding_back)
{
    for (unsigned flags = 0; flags < 2; flags++) {
        graph_clear();
        uint32_t source = port(1, NEVER), in = port(1, NEVER), out = port(1, NEVER);
        uint32_t sink = port(1, ALWAYS), behind = port(1, NEVER);
        same(source, in);
        same(in, out);
        same(out, sink);
        same(sink, behind);
        weir__topology *t = finish(flags);
        weir__change initial = { .time = { { 5 } }, .port = source, .diff = 2 };
        weir__tracker *k = weir__tracker_create(t, &initial, 1);
        ck_assert_uint_eq(weir__topology_tracked(t).ports, flags ? 6 : 2);
        ck_assert(!must(k, in, 5, sink, 5));         /* a batch passed on */
        ck_assert(!must(k, sink, 5, UINT32_MAX, 0)); /* one consumed */
        ck_assert(!must(k, behind, 5, UINT32_MAX, 0));
        ck_assert(must(k, source, 5, source, 6)); /* whatever count remains there */
        ck_assert(must(k, in, 4, UINT32_MAX, 0));
        ck_assert(!must(k, behind, 4, UINT32_MAX, 0)); /* leads to no interest */
        count(k, source, 5, -2);
        count(k, in, 5, 1);
        propagate(k);
        ck_assert(must(k, source, 5, source, 6));
        ck_assert(must(k, in, 5, UINT32_MAX, 0));
        ck_assert(!must(k, sink, 5, UINT32_MAX, 0) && !must(k, out, 5, sink, 5));
        weir__tracker_destroy(k);
        weir__topology_destroy(t);
    }
}
END_TEST

/* ---- programmers' errors ---- */

static bool dies(void (*fn)(weir__tracker *))
{
    graph_clear();
    port(1, NEVER);
    port(1, ALWAYS);
    weir__topology *t = finish(0);
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        fn(k);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void ask_an_untracked_port(weir__tracker *k)
{
    weir__tracker_frontier(k, 0);
}
static void ask_no_port(weir__tracker *k)
{
    weir__tracker_frontier(k, 3);
}
static void count_at_no_port(weir__tracker *k)
{
    count(k, 2, 0, 1);
}
static void overflow(weir__tracker *k)
{
    count(k, 1, 0, INT64_MAX);
    count(k, 1, 0, 1);
}
static void overflow_changes(weir__tracker *k)
{
    (void)k;
    weir__changes c = { 0 };
    weir_time t = weir_time_1(0);
    weir__changes_add(&c, 0, &t, INT64_MIN);
    weir__changes_add(&c, 0, &t, -1);
}
static void encode_no_port(weir__tracker *k)
{
    (void)k;
    weir__changes c = { 0 };
    weir_time t = weir_time_1(0);
    weir__changes_add(&c, 1, &t, 1);
    weir__changes_encoded_size(&c, (weir__depths){ (const uint8_t[]){ 1 }, 1 });
}
static void port_of_no_depth(weir__tracker *k)
{
    (void)k;
    port(0, NEVER);
    finish(0);
}
static void edge_to_no_port(weir__tracker *k)
{
    (void)k;
    oracle_arc(&g, 0, 2, weir_summary_identity(1));
    finish(0);
}
static void edge_of_another_depth(weir__tracker *k)
{
    (void)k;
    oracle_arc(&g, 0, 1, weir_summary_enter(1));
    finish(0);
}
static void no_such_scope(weir__tracker *k)
{
    (void)k;
    weir_summary_leave(1);
}
static void no_deeper_scope(weir__tracker *k)
{
    (void)k;
    weir_summary_enter(WEIR_TIME_COORDS);
}
static void feedback_of_nothing(weir__tracker *k)
{
    (void)k;
    weir_summary_feedback(1, 0);
}
static void identity_of_nothing(weir__tracker *k)
{
    (void)k;
    weir_summary_identity(0);
}
static void frontier_of_nothing(weir__tracker *k)
{
    (void)k;
    weir_frontier f;
    weir_frontier_init(&f, 5);
}

START_TEST(assertions)
{
    void (*const errors[])(weir__tracker *) = {
        ask_an_untracked_port, ask_no_port,         count_at_no_port, overflow,
        overflow_changes,      encode_no_port,      port_of_no_depth, edge_to_no_port,
        edge_of_another_depth, no_such_scope,       no_deeper_scope,  feedback_of_nothing,
        identity_of_nothing,   frontier_of_nothing,
    };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        ck_assert_msg(dies(errors[i]), "error %zu passes", i);
}
END_TEST

START_TEST(memory_comes_back)
{
    size_t used = weir_memory_used();
    graph_clear();
    for (int i = 0; i < 40; i++)
        port(2, i % 2 ? ALWAYS : NEVER);
    for (uint32_t i = 0; i < 40; i++)
        oracle_arc(&g, i, (i + 1) % 40,
                   i == 39 ? weir_summary_feedback(2, 1) : weir_summary_identity(2));
    weir__topology *t = finish(0);
    size_t built = weir_memory_used();
    weir__tracker *k = weir__tracker_create(t, NULL, 0);
    for (uint64_t i = 0; i < 100; i++) {
        weir__tracker_update(k, (uint32_t)(i * 7 % 40), &(weir_time){ { i % 10, 10 - i % 10 } }, 1);
        propagate(k);
    }
    ck_assert_uint_eq(weir__tracker_bytes(k), weir_memory_used() - built);
    weir__tracker_destroy(k);
    ck_assert_uint_eq(weir_memory_used(), built);
    weir__topology_destroy(t);
    ck_assert_uint_eq(weir_memory_used(), used);
    for (int i = 0; i < 40; i++)
        g.ports[i].depth = 1;
    for (int i = 0; i < 40; i++)
        g.arcs[i].summary = i == 39 ? weir_summary_feedback(1, 1) : weir_summary_identity(1);
    t = finish(WEIR__TOPOLOGY_KEEP_ALL);
    built = weir_memory_used();
    k = weir__tracker_create(t, NULL, 0);
    for (uint64_t i = 0; i < 100; i++)
        count(k, (uint32_t)(i * 7 % 40), 100 - i, 1), propagate(k);
    ck_assert_uint_eq(weir__tracker_bytes(k), weir_memory_used() - built);
    count(k, 0, UINT64_MAX, 1);
    propagate(k);
    ck_assert_uint_eq(weir__tracker_bytes(k), weir_memory_used() - built);
    weir__tracker_destroy(k);
    weir__topology_destroy(t);
    ck_assert_uint_eq(weir_memory_used(), used);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        counting_at_removed_ports,
        a_loop_around_a_scope,
        nothing_at_all,
        feeding_back,
        negative_counts_make_no_frontier,
        applying_changes,
        many_counts,
        ends_of_the_range,
        steps_too_large_for_the_short_way,
        many_ports,
        who_holds_it_back,
        holders_in_a_scope,
        reports_of_removed_ports,
        holding_back,
        assertions,
        memory_comes_back,
        NULL,
    };
    return test_run(test_suite("tracker", tests));
}
