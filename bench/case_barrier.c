/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds of an empty feedback loop: a node holds a capability for its round and moves it on when
 * the frontier of its input, which every worker's capability reaches through the loop, has passed
 * it. With --kind bytes the cost is what this process has told others of progress.
 */
#include <string.h>

#include <weir/observe.h>

#include "feed.h"

static weir_status barrier_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    (void)step;
    *state = ctx;
    return WEIR_OK;
}

static void barrier_step(weir_step *step, void *state)
{
    bench_case *c = state;
    bench_share *share = &c->shares[weir_step_worker(step)];
    while (weir_step_take(step, 0))
        ;
    if (!weir_cap_held(step, 0))
        return;
    weir_time round = weir_cap_time(step, 0);
    if (weir_frontier_less_equal(weir_step_frontier(step, 0), &round))
        return;
    share->answer[0]++;
    weir_time next = weir_time_1(round.at[0] + 1);
    if (next.at[0] < c->options.rounds)
        weir_cap_downgrade(step, 0, &next);
    else
        weir_cap_drop(step, 0);
}

static void build(weir_graph *graph, void *ctx)
{
    weir_feedback *loop = weir_feedback_add(graph, NULL, number_type(), 1);
    weir_port *in = weir_feedback_port(loop);
    weir_node_input input = { .type = number_type(), .interest = WEIR_ALWAYS,
                              .takes_diffs = true };
    weir_node_output output = { .type = number_type() };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "barrier", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .initial_capabilities = true,
        .ctx = ctx, .init = barrier_init, .step = barrier_step }, &in);
    weir_feedback_connect(loop, weir_node_output_port(node, 0));
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    bench_meet(c, worker);
    double start = bench_seconds();
    while (share->answer[0] < c->options.rounds && weir_worker_step_or_park(worker, UINT64_MAX))
        ;
    share->seconds = bench_seconds() - start;
    weir_process_info info;
    weir_observe_process(weir_worker_runtime(worker), &info);
    if (weir_worker_index(worker) == info.process * info.workers)
        share->answer[1] = info.sent_progress_bytes;
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    if (strcmp(c.options.kind, "bytes") == 0)
        bench_cost((double)bench_total(&c, 1), "bytes");
    else
        bench_cost(bench_slowest(&c) * 1e6 / (double)c.options.rounds, "us/round");
    return 0;
}
