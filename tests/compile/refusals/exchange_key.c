/* expect: weir_exchange\(lines, .*word, text.*\): the key names a record that the stream */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
#ifdef WRONG
    weir_exchange(lines, WEIR_KEY(word, text));
#else
    weir_exchange(lines, WEIR_KEY(line, text));
#endif
    (void)lines;
    (void)words;
}
