/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap of a table's long strings: bytes laid one after the other in chunks, with a count of
 * those that still matter. When most do not, the owner evacuates: it copies what lives to new
 * chunks, a little at a time, and then the old ones are freed at once.
 */
#ifndef WEIR_TRACE_HEAP_H
#define WEIR_TRACE_HEAP_H

#include <weir/memory.h>

struct weir__heap_chunk;

/* Zeroed is empty. `bytes` is what the chunks take. */
typedef struct weir__heap {
    struct weir__heap_chunk *chunks, *old;
    size_t used, live, bytes;
} weir__heap;

/* Room for size bytes that count as alive; NULL: no memory. */
char *weir__heap_alloc(weir__heap *heap, size_t size);
/* Room for a copy of something alive: only while it evacuates. */
char *weir__heap_move(weir__heap *heap, size_t size);
static inline void weir__heap_forget(weir__heap *heap, size_t size)
{
    heap->live -= size;
}

/* Most of it is dead, and it is large enough to matter. */
bool weir__heap_is_wasteful(const weir__heap *heap);
static inline bool weir__heap_evacuates(const weir__heap *heap)
{
    return heap->old != NULL;
}
void weir__heap_evacuate(weir__heap *heap);
/* All that lives has been moved. */
void weir__heap_evacuated(weir__heap *heap);
void weir__heap_clear(weir__heap *heap);

#endif
