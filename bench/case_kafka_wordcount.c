/* SPDX-License-Identifier: Apache-2.0
 *
 * Words from topic to topic on a real broker, counted, at least once; the newest count of each
 * changed word every --every-ms (0: after every epoch). From the first record read to the last
 * acknowledged: the run ends when the broker has acknowledged everything.
 */
#include <stdatomic.h>
#include <stdio.h>

#include <weir/connectors/kafka.h>

#include "feed.h"

#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static atomic_ullong first_us;

static void note_first(const weir_batch *batch, void *ctx)
{
    (void)batch;
    (void)ctx;
    unsigned long long none = 0;
    if (atomic_load_explicit(&first_us, memory_order_relaxed) == 0)
        atomic_compare_exchange_strong(&first_us, &none, bench_wall_us());
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_stream(word) words = weir_kafka_source(graph, word, .topic = c->options.topic,
                                                .brokers = c->options.bootstrap,
                                                .until_end = true);
    words.port = weir_stage_add(words.port, &(weir_stage_spec){
        .struct_size = sizeof(weir_stage_spec), .kind = "inspect", .name = "first",
        .in = word_type(), .out = word_type(), .inspect = note_first });
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_kafka_sink(counts, .topic = c->options.out, .brokers = c->options.bootstrap,
                    .every_ms = (unsigned)c->options.every_ms);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, NULL);
    uint64_t last = bench_wall_us();
    printf("first %llu\n", (unsigned long long)atomic_load(&first_us));
    bench_cost((double)(last - atomic_load(&first_us)) / 1e6, "s");
    return 0;
}
