/* expect: WEIR_INSPECT\(show, line\): show must be void \(const line \*\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static void show(line *l) { (void)l; }
#else
static void show(const line *l) { (void)l; }
#endif
WEIR_INSPECT(show, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    weir_inspect(lines, show);
    (void)lines;
    (void)words;
}
