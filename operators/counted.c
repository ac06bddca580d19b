/* SPDX-License-Identifier: Apache-2.0
 *
 * See counted.h: what happens seldom, and the end of an epoch.
 */
#include "counted.h"

#include <stdlib.h>

enum { CHANGES_MIN = 512 };

void weir__key_counts_fini(weir__key_counts *counts)
{
    weir_free(counts->changes, counts->change_capacity * sizeof *counts->changes);
    weir_free(counts->large, counts->large_capacity * sizeof *counts->large);
    weir_free(counts->wrapped, counts->wrapped_capacity * sizeof *counts->wrapped);
    *counts = (weir__key_counts){ .account = counts->account };
}

bool weir__key_counts_reserve(weir__key_counts *counts, size_t more)
{
    if (counts->change_capacity - counts->change_count >= more)
        return true;
    size_t before = counts->change_capacity, capacity = 2 * before + CHANGES_MIN + more;
    weir__count_change *changes = weir_realloc(counts->changes, before * sizeof *changes,
                                               capacity * sizeof *changes);
    if (!changes)
        return false;
    weir_account_add(counts->account, (int64_t)((capacity - before) * sizeof *changes));
    counts->changes = changes;
    counts->change_capacity = capacity;
    return true;
}

/* ---- large ones ---- */

static void note(weir__key_counts *counts, uint64_t *at, int64_t before)
{
    counts->changes[counts->change_count++] = (weir__count_change){ at, before };
}

static void wrap(weir__key_counts *counts, uint64_t *at, int64_t by)
{
    if (counts->wrapped_count == counts->wrapped_capacity) {
        size_t before = counts->wrapped_capacity, capacity = 2 * before + 1;
        weir__count_wrapped *more = weir_realloc(counts->wrapped, before * sizeof *more,
                                                 capacity * sizeof *more);
        if (!more) {
            counts->failed = WEIR_NO_MEMORY;
            return;
        }
        weir_account_add(counts->account, (int64_t)((capacity - before) * sizeof *more));
        counts->wrapped = more;
        counts->wrapped_capacity = capacity;
    }
    counts->wrapped[counts->wrapped_count++] = (weir__count_wrapped){ at, by };
}

/* Moves a count to the list. False: no memory. */
static bool become_large(weir__key_counts *counts, uint64_t *at)
{
    if (counts->large_count == counts->large_capacity) {
        size_t before = counts->large_capacity, capacity = 2 * before + 1;
        weir__count_large *more =
            weir_realloc(counts->large, before * sizeof *more, capacity * sizeof *more);
        if (!more)
            return false;
        weir_account_add(counts->account, (int64_t)((capacity - before) * sizeof *more));
        counts->large = more;
        counts->large_capacity = capacity;
    }
    weir__counted state = weir__counted_state(*at);
    int64_t count = weir__counted_count(*at);
    if (state != WEIR__COUNTED_CHANGED)
        note(counts, at, state == WEIR__COUNTED_NEW ? 0 : count);
    counts->large[counts->large_count] = (weir__count_large){ at, count, true };
    *at = weir__counted_word(WEIR__COUNTED_LARGE, (int64_t)counts->large_count++);
    return true;
}

static weir__count_large *large_of(const weir__key_counts *counts, const uint64_t *at)
{
    return &counts->large[(uint64_t)weir__counted_count(*at)];
}

void weir__key_counts_add_large(weir__key_counts *counts, uint64_t *at, int64_t diff)
{
    if (weir__counted_state(*at) != WEIR__COUNTED_LARGE && !become_large(counts, at)) {
        counts->failed = WEIR_NO_MEMORY;
        return;
    }
    weir__count_large *large = large_of(counts, at);
    if (!large->changed)
        note(counts, at, large->count);
    large->changed = true;
    if (__builtin_add_overflow(large->count, diff, &large->count))
        wrap(counts, at, diff > 0 ? 1 : -1);
    else if (large->count == INT64_MIN)
        wrap(counts, at, 0);
}

/* ---- the end of an epoch ---- */

static int compare_wrapped(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const weir__count_wrapped *)a)->at;
    uintptr_t y = (uintptr_t)((const weir__count_wrapped *)b)->at;
    return (x > y) - (x < y);
}

void weir__key_counts_unwrap(weir__key_counts *counts)
{
    weir__count_wrapped *all = counts->wrapped;
    if (counts->wrapped_count > 1)
        qsort(all, counts->wrapped_count, sizeof *all, compare_wrapped);
    for (size_t i = 0; i < counts->wrapped_count && !counts->failed;) {
        uint64_t *at = all[i].at;
        int64_t by = 0;
        for (; i < counts->wrapped_count && all[i].at == at; i++)
            by += all[i].by;
        if (by != 0 || weir__key_counts_of(counts, *at) == INT64_MIN) {
            counts->failed = WEIR_OVERFLOWED;
            counts->at_fault = at;
        }
    }
    counts->wrapped_count = 0;
}

int64_t weir__key_counts_settle(weir__key_counts *counts, uint64_t *at)
{
    int64_t count = weir__key_counts_of(counts, *at);
    if (WEIR_LIKELY(weir__counted_state(*at) != WEIR__COUNTED_LARGE)) {
        *at = weir__counted_word(WEIR__COUNTED_AS_BEFORE, count);
        return count;
    }
    weir__count_large *large = large_of(counts, at);
    large->changed = false;
    if (!weir__counted_fits(count))
        return count;
    const weir__count_large *last = &counts->large[--counts->large_count];
    *last->at = *at; /* the last one takes its place */
    *large = *last;
    *at = weir__counted_word(WEIR__COUNTED_AS_BEFORE, count);
    return count;
}
