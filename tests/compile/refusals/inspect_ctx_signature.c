/* expect: WEIR_INSPECT_CTX\(show, int, line\): show must be void \(int \*, const line \*\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static void show(const line *l) { (void)l; }
#else
static void show(int *n, const line *l) { *n += (int)l->text.len; }
#endif
WEIR_INSPECT_CTX(show, int, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static int n;
    weir_inspect_ctx(lines, show, .ctx = &n);
    (void)lines;
    (void)words;
}
