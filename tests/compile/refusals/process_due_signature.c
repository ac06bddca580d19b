/* expect: WEIR_PROCESS\(rule, due, line, word, word\): due must be void \(weir_instant, word \*, */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void rule(const line *l, word *s, weir_timers *at, weir_out(word) out)
{
    (void)l;
    (void)s;
    (void)at;
    (void)out;
}
#ifdef WRONG
static void due(int64_t when, word *s, weir_timers *at, weir_out(word) out)
#else
static void due(weir_instant when, word *s, weir_timers *at, weir_out(word) out)
#endif
{
    (void)when;
    (void)s;
    (void)at;
    (void)out;
}
WEIR_PROCESS(rule, due, line, word, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    (void)weir_process(lines, WEIR_KEY(line, text), rule, .by_clock = true);
#else
    (void)weir_process(lines, WEIR_KEY(line, text), rule, .by_clock = true);
#endif
    (void)lines;
    (void)words;
}
