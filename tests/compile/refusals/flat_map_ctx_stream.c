/* expect: weir_flat_map_ctx\(words, split\): the stream does not carry the records split takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void split(int *n, const line *in, weir_out(word) out)
{
    ++*n;
    word_emit(out, (word){ in->text });
}
WEIR_FLAT_MAP_CTX(split, int, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static int n;
#ifdef WRONG
    weir_flat_map_ctx(words, split, .ctx = &n);
#else
    weir_flat_map_ctx(lines, split, .ctx = &n);
#endif
    (void)lines;
    (void)words;
}
