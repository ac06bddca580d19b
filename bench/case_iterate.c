/* SPDX-License-Identifier: Apache-2.0
 *
 * One record that a loop counts up to --rounds, a round each, where it stays: a fixed point. What
 * does a round cost, and how long does each of them take?
 */
#include <stdlib.h>

#include "changes.h"
#include "samples.h"

static uint64_t rounds;
/* Of each worker: when it counted up each number first, or 0. So no line is written by two. */
static double *began[WEIR_WORKERS_MAX];
static _Thread_local double *own;

static number count_up(const number *n)
{
    if (own[n->value] == 0)
        own[n->value] = bench_seconds();
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
    own = began[weir_worker_index(worker)] = bench_figures(rounds + 1);
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    while (!weir_probe_done(c->probe, worker) && weir_worker_step_or_park(worker, UINT64_MAX))
        ;
    share->seconds = bench_seconds() - start;
}

/* Any of the workers may have had the number. */
static double beginning(uint64_t value)
{
    for (unsigned w = 0; w < WEIR_WORKERS_MAX; w++)
        if (began[w] && began[w][value] > 0)
            return began[w][value];
    bench_fail("nobody counted up %llu", (unsigned long long)value);
}

/* A round is from one number to the next. */
static void print_rounds(void)
{
    double *took = bench_figures(rounds);
    for (uint64_t i = 0; i < rounds; i++)
        took[i] = (beginning(i + 1) - beginning(i)) * 1e6;
    bench_beside("p50", bench_tails(took, rounds));
    free(took);
    for (unsigned w = 0; w < WEIR_WORKERS_MAX; w++)
        free(began[w]);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    rounds = c.options.rounds;
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    print_rounds();
    bench_cost(bench_slowest(&c) * 1e6 / (double)rounds, "us/round");
    return 0;
}
