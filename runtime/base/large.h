/* SPDX-License-Identifier: Apache-2.0
 *
 * What is large, and looked up here and there, may have an arena of jemalloc of its own. Who makes
 * it, and why, is in env/huge_pages.h.
 */
#ifndef WEIR_BASE_LARGE_H
#define WEIR_BASE_LARGE_H

#include <stddef.h>

/* What is smaller is anybody's: it would leave huge pages half empty. */
enum { WEIR__LARGE = 16 << 20 };

/* `flags` gives jemalloc's flags for the arena, or 0. It is asked at the first such block: a
 * program that has none pays for none. Any thread. */
void weir__large_arena(int (*flags)(void));
int weir__large_flags(void);

/* weir_alloc from that arena if there is one, whatever the size: for a piece of what is large. */
void *weir__alloc_dense(size_t size);

/* weir_alloc, but what is mapped has fresh pages only (mapped.h). */
void *weir__alloc_fresh(size_t size);

/* Something large has gone: gives its pages back to the system. An arena does that by itself, some
 * seconds later, but only while it is asked for more. */
void weir__large_gone(void);

#endif
