/* SPDX-License-Identifier: Apache-2.0
 *
 * Large blocks are mappings of their own. They grow without a copy, and pages of freed ones are
 * kept, up to a bound, for the next ones: to touch a fresh page costs some fifty times what it
 * takes to move one. Allocators give blocks of this size back to the system sooner or later, all of
 * them or none.
 *
 * Counting is memory.c's, as is the choice of what is mapped.
 */
#ifndef WEIR_BASE_MAPPED_H
#define WEIR_BASE_MAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WEIR__MAPPED = 2 << 20,    /* blocks from this size on */
    WEIR__GRANULE = 256 << 10, /* they lie in whole ones, and what is kept are such */
    WEIR__KEPT_MIN = 16 << 20, /* what is kept is bounded by this, or ... */
    WEIR__KEPT_SHARE = 8       /* ... by such a part of what is in use, if that is more */
};

static inline bool weir__is_mapped(size_t size)
{
    return size >= WEIR__MAPPED;
}

/* Any thread, all of them. NULL: the system has no more, though it got back what was kept. */
void *weir__mapped_alloc(size_t size);
/* Of fresh pages, that is of zeros that nobody has touched. */
void *weir__mapped_alloc_fresh(size_t size);
/* Like realloc, but never a copy: NULL, and the block is as it was. A smaller one stays where it
 * is. */
void *weir__mapped_resize(void *block, size_t old_size, size_t new_size, size_t in_use);
void weir__mapped_free(void *block, size_t size, size_t in_use);

/* Puts pages that are kept, if there are any, in place of a granule of a block that nobody has
 * touched yet: for a fresh one that is written in several places, bit by bit, and may not be needed
 * whole. It begins at a multiple of GRANULE. */
void weir__mapped_feed(void *granule);

/* Asks for the pages of what is written next as a whole, of any block: one call takes a sixth less
 * than to touch each of many. Where they are there, or cannot be had so, nothing happens. */
void weir__pages_ask(void *from, size_t size);

/* These pages of a block go back to the system, and the block stays. */
void weir__mapped_empty(void *pages, size_t size);

/* Whether so much would be kept now, if it were freed. */
bool weir__mapped_would_keep(size_t size, size_t in_use);
size_t weir__mapped_kept(void);
/* Less is in use than when pages were kept: of these, no more than twice the bound stays. Freeing a
 * block does the same. */
void weir__mapped_cut(size_t in_use);
/* The system gets back what is kept. False: there was nothing. memory.c does this when an allocator
 * has no memory, and asks it once more. */
bool weir__mapped_give_back(void);
/* For tests, like weir_memory_fail_nth: at the n-th allocation from now on the allocator, where it
 * is asked, has no memory at first. */
void weir__memory_fail_answer(uint64_t n);

#endif
