/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of many small things that all end together: cut off large blocks, one after the other,
 * and freed at once.
 */
#ifndef WEIR_BASE_REGION_H
#define WEIR_BASE_REGION_H

#include <string.h>

#include <weir/memory.h>

typedef struct weir__region_block weir__region_block;

/* A zeroed one is valid and empty. */
typedef struct weir__region {
    weir__region_block *blocks;
    char *next, *end; /* of the newest block, what is not given out: zeroes */
    size_t block_bytes;
} weir__region;

void weir__region_fini(weir__region *region);
/* For weir__region_alloc only. */
void *weir__region_more(weir__region *region, size_t size);

/* Zeroed, aligned to 16 bytes; never NULL (weir_alloc_must). size 0 gives an address. */
static inline void *weir__region_alloc(weir__region *region, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (WEIR_UNLIKELY((size_t)(region->end - region->next) < size || !region->next))
        return weir__region_more(region, size);
    void *room = region->next;
    region->next += size;
    return room;
}

#endif
