/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the process's one way to memory: the choice between jemalloc, malloc and mappings, the count
 * of bytes in use, the reserve behind weir_alloc_must, and failures on demand. It does not know
 * owners: whoever allocates charges an account.
 */
#include <weir/memory.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/large.h"
#include "base/mapped.h"

/* Weak: NULL unless the program is linked with jemalloc. Declared here and not by its header, so
 * that building the library needs no jemalloc. */
__attribute__((weak)) void *mallocx(size_t size, int flags);
__attribute__((weak)) void *rallocx(void *block, size_t size, int flags);
__attribute__((weak)) void sdallocx(void *block, size_t size, int flags);
__attribute__((weak)) int mallctl(const char *name, void *old, size_t *old_size, void *new_value,
                                  size_t new_size);

/* jemalloc's flags: the low 6 bits are the logarithm of the alignment, 0x40 asks for zeroes, bits
 * from 20 on are an arena's number, plus one. */
enum { LINE = 64, FLAG_LINE = 6, FLAG_PAGE = 12, FLAG_ZERO = 0x40, FLAG_ARENA = 20 };

/* ---- the count of bytes in use ----
 *
 * A shard belongs to one thread at a time, so counting is a load and a store without a lock prefix.
 * Its value is only a term of the sum: a shard given back by a thread that ended keeps its value,
 * and the next owner goes on from there (taken is the acquire/release hand-over). Shard 0 is for
 * threads beyond the last shard and for threads that are ending; it is counted by atomic addition.
 */
enum { SHARDS = 256 };

typedef struct shard {
    _Alignas(LINE) _Atomic int64_t bytes;
    atomic_bool taken;
} shard;

static shard shards[SHARDS];
static pthread_key_t shard_key;
static pthread_once_t shard_once = PTHREAD_ONCE_INIT;
/* initial-exec: 8 bytes of static TLS spare every allocation a call of __tls_get_addr. */
static _Thread_local __attribute__((tls_model("initial-exec"))) shard *my_shard;

static void shard_give_back(void *mine)
{
    my_shard = &shards[0];
    atomic_store_explicit(&((shard *)mine)->taken, false, memory_order_release);
}

static void shard_key_make(void)
{
    if (pthread_key_create(&shard_key, shard_give_back) != 0)
        for (int i = 1; i < SHARDS; i++)
            atomic_store_explicit(&shards[i].taken, true, memory_order_relaxed);
}

static __attribute__((noinline, cold)) shard *shard_take(void)
{
    pthread_once(&shard_once, shard_key_make);
    my_shard = &shards[0];
    for (int i = 1; i < SHARDS; i++) {
        if (atomic_load_explicit(&shards[i].taken, memory_order_relaxed) ||
            atomic_exchange_explicit(&shards[i].taken, true, memory_order_acquire))
            continue;
        if (pthread_setspecific(shard_key, &shards[i]) == 0)
            my_shard = &shards[i];
        else
            atomic_store_explicit(&shards[i].taken, false, memory_order_release);
        break;
    }
    return my_shard;
}

static void count(int64_t bytes)
{
    shard *mine = my_shard;
    if (WEIR_UNLIKELY(!mine))
        mine = shard_take();
    if (WEIR_LIKELY(mine != &shards[0])) {
        int64_t now = atomic_load_explicit(&mine->bytes, memory_order_relaxed) + bytes;
        atomic_store_explicit(&mine->bytes, now, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&mine->bytes, bytes, memory_order_relaxed);
    }
}

size_t weir_memory_used(void)
{
    int64_t sum = 0;
    for (int i = 0; i < SHARDS; i++)
        sum += atomic_load_explicit(&shards[i].bytes, memory_order_relaxed);
    return sum > 0 ? (size_t)sum : 0;
}

/* ---- failures on demand ---- */

static _Atomic uint64_t fail_first, fail_every, fail_seen;
static atomic_bool fail_armed, fail_answers;

/* ANSWER: only the allocator's first answer is NULL. */
typedef enum refusal { NONE, ANSWER, ALL } refusal;

static void arm(uint64_t n, uint64_t every, bool answers)
{
    atomic_store(&fail_armed, false);
    atomic_store(&fail_first, n);
    atomic_store(&fail_every, every);
    atomic_store(&fail_answers, answers);
    atomic_store(&fail_seen, 0);
    atomic_store(&fail_armed, n > 0);
}

void weir_memory_fail_nth(uint64_t n, uint64_t every)
{
    arm(n, every, false);
}

