/* SPDX-License-Identifier: Apache-2.0
 *
 * See changes.h.
 */
#include "changes.h"

#include <stdlib.h>

#include "samples.h"

/* Microseconds of each batch, as the first worker saw it: it waits for all. */
static double *batches;

uint64_t bench_part(const bench_case *c, weir_worker *worker, uint64_t all)
{
    unsigned workers = bench_workers(c);
    return all / workers + (weir_worker_index(worker) < all % workers);
}

static inline uint64_t sum_of(const weir_batch *batch, size_t fields)
{
    const uint64_t *rows = batch->records;
    uint64_t sum = 0;
    for (size_t i = 0; i < batch->count; i++)
        sum += bench_row_hash(rows + i * fields, fields) * (uint64_t)weir_batch_diff(batch, i);
    return sum;
}

static void answer_step(weir_step *step, void *state)
{
    bench_share *share = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        size_t fields = batch->type->size / sizeof(uint64_t);
        share->answer[0] += fields == 2   ? sum_of(batch, 2)
                            : fields == 3 ? sum_of(batch, 3)
                                          : sum_of(batch, fields);
    }
}

static weir_status answer_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    *state = &((bench_case *)ctx)->shares[weir_step_worker(step)];
    return WEIR_OK;
}

void bench_answer_add(weir_port *in, bench_case *c)
{
    weir_node_input input = { .type = weir_port_type(in), .takes_diffs = true };
    weir_node_output output = { .type = number_type() };
    c->probe = weir_probe_add(weir_node_output_port(weir_node_add(weir_port_graph(in),
        &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "answer",
                           .input_count = 1, .output_count = 1, .inputs = &input,
                           .outputs = &output, .ctx = c, .init = answer_init,
                           .step = answer_step }, &in), 0), "answered");
}

void bench_drive(bench_case *c, weir_worker *worker, const bench_amount *amounts, unsigned feeds)
{
    bench_share *share = &c->shares[weir_worker_index(worker)];
    uint64_t rounds = strcmp(c->options.kind, "load") == 0 ? 0 : c->options.rounds;
    weir_worker_step(worker);
    bench_wait(c, worker, BENCH_LOADING);
    bench_meet(c, worker);
    for (uint64_t round = 0; round <= rounds; round++) {
        double start = bench_seconds();
        for (unsigned i = 0; i < feeds; i++)
            bench_feed_round_of(&share->feeds[i], round == 0   ? amounts[i].load
                                                  : round == 1 ? amounts[i].first
                                                               : amounts[i].batch);
        weir_worker_step(worker);
        bench_wait(c, worker, BENCH_LOADING + round + 1);
        double seconds = bench_seconds() - start;
        if (round == 0)
            share->seconds = seconds;
        else if (weir_worker_index(worker) == 0)
            batches[round - 1] = seconds * 1e6;
    }
    for (unsigned i = 0; i < feeds; i++)
        bench_feed_close_of(&share->feeds[i]);
}

void bench_run_changes(bench_case *c, weir_build_fn *build,
                       void (*main_fn)(weir_worker *worker, void *ctx))
{
    batches = bench_figures(c->options.rounds);
    bench_run(c, build, main_fn);
    bench_answer("%llu", (unsigned long long)bench_total(c, 0));
    if (strcmp(c->options.kind, "load") == 0) {
        bench_cost(bench_slowest(c) * 1e3, "ms");
    } else {
        bench_cost(bench_tails(batches, c->options.rounds), "us/batch");
    }
    free(batches);
}
