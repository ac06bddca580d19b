/* expect: weir_delay\(words, later\): the stream does not carry the records later takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static weir_time later(const line *l, weir_time now)
{
    now.at[0] += l->text.len;
    return now;
}
WEIR_DELAY(later, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    (void)weir_delay(words, later);
#else
    (void)weir_delay(lines, later);
#endif
    (void)lines;
    (void)words;
}