void weir__memory_fail_answer(uint64_t n)
{
    arm(n, 0, true);
}

static __attribute__((noinline, cold)) bool fail_this(void)
{
    uint64_t seen = atomic_fetch_add(&fail_seen, 1) + 1;
    uint64_t first = atomic_load(&fail_first), every = atomic_load(&fail_every);
    return seen == first || (every && seen > first && (seen - first) % every == 0);
}

static refusal refused(size_t size)
{
    if (WEIR_UNLIKELY(atomic_load_explicit(&fail_armed, memory_order_relaxed)) && fail_this())
        return atomic_load(&fail_answers) ? ANSWER : ALL;
    return size > PTRDIFF_MAX ? ALL : NONE;
}

/* ---- the reserve ----
 *
 * Static, so that setting it aside cannot fail. Blocks are cut off one after the other and come
 * back all at once, when the last of them is freed: the run ends soon after the first.
 */
enum { RESERVE = 4 << 20 };

static _Alignas(LINE) char reserve[RESERVE];
static size_t reserve_used, reserve_blocks;
static pthread_mutex_t reserve_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool exhausted;

static bool in_reserve(const void *block)
{
    return (uintptr_t)block - (uintptr_t)reserve < RESERVE;
}

static __attribute__((noinline, cold)) void *reserve_alloc(size_t size)
{
    void *block = NULL;
    atomic_store_explicit(&exhausted, true, memory_order_relaxed);
    pthread_mutex_lock(&reserve_lock);
    if (size <= RESERVE - reserve_used) {
        block = reserve + reserve_used;
        reserve_used += (size + LINE - 1) & ~(size_t)(LINE - 1);
        reserve_blocks++;
    }
    pthread_mutex_unlock(&reserve_lock);
    WEIR_ASSERT(block, "out of memory: %zu bytes could not be allocated, and the reserve is spent",
                size);
    count((int64_t)size);
    return block;
}

static __attribute__((noinline, cold)) void reserve_free(void)
{
    pthread_mutex_lock(&reserve_lock);
    if (--reserve_blocks == 0)
        reserve_used = 0;
    pthread_mutex_unlock(&reserve_lock);
}

/* Loaded each turn by workers, stored only when it changes: the line stays shared. */
bool weir_memory_exhausted(void)
{
    return atomic_load_explicit(&exhausted, memory_order_relaxed);
}

void weir_memory_exhausted_reset(void)
{
    atomic_store_explicit(&exhausted, false, memory_order_relaxed);
}

/* ---- the arena of what is large ---- */

static int (*_Atomic large_arena)(void);

void weir__large_arena(int (*flags)(void))
{
    atomic_store_explicit(&large_arena, flags, memory_order_relaxed);
}

int weir__large_flags(void)
{
    int (*arena)(void) = atomic_load_explicit(&large_arena, memory_order_relaxed);
    return arena ? arena() : 0;
}

/* ---- allocation ---- */

/* The alignment follows from the size alone, so that sdallocx is told the flags of mallocx. */
static int line_flag(size_t size)
{
    return size >= LINE ? FLAG_LINE : 0;
}

/* The allocator has nothing. What is kept for large blocks goes back to the system; and jemalloc
 * keeps what was freed in pieces, and takes them together to larger ones only when it has given
 * their pages back: under a limit (ulimit -d) that may be what is missing. Whether to ask once
 * more. */
static __attribute__((noinline, cold)) bool give_back(void)
{
    bool kept = weir__mapped_give_back();
    bool purged = mallctl && mallctl("arena.4096.purge", NULL, NULL, NULL, 0) == 0; /* of all */
    return kept || purged;
}

/* Without jemalloc there are no flags but those of the size. */
static void *ask(size_t size, int flags)
{
    void *block = NULL;
    if (mallocx)
        return mallocx(size, flags);
    if (size < LINE)
        return malloc(size);
    return posix_memalign(&block, LINE, size) == 0 ? block : NULL;
}

static void *take(size_t size, int flags, refusal how)
{
    void *block = WEIR_LIKELY(how == NONE) ? ask(size, flags) : NULL;
    return WEIR_LIKELY(block) || !give_back() ? block : ask(size, flags);
}

static void *ask_more(void *block, size_t size)
{
    return rallocx ? rallocx(block, size, line_flag(size)) : realloc(block, size);
}

