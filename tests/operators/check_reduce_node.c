/* SPDX-License-Identifier: Apache-2.0
 *
 * A reduction of first records over another one's results, whose runs have several times: of these
 * one can be looked at and loses to what is there, another one has to wait, since a worker that is
 * behind may still send at it. Workers are stepped by hand, in many orders.
 */
#include <stdio.h>
#include <string.h>

#include <weir/operators/delay.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define TIMED(F) F(u32, key) F(u32, value) F(u64, round)
#define ITEM(F) F(u32, key) F(u32, value)
WEIR_RECORD(timed, TIMED)
WEIR_RECORD(item, ITEM)

enum { SEED = 3, KEYS = 16, STEPS = 6 };

static uint64_t round_of(const timed *t)
{
    return t->round;
}
WEIR_ENTER_AT(round_of, timed)

static item strip(const timed *t)
{
    return (item){ t->key, t->value };
}
WEIR_MAP(strip, timed, item)

/* All of the group. */
static void same(const item *key, weir_group(item) group, weir_out(item) out)
{
    (void)key;
    for (size_t i = 0; i < group.count; i++) {
        weir_builder_set_diff(out.builder, group.counts[i]);
        item_emit(out, *group.records[i]);
    }
}
WEIR_REDUCE(same, item, item)

static void least(const item *key, weir_group(item) group, weir_out(item) out)
{
    (void)key;
    for (size_t i = 0; i < group.count; i++)
        if (group.counts[i] > 0) {
            item_emit(out, *group.records[i]);
            break;
        }
}
WEIR_REDUCE(least, item, item)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(timed) in = weir_test_collection(g, timed);
    weir_stream(item) items =
        weir_map(weir_enter_at(in, weir_scope_add(g, NULL, "rounds"), round_of), strip);
    weir_stream(item) all = weir_reduce(items, WEIR_KEY(item, key), same);
    weir_test_output(weir_reduce(all, WEIR_KEY(item, key), least, .first = 1));
}

/* The first key, from this one on, that belongs to the worker. */
static uint32_t key_on(unsigned worker, uint32_t from)
{
    uint32_t found = KEYS;
    weir_test *t = weir_test_create(build, NULL, .workers = 2, .seed = SEED);
    for (uint32_t k = from; k < KEYS; k++)
        weir_test_push(t, 0, timed, 0, 1, { k, 1, 0 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    for (size_t i = 0; i < weir_test_count(t, 0); i++) {
        weir_test_change c = weir_test_at(t, 0, i);
        uint32_t key = ((const item *)c.record)->key;
        if (c.worker == worker && key < found)
            found = key;
    }
    weir_test_destroy(t);
    ck_assert_uint_lt(found, KEYS);
    return found;
}

static void step(weir_test *t, unsigned worker, unsigned times)
{
    uint64_t timeout;
    while (times-- > 0) {
        weir_worker_step(weir_test_worker(t, worker));
        (void)weir_worker_prepare_wait(weir_test_worker(t, worker), &timeout);
    }
}

/* Epoch 0 has the least value in round 2. Then a larger one comes in round 2, and another one in
 * round 1 of the epoch after, where the least one is not yet there. Something else of that round is
 * on the other worker, so that it stays open. */
static void run_in_order(const uint32_t *keys, const unsigned *steps)
{
    char wanted[500], least_now[100];
    weir_test *t = weir_test_create(build, NULL, .workers = 2, .seed = SEED, .no_delays = true);
    weir_test_push(t, 0, timed, 0, 1, { keys[0], 1, 2 });
    weir_test_advance(t, 0, 1);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_push_on(t, 0, 0, timed, 1, 1, { keys[2], 1, 1 });
    weir_test_push_on(t, 0, 0, timed, 1, 1, { keys[0], 5, 2 });
    weir_test_push_on(t, 0, 0, timed, 2, 1, { keys[0], 3, 1 });
    weir_test_push_on(t, 0, 1, timed, 2, 1, { keys[1], 1, 1 });
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    weir_test_advance(t, 0, 3);
    for (unsigned i = 0; i < 4; i++)
        step(t, i % 2, steps[i]);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    (void)snprintf(least_now, sizeof least_now, "(key: %u, value: 3) @(2, 1) +1\n", keys[0]);
    bool is_first = keys[0] < keys[1];
    (void)snprintf(wanted, sizeof wanted,
                   "(key: %u, value: 1) @(0, 2) +1\n(key: %u, value: 1) @(1, 1) +1\n"
                   "%s(key: %u, value: 1) @(2, 1) +1\n%s(key: %u, value: 3) @(2, 2) -1\n",
                   keys[0], keys[2], is_first ? least_now : "", keys[1], is_first ? "" : least_now,
                   keys[0]);
    const char *is = weir_test_take_sums(t, 0);
    ck_assert_msg(strcmp(is, wanted) == 0,
                  "after %u, %u, %u and %u steps of worker 0, 1, 0 and 1:\n%s", steps[0], steps[1],
                  steps[2], steps[3], is);
    weir_test_destroy(t);
}

START_TEST(a_time_that_waits_is_kept)
{
    uint32_t keys[3] = { key_on(0, 0), key_on(1, 0), 0 };
    keys[2] = key_on(0, keys[0] + 1);
    unsigned steps[4];
    for (unsigned i = 0; i < STEPS * STEPS * STEPS * STEPS; i++) {
        for (unsigned k = 0, n = i; k < 4; k++, n /= STEPS)
            steps[k] = n % STEPS;
        run_in_order(keys, steps);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { a_time_that_waits_is_kept, NULL };
    return test_run(test_suite("reduce_node", tests));
}
