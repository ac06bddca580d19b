/* SPDX-License-Identifier: Apache-2.0
 *
 * See bits.h.
 */
#include "progress/bits.h"

#include <weir/memory.h>

#include "base/lines.h"

static size_t words_bytes(const weir__bits *bits)
{
    return weir__lines((bits->count / 64 + 1) * sizeof *bits->words);
}

void weir__bits_init(weir__bits *bits, uint32_t count)
{
    *bits = (weir__bits){ .count = count, .high = count / 4096 + 1 };
    bits->words = weir_alloc_must(words_bytes(bits));
    bits->summary = weir_alloc_must(weir__lines(bits->high * sizeof *bits->summary));
    for (uint32_t i = 0; i <= count / 64; i++)
        bits->words[i] = 0;
    for (uint32_t i = 0; i < bits->high; i++)
        bits->summary[i] = 0;
}

void weir__bits_fini(weir__bits *bits)
{
    weir_free(bits->words, words_bytes(bits));
    weir_free(bits->summary, weir__lines(bits->high * sizeof *bits->summary));
    *bits = (weir__bits){ 0 };
}

size_t weir__bits_bytes(const weir__bits *bits)
{
    return words_bytes(bits) + weir__lines(bits->high * sizeof *bits->summary);
}
