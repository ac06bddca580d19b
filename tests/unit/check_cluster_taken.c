/* SPDX-License-Identifier: Apache-2.0
 *
 * A host that steps worker 0 of a cluster gives up before the others have come.
 */
#include <stdio.h>
#include <unistd.h>

#include <weir/graph.h>
#include <weir/worker.h>

#include "support.h"

static void build(weir_graph *g, void *ctx)
{
    (void)g;
    (void)ctx;
}

START_TEST(who_gives_up_does_not_wait_for_his_own_worker)
{
    char hosts[140], at[2][64];
    weir_error error = { 0 };
    for (unsigned p = 0; p < 2; p++)
        test_address(at[p], sizeof at[p]);
    (void)snprintf(hosts, sizeof hosts, "%s,%s", at[0], at[1]);
    weir_config config = { .struct_size = sizeof config, .workers = 2, .processes = 2,
                           .hosts = hosts, .secret = "s" };
    weir_runtime *runtime = weir_runtime_create(&config, &error);
    ck_assert_msg(runtime != NULL, "%s", error.what);
    weir_runtime_build(runtime, NULL, build, NULL, NULL);
    weir_worker *worker = weir_runtime_take_worker(runtime, 0, NULL);
    ck_assert_int_eq(weir_runtime_start(runtime, NULL), WEIR_OK);
    for (int i = 0; i < 100; i++)
        ck_assert(weir_worker_step(worker));
    weir_runtime_stop(runtime);
    (void)alarm(20); /* it is killed if it waits for ever */
    ck_assert_int_eq(weir_runtime_wait(runtime, &error), WEIR_OK);
    (void)alarm(0);
    weir_runtime_destroy(runtime);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { who_gives_up_does_not_wait_for_his_own_worker, NULL };
    return test_run(test_suite("cluster_taken", tests));
}
