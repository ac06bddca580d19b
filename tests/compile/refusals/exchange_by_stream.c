/* expect: weir_exchange_by\(words, length\): the stream does not carry the records length takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static uint64_t length(const line *l) { return l->text.len; }
WEIR_ROUTE(length, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_exchange_by(words, length);
#else
    weir_exchange_by(lines, length);
#endif
    (void)lines;
    (void)words;
}
