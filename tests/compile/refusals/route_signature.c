/* expect: WEIR_ROUTE\(length, line\): length must be uint64_t \(const line \*\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static unsigned length(const line *l) { return l->text.len; }
#else
static uint64_t length(const line *l) { return l->text.len; }
#endif
WEIR_ROUTE(length, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    weir_exchange_by(lines, length);
    (void)lines;
    (void)words;
}
