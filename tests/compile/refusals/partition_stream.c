/* expect: weir_partition\(words, length, parts, 3\): the stream does not carry .*length takes */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

static uint64_t length(const line *l) { return l->text.len; }
WEIR_ROUTE(length, line)

void build(weir_stream(line) lines, weir_stream(word) words);
void build(weir_stream(line) lines, weir_stream(word) words)
{
    weir_stream(line) parts[3];
#ifdef WRONG
    weir_partition(words, length, parts, 3);
#else
    weir_partition(lines, length, parts, 3);
#endif
    (void)lines;
    (void)words;
}
