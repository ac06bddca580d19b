/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds while many times are open: a node keeps the right to send at the time of each record plus
 * `epochs`, and sends when its input can bring nothing before that any more. A round begins one
 * such time and ends another.
 */
#include <stdlib.h>

#include "feed.h"

typedef struct kept {
    uint64_t time, value;
    weir_cap cap;
} kept;

/* A ring of what is kept, by time. */
typedef struct keeper {
    uint64_t distance, first, count, room;
    kept *ring;
} keeper;

static weir_status keeper_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    const bench_case *c = ctx;
    keeper *k = calloc(1, sizeof *k);
    uint64_t room = c->options.epochs + 2;
    kept *ring = calloc(room, sizeof *ring);
    if (!k || !ring) {
        free(k);
        free(ring);
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for open times");
    }
    *k = (keeper){ .distance = c->options.epochs, .room = room, .ring = ring };
    *state = k;
    return WEIR_OK;
}

static void keeper_fini(void *state)
{
    keeper *k = state;
    free(k->ring);
    free(k);
}

static void keeper_step(weir_step *step, void *state)
{
    keeper *k = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        const uint64_t *values = batch->records;
        for (size_t i = 0; i < batch->count; i++) {
            weir_time later = weir_time_1(batch->time.at[0] + k->distance);
            if (k->count == k->room)
                bench_fail("more times are open than there are rounds between");
            k->ring[(k->first + k->count++) % k->room] =
                (kept){ later.at[0], values[i], weir_cap_retain(step, 0, &later) };
        }
    }
    while (k->count > 0) {
        const kept *next = &k->ring[k->first];
        weir_time time = weir_time_1(next->time);
        if (weir_frontier_less_equal(weir_step_frontier(step, 0), &time))
            return;
        number_emit((weir_out(number)){ weir_step_output(step, 0, &time) },
                    (number){ next->value });
        weir_cap_drop(step, next->cap);
        k->first = (k->first + 1) % k->room;
        k->count--;
    }
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_port *s = bench_feed_add(graph, c);
    weir_node_input input = { .type = number_type(), .interest = WEIR_IF_HOLDING };
    weir_node_output output = { .type = number_type() };
    s = weir_node_output_port(
        weir_node_add(graph,
                      &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                         .kind = "keeper",
                                         .input_count = 1,
                                         .output_count = 1,
                                         .inputs = &input,
                                         .outputs = &output,
                                         .ctx = c,
                                         .init = keeper_init,
                                         .step = keeper_step,
                                         .fini = keeper_fini },
                      &s),
        0);
    c->probe = weir_probe_add(bench_arrive_add(s, NULL, c), "end");
}

static void rounds(bench_case *c, weir_worker *worker, uint64_t from, uint64_t to)
{
    for (uint64_t round = from; round <= to; round++) {
        bench_feed_round(&c->shares[weir_worker_index(worker)], 1);
        bench_wait(c, worker, round + 1);
    }
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    weir_worker_step(worker);
    rounds(c, worker, 1, c->options.epochs);
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    rounds(c, worker, c->options.epochs + 1, c->options.epochs + c->options.rounds);
    share->seconds = bench_seconds() - start;
    bench_feed_close(share);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu %llu", (unsigned long long)bench_total(&c, 0),
                 (unsigned long long)bench_total(&c, 1));
    bench_cost(bench_slowest(&c) * 1e6 / (double)c.options.rounds, "us/round");
    return 0;
}
