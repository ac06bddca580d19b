/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the arena of large tables: made for the first one, there as long as the process lives.
 *
 * A guest whose host takes back memory that is free gets a fresh huge page some fifty times slower
 * than one that the host still has, and slower than 512 small ones. So the first page of each piece
 * of address space is timed; after a slow one small pages are taken, for some seconds.
 */
#include "env/huge_pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/large.h"

/* Weak, and declared here, as in memory.c. */
__attribute__((weak)) int mallctl(const char *name, void *old, size_t *old_size, void *new_value,
                                  size_t new_size);

/* extent_hooks_t of jemalloc from version 5 on: by which an arena gets its memory. */
typedef struct hooks {
    void *(*alloc)(struct hooks *, void *at, size_t size, size_t alignment, bool *zero,
                   bool *commit, unsigned arena);
    void (*ends[2])(void);
    bool (*commit)(struct hooks *, void *block, size_t size, size_t offset, size_t length,
                   unsigned arena);
    void (*others[5])(void);
} hooks;

enum {
    HUGE_PAGE = 2 << 20,
    GROW_MAX = 4 * HUGE_PAGE, /* of address space that is taken at once */
    ARENA_SHIFT = 20,
    SLOW_NS = 500 * 1000, /* 512 small pages take 700 us; a huge one 95, or 5000 */
};
static const uint64_t AGAIN_NS = UINT64_C(10) * 1000 * 1000 * 1000;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static hooks own, *theirs;
static int arena_flags;
static _Atomic uint64_t small_until_ns;
static atomic_uint slow_pages;

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void weir__huge_pages_ask(void *block, size_t size, bool committed)
{
    uint64_t before = now_ns();
    if (before < atomic_load(&small_until_ns) || madvise(block, size, MADV_HUGEPAGE) != 0)
        return;
    if (committed)
        *(volatile char *)block = 0;
    uint64_t after = now_ns();
    if (after - before < SLOW_NS)
        return;
    (void)madvise(block, size, MADV_NOHUGEPAGE);
    atomic_store(&small_until_ns, after + AGAIN_NS);
    atomic_fetch_add(&slow_pages, 1);
}

/* Whole huge pages. The rest is the allocator's own: what it gives back, and when. */
static void *take_huge(hooks *all, void *at, size_t size, size_t alignment, bool *zero,
                       bool *commit, unsigned arena)
{
    (void)all;
    if (alignment < HUGE_PAGE)
        alignment = HUGE_PAGE;
    void *block = theirs->alloc(theirs, at, size, alignment, zero, commit, arena);
    if (block)
        weir__huge_pages_ask(block, size, *commit);
    return block;
}

/* Where the system does not overcommit, what was taken is mapped again when it is needed: that is
 * what has to be asked for then. False: it was done. */
static bool commit_huge(hooks *all, void *block, size_t size, size_t offset, size_t length,
                        unsigned arena)
{
    (void)all;
    if (theirs->commit(theirs, block, size, offset, length, arena))
        return true;
    weir__huge_pages_ask((char *)block + offset, length, true);
    return false;
}

/* On request, or always: the word in brackets is what the system does. */
static bool system_gives(void)
{
    char modes[64] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (!file)
        return false;
    size_t size = fread(modes, 1, sizeof modes - 1, file);
    (void)fclose(file);
    return size > 0 && !strstr(modes, "[never]");
}

static void make(void)
{
    unsigned arena;
    size_t size = sizeof theirs, arena_size = sizeof arena;
    if (!mallctl || !system_gives() ||
        mallctl("arena.0.extent_hooks", (void *)&theirs, &size, NULL, 0) != 0)
        return;
    own = *theirs;
    own.alloc = take_huge;
    own.commit = commit_huge;
    hooks *ours = &own;
    if (mallctl("arenas.create", &arena, &arena_size, (void *)&ours, sizeof ours) != 0)
        return;
    char name[64];
    size_t limit = GROW_MAX;
    (void)snprintf(name, sizeof name, "arena.%u.retain_grow_limit", arena);
    (void)mallctl(name, NULL, NULL, &limit, sizeof limit);
    arena_flags = (int)(arena + 1) << ARENA_SHIFT;
}

static int flags(void)
{
    (void)pthread_once(&once, make);
    return arena_flags;
}

void weir__huge_pages_use(void)
{
    weir__large_arena(flags);
}

unsigned weir__huge_pages_slow(void)
{
    return atomic_load(&slow_pages);
}
