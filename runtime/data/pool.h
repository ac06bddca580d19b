/* SPDX-License-Identifier: Apache-2.0
 *
 * Recycled buffers. A pool belongs to one thread, which takes buffers from it; the buffers go
 * anywhere, are shared by reference count, and return to the pool from whichever thread lets go
 * last. Owns the memory of buffers, not what is in them; charging an account is the user's.
 *
 *            get              send, retain …             last release
 *   pool ──────────→ buffer ─────────────────→ thread ──┬─ the owner:  free list of the size class
 *    ↑ free lists                                       └─ another:    return stack ─┐
 *    └───────── all of it by one exchange, when a free list is empty or at a trim ←──┘
 *
 * Memory orders. Only who holds a reference may add one, so a count of 1 seen by a holder stays 1:
 * the last release needs no read-modify-write. Its load is an acquire, and the decrement of all
 * others a release, so what they did with the payload happened before it is used again. The return
 * stack is pushed to by CAS (release: `next` and the end of use) and emptied by exchange (acquire);
 * since nothing is popped singly there is no ABA. Closing leaves a mark in the stack that sends
 * later releases to the allocator; `left` counts them, so that the last one frees the pool.
 */
#ifndef WEIR_DATA_POOL_H
#define WEIR_DATA_POOL_H

#include <stdatomic.h>

#include <weir/base.h>

#include "base/assert.h"

typedef struct weir__pool weir__pool;

/* Size classes are powers of two, header included: 1 KiB to 256 KiB. Ask for a power of two less
 * WEIR__BUFFER_HEADER to fill one; more than WEIR__BUFFER_SIZE_MAX is allocated and freed as asked
 * for, not recycled. */
enum {
    WEIR__BUFFER_HEADER = 64,
    WEIR__BUFFER_CLASSES = 10,
    WEIR__BUFFER_SIZE_MAX = (512 << 10) - WEIR__BUFFER_HEADER,
    WEIR__POOL_KEPT_MAX = 4 << 20, /* bytes of free buffers kept, a class */
};

/* The header of a buffer; the payload follows, aligned to 64 bytes. */
typedef struct weir__buffer weir__buffer;
struct weir__buffer {
    _Alignas(WEIR__BUFFER_HEADER) _Atomic uint32_t refs; /* 0 while it lies in the pool */
    uint32_t size_class;
    weir__pool *home;
    size_t size; /* bytes of payload */
    weir__buffer *next;
};

/* Belongs to the calling thread. NULL if memory is gone. */
weir__pool *weir__pool_create(void);
/* From now on it belongs to the calling thread. No buffer is out, and nobody else uses it. */
void weir__pool_adopt(weir__pool *pool);
/* By the owner, or by who joined the owner's thread. The pool lives on until its last buffer has
 * come back, and frees itself then. */
void weir__pool_close(weir__pool *pool);

/* The owner's thread. A buffer of at least size bytes (buffer->size says how many), not cleared,
 * with one reference. Never NULL: when memory is gone what the pool keeps is freed, then it is as
 * with weir_alloc_must. */
weir__buffer *weir__pool_get(weir__pool *pool, size_t size);
/* The owner's thread, before it parks: frees buffers that were not needed since the last trim. */
void weir__pool_trim(weir__pool *pool);
/* Bytes in the free lists: not those out, nor those on the return stack. Any thread. */
size_t weir__pool_kept(const weir__pool *pool);

/* For release only: the last reference is gone. */
void weir__buffer_give_back(weir__buffer *buffer);

static inline void *weir__buffer_data(weir__buffer *buffer)
{
    return buffer + 1;
}

/* Any thread that holds a reference. */
static inline void weir__buffer_retain(weir__buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
}

/* Whether the caller's reference is the only one: then it may write to the payload. */
static inline bool weir__buffer_sole(weir__buffer *buffer)
{
    return atomic_load_explicit(&buffer->refs, memory_order_acquire) == 1;
}

/* Any thread; gives up the caller's reference. */
static inline void weir__buffer_release(weir__buffer *buffer)
{
    uint32_t refs = atomic_load_explicit(&buffer->refs, memory_order_acquire);
    WEIR_DCHECK(refs > 0, "buffer of %zu bytes: released after its last reference", buffer->size);
    if (refs == 1 || atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) == 1)
        weir__buffer_give_back(buffer);
}

#endif
