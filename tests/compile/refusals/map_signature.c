/* expect: WEIR_MAP\(first, line, word\): first must be word \(const line \*\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static word first(line *l) { return (word){ l->text }; }
#else
static word first(const line *l) { return (word){ l->text }; }
#endif
WEIR_MAP(first, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    weir_map(lines, first);
    (void)lines;
    (void)words;
}
