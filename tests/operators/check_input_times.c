/* SPDX-License-Identifier: Apache-2.0
 *
 * Manual inputs that hold several times, at the root and with two coordinates that both come from
 * the data: what is sent where, what the frontiers are, what is refused; nodes that are notified of
 * such times; the tracker against what is held.
 */
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, n) F(u64, a) F(u64, b)
WEIR_RECORD(item, ITEM)

static weir_input(item) in;

typedef struct told {
    weir_notify notify;
    size_t count;
    weir_time times[4096];
} told;

static weir_status told_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = weir_alloc_zero(sizeof(told));
    return WEIR_OK;
}

static void told_fini(void *state)
{
    weir_notify_fini(&((told *)state)->notify);
    weir_free(state, sizeof(told));
}

static void told_step(weir_step *step, void *state)
{
    told *t = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        const item *items = b->records;
        for (size_t i = 0; i < b->count; i++) {
            ck_assert_uint_eq(b->time.at[0], items[i].a);
            ck_assert_uint_eq(b->time.at[1], items[i].b);
        }
        for (size_t i = 0; i < t->count; i++) /* it was told that this cannot come */
            ck_assert(!weir_time_less_equal(&b->time, &t->times[i], 2));
        weir_notify_at(&t->notify, step, &b->time);
    }
    for (weir_time at; weir_notify_next(&t->notify, step, &at);) {
        for (size_t i = 0; i < t->count; i++)
            ck_assert(!weir_time_less_equal(&at, &t->times[i], 2));
        ck_assert_uint_lt(t->count, 4096);
        t->times[t->count++] = at;
        item_emit((weir_out(item)){ weir_step_output(step, 0, &at) },
                  (item){ 0, at.at[0], at.at[1] });
    }
}

static void build_two(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *both = weir_scope_add(g, NULL, "valid and known");
    weir_stream(item) items = weir_input_add(g, item, &in, .manual = true, .scope = both);
    ck_assert_uint_eq(weir_port_depth(items.port), 2);
    weir_test_output(items);
    weir_test_output(weir_leave(items));
    weir_test_output(weir_unary(weir_exchange(items, WEIR_KEY(item, n)), item, told_step,
                                .init = told_init, .fini = told_fini,
                                .interest = WEIR_IF_HOLDING));
}

static void to(weir_frontier *f, unsigned count, const weir_time *times)
{
    weir_frontier_clear(f);
    for (unsigned i = 0; i < count; i++)
        weir_frontier_insert(f, &times[i]);
}

START_TEST(two_coordinates)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_two, NULL, .workers = workers);
        weir_input_handle(item) h = weir_input_open(in, 0);
        for (unsigned w = 1; w < workers; w++)
            weir_input_close(weir_input_open(in, w));
        weir_frontier f;
        weir_frontier_init(&f, 2);
        to(&f, 2, (weir_time[]){ { { 3, 0 } }, { { 0, 5 } } });
        ck_assert_int_eq(weir_input_advance_frontier(h, &f), WEIR_OK);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{(0, 5), (3, 0)}");
        ck_assert_str_eq(weir_test_frontier(t, 1), "{0}");
        ck_assert_int_eq(weir_input_at(h, &(weir_time){ { 4, 2 } }), WEIR_OK);
        ck_assert_int_eq(weir_input_send(h, item, { 1, 4, 2 }), WEIR_OK);
        ck_assert_int_eq(weir_input_at(h, &(weir_time){ { 0, 6 } }), WEIR_OK);
        ck_assert_int_eq(weir_input_send(h, item, { 2, 0, 6 }), WEIR_OK);
        ck_assert_int_eq(weir_input_at(h, &(weir_time){ { 2, 4 } }), WEIR_INVALID);
        ck_assert_int_eq(weir_input_send(h, item, { 3, 0, 6 }), WEIR_OK);
        weir_input_flush(h);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(n: 2, a: 0, b: 6) @(0, 6) +1\n"
                                               "(n: 3, a: 0, b: 6) @(0, 6) +1\n"
                                               "(n: 1, a: 4, b: 2) @(4, 2) +1\n");
        ck_assert_str_eq(weir_test_take(t, 2), "");
        to(&f, 1, (weir_time[]){ { { 5, 0 } } });
        ck_assert_int_eq(weir_input_advance_frontier(h, &f), WEIR_OK);
        ck_assert_int_eq(weir_input_at(h, &(weir_time){ { 4, 9 } }), WEIR_INVALID);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{(5, 0)}");
        ck_assert_str_eq(weir_test_take(t, 2), "(n: 0, a: 0, b: 6) @(0, 6) +1\n"
                                               "(n: 0, a: 4, b: 2) @(4, 2) +1\n");
        to(&f, 1, (weir_time[]){ { { 4, 9 } } });
        ck_assert_int_eq(weir_input_advance_frontier(h, &f), WEIR_INVALID);
        weir_frontier_clear(&f);
        ck_assert_int_eq(weir_input_advance_frontier(h, &f), WEIR_INVALID);
        weir_frontier_fini(&f);
        weir_frontier_init(&f, 1);
        weir_frontier_insert(&f, &(weir_time){ { 9 } });
        ck_assert_int_eq(weir_input_advance_frontier(h, &f), WEIR_INVALID);
        weir_frontier_fini(&f);
        ck_assert_uint_eq(weir_input_time(h).at[0], 5);
        weir_input_close(h);
        ck_assert_int_eq(weir_input_at(h, &(weir_time){ { 9, 9 } }), WEIR_CLOSED);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

