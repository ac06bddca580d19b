/* expect: WEIR_MAP_CTX\(nth, int, line, word\): nth must be word \(int \*, const line \*\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static word nth(const line *l, int *n)
#else
static word nth(int *n, const line *l)
#endif
{
    return (word){ *n ? l->text : weir_str_of("") };
}
WEIR_MAP_CTX(nth, int, line, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static int n = 1;
    weir_map_ctx(lines, nth, .ctx = &n);
    (void)lines;
    (void)words;
}
