/* SPDX-License-Identifier: Apache-2.0
 *
 * Empty epochs through a row of nodes that each want to hear of every frontier. A notice is a call
 * in which the frontier has moved.
 */
#include <stdlib.h>

#include "feed.h"

typedef struct notice {
    bench_share *share;
    uint64_t last;
} notice;

static weir_status notice_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    notice *n = calloc(1, sizeof *n);
    if (!n)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a node");
    n->share = &((bench_case *)ctx)->shares[weir_step_worker(step)];
    *state = n;
    return WEIR_OK;
}

static void notice_step(weir_step *step, void *state)
{
    notice *n = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        weir_step_send(step, 0, batch, NULL);
    const weir_frontier *frontier = weir_step_frontier(step, 0);
    if (!weir_frontier_is_empty(frontier)) {
        uint64_t now = weir_frontier_times(frontier)->at[0];
        if (now != n->last) {
            n->last = now;
            n->share->answer[0]++;
        }
    }
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_port *s = bench_feed_add(graph, c);
    weir_node_input input = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_output output = { .type = number_type() };
    for (uint64_t i = 0; i < c->options.nodes; i++)
        s = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
            .struct_size = sizeof(weir_node_spec), .kind = "notice", .input_count = 1,
            .output_count = 1, .inputs = &input, .outputs = &output, .ctx = c,
            .init = notice_init, .step = notice_step, .fini = free }, &s), 0);
    c->probe = weir_probe_add(s, "end");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    weir_worker_step(worker);
    bench_wait(c, worker, 1);
    pthread_barrier_wait(&c->start);
    share->answer[0] = 0;
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    for (uint64_t epoch = 1; epoch <= c->options.epochs; epoch++) {
        bench_feed_round(share, 0);
        weir_worker_step(worker);
        bench_wait(c, worker, epoch + 1);
    }
    share->seconds = bench_seconds() - start;
    bench_feed_close(share);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    bench_cost(bench_slowest(&c) * 1e6 / (double)c.options.epochs, "us/epoch");
    return 0;
}
