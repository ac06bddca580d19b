/* expect: weir_inspect\(words, show\): the stream does not carry the records show takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static void show(const line *l) { (void)l; }
WEIR_INSPECT(show, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_inspect(words, show);
#else
    weir_inspect(lines, show);
#endif
    (void)lines;
    (void)words;
}
