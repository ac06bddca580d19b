/* expect: weir_filter_ctx\(words, is_long\): the stream does not carry the records is_long takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static bool is_long(uint32_t *n, const line *l) { return l->text.len > *n; }
WEIR_FILTER_CTX(is_long, uint32_t, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static uint32_t n = 1;
#ifdef WRONG
    weir_filter_ctx(words, is_long, .ctx = &n);
#else
    weir_filter_ctx(lines, is_long, .ctx = &n);
#endif
    (void)lines;
    (void)words;
}
