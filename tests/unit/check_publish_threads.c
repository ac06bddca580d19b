/* SPDX-License-Identifier: Apache-2.0
 *
 * What publishes, added in the process that gives the order while its other workers build it: for
 * thread sanitizer.
 */
#include <stdio.h>

#include <weir/dataflow.h>
#include <weir/operators/arrange.h>
#include <weir/operators/input.h>
#include <weir/operators/publish.h>
#include <weir/record.h>
#include <weir/worker.h>

#include "support.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

enum { PROCESSES = 2, MANY = 300 };

static void build_first(weir_graph *g, void *ctx)
{
    (void)g;
    (void)ctx;
}

static void build_publisher(weir_graph *g, void *ctx)
{
    weir_input(number) input;
    size_t size;
    (void)ctx;
    weir_stream(number) in = weir_input_add(g, number, &input, .manual = true, .collection = true);
    weir_arranged_publish(weir_arrange(in, WEIR_KEY(number, value)), weir_graph_args(g, &size));
}

START_TEST(publishers_come_and_go)
{
    weir_runtime *of[PROCESSES];
    char at[PROCESSES][64], hosts[140];
    weir_error error = { 0 };
    for (unsigned p = 0; p < PROCESSES; p++)
        test_address(at[p], sizeof at[p]);
    (void)snprintf(hosts, sizeof hosts, "%s,%s", at[0], at[1]);
    for (unsigned p = 0; p < PROCESSES; p++) {
        weir_config config = { .struct_size = sizeof config, .workers = 3, .processes = PROCESSES,
                               .process = p, .hosts = hosts, .secret = "s",
                               .until_stopped = true };
        of[p] = weir_runtime_create(&config, &error);
        ck_assert_msg(of[p] != NULL, "%s", error.what);
        weir_runtime_build(of[p], "first", build_first, NULL, NULL);
        weir_runtime_register(of[p], "publisher", build_publisher, NULL, NULL);
    }
    for (unsigned p = 0; p < PROCESSES; p++)
        ck_assert_int_eq(weir_runtime_start(of[p], NULL), WEIR_OK);
    for (int i = 0; i < MANY; i++) {
        char name[20];
        weir_dataflow *d;
        (void)snprintf(name, sizeof name, "p%d", i);
        weir_dataflow_spec spec = { .struct_size = sizeof spec, .build = "publisher",
                                    .args = name, .args_size = sizeof name };
        ck_assert_int_eq(weir_runtime_add(of[0], &spec, &d, NULL), WEIR_OK);
        ck_assert_int_eq(weir_dataflow_wait(d, WEIR_DATAFLOW_RUNNING, NULL), WEIR_OK);
        ck_assert_int_eq(weir_dataflow_remove(d, NULL), WEIR_OK);
        ck_assert_int_eq(weir_dataflow_wait(d, WEIR_DATAFLOW_GONE, NULL), WEIR_OK);
        weir_dataflow_release(d);
    }
    for (unsigned p = 0; p < PROCESSES; p++)
        weir_runtime_stop(of[p]);
    for (unsigned p = 0; p < PROCESSES; p++)
        ck_assert_int_eq(weir_runtime_wait(of[p], NULL), WEIR_OK);
    for (unsigned p = 0; p < PROCESSES; p++)
        weir_runtime_destroy(of[p]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { publishers_come_and_go, NULL };
    return test_run(test_suite("publish_threads", tests));
}
