/* expect: WEIR_SOURCE\(next, line, word\): next must be weir_more \(line \*, weir_out\(word\)\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static bool next(line *l, weir_out(word) out)
#else
static weir_more next(line *l, weir_out(word) out)
#endif
{
    (void)out;
    return l->text.len ? WEIR_SOURCE_END : WEIR_SOURCE_WAIT;
}
WEIR_SOURCE(next, line, word)

void build(weir_graph *g);
void build(weir_graph *g)
{
    static line l;
    (void)weir_source(g, word, next, .ctx = &l, .wait_ms = 10);
}
