/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the chunks of a heap. What lies in them, and where pointers to it are, is the owner's.
 */
#include "trace/heap.h"

enum { CHUNK_SMALL = 1 << 10, CHUNK_LARGE = 64 << 10, WASTE_MIN = 128 << 10 };

struct weir__heap_chunk {
    struct weir__heap_chunk *next;
    size_t size, used;
    char bytes[];
};

static struct weir__heap_chunk *chunk_add(weir__heap *heap, size_t size)
{
    size_t want = heap->bytes < CHUNK_LARGE ? CHUNK_SMALL : CHUNK_LARGE;
    want = want > size ? want : size;
    struct weir__heap_chunk *chunk = weir_alloc(sizeof *chunk + want);
    if (!chunk)
        return NULL;
    chunk->size = want;
    chunk->used = 0;
    heap->bytes += sizeof *chunk + want;
    /* A chunk made for one large string is full at once: the open one stays in front. */
    if (heap->chunks && want == size) {
        chunk->next = heap->chunks->next;
        heap->chunks->next = chunk;
    } else {
        chunk->next = heap->chunks;
        heap->chunks = chunk;
    }
    return chunk;
}

char *weir__heap_move(weir__heap *heap, size_t size)
{
    struct weir__heap_chunk *chunk = heap->chunks;
    if (!chunk || chunk->size - chunk->used < size)
        chunk = chunk_add(heap, size);
    if (!chunk)
        return NULL;
    char *room = chunk->bytes + chunk->used;
    chunk->used += size;
    heap->used += size;
    return room;
}

char *weir__heap_alloc(weir__heap *heap, size_t size)
{
    char *room = weir__heap_move(heap, size);
    if (room)
        heap->live += size;
    return room;
}

bool weir__heap_is_wasteful(const weir__heap *heap)
{
    return heap->used > WASTE_MIN && heap->used / 2 > heap->live;
}

static void chunks_free(weir__heap *heap, struct weir__heap_chunk *chunk)
{
    while (chunk) {
        struct weir__heap_chunk *next = chunk->next;
        heap->bytes -= sizeof *chunk + chunk->size;
        weir_free(chunk, sizeof *chunk + chunk->size);
        chunk = next;
    }
}

void weir__heap_evacuate(weir__heap *heap)
{
    heap->old = heap->chunks;
    heap->chunks = NULL;
    heap->used = 0;
}

void weir__heap_evacuated(weir__heap *heap)
{
    chunks_free(heap, heap->old);
    heap->old = NULL;
}

void weir__heap_clear(weir__heap *heap)
{
    chunks_free(heap, heap->old);
    chunks_free(heap, heap->chunks);
    *heap = (weir__heap){ .chunks = NULL };
}
