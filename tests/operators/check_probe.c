/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: how far a stream has come, asked on any worker.
 */
#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id)
WEIR_RECORD(item, ITEM)

static weir_probe *plain, *inner, *later;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(item) in = weir_test_input(g, item), inside;
    plain = weir_probe(in, "plain");
    inside.port = weir_port_enter(in.port, weir_scope_add(g, NULL, "inside"));
    inner = weir_probe(inside, NULL);
    later = weir_probe(weir_exchange(in, WEIR_KEY(item, id)), NULL);
    ck_assert_ptr_null(weir_probe((weir_stream(item)){ .port = NULL }, NULL));
}

static void ck_probes(weir_test *t, uint64_t epoch)
{
    weir_time at = weir_time_1(epoch), before = weir_time_1(epoch - 1);
    weir_probe *probes[3] = { plain, inner, later };
    for (unsigned w = 0; w < 3; w++)
        for (unsigned p = 0; p < 3; p++) {
            weir_worker *worker = weir_test_worker(t, w);
            ck_assert(!weir_probe_less_than(probes[p], worker, &at));
            ck_assert(weir_probe_less_equal(probes[p], worker, &at));
            ck_assert(!weir_probe_less_equal(probes[p], worker, &before));
            ck_assert(!weir_probe_done(probes[p], worker));
        }
    weir_time ahead = { { epoch, 1 } };
    ck_assert(weir_probe_less_than(inner, weir_test_worker(t, 0), &ahead));
}

START_TEST(follows_the_frontier)
{
    weir_test *t = weir_test_create(build, NULL, .workers = 3);
    weir_test_push(t, 0, item, 3, +1, { 1 });
    weir_test_advance(t, 0, 2);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_probes(t, 2);
    weir_test_advance(t, 0, 7);
    ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    ck_probes(t, 7);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert(weir_probe_done(inner, weir_test_worker(t, 2)));
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("probe", (const TTest *const[]){
        follows_the_frontier, NULL }));
}
