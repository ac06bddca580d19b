/* expect: weir_enter_at\(words, scope, at\): the stream does not carry the records at takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static uint64_t at(const line *l) { return l->text.len; }
WEIR_ENTER_AT(at, line)

void build(weir_stream(line) lines, weir_stream(word) words, weir_scope *scope);
void build(weir_stream(line) lines, weir_stream(word) words, weir_scope *scope)
{
#ifdef WRONG
    (void)weir_enter_at(words, scope, at);
#else
    (void)weir_enter_at(lines, scope, at);
#endif
    (void)lines;
    (void)words;
}
