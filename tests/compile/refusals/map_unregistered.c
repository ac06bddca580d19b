/* expect: weir_map_(in|add)_first */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static word first(const line *l) { return (word){ l->text }; }
#ifdef WRONG

#else
WEIR_MAP(first, line, word)
#endif

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    (void)first;
    weir_map(lines, first);
    (void)lines;
    (void)words;
}
