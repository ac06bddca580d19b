/* expect: weir_inspect_ctx\(words, show\): the stream does not carry the records show takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void show(int *n, const line *l) { *n += (int)l->text.len; }
WEIR_INSPECT_CTX(show, int, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    static int n;
#ifdef WRONG
    weir_inspect_ctx(words, show, .ctx = &n);
#else
    weir_inspect_ctx(lines, show, .ctx = &n);
#endif
    (void)lines;
    (void)words;
}
