/* SPDX-License-Identifier: Apache-2.0
 *
 * The program of README.md, as it stands there.
 */
#include <weir/weir.h>
#include <weir/connectors/kafka.h>
#include <weir/connectors/main.h>

#define LINE(F)       F(str, text)
#define WORD(F)       F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static void split_words(const line *in, weir_out(word) out)     /* an ordinary function */
{
    weir_split words = weir_split_of(&in->text, ' ');
    for (weir_str token; weir_split_next(&words, &token);)
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split_words, line, word)        /* checks the signature, makes the batch loop */

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line)       lines  = weir_kafka_source(g, line, .topic = "lines");
    weir_stream(word)       words  = weir_flat_map(lines, split_words);
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_view(counts, "word_counts", WEIR_KEY(word_count, word));
    weir_kafka_sink(counts, .topic = "word-counts");
}

int main(int argc, char **argv) { return weir_main(argc, argv, build, NULL); }
