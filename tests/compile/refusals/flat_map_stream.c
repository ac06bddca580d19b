/* expect: weir_flat_map\(words, split\): the stream does not carry the records split takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void split(const line *in, weir_out(word) out) { word_emit(out, (word){ in->text }); }
WEIR_FLAT_MAP(split, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_flat_map(words, split);
#else
    weir_flat_map(lines, split);
#endif
    (void)lines;
    (void)words;
}