/* Random frontiers on every worker, records anywhere above them. */
static void at_random(uint64_t seed, unsigned workers)
{
    uint64_t random = seed, sent = 0;
    weir_test *t = weir_test_create(build_two, NULL, .workers = workers, .seed = seed,
                                    .batch_bytes = 128);
    weir_input_handle(item) h[3];
    weir_frontier held[3];
    for (unsigned w = 0; w < workers; w++) {
        h[w] = weir_input_open(in, w);
        weir_frontier_init(&held[w], 2);
        weir_frontier_insert(&held[w], &(weir_time){ { 0, 0 } });
    }
    for (unsigned round = 0; round < 200; round++) {
        unsigned w = (unsigned)test_below(&random, workers);
        weir_time at = { { test_below(&random, 20), test_below(&random, 20) } };
        bool may = weir_frontier_less_equal(&held[w], &at);
        ck_assert_int_eq(weir_input_at(h[w], &at), may ? WEIR_OK : WEIR_INVALID);
        if (may) {
            ck_assert_int_eq(weir_input_send(h[w], item, { round, at.at[0], at.at[1] }), WEIR_OK);
            sent++;
        }
        if (test_below(&random, 6) == 0) {
            weir_frontier f;
            weir_frontier_init(&f, 2);
            for (uint64_t n = 1 + test_below(&random, 3); n > 0; n--) {
                const weir_time *from = &weir_frontier_times(
                    &held[w])[test_below(&random, held[w].count)];
                weir_frontier_insert(&f, &(weir_time){ { from->at[0] + test_below(&random, 4),
                                                         from->at[1] + test_below(&random, 4) } });
            }
            ck_assert_int_eq(weir_input_advance_frontier(h[w], &f), WEIR_OK);
            weir_frontier_set(&held[w], &f);
            weir_frontier_fini(&f);
        }
        if (test_below(&random, 3) == 0)
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_frontier all;
    weir_frontier_init(&all, 2);
    for (unsigned w = 0; w < workers; w++)
        for (uint32_t i = 0; i < held[w].count; i++)
            weir_frontier_insert(&all, &weir_frontier_times(&held[w])[i]);
    char text[2000];
    weir_frontier sorted;
    weir_frontier_init(&sorted, 2);
    weir_frontier_set(&sorted, &all);
    ck_assert_msg(strlen(weir_test_frontier(t, 0)) ==
                      strlen(weir_frontier_text(&sorted, text, sizeof text)),
                  "WEIR_SEED=%llu: %s, held %s", (unsigned long long)seed,
                  weir_test_frontier(t, 0), text);
    for (unsigned w = 0; w < workers; w++) {
        weir_input_close(h[w]);
        weir_frontier_fini(&held[w]);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), sent);
    ck_assert_uint_eq(weir_test_count(t, 1), sent);
    ck_assert_uint_gt(weir_test_count(t, 2), 10);
    weir_frontier_fini(&all);
    weir_frontier_fini(&sorted);
    weir_test_destroy(t);
}

