/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting of some words, without branches on what they are: which of two is less is as good as
 * random, and a branch that is taken wrongly costs more than the words.
 */
#ifndef WEIR_TRACE_SORT_WORDS_H
#define WEIR_TRACE_SORT_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Few of them, by putting neighbours in order. */
static inline void weir__sort_few_words(uint64_t *words, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t at = i; at > 0; at--) {
            uint64_t a = words[at - 1], b = words[at];
            words[at - 1] = a < b ? a : b;
            words[at] = a < b ? b : a;
        }
}

/* By merging; spare has room for as many. */
static inline void weir__sort_words(uint64_t *words, uint64_t *spare, uint32_t count)
{
    enum { FEW = 8 };
    for (uint32_t from = 0; from < count; from += FEW)
        weir__sort_few_words(words + from, count - from < FEW ? count - from : FEW);
    for (uint32_t half = FEW; half < count; half *= 2)
        for (uint32_t from = 0; from + half < count; from += 2 * half) {
            uint64_t *to = words + from;
            uint32_t all = count - from < 2 * half ? count - from : 2 * half;
            uint32_t left = 0, right = half, out = 0;
            memcpy(spare, to, half * sizeof *to);
            while (left < half && right < all) {
                uint64_t a = spare[left], b = to[right];
                to[out++] = b < a ? b : a;
                right += b < a;
                left += !(b < a);
            }
            memcpy(to + out, spare + left, (half - left) * sizeof *to);
        }
}

#endif