static void *retake(void *block, size_t size, refusal how)
{
    void *moved = WEIR_LIKELY(how == NONE) ? ask_more(block, size) : NULL;
    return WEIR_LIKELY(moved) || !give_back() ? moved : ask_more(block, size);
}

static void *allocate(size_t size, int flags)
{
    refusal how = size > 0 ? refused(size) : ALL;
    if (how == ALL)
        return NULL;
    void *block = weir__is_mapped(size) ? weir__mapped_alloc(size) : take(size, flags, how);
    if (block)
        count((int64_t)size);
    return block;
}

void *weir_alloc(size_t size)
{
    return allocate(size, line_flag(size));
}

void weir__large_gone(void)
{
    int flags = weir__large_flags();
    char name[64];
    weir__mapped_cut(weir_memory_used());
    if (!flags)
        return;
    (void)snprintf(name, sizeof name, "arena.%d.purge", (flags >> FLAG_ARENA) - 1);
    (void)mallctl(name, NULL, NULL, NULL, 0);
}

/* jemalloc begins whole pages somewhere in their first one, so that a block touches one more, but
 * where pages are asked for. Sizes are whole pages from OF_PAGES on: its alignment changes none. */
void *weir__alloc_dense(size_t size)
{
    enum { OF_PAGES = 16 << 10 };
    return allocate(size, (size >= OF_PAGES ? FLAG_PAGE : line_flag(size)) | weir__large_flags());
}

void *weir__alloc_fresh(size_t size)
{
    if (!weir__is_mapped(size))
        return weir_alloc(size);
    void *block = refused(size) == ALL ? NULL : weir__mapped_alloc_fresh(size);
    if (block)
        count((int64_t)size);
    return block;
}

void *weir_alloc_zero(size_t size)
{
    if (weir__is_mapped(size))
        return weir__alloc_fresh(size);
    if (!mallocx) {
        void *block = weir_alloc(size);
        return block ? memset(block, 0, size) : NULL;
    }
    refusal how = size > 0 ? refused(size) : ALL;
    if (how == ALL)
        return NULL;
    void *block = take(size, line_flag(size) | FLAG_ZERO, how);
    if (block)
        count((int64_t)size);
    return block;
}

void weir_free(void *block, size_t size)
{
    if (!block)
        return;
    count(-(int64_t)size);
    if (WEIR_UNLIKELY(in_reserve(block)))
        reserve_free();
    else if (weir__is_mapped(size))
        weir__mapped_free(block, size, weir_memory_used());
    else if (sdallocx)
        sdallocx(block, size, line_flag(size));
    else
        free(block);
}

/* Whoever gave the block can resize it: not the reserve, and malloc only where both sizes are below
 * a line, since it keeps no alignment beyond its own. */
static bool can_resize(const void *block, size_t old_size, size_t new_size)
{
    if (in_reserve(block) || weir__is_mapped(old_size) != weir__is_mapped(new_size))
        return false;
    return rallocx || weir__is_mapped(old_size) || (old_size < LINE && new_size < LINE);
}

static void *resize(void *block, size_t old_size, size_t new_size, refusal how)
{
    return weir__is_mapped(new_size)
               ? weir__mapped_resize(block, old_size, new_size, weir_memory_used())
               : retake(block, new_size, how);
}

void *weir_realloc(void *block, size_t old_size, size_t new_size)
{
    if (!block)
        return weir_alloc(new_size);
    if (new_size == 0) {
        weir_free(block, old_size);
        return NULL;
    }
    if (can_resize(block, old_size, new_size)) {
        refusal how = refused(new_size);
        if (how == ALL)
            return NULL;
        void *moved = resize(block, old_size, new_size, how);
        if (moved)
            count((int64_t)new_size - (int64_t)old_size);
        return moved;
    }
    void *moved = weir_alloc(new_size);
    if (!moved)
        return NULL;
    memcpy(moved, block, old_size < new_size ? old_size : new_size);
    weir_free(block, old_size);
    return moved;
}

void *weir_alloc_must(size_t size)
{
    void *block = weir_alloc(size);
    return WEIR_LIKELY(block || size == 0) ? block : reserve_alloc(size);
}

void *weir_realloc_must(void *block, size_t old_size, size_t new_size)
{
    void *moved = weir_realloc(block, old_size, new_size);
    if (WEIR_LIKELY(moved || new_size == 0))
        return moved;
    moved = reserve_alloc(new_size);
    if (block) {
        memcpy(moved, block, old_size < new_size ? old_size : new_size);
        weir_free(block, old_size);
    }
    return moved;
}