START_TEST(like_what_is_held)
{
    uint64_t fixed = test_seed(0);
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 20); seed++)
        at_random(seed, 1 + (unsigned)seed % 3);
}
END_TEST

/* ---- at the root: sent in any order of times ---- */

static void build_root(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_input_add(g, item, &in, .manual = true));
}

START_TEST(any_order_at_the_root)
{
    weir_test *t = weir_test_create(build_root, NULL);
    weir_input_handle(item) h = weir_input_open(in, 0);
    for (uint64_t a = 9; a >= 4; a--) {
        weir_time at = weir_time_1(a);
        ck_assert_int_eq(weir_input_at(h, &at), WEIR_OK);
        ck_assert_int_eq(weir_input_send(h, item, { a, a, 0 }), WEIR_OK);
    }
    weir_time five = weir_time_1(5);
    weir_input_advance_to(h, &five);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(weir_test_at(t, 0, i).time.at[0], 4 + i);
    ck_assert_str_eq(weir_test_frontier(t, 0), "{5}");
    weir_input_close(h);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
}
END_TEST

static void build_clocked_inside(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_scope *scope = weir_scope_add(g, NULL, "scope");
    ck_assert_ptr_null(weir_input_add(g, item, &in, .scope = scope).port);
}

START_TEST(clocks_are_outside)
{
    weir_test *t = weir_test_create(build_clocked_inside, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_INVALID);
    ck_assert_str_eq(weir_test_error(t)->what,
                     "a source that follows the epoch clock is outside of all scopes");
    weir_test_destroy(t);
}
END_TEST

/* ---- sources that end ---- */

static weir_input(item) ends, stays;

static void build_ending(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) both = weir_concat(weir_input_add(g, item, &ends),
                                         weir_input_add(g, item, &stays));
    weir_test_output(weir_consolidate(both));
}

/* What a source has sent last does not wait for others that have nothing to send. */
START_TEST(ending_beside_idle_ones)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_input_handle(item) a[3] = { { NULL } }, b[3];
        weir_test *t = weir_test_create(build_ending, NULL, .workers = workers);
        for (unsigned w = 0; w < workers; w++) {
            a[w] = weir_input_open(ends, w);
            b[w] = weir_input_open(stays, w);
        }
        weir_input_send(a[0], item, { 1, 2, 3 });
        for (unsigned w = 0; w < workers; w++)
            weir_input_close(a[w]);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_take(t, 0), "(n: 1, a: 2, b: 3) @0 +1\n");
        for (unsigned w = 0; w < workers; w++)
            weir_input_close(b[w]);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

static weir_input(item) only;

static void build_only(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_consolidate(weir_input_add(g, item, &only)));
}

/* Its worker has no other source, from which those of other workers could hear of a later epoch. */
START_TEST(ending_before_other_workers)
{
    for (unsigned last = 0; last < 3; last++) {
        weir_input_handle(item) h[3];
        weir_test *t = weir_test_create(build_only, NULL, .workers = 3);
        for (unsigned w = 0; w < 3; w++)
            h[w] = weir_input_open(only, w);
        for (int i = 0; i < 3; i++) {
            weir_input_send(h[last], item, { (uint64_t)i, 2, 3 });
            if (i == 2)
                weir_input_close(h[last]);
            else
                weir_input_flush(h[last]);
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            ck_assert_uint_eq(weir_test_count(t, 0), 1);
            (void)weir_test_take(t, 0);
        }
        for (unsigned w = 0; w < 3; w++)
            if (w != last)
                weir_input_close(h[w]);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("input_times", (const TTest *const[]){
        two_coordinates, like_what_is_held, any_order_at_the_root, clocks_are_outside,
        ending_beside_idle_ones, ending_before_other_workers, NULL }));
}
