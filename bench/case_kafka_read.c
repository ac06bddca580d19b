/* SPDX-License-Identifier: Apache-2.0
 *
 * A topic of 100-byte messages from a real broker into a count, against the best bare librdkafka
 * loop that only counts. From the program's start to the last message, as on the other side.
 */
#include <weir/connectors/kafka.h>

#include "feed.h"

#define MESSAGE(F) F(bytes, payload)
WEIR_RECORD(message, MESSAGE)

static weir_status tally_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    *state = &((bench_case *)ctx)->shares[weir_step_worker(step)];
    return WEIR_OK;
}

static void tally_step(weir_step *step, void *state)
{
    bench_share *share = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        share->answer[0] += batch->count;
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_stream(message) in = weir_kafka_source(graph, message, .topic = c->options.topic,
                                                .brokers = c->options.bootstrap,
                                                .until_end = true);
    weir_node_input input = { .type = message_type() };
    weir_node_add(graph, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                            .kind = "tally", .input_count = 1, .inputs = &input,
                                            .ctx = c, .init = tally_init, .step = tally_step },
                  &in.port);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    double start = bench_seconds();
    bench_run(&c, build, NULL);
    double seconds = bench_seconds() - start;
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    bench_cost(seconds * 1e9 / (double)bench_total(&c, 0), "ns/message");
    return 0;
}
