/* expect: WEIR_ACCUMULATE\(add, end, line, word, word\): add must be void \(const line \*, */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static void add(const line *l, int n, word *s)
#else
static void add(const line *l, int64_t n, word *s)
#endif
{
    s->n += n * l->text.len;
}
static word end(const line *l, const word *s)
{
    (void)l;
    return *s;
}
WEIR_ACCUMULATE(add, end, line, word, word)

void build(weir_stream(line) lines);
void build(weir_stream(line) lines)
{
    (void)weir_accumulate(lines, WEIR_KEY(line, text), add);
}
