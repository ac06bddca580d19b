/* SPDX-License-Identifier: Apache-2.0
 *
 * A job that has nothing to do: a dataflow with an exchange, through which one record goes; then
 * `ready` is printed, and nothing happens until SIGTERM. bench/run looks at it from outside.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "feed.h"

static weir_runtime *runtime;
static weir_input(number) input;
static atomic_uint arrived;

static void on_signal(int signal_number)
{
    (void)signal_number;
    weir_runtime_stop(runtime);
}

static void arrive(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        if (atomic_fetch_add(&arrived, 1) == 0) {
            printf("ready\n");
            fflush(stdout);
        }
}

static void build(weir_graph *graph, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_input_add(graph, number, &input);
    weir_stream(number) s = weir_exchange(in, WEIR_KEY(number, value));
    weir_node_input takes = { .type = number_type() };
    weir_node_add(graph, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                            .kind = "arrive", .input_count = 1,
                                            .inputs = &takes, .step = arrive }, &s.port);
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    weir_config config = { .struct_size = sizeof config, .workers = o.workers };
    weir_error error = { 0 };
    char text[1600];
    runtime = weir_runtime_create(&config, &error);
    if (!runtime || weir_runtime_build(runtime, "idle", build, NULL, &error) != WEIR_OK)
        bench_fail("%s", weir_error_text(&error, text, sizeof text));
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    weir_input_handle(number) handle = weir_input_open(input, 0);
    weir_input_send(handle, number, { 1 });
    weir_input_flush(handle);
    if (weir_runtime_start(runtime, &error) != WEIR_OK ||
        weir_runtime_wait(runtime, &error) != WEIR_OK)
        bench_fail("%s", weir_error_text(&error, text, sizeof text));
    weir_runtime_destroy(runtime);
    return 0;
}
