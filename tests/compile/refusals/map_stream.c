/* expect: weir_map\(words, first\): the stream does not carry the records first takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static word first(const line *l) { return (word){ l->text }; }
WEIR_MAP(first, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_map(words, first);
#else
    weir_map(lines, first);
#endif
    (void)lines;
    (void)words;
}
