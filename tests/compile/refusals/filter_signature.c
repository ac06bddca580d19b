/* expect: WEIR_FILTER\(is_empty, line\): is_empty must be bool \(const line \*\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static int is_empty(const line *l) { return l->text.len == 0; }
#else
static bool is_empty(const line *l) { return l->text.len == 0; }
#endif
WEIR_FILTER(is_empty, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    weir_filter(lines, is_empty);
    (void)lines;
    (void)words;
}
