/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation: jemalloc where the program links it (by weak reference), malloc otherwise, mappings
 * from 2 MiB on; every byte may be charged to an owner; tests make the n-th allocation fail.
 */
#ifndef WEIR_MEMORY_H
#define WEIR_MEMORY_H

#include <weir/base.h>

WEIR_BEGIN_DECLS

/* size bytes aligned for any type (64 bytes if size >= 64), not cleared; NULL when there are none.
 * size 0 gives NULL. Free with the same size. Any thread. */
WEIR_API void *weir_alloc(size_t size);
WEIR_API void *weir_alloc_zero(size_t size);
/* Like realloc; on failure NULL and the old block stays. */
WEIR_API void *weir_realloc(void *block, size_t old_size, size_t new_size);
WEIR_API void weir_free(void *block, size_t size);

/* Never NULL: for the engine's small structures, whose failure no caller could answer. When memory
 * is gone it is served from a reserve of 4 MiB set aside at start and weir_memory_exhausted() turns
 * true; workers look at that every turn and end the run with WEIR_NO_MEMORY. If the reserve is gone
 * too, the process ends by an assertion that says so. */
WEIR_API void *weir_alloc_must(size_t size);
WEIR_API void *weir_realloc_must(void *block, size_t old_size, size_t new_size);
WEIR_API bool weir_memory_exhausted(void);
/* Forgets an earlier exhaustion, once its memory is freed: between runs, and in tests. */
WEIR_API void weir_memory_exhausted_reset(void);

/* For tests: from now on the n-th allocation by weir_alloc and its kin (1 is the next) fails, once,
 * and so does every `every`-th after it if every > 0. n = 0 switches it off. Process-wide. */
WEIR_API void weir_memory_fail_nth(uint64_t n, uint64_t every);
/* Bytes now allocated through this header, process-wide. */
WEIR_API size_t weir_memory_used(void);

/* An owner of memory: a node, a queue, a trace, a source. Charged by its own worker's thread and
 * read from any: plain relaxed atomics. bytes may be a moment old for a reader. */
typedef struct weir_account {
    int64_t bytes;
    int64_t bytes_max;
} weir_account;

static inline void weir_account_add(weir_account *a, int64_t bytes)
{
    int64_t now = __atomic_load_n(&a->bytes, __ATOMIC_RELAXED) + bytes;
    __atomic_store_n(&a->bytes, now, __ATOMIC_RELAXED);
    if (now > __atomic_load_n(&a->bytes_max, __ATOMIC_RELAXED))
        __atomic_store_n(&a->bytes_max, now, __ATOMIC_RELAXED);
}
static inline int64_t weir_account_bytes(const weir_account *a)
{
    return __atomic_load_n(&a->bytes, __ATOMIC_RELAXED);
}

WEIR_END_DECLS
#endif
