/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of slots from which the least is taken first: bits, and above them bits that say which
 * words have any. Adding is a few instructions; taking looks at one word in 4096 slots.
 */
#ifndef WEIR_PROGRESS_BITS_H
#define WEIR_PROGRESS_BITS_H

#include <weir/base.h>

typedef struct weir__bits {
    uint64_t *words, *summary;
    uint32_t count; /* slots there are */
    uint32_t low;   /* no word of the summary before this one has bits */
    uint32_t high;  /* words of the summary */
} weir__bits;

void weir__bits_init(weir__bits *bits, uint32_t count);
void weir__bits_fini(weir__bits *bits);
size_t weir__bits_bytes(const weir__bits *bits);

static inline void weir__bits_add(weir__bits *bits, uint32_t slot)
{
    uint32_t word = slot / 64, top = word / 64;
    bits->words[word] |= (uint64_t)1 << slot % 64;
    bits->summary[top] |= (uint64_t)1 << word % 64;
    if (top < bits->low)
        bits->low = top;
}

static inline bool weir__bits_has(const weir__bits *bits, uint32_t slot)
{
    return bits->words[slot / 64] >> slot % 64 & 1;
}

/* The least one below `end`, taken out; false if there is none. */
static inline bool weir__bits_take(weir__bits *bits, uint32_t end, uint32_t *slot)
{
    while (bits->low < bits->high && bits->summary[bits->low] == 0)
        bits->low++;
    if (bits->low >= bits->high)
        return false;
    uint32_t word = bits->low * 64 + (uint32_t)__builtin_ctzll(bits->summary[bits->low]);
    *slot = word * 64 + (uint32_t)__builtin_ctzll(bits->words[word]);
    if (*slot >= end)
        return false;
    bits->words[word] &= bits->words[word] - 1;
    if (bits->words[word] == 0)
        bits->summary[bits->low] &= bits->summary[bits->low] - 1;
    return true;
}

#endif
