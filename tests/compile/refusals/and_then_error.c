/* expect: weir_and_then\(lines, parse, &good, &good\): the last must point to a stream of the */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static bool parse(const line *l, word *out, line *bad)
{
    (void)bad;
    out->text = l->text;
    return true;
}
WEIR_TRY(parse, line, word, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    weir_stream(word) good = words;
    weir_stream(line) bad = lines;
#ifdef WRONG
    weir_and_then(lines, parse, &good, &good);
#else
    weir_and_then(lines, parse, &good, &bad);
#endif
    (void)good;
    (void)bad;
}
