/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole lines of the cache. What all threads read all the time, and what one of them writes, must
 * not meet in a line: each write would cost all readers a transfer between cores. Small arrays of
 * both kinds come from one allocator, and one thread may have made both.
 */
#ifndef WEIR_BASE_LINES_H
#define WEIR_BASE_LINES_H

#include <stddef.h>

enum { WEIR__LINE = 64 };

/* jemalloc aligns what is so large to a line. */
static inline size_t weir__lines(size_t size)
{
    return (size + WEIR__LINE - 1) & ~(size_t)(WEIR__LINE - 1);
}

#endif
