/* SPDX-License-Identifier: Apache-2.0
 *
 * How often keys are there, each in one word of a table: 62 bits of the count, and below them what
 * the open epoch has done to it. Counts that need more bits are in a list, and words say where.
 */
#ifndef WEIR_OPERATORS_COUNTED_H
#define WEIR_OPERATORS_COUNTED_H

#include <weir/memory.h>

/* The lower two bits of a word. NEW: it was not there, and is not noted (weir__key_counts.fresh);
 * LARGE: the other bits are a place in the list of large ones. A new word is zero. */
typedef enum weir__counted {
    WEIR__COUNTED_AS_BEFORE,
    WEIR__COUNTED_CHANGED,
    WEIR__COUNTED_NEW,
    WEIR__COUNTED_LARGE
} weir__counted;

enum { WEIR__COUNTED_BITS = 2 };

/* A word that the open epoch has changed, and what it counted before. */
typedef struct weir__count_change {
    uint64_t *at;
    int64_t before;
} weir__count_change;

typedef struct weir__count_large {
    uint64_t *at;
    int64_t count;
    bool changed;
} weir__count_large;

/* A count that left 64 bits on its way, upwards (1) or downwards (-1), and went on from the other
 * end; 0: it was INT64_MIN. */
typedef struct weir__count_wrapped {
    uint64_t *at;
    int64_t by;
} weir__count_wrapped;

/* Zeroed but for the account: none. */
typedef struct weir__key_counts {
    weir__count_change *changes; /* of the open epoch */
    size_t change_count, change_capacity;
    bool fresh; /* the epoch's new words are found without being noted */
    weir_status failed;
    uint64_t *at_fault; /* whose count leaves 64 bits */
    weir__count_large *large;
    size_t large_count, large_capacity;
    weir__count_wrapped *wrapped; /* in the open epoch; hardly ever any */
    size_t wrapped_count, wrapped_capacity;
    weir_account *account;
} weir__key_counts;

void weir__key_counts_fini(weir__key_counts *counts);
/* Room to note so many changes; false: no memory. */
bool weir__key_counts_reserve(weir__key_counts *counts, size_t more);
/* One that is large, or becomes so. */
void weir__key_counts_add_large(weir__key_counts *counts, uint64_t *at, int64_t diff);
/* The epoch is complete: what left 64 bits on its way must have come back, or OVERFLOWED. */
void weir__key_counts_unwrap(weir__key_counts *counts);
/* The change has been told of. Returns the count that stays. */
int64_t weir__key_counts_settle(weir__key_counts *counts, uint64_t *at);

static inline weir__counted weir__counted_state(uint64_t word)
{
    return (weir__counted)(word & ((1U << WEIR__COUNTED_BITS) - 1));
}
/* Of one that is not large. */
static inline int64_t weir__counted_count(uint64_t word)
{
    return (int64_t)word >> WEIR__COUNTED_BITS;
}
static inline uint64_t weir__counted_word(weir__counted state, int64_t count)
{
    return (uint64_t)count << WEIR__COUNTED_BITS | (uint64_t)state;
}
static inline bool weir__counted_fits(int64_t count)
{
    return weir__counted_count(weir__counted_word(WEIR__COUNTED_AS_BEFORE, count)) == count;
}

static inline int64_t weir__key_counts_of(const weir__key_counts *counts, uint64_t word)
{
    if (WEIR_UNLIKELY(weir__counted_state(word) == WEIR__COUNTED_LARGE))
        return counts->large[(uint64_t)weir__counted_count(word)].count;
    return weir__counted_count(word);
}

/* Of the open epoch so many changes are noted, and there is room for one more. Returns how many are
 * noted then, which the caller keeps at hand. Without a branch, as it cannot be guessed whether the
 * epoch has changed a word before. One that counts nothing and is as before is new. */
static inline size_t weir__key_counts_add(weir__key_counts *counts, size_t noted, uint64_t *at,
                                          int64_t diff)
{
    uint64_t word = *at;
    weir__counted state = weir__counted_state(word);
    int64_t by = (int64_t)weir__counted_word(WEIR__COUNTED_AS_BEFORE, diff), sum;
    bool too_large = __builtin_add_overflow((int64_t)word, by, &sum);
    if (WEIR_UNLIKELY(too_large | !weir__counted_fits(diff) | (state == WEIR__COUNTED_LARGE))) {
        counts->change_count = noted;
        weir__key_counts_add_large(counts, at, diff);
        return counts->change_count;
    }
    uint64_t first = state == WEIR__COUNTED_AS_BEFORE, is_new = (word == 0) & counts->fresh;
    counts->changes[noted] = (weir__count_change){ at, weir__counted_count(word) };
    *at = (uint64_t)sum + first + is_new; /* AS_BEFORE becomes CHANGED, or NEW */
    return noted + (first & !is_new);
}

#endif
