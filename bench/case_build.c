/* SPDX-License-Identifier: Apache-2.0
 *
 * The time to build many dataflows of a row of operators: --kind maps (stages) or nodes. From
 * before the first to when the worker has stepped once.
 */
#include <stdlib.h>

#include "feed.h"

static number add(const number *n)
{
    return (number){ n->value + 3 };
}
WEIR_MAP(add, number, number)

static void pass_step(weir_step *step, void *state)
{
    (void)state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        weir_step_send(step, 0, batch, NULL);
}

static weir_port *nodes_add(weir_port *s, uint64_t count)
{
    weir_node_input input = { .type = number_type() };
    weir_node_output output = { .type = number_type() };
    for (uint64_t i = 0; i < count; i++)
        s = weir_node_output_port(weir_node_add(weir_port_graph(s), &(weir_node_spec){
            .struct_size = sizeof(weir_node_spec), .kind = "pass", .input_count = 1,
            .output_count = 1, .inputs = &input, .outputs = &output, .step = pass_step }, &s), 0);
    return s;
}

static bench_case *cases; /* one a dataflow */
static double start, seconds;

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_stream(number) s = { .port = bench_feed_add(graph, c) };
    bool nodes = strcmp(c->options.kind, "nodes") == 0;
    if (nodes)
        s.port = nodes_add(s.port, c->options.nodes);
    for (uint64_t i = 0; !nodes && i < c->options.nodes; i++)
        s = weir_map(s, add);
    c->probe = weir_probe_add(s.port, "end");
}

static void run(weir_worker *worker, void *ctx)
{
    const bench_options *o = ctx;
    weir_worker_step(worker);
    seconds = bench_seconds() - start;
    for (uint64_t d = 0; d < o->dataflows; d++)
        bench_feed_close(&cases[d].shares[0]);
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    cases = calloc(o.dataflows, sizeof *cases);
    void **ctxs = calloc(o.dataflows, sizeof *ctxs);
    if (!cases || !ctxs || o.workers != 1)
        bench_fail("no memory for the dataflows, or more than 1 worker");
    for (uint64_t d = 0; d < o.dataflows; d++) {
        cases[d].options = o;
        ctxs[d] = &cases[d];
    }
    start = bench_seconds();
    bench_run_many(&(bench_many){ .workers = o.workers, .build = build, .ctxs = ctxs,
                                  .count = o.dataflows, .main_fn = run, .ctx = &o });
    bench_answer("%llu", (unsigned long long)(o.dataflows * o.nodes));
    bench_cost(seconds * 1e9 / (double)o.dataflows / (double)o.nodes, "ns/operator");
    free(ctxs);
    free(cases);
    return 0;
}
