/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns large blocks and what is kept of freed ones. A block begins and ends with a granule, and
 * that is the unit in which pages are kept, and moved from where they were to where they are
 * needed: a block may be put together of any.
 */
#include "base/mapped.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

enum {
    GRANULE = WEIR__GRANULE,
    PAGE_MIN = 4096,
    PAGE_MAX = 64 << 10,
    PIECES_MAX = 256,
};

/* A process has 65,530 mappings, and every granule of a large block may be one: where so much is in
 * use that they might not do nothing is kept. */
static const size_t IN_USE_MAX = (size_t)8 << 30;

typedef struct piece {
    char *at;
    size_t size;
} piece;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static piece pieces[PIECES_MAX]; /* what is kept */
static size_t piece_count, kept;

static size_t whole(size_t size)
{
    return (size + GRANULE - 1) & ~(size_t)(GRANULE - 1);
}

static char *map(void *at, size_t size, int flags)
{
    char *got = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return got == MAP_FAILED ? NULL : got;
}

/* Where a mapping cannot be divided, since there are too many, its pages go at least. */
static void unmap(char *at, size_t size)
{
    if (size > 0 && munmap(at, size) != 0)
        (void)madvise(at, size, MADV_DONTNEED);
}

/* Fresh, from a granule's beginning on: the system puts mappings one below the other, so most often
 * it is. */
static char *map_whole(size_t size)
{
    char *got = map(NULL, size, 0);
    if (!got || (uintptr_t)got % GRANULE == 0)
        return got;
    unmap(got, size);
    got = map(NULL, size + GRANULE, 0);
    if (!got)
        return NULL;
    size_t before = -(uintptr_t)got & (GRANULE - 1);
    unmap(got, before);
    unmap(got + before + size, GRANULE - before);
    return got + before;
}

/* ---- what is kept ---- */

size_t weir__mapped_kept(void)
{
    (void)pthread_mutex_lock(&lock);
    size_t bytes = kept;
    (void)pthread_mutex_unlock(&lock);
    return bytes;
}

static size_t bound(size_t in_use)
{
    size_t share = in_use / WEIR__KEPT_SHARE;
    return share > WEIR__KEPT_MIN ? share : WEIR__KEPT_MIN;
}

bool weir__mapped_would_keep(size_t size, size_t in_use)
{
    return in_use <= IN_USE_MAX && weir__mapped_kept() + size <= bound(in_use);
}

/* The least piece of at least `size` bytes, or the largest of all. */
static piece *best(size_t size)
{
    piece *found = NULL;
    for (piece *p = pieces; p < pieces + piece_count; p++)
        if (!found || (found->size < size ? p->size > found->size
                                          : p->size >= size && p->size < found->size))
            found = p;
    return found;
}

/* From `least` to `most` bytes; none: there is no such piece. */
static piece take(size_t least, size_t most)
{
    piece taken = { .at = NULL };
    (void)pthread_mutex_lock(&lock);
    piece *from = best(most);
    if (from && from->size >= least) {
        taken.size = from->size < most ? from->size : most;
        from->size -= taken.size;
        taken.at = from->at + from->size;
        kept -= taken.size;
        if (from->size == 0)
            *from = pieces[--piece_count];
    }
    (void)pthread_mutex_unlock(&lock);
    return taken;
}

bool weir__mapped_give_back(void)
{
    bool any = false;
    for (piece p; (p = take(1, SIZE_MAX)).at; any = true)
        unmap(p.at, p.size);
    return any;
}

void weir__mapped_cut(size_t in_use)
{
    size_t most = 2 * bound(in_use), all = weir__mapped_kept();
    for (piece p; all > most && (p = take(1, whole(all - most))).at; all -= p.size)
        unmap(p.at, p.size);
}

/* Whether a granule has pages, as far as some of it show: otherwise it is worth nothing. To ask for
 * all would take as long as to give it back. */
static bool has_pages(char *granule)
{
    enum { LOOKS = 2 };
    unsigned char there = 1;
    for (size_t i = 0; i < LOOKS && (there & 1); i++) {
        char *at = granule + (i + 1) * GRANULE / LOOKS - GRANULE / LOOKS / 2;
        at -= (uintptr_t)at % PAGE_MAX;
        if (mincore(at, 1, &there) != 0)
            return false;
    }
    return there & 1;
}

