/* expect: weir_accumulate\(lines, WEIR_KEY\(word, text\), add\): the key names a record that the */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void add(const line *l, int64_t n, word *s)
{
    s->n += n * l->text.len;
}
static word end(const line *l, const word *s)
{
    (void)l;
    return *s;
}
WEIR_ACCUMULATE(add, end, line, word, word)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    (void)weir_accumulate(lines, WEIR_KEY(word, text), add);
#else
    (void)weir_accumulate(lines, WEIR_KEY(line, text), add);
#endif
    (void)lines;
    (void)words;
}
