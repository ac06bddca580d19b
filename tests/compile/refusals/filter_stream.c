/* expect: weir_filter\(words, is_empty\): the stream does not carry the records is_empty takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static bool is_empty(const line *l) { return l->text.len == 0; }
WEIR_FILTER(is_empty, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_filter(words, is_empty);
#else
    weir_filter(lines, is_empty);
#endif
    (void)lines;
    (void)words;
}
