/* SPDX-License-Identifier: Apache-2.0
 *
 * Large blocks, which may have an arena of jemalloc of their own. Who makes it, and why, is in
 * env/huge_pages.h.
 */
#ifndef WEIR_BASE_LARGE_H
#define WEIR_BASE_LARGE_H

#include <stddef.h>

/* Smaller blocks are anybody's: many of them would leave huge pages half empty. */
enum { WEIR__LARGE = 4 << 20 };

/* `flags` gives jemalloc's flags for the arena, or 0: from the first large block on, so that a
 * program that has none pays for none. Any thread. */
void weir__large_arena(int (*flags)(void));
int weir__large_flags(void);

/* How much of a large block is given back to the system at a time, a power of two: takes some ten
 * microseconds. */
size_t weir__large_piece(void);

/* weir_alloc from that arena whatever the size: for the pieces of what is large as a whole. */
void *weir__alloc_dense(size_t size);

#endif
