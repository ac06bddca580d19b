/* SPDX-License-Identifier: Apache-2.0
 *
 * Recycled buffers: the header has the picture and the memory orders. Under the address sanitizer
 * the payload of a buffer that lies in a pool is poisoned, so that use after release is caught as
 * if it had been freed.
 */
#include "data/pool.h"

#include <weir/memory.h>

#include "base/poison.h"

enum { CLASS_SHIFT = 10, LARGE = WEIR__BUFFER_CLASSES };

_Static_assert(sizeof(weir__buffer) == WEIR__BUFFER_HEADER, "the payload follows the header");
_Static_assert(WEIR__BUFFER_SIZE_MAX + WEIR__BUFFER_HEADER ==
                   1 << (CLASS_SHIFT + WEIR__BUFFER_CLASSES - 1),
               "the last class");

typedef struct free_list {
    weir__buffer *first;
    _Atomic uint32_t count; /* written by the owner, read by any */
    uint32_t low;           /* the least count since the last trim */
} free_list;

struct weir__pool {
    /* read by every thread that releases a buffer, written when the owner changes */
    _Alignas(64) _Atomic(const void *) owner;
    /* the owner's */
    _Alignas(64) int64_t out; /* buffers given out, as far as the owner knows */
    free_list lists[WEIR__BUFFER_CLASSES];
    /* other threads' */
    _Alignas(64) _Atomic(weir__buffer *) returned;
    _Atomic int64_t left; /* closed: buffers still to come; before: less those freed outside */
};

/* In `returned`: the pool is closed. */
static weir__buffer closed;

/* Its address names the thread, as long as that lives. */
static _Thread_local __attribute__((tls_model("initial-exec"))) char thread_token;

static size_t block_bytes(const weir__buffer *buffer)
{
    return buffer->size + WEIR__BUFFER_HEADER;
}

static void free_block(weir__buffer *buffer)
{
    ASAN_UNPOISON_MEMORY_REGION(weir__buffer_data(buffer), buffer->size);
    weir_free(buffer, block_bytes(buffer));
}

static void set_count(free_list *list, uint32_t count)
{
    atomic_store_explicit(&list->count, count, memory_order_relaxed);
}

static uint32_t count_of(const free_list *list)
{
    return atomic_load_explicit(&list->count, memory_order_relaxed);
}

weir__pool *weir__pool_create(void)
{
    weir__pool *pool = weir_alloc_zero(sizeof *pool);
    if (pool)
        atomic_init(&pool->owner, &thread_token);
    return pool;
}

void weir__pool_adopt(weir__pool *pool)
{
    WEIR_DCHECK(pool->out == 0, "a pool with buffers out is adopted");
    atomic_store_explicit(&pool->owner, &thread_token, memory_order_relaxed);
}

static weir__buffer *pop(free_list *list)
{
    weir__buffer *buffer = list->first;
    if (!buffer)
        return NULL;
    list->first = buffer->next;
    uint32_t count = count_of(list) - 1;
    set_count(list, count);
    if (count < list->low)
        list->low = count;
    return buffer;
}

/* Puts a poisoned buffer on its free list, or frees it if the list is long enough. */
static void keep(weir__pool *pool, weir__buffer *buffer)
{
    free_list *list = &pool->lists[buffer->size_class];
    uint32_t count = count_of(list);
    uint32_t most = (uint32_t)WEIR__POOL_KEPT_MAX >> CLASS_SHIFT >> buffer->size_class;
    if (WEIR_UNLIKELY(count >= most)) {
        free_block(buffer);
        return;
    }
    buffer->next = list->first;
    list->first = buffer;
    set_count(list, count + 1);
}

static void take_returned(weir__pool *pool)
{
    if (!atomic_load_explicit(&pool->returned, memory_order_relaxed))
        return;
    weir__buffer *buffer = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    while (buffer) {
        weir__buffer *next = buffer->next;
        pool->out--;
        keep(pool, buffer);
        buffer = next;
    }
}

static void free_kept(weir__pool *pool)
{
    for (unsigned c = 0; c < WEIR__BUFFER_CLASSES; c++)
        for (weir__buffer *buffer; (buffer = pop(&pool->lists[c])) != NULL;)
            free_block(buffer);
}

