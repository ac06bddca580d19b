/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the blocks of regions: small at first, for there are many small regions, then larger.
 */
#include "base/region.h"

enum { FIRST_BYTES = 1 << 10, LARGEST_BYTES = 256 << 10 };

struct weir__region_block {
    weir__region_block *next;
    size_t size;
    _Alignas(16) char data[];
};

void weir__region_fini(weir__region *region)
{
    for (weir__region_block *block = region->blocks, *next; block; block = next) {
        next = block->next;
        weir_free(block, block->size);
    }
    *region = (weir__region){ 0 };
}

void *weir__region_more(weir__region *region, size_t size)
{
    size_t bytes = region->block_bytes ? region->block_bytes : FIRST_BYTES;
    bool own = size > bytes / 4 && region->next; /* what is left of the block serves others */
    size_t whole = sizeof(weir__region_block) + (own || size > bytes ? size : bytes);
    weir__region_block *block = weir_alloc_must(whole);
    memset(block, 0, whole);
    block->size = whole;
    block->next = region->blocks;
    region->blocks = block;
    if (own)
        return block->data;
    region->next = block->data + size;
    region->end = (char *)block + whole;
    region->block_bytes = bytes < LARGEST_BYTES ? bytes * 2 : bytes;
    return block->data;
}
