/* SPDX-License-Identifier: Apache-2.0
 *
 * One record that a loop counts up to --rounds, a round each, where it stays: a fixed point.
 */
#include "changes.h"

static uint64_t rounds;

static number count_up(const number *n)
{
    return (number){ n->value + 1 < rounds ? n->value + 1 : rounds };
}
WEIR_MAP(count_up, number, number)

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    static const number zero = { 0 };
    weir_scope *scope = weir_scope_add(graph, NULL, "rounds");
    weir_stream(number) start = weir_as_collection(weir_to_stream(graph, number, &zero, 1)), now;
    weir_variable(number) v = weir_variable_from(start, scope, &now);
    weir_stream(number) next =
        weir_arranged_collection(weir_arrange(weir_map(now, count_up), WEIR_KEY(number, value)));
    weir_variable_set(v, next);
    bench_answer_add(weir_leave(next).port, c);
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
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    bench_cost(bench_slowest(&c) * 1e6 / (double)rounds, "us/round");
    return 0;
}
