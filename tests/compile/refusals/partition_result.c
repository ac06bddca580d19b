/* expect: weir_partition\(lines, length, parts, 3\): the results must be streams of */
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
#ifdef WRONG
    weir_stream(word) parts[3];
#else
    weir_stream(line) parts[3];
#endif
    weir_partition(lines, length, parts, 3);
    (void)lines;
    (void)words;
}
