/* SPDX-License-Identifier: Apache-2.0
 *
 * Ordered multisets of words, asked for the word at a rank. Words lie in blocks, in their order,
 * each with how often it is there; the blocks' sums lie in a tree of partial sums (a Fenwick tree).
 * A change and a question cost some comparisons for each doubling of the number of words.
 */
#ifndef WEIR_OPERATORS_RANKS_H
#define WEIR_OPERATORS_RANKS_H

#include <weir/base.h>

__extension__ typedef unsigned __int128 weir__word;

typedef struct weir__ranks_block {
    weir__word *words; /* ascending; behind room for all of them, their counts */
    uint32_t count, capacity;
    int64_t total;     /* of counts above 0 */
} weir__ranks_block;

/* Zeroed is empty. */
typedef struct weir__ranks {
    weir__ranks_block *blocks; /* ascending, none is empty */
    int64_t *sums;             /* partial sums of the totals: of `count` of them, from index 1 */
    uint32_t count, capacity;
    int64_t total;             /* of counts above 0: how many ranks there are */
    size_t bytes;              /* that it takes */
} weir__ranks;

void weir__ranks_fini(weir__ranks *ranks);
/* The word is there diff times more; a count may fall below 0 and counts as 0 then. False: a count
 * leaves 64 bits, and nothing happened. */
bool weir__ranks_change(weir__ranks *ranks, weir__word word, int64_t diff);
/* The word at a rank, 0 to total - 1. */
weir__word weir__ranks_at(const weir__ranks *ranks, int64_t rank);
/* No word has a count other than 0. */
static inline bool weir__ranks_is_empty(const weir__ranks *ranks)
{
    return ranks->count == 0;
}

#endif
