/* expect: has no member named .intrest.|designator 'intrest' does not refer */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void nothing(weir_step *step, void *state)
{
    (void)step;
    (void)state;
}

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_unary(lines, word, nothing, .intrest = WEIR_ALWAYS);
#else
    weir_unary(lines, word, nothing, .interest = WEIR_ALWAYS);
#endif
    (void)lines;
    (void)words;
}
