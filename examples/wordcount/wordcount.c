/* SPDX-License-Identifier: Apache-2.0
 *
 * The main job: lines from a Kafka topic, counted word by word into a live view, the changes to a
 * second topic. Without --brokers it runs on a Kafka inside the process and feeds itself (demo.c).
 */
#include <weir/weir.h>
#include <weir/connectors/kafka.h>
#include <weir/connectors/main.h>

#include "demo.h"

#define LINE(F)       F(str, text)
#define WORD(F)       F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static void split_words(const line *in, weir_out(word) out)
{
    weir_split words = weir_split_of(&in->text, ' ');
    for (weir_str token; weir_split_next(&words, &token);)
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split_words, line, word)

static void build(weir_graph *g, void *ctx)
{
    const char *from = weir_option_str(g, "input-topic", "lines", "topic to read lines from");
    const char *to = weir_option_str(g, "output-topic", "word-counts", "topic to write counts to");
    demo_options(g, ctx);
    weir_stream(line)       lines  = weir_kafka_source(g, line, .topic = from);
    weir_stream(word)       words  = weir_flat_map(lines, split_words);
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_view(counts, "word_counts", WEIR_KEY(word_count, word));
    weir_kafka_sink(counts, .topic = to);
}

int main(int argc, char **argv)
{
    demo *d = demo_create();
    int status = weir_main_with(demo_config(d), argc, argv, build, d);
    if (status == 0 && demo_failed(d))
        status = 1;
    demo_destroy(d);
    return status;
}
