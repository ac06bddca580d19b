/* SPDX-License-Identifier: Apache-2.0
 *
 * One record round a loop: a map adds one, a filter ends it. With several workers the record goes
 * to another one each time.
 */
#include "feed.h"

static void one_step(weir_step *step, void *state)
{
    (void)state;
    if (!weir_cap_held(step, 0))
        return;
    if (weir_step_worker(step) == 0) {
        weir_out(number) out = { .builder = weir_step_output(step, 0, &(weir_time){ { 0 } }) };
        number_emit(out, (number){ 0 });
    }
    weir_cap_drop(step, 0);
}

static number next_of(const number *n)
{
    return (number){ n->value + 1 };
}
WEIR_MAP(next_of, number, number)

static uint64_t rounds;

static bool goes_on(bench_share *share, const number *n)
{
    share->answer[0]++;
    share->answer[1] += n->value;
    return n->value < rounds;
}
WEIR_FILTER_CTX(goes_on, bench_share, number)

static bench_share *share_of(void *ctx, unsigned worker)
{
    return &((bench_case *)ctx)->shares[worker];
}

static void to_worker(const void *records, size_t count, uint64_t *out, void *ctx)
{
    (void)ctx;
    memcpy(out, records, count * sizeof *out);
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_node_output output = { .type = number_type() };
    weir_port *one = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "one", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .step = one_step }, NULL), 0);
    weir_feedback *loop = weir_feedback_add(graph, NULL, number_type(), 1);
    weir_feedback_set_plain(loop);
    weir_port *both[2] = { one, weir_feedback_port(loop) };
    weir_port *in = weir_port_concat(both, 2);
    if (c->options.workers > 1)
        in = weir_port_by_function(in, to_worker, NULL);
    weir_stream(number) s = { .port = in };
    s = weir_map(s, next_of);
    s = weir_filter_ctx(s, goes_on, .init = share_of, .ctx = c);
    weir_feedback_connect(loop, s.port);
    c->probe = weir_probe_add(s.port, "loop");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    while (!weir_probe_done(c->probe, worker) && weir_worker_step_or_park(worker, UINT64_MAX))
        ;
    share->seconds = bench_seconds() - start;
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    rounds = c.options.rounds;
    bench_run(&c, build, run);
    bench_answer("%llu %llu", (unsigned long long)bench_total(&c, 0),
                 (unsigned long long)bench_total(&c, 1));
    bench_cost(bench_slowest(&c) * 1e6 / (double)c.options.rounds, "us/round");
    return 0;
}
