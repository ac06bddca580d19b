/* expect: invalid initializer|with an expression of incompatible type */
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
    weir_stream(line) result = weir_map(lines, first);
#else
    weir_stream(word) result = weir_map(lines, first);
#endif
    (void)result;
    (void)lines;
    (void)words;
}
