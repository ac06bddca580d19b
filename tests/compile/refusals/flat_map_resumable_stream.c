/* expect: weir_flat_map_resumable\(words, split\): the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static bool split(const line *in, int *at, weir_out(word) out)
{
    word_emit(out, (word){ in->text });
    return ++*at < 3;
}
WEIR_FLAT_MAP_RESUMABLE(split, line, int, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_flat_map_resumable(words, split);
#else
    weir_flat_map_resumable(lines, split);
#endif
    (void)lines;
    (void)words;
}