static bool keep(char *granule)
{
    (void)pthread_mutex_lock(&lock);
    piece *p = pieces, *end = pieces + piece_count;
    while (p < end && p->at + p->size != granule)
        p++;
    bool fits = p < end || piece_count < PIECES_MAX;
    if (fits && p == end)
        pieces[piece_count++] = (piece){ .at = granule };
    if (fits) {
        p->size += GRANULE;
        kept += GRANULE;
    }
    (void)pthread_mutex_unlock(&lock);
    return fits;
}

/* Where some granules in a row have no pages those behind seldom have any. */
void weir__mapped_free(void *block, size_t size, size_t in_use)
{
    enum { MISSES = 4 };
    char *at = block, *end = at + whole(size), *gone = at;
    size_t misses = 0;
    for (; at < end && misses < MISSES && weir__mapped_would_keep(GRANULE, in_use); at += GRANULE) {
        misses++;
        if (has_pages(at) && keep(at)) {
            unmap(gone, (size_t)(at - gone));
            gone = at + GRANULE;
            misses = 0;
        }
    }
    unmap(gone, (size_t)(end - gone));
    weir__mapped_cut(in_use);
}

/* Whole ones: those at the ends are touched by others, too. */
void weir__pages_ask(void *from, size_t size)
{
    char *at = from, *end = at + size;
    at += -(uintptr_t)at & (PAGE_MIN - 1);
    end -= (uintptr_t)end & (PAGE_MIN - 1);
    if (at < end)
        (void)madvise(at, (size_t)(end - at), MADV_POPULATE_WRITE);
}

void weir__mapped_empty(void *pages, size_t size)
{
    (void)madvise(pages, size, MADV_DONTNEED);
}

/* ---- blocks ---- */

/* A move that failed may have left a hole: not where there are too many mappings, which the system
 * finds out before it unmaps anything, but where it has no memory of its own then. Another thread
 * may have been given the hole since; so it is not mapped over. */
static void mend(char *granule)
{
    unsigned char said[GRANULE / PAGE_MIN];
    bool is_hole = mincore(granule, GRANULE, said) != 0 && errno == ENOMEM;
    bool is_there = !is_hole || map(granule, GRANULE, MAP_FIXED_NOREPLACE) == granule;
    WEIR_ASSERT(is_there, "out of memory: %d bytes could be neither moved nor mapped", GRANULE);
}

/* The pages from one place go to another, which loses what it had. One granule is in one mapping,
 * more need not be. Where the system cannot move one, such as for there being too many mappings, it
 * is copied. */
static void move(char *to, char *from, size_t size)
{
    for (size_t at = 0; at < size; at += GRANULE) {
        if (mremap(from + at, GRANULE, GRANULE, MREMAP_MAYMOVE | MREMAP_FIXED, to + at) !=
            MAP_FAILED)
            continue;
        mend(to + at);
        memcpy(to + at, from + at, GRANULE);
        unmap(from + at, GRANULE);
    }
}

static void fill(char *at, size_t size)
{
    for (piece p; size > 0 && (p = take(1, size)).at; at += p.size, size -= p.size)
        move(at, p.at, p.size);
}

void weir__mapped_feed(void *granule)
{
    fill(granule, GRANULE);
}

void *weir__mapped_alloc_fresh(size_t size)
{
    if (size > PTRDIFF_MAX - 2 * (size_t)GRANULE)
        return NULL;
    char *block = map_whole(whole(size));
    if (!block && weir__mapped_give_back())
        block = map_whole(whole(size));
    return block;
}

void *weir__mapped_alloc(size_t size)
{
    if (size > PTRDIFF_MAX - 2 * (size_t)GRANULE)
        return NULL;
    char *block = take(whole(size), whole(size)).at;
    if (block)
        return block;
    block = weir__mapped_alloc_fresh(size);
    if (block)
        fill(block, whole(size));
    return block;
}

void *weir__mapped_resize(void *block, size_t old_size, size_t new_size, size_t in_use)
{
    size_t before = whole(old_size), after = whole(new_size);
    if (after < before)
        weir__mapped_free((char *)block + after, before - after, in_use);
    if (after <= before)
        return block;
    char *moved = weir__mapped_alloc_fresh(new_size);
    if (!moved)
        return NULL;
    move(moved, block, before);
    fill(moved + before, after - before);
    return moved;
}
