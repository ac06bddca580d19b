/* expect: WEIR_FLAT_MAP_RESUMABLE_CTX\(split, words, line, int, word\): split must be bool */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)

typedef struct words {
    int most;
} words;

#ifdef WRONG
static bool split(const line *in, int *at, weir_out(word) out)
{
    int most = 3;
#else
static bool split(words *w, const line *in, int *at, weir_out(word) out)
{
    int most = w->most;
#endif
    word_emit(out, (word){ in->text });
    return ++*at < most;
}
WEIR_FLAT_MAP_RESUMABLE_CTX(split, words, line, int, word)

void build(weir_stream(line) lines, words *w);
void build(weir_stream(line) lines, words *w)
{
    (void)weir_flat_map_resumable_ctx(lines, split, .ctx = w);
}
