/* expect: weir_branch\(lines, is_empty, &yes, &no\): the last two must point to */
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
    weir_stream(word) yes, no;
#else
    weir_stream(line) yes, no;
#endif
    weir_branch(lines, is_empty, &yes, &no);
    (void)yes;
    (void)no;
    (void)lines;
    (void)words;
}
