/* expect: weir_source\(g, line, next\): next makes other records */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static weir_more next(line *l, weir_out(word) out)
{
    (void)out;
    return l->text.len ? WEIR_SOURCE_END : WEIR_SOURCE_WAIT;
}
WEIR_SOURCE(next, line, word)

void build(weir_graph *g);
void build(weir_graph *g)
{
    static line l;
#ifdef WRONG
    (void)weir_source(g, line, next, .ctx = &l);
#else
    (void)weir_source(g, word, next, .ctx = &l, .wait_ms = 10);
#endif
}
