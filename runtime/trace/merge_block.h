/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of keys on their way through a merge, in order and not yet written.
 */
#ifndef WEIR_TRACE_MERGE_BLOCK_H
#define WEIR_TRACE_MERGE_BLOCK_H

#include "trace/merge.h"

enum { WEIR__BLOCK_MAX = 256 };

/* The next keys, in order; those of several lanes once for each. */
typedef struct weir__block {
    uint32_t count;
    uint64_t hash[WEIR__BLOCK_MAX];
    uint32_t key[WEIR__BLOCK_MAX]; /* its index in its lane's run */
    uint8_t lane[WEIR__BLOCK_MAX];
} weir__block;

static inline weir__packed weir__packed_at(const char *column, const weir__pack *pack, uint32_t i,
                                           const weir_trace_run *run)
{
    return (weir__packed){ column ? column + (size_t)i * pack->type.size : NULL, run->heap };
}

/* Puts the next keys of all lanes in order, `most` at most, all of each hash or none; for many
 * lanes (merge_keys.c). There may be none although keys are left, which merge.c takes then. */
void weir__merge_sort_keys(const weir__merge *merge, weir__block *block, uint32_t most);
/* Writes a key that several lanes have, from the block's i-th on, whose times become one
 * (merge_group.c). Returns how many of the block it took, and takes their updates off *left; 0: it
 * is left to merge.c. */
uint32_t weir__merge_group(weir__merge *merge, const weir__block *block, uint32_t i, size_t *left);
/* Writes keys of a merge that is `flat` (merge_flat.c). Returns how many of the block it took, and
 * takes their updates off *left; what follows is left to merge.c. */
uint32_t weir__merge_flat(weir__merge *merge, const weir__block *block, size_t *left);

#endif
