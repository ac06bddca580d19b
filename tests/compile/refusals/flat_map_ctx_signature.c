/* expect: WEIR_FLAT_MAP_CTX\(split, int, line, word\): split must be void \(int \*, const line */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static void split(long *n, const line *in, weir_out(word) out)
#else
static void split(int *n, const line *in, weir_out(word) out)
#endif
{
    ++*n;
    word_emit(out, (word){ in->text });
}
WEIR_FLAT_MAP_CTX(split, int, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static int n;
    weir_flat_map_ctx(lines, split, .ctx = &n);
    (void)lines;
    (void)words;
}
