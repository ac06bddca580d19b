/* expect: WEIR_FLAT_MAP\(split, line, word\): split must be void \(const line \*, weir_out */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static void split(const line *in, weir_out(line) out) { line_emit(out, *in); }
#else
static void split(const line *in, weir_out(word) out) { word_emit(out, (word){ in->text }); }
#endif
WEIR_FLAT_MAP(split, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    weir_flat_map(lines, split);
    (void)lines;
    (void)words;
}
