/* expect: weir_state_machine\(words, WEIR_KEY\(line, text\), visit\): the stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static bool visit(const line *l, word *s, weir_out(word) out)
{
    (void)l;
    (void)s;
    (void)out;
    return true;
}
WEIR_STATE_MACHINE(visit, line, word, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    (void)weir_state_machine(words, WEIR_KEY(line, text), visit);
#else
    (void)weir_state_machine(lines, WEIR_KEY(line, text), visit);
#endif
    (void)lines;
    (void)words;
}
