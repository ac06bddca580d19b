/* SPDX-License-Identifier: Apache-2.0
 *
 * A frontier: a small antichain of times. Everything not at or after one of them is finished; an
 * empty frontier means that everything is. One element is stored inline.
 */
#ifndef WEIR_FRONTIER_H
#define WEIR_FRONTIER_H

#include <weir/time.h>

WEIR_BEGIN_DECLS

/* Read the fields through the functions below. Not safe to share between threads while it changes.
 * A zeroed frontier with its depth set is a valid, empty one. */
typedef struct weir_frontier {
    uint32_t count;
    uint32_t capacity; /* of `more`; 0 while the one element is inline: always so at depth 1 */
    uint32_t depth;
    weir_time one;
    weir_time *more;
} weir_frontier;

WEIR_API void weir_frontier_init(weir_frontier *f, unsigned depth);
WEIR_API void weir_frontier_fini(weir_frontier *f);
WEIR_API void weir_frontier_clear(weir_frontier *f);

/* Adds t unless an element is at or before it; removes the elements at or after it. Returns whether
 * t was added. Memory: weir_alloc_must (weir/memory.h). */
WEIR_API bool weir_frontier_insert(weir_frontier *f, const weir_time *t);
/* Copies, the depth as well. dst keeps its storage. */
WEIR_API void weir_frontier_set(weir_frontier *dst, const weir_frontier *src);

static inline const weir_time *weir_frontier_times(const weir_frontier *f)
{
    return f->capacity && f->depth > 1 ? f->more : &f->one;
}
static inline bool weir_frontier_is_empty(const weir_frontier *f)
{
    return f->count == 0;
}

/* Some element is <= t: records at t may still arrive. less_than: some element is < t. */
static inline bool weir_frontier_less_equal(const weir_frontier *f, const weir_time *t)
{
    if (WEIR_LIKELY(f->depth == 1))
        return f->count && f->one.at[0] <= t->at[0];
    const weir_time *times = weir_frontier_times(f);
    for (uint32_t i = 0; i < f->count; i++)
        if (weir_time_less_equal(&times[i], t, f->depth))
            return true;
    return false;
}
WEIR_API bool weir_frontier_less_than(const weir_frontier *f, const weir_time *t);
/* Every element of b is at or after one of a: a is no later than b. */
WEIR_API bool weir_frontier_dominates(const weir_frontier *a, const weir_frontier *b);
/* As sets of times, whatever their order. */
WEIR_API bool weir_frontier_equal(const weir_frontier *a, const weir_frontier *b);
/* "{5}", "{(1, 2), (2, 0)}", "{}". Always ended. Returns text. */
WEIR_API const char *weir_frontier_text(const weir_frontier *f, char *text, size_t size);

WEIR_END_DECLS
#endif
