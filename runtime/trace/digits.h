/* SPDX-License-Identifier: Apache-2.0
 *
 * Digits: some bits of hashes that lie in a range, by which updates are sorted.
 */
#ifndef WEIR_TRACE_DIGITS_H
#define WEIR_TRACE_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/* What hashes from `low` on are sorted by. */
typedef struct weir__digits {
    uint64_t low;
    unsigned shift;
    size_t count;
} weir__digits;

/* Many are put into parts by their first bits before they are sorted, so that each part lies in the
 * cache, with some 2^USUAL updates if there are not too many parts. */
enum { WEIR__FIRST_BITS = 8, WEIR__FIRST_DIGITS = 1 << WEIR__FIRST_BITS, WEIR__USUAL_BITS = 10 };

static inline unsigned weir__bits_of(uint64_t x)
{
    return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

/* For hashes from low on that differ in so many bits: as many of these as are wanted. */
static inline weir__digits weir__digits_for(uint64_t low, unsigned bits, unsigned wanted,
                                            unsigned most)
{
    unsigned taken = wanted < most ? wanted : most;
    taken = taken < bits ? taken : bits;
    return (weir__digits){ .low = low, .shift = bits - taken, .count = (size_t)1 << taken };
}

/* For so many of them: more than 2^USUAL. */
static inline weir__digits weir__first_digits(uint64_t low, unsigned bits, size_t count)
{
    return weir__digits_for(low, bits, weir__bits_of(count) - WEIR__USUAL_BITS, WEIR__FIRST_BITS);
}

#endif
