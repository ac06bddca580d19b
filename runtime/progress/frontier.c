/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the storage and the algebra of frontiers: one element inline, more of them in an array that
 * grows by doubling and stays until fini.
 */
#include <weir/frontier.h>

#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"

enum { FIRST_CAPACITY = 4 };

static weir_time *times_of(weir_frontier *f)
{
    return f->capacity && f->depth > 1 ? f->more : &f->one;
}

static void grow(weir_frontier *f, uint32_t capacity)
{
    uint32_t wanted = f->capacity ? f->capacity : FIRST_CAPACITY;
    while (wanted < capacity)
        wanted *= 2;
    if (wanted == f->capacity)
        return;
    f->more = weir_realloc_must(f->more, f->capacity * sizeof *f->more, wanted * sizeof *f->more);
    if (f->capacity == 0)
        f->more[0] = f->one;
    f->capacity = wanted;
}

void weir_frontier_init(weir_frontier *f, unsigned depth)
{
    WEIR_ASSERT(depth >= 1 && depth <= WEIR_TIME_COORDS, "frontier: depth %u is not 1 to %d", depth,
                WEIR_TIME_COORDS);
    *f = (weir_frontier){ .depth = depth };
}

void weir_frontier_fini(weir_frontier *f)
{
    weir_free(f->more, f->capacity * sizeof *f->more);
    *f = (weir_frontier){ .depth = f->depth };
}

void weir_frontier_clear(weir_frontier *f)
{
    f->count = 0;
}

/* At depth 1 there is at most one element: it never leaves the inline place. */
static bool insert_total(weir_frontier *f, const weir_time *t)
{
    if (f->count && f->one.at[0] <= t->at[0])
        return false;
    f->count = 1;
    f->one = weir_time_1(t->at[0]);
    return true;
}

bool weir_frontier_insert(weir_frontier *f, const weir_time *t)
{
    if (f->depth == 1)
        return insert_total(f, t);
    weir_time copy = *t, *times = times_of(f);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->count; i++)
        if (weir_time_less_equal(&times[i], &copy, f->depth))
            return false;
    for (uint32_t i = 0; i < f->count; i++)
        if (!weir_time_less_equal(&copy, &times[i], f->depth))
            times[kept++] = times[i];
    f->count = kept;
    if (kept == (f->capacity ? f->capacity : 1))
        grow(f, kept + 1);
    times_of(f)[f->count++] = copy;
    return true;
}

void weir_frontier_set(weir_frontier *dst, const weir_frontier *src)
{
    if (dst == src)
        return;
    dst->depth = src->depth;
    dst->count = 0;
    if (src->count > (dst->capacity ? dst->capacity : 1))
        grow(dst, src->count);
    dst->count = src->count;
    if (src->count)
        memcpy(times_of(dst), weir_frontier_times(src), src->count * sizeof(weir_time));
}

bool weir_frontier_less_than(const weir_frontier *f, const weir_time *t)
{
    const weir_time *times = weir_frontier_times(f);
    for (uint32_t i = 0; i < f->count; i++)
        if (weir_time_less_than(&times[i], t, f->depth))
            return true;
    return false;
}

bool weir_frontier_dominates(const weir_frontier *a, const weir_frontier *b)
{
    const weir_time *times = weir_frontier_times(b);
    for (uint32_t i = 0; i < b->count; i++)
        if (!weir_frontier_less_equal(a, &times[i]))
            return false;
    return true;
}

/* Antichains that dominate each other are equal as sets. */
bool weir_frontier_equal(const weir_frontier *a, const weir_frontier *b)
{
    return a->count == b->count && weir_frontier_dominates(a, b) && weir_frontier_dominates(b, a);
}

const char *weir_frontier_text(const weir_frontier *f, char *text, size_t size)
{
    const weir_time *times = weir_frontier_times(f);
    size_t used = 0;
    if (size == 0)
        return text;
    snprintf(text, size, "{%s", f->count ? "" : "}");
    for (uint32_t i = 0; i < f->count; i++) {
        char one[WEIR_TIME_COORDS * 22 + 4];
        weir_time_text(&times[i], f->depth, one, sizeof one);
        used = strlen(text);
        snprintf(text + used, size - used, "%s%s", one, i + 1 < f->count ? ", " : "}");
    }
    return text;
}
