/* expect: WEIR_FLAT_MAP_RESUMABLE\(split, line, int, word\): split must be bool */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

#ifdef WRONG
static bool split(const line *in, long *at, weir_out(word) out)
#else
static bool split(const line *in, int *at, weir_out(word) out)
#endif
{
    word_emit(out, (word){ in->text });
    return ++*at < 3;
}
WEIR_FLAT_MAP_RESUMABLE(split, line, int, word)

void build(weir_stream(line) lines);
void build(weir_stream(line) lines)
{
    (void)weir_flat_map_resumable(lines, split);
}
