/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the arena of large tables: made for the first one, there as long as the process lives.
 */
#include "env/huge_pages.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/large.h"

/* Weak, and declared here, as in memory.c. */
__attribute__((weak)) int mallctl(const char *name, void *old, size_t *old_size, void *new_value,
                                  size_t new_size);

/* extent_hooks_t of jemalloc from version 5 on: by which an arena gets its memory. */
typedef struct hooks {
    void *(*alloc)(struct hooks *, void *at, size_t size, size_t alignment, bool *zero,
                   bool *commit, unsigned arena);
    void (*others[8])(void);
} hooks;

enum { HUGE_PAGE = 2 << 20, ARENA_SHIFT = 20 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static hooks own, *theirs;
static int arena_flags;

/* Whole huge pages. The rest is the allocator's own: what it gives back, and when. */
static void *take_huge(hooks *all, void *at, size_t size, size_t alignment, bool *zero,
                       bool *commit, unsigned arena)
{
    (void)all;
    if (alignment < HUGE_PAGE)
        alignment = HUGE_PAGE;
    void *block = theirs->alloc(theirs, at, size, alignment, zero, commit, arena);
    if (block)
        (void)madvise(block, size, MADV_HUGEPAGE);
    return block;
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
    hooks *ours = &own;
    if (mallctl("arenas.create", &arena, &arena_size, (void *)&ours, sizeof ours) == 0)
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
