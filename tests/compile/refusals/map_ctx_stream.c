/* expect: weir_map_ctx\(words, nth\): the stream does not carry the records nth takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static word nth(int *n, const line *l) { return (word){ *n ? l->text : weir_str_of("") }; }
WEIR_MAP_CTX(nth, int, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static int n = 1;
#ifdef WRONG
    weir_map_ctx(words, nth, .ctx = &n);
#else
    weir_map_ctx(lines, nth, .ctx = &n);
#endif
    (void)lines;
    (void)words;
}