void weir__pool_close(weir__pool *pool)
{
    atomic_store_explicit(&pool->owner, NULL, memory_order_relaxed);
    weir__buffer *buffer = atomic_exchange_explicit(&pool->returned, &closed, memory_order_acq_rel);
    while (buffer) {
        weir__buffer *next = buffer->next;
        pool->out--;
        free_block(buffer);
        buffer = next;
    }
    free_kept(pool);
    int64_t out = pool->out;
    if (atomic_fetch_add_explicit(&pool->left, out, memory_order_acq_rel) + out == 0)
        weir_free(pool, sizeof *pool);
}

static __attribute__((noinline)) weir__buffer *allocate(weir__pool *pool, uint32_t size_class,
                                                        size_t bytes)
{
    weir__buffer *buffer = weir_alloc(bytes);
    if (WEIR_UNLIKELY(!buffer)) {
        take_returned(pool);
        free_kept(pool);
        buffer = weir_alloc_must(bytes);
    }
    atomic_init(&buffer->refs, 1);
    buffer->size_class = size_class;
    buffer->home = pool;
    buffer->size = bytes - WEIR__BUFFER_HEADER;
    buffer->next = NULL;
    return buffer;
}

weir__buffer *weir__pool_get(weir__pool *pool, size_t size)
{
    WEIR_DCHECK(atomic_load_explicit(&pool->owner, memory_order_relaxed) == &thread_token,
                "a pool is used by a thread that does not own it");
    pool->out++;
    if (WEIR_UNLIKELY(size > WEIR__BUFFER_SIZE_MAX)) {
        WEIR_ASSERT(size <= PTRDIFF_MAX, "a buffer of %zu bytes", size);
        return allocate(pool, LARGE, size + WEIR__BUFFER_HEADER);
    }
    size_t blocks = (size + WEIR__BUFFER_HEADER - 1) >> CLASS_SHIFT;
    uint32_t size_class = blocks ? 64 - (uint32_t)__builtin_clzll(blocks) : 0;
    free_list *list = &pool->lists[size_class];
    weir__buffer *buffer = pop(list);
    if (WEIR_UNLIKELY(!buffer)) {
        take_returned(pool);
        buffer = pop(list);
        if (!buffer)
            return allocate(pool, size_class, (size_t)1 << (CLASS_SHIFT + size_class));
    }
    ASAN_UNPOISON_MEMORY_REGION(weir__buffer_data(buffer), buffer->size);
    atomic_store_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

void weir__pool_trim(weir__pool *pool)
{
    take_returned(pool);
    if (WEIR_UNLIKELY(weir_memory_exhausted()))
        free_kept(pool);
    for (unsigned c = 0; c < WEIR__BUFFER_CLASSES; c++) {
        free_list *list = &pool->lists[c];
        for (uint32_t spare = list->low; spare > 0; spare--)
            free_block(pop(list));
        list->low = count_of(list);
    }
}

size_t weir__pool_kept(const weir__pool *pool)
{
    size_t kept = 0;
    for (unsigned c = 0; c < WEIR__BUFFER_CLASSES; c++)
        kept += (size_t)count_of(&pool->lists[c]) << (CLASS_SHIFT + c);
    return kept;
}

/* A large buffer, or one whose pool is closed, is not handed to the owner: it is freed here and
 * counted in `left`, which the close adds the outstanding number to. Whoever brings it to 0 after
 * the close is last. */
static __attribute__((noinline)) void give_back_from_outside(weir__pool *home, weir__buffer *buffer)
{
    if (buffer->size_class != LARGE) {
        weir__buffer *head = atomic_load_explicit(&home->returned, memory_order_relaxed);
        while (head != &closed) {
            buffer->next = head;
            if (atomic_compare_exchange_weak_explicit(&home->returned, &head, buffer,
                                                      memory_order_release, memory_order_relaxed))
                return;
        }
    }
    free_block(buffer);
    if (atomic_fetch_sub_explicit(&home->left, 1, memory_order_acq_rel) == 1)
        weir_free(home, sizeof *home);
}

void weir__buffer_give_back(weir__buffer *buffer)
{
    weir__pool *home = buffer->home;
    atomic_store_explicit(&buffer->refs, 0, memory_order_relaxed);
    ASAN_POISON_MEMORY_REGION(weir__buffer_data(buffer), buffer->size);
    if (WEIR_UNLIKELY(atomic_load_explicit(&home->owner, memory_order_relaxed) != &thread_token)) {
        give_back_from_outside(home, buffer);
        return;
    }
    home->out--;
    if (buffer->size_class == LARGE)
        free_block(buffer);
    else
        keep(home, buffer);
}
