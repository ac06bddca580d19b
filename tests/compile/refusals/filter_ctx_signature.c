/* expect: WEIR_FILTER_CTX\(is_long, uint32_t, line\): is_long must be bool \(uint32_t \*, */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static bool is_long(int *n, const line *l) { return (int)l->text.len > *n; }
#else
static bool is_long(uint32_t *n, const line *l) { return l->text.len > *n; }
#endif
WEIR_FILTER_CTX(is_long, uint32_t, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static uint32_t n = 1;
    weir_filter_ctx(lines, is_long, .ctx = &n);
    (void)lines;
    (void)words;
}
