/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the arithmetic of times and summaries that is not inline. Pure values, no memory.
 */
#include <weir/time.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"

int weir_time_compare(const weir_time *a, const weir_time *b, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        if (a->at[i] != b->at[i])
            return a->at[i] < b->at[i] ? -1 : 1;
    return 0;
}

weir_time weir_time_join(const weir_time *a, const weir_time *b, unsigned depth)
{
    weir_time result = { { 0 } };
    for (unsigned i = 0; i < depth; i++)
        result.at[i] = a->at[i] > b->at[i] ? a->at[i] : b->at[i];
    return result;
}

weir_time weir_time_meet(const weir_time *a, const weir_time *b, unsigned depth)
{
    weir_time result = { { 0 } };
    for (unsigned i = 0; i < depth; i++)
        result.at[i] = a->at[i] < b->at[i] ? a->at[i] : b->at[i];
    return result;
}

const char *weir_time_text(const weir_time *t, unsigned depth, char *text, size_t size)
{
    size_t used = 0;
    if (size == 0)
        return text;
    text[0] = 0;
    for (unsigned i = 0; i < depth && used < size; i++) {
        const char *before = i > 0 ? ", " : depth > 1 ? "(" : "";
        const char *after = i + 1 == depth && depth > 1 ? ")" : "";
        int wrote = snprintf(text + used, size - used, "%s%" PRIu64 "%s", before, t->at[i], after);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return text;
}

weir_summary weir_summary_identity(unsigned depth)
{
    WEIR_ASSERT(depth >= 1 && depth <= WEIR_TIME_COORDS, "summary: depth %u is not 1 to %d", depth,
                WEIR_TIME_COORDS);
    return (weir_summary){ .keep = (uint8_t)depth, .depth = (uint8_t)depth };
}

weir_summary weir_summary_enter(unsigned depth)
{
    WEIR_ASSERT(depth >= 1 && depth < WEIR_TIME_COORDS, "summary: a scope of depth %u in one of %u",
                depth + 1, depth);
    return (weir_summary){ .keep = (uint8_t)depth, .depth = (uint8_t)(depth + 1) };
}

weir_summary weir_summary_leave(unsigned depth)
{
    WEIR_ASSERT(depth >= 2 && depth <= WEIR_TIME_COORDS, "summary: leaving a scope of depth %u",
                depth);
    return (weir_summary){ .keep = (uint8_t)(depth - 1), .depth = (uint8_t)(depth - 1) };
}

weir_summary weir_summary_feedback(unsigned depth, uint64_t step)
{
    weir_summary s = weir_summary_identity(depth);
    WEIR_ASSERT(step > 0, "summary: a feedback that adds nothing");
    s.add[depth - 1] = step;
    return s;
}

bool weir_summary_apply(const weir_summary *s, const weir_time *t, weir_time *result)
{
    weir_time out = { { 0 } };
    for (unsigned i = 0; i < s->depth; i++) {
        uint64_t from = i < s->keep ? t->at[i] : 0;
        if (__builtin_add_overflow(from, s->add[i], &out.at[i]))
            return false;
    }
    *result = out;
    return true;
}

/* A coordinate that `second` drops starts again from what it adds, whatever came before. One that
 * it keeps has the sum of both, be it on top of the time's own coordinate or of 0. */
bool weir_summary_follow(const weir_summary *first, const weir_summary *second,
                         weir_summary *result)
{
    WEIR_DCHECK(second->keep <= first->depth, "summary: keeps %u of %u coordinates", second->keep,
                first->depth);
    weir_summary s = { .keep = first->keep < second->keep ? first->keep : second->keep,
                       .depth = second->depth };
    for (unsigned i = 0; i < second->depth; i++) {
        uint64_t before = i < second->keep ? first->add[i] : 0;
        if (__builtin_add_overflow(before, second->add[i], &s.add[i]))
            return false;
    }
    *result = s;
    return true;
}

/* A coordinate that only a keeps can be as large as one likes; one that only b keeps is at least
 * 0. */
bool weir_summary_less_equal(const weir_summary *a, const weir_summary *b)
{
    WEIR_DCHECK(a->depth == b->depth, "summary: comparing depths %u and %u", a->depth, b->depth);
    if (a->keep > b->keep)
        return false;
    for (unsigned i = 0; i < a->depth; i++)
        if (a->add[i] > b->add[i])
            return false;
    return true;
}

bool weir_summary_is_identity(const weir_summary *s, unsigned depth)
{
    if (s->keep != depth || s->depth != depth)
        return false;
    for (unsigned i = 0; i < depth; i++)
        if (s->add[i])
            return false;
    return true;
}
