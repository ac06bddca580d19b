/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of integers and decimals in 256 bits: of 2^64 numbers of 128 bits, each so often as a diff
 * can say, they have room, so there is none that depends on the order in which records came.
 */
#ifndef WEIR_OPERATORS_INTEGER_H
#define WEIR_OPERATORS_INTEGER_H

#include <weir/type.h>

#include "word.h"

/* wraps × 2^128 + low. Zeroed: 0. */
typedef struct weir__integer {
    weir__wide low, wraps;
} weir__integer;

static inline bool weir__integer_is_0(const weir__integer *sum)
{
    return sum->low == 0 && sum->wraps == 0;
}

static inline void weir__integer_add(weir__integer *sum, weir__wide change)
{
    if (WEIR_UNLIKELY(__builtin_add_overflow(sum->low, change, &sum->low)))
        sum->wraps += change > 0 ? 1 : -1;
}

/* Adds value × times, of up to 191 bits. */
static inline void weir__integer_add_product(weir__integer *sum, weir__wide value, int64_t times)
{
    weir__wide product;
    if (!__builtin_mul_overflow(value, (weir__wide)times, &product)) {
        weir__integer_add(sum, product);
        return;
    }
    weir__wide low = (weir__wide)(uint64_t)value * times, high = (value >> 64) * times;
    int64_t middle = (int64_t)high; /* high is wraps × 2^64 + middle */
    sum->wraps += (high - middle) >> 64;
    weir__integer_add(sum, (weir__wide)middle * ((weir__wide)1 << 64));
    weir__integer_add(sum, low);
}

/* Whether a result of this kind holds it: i64, u64, or a decimal. */
static inline bool weir__integer_fits(const weir__integer *sum, weir_kind kind)
{
    if (kind == WEIR_KIND_u64)
        return sum->wraps == 0 && sum->low >= 0 && sum->low <= (weir__wide)UINT64_MAX;
    if (kind == WEIR_KIND_i64)
        return sum->wraps == 0 && sum->low >= INT64_MIN && sum->low <= INT64_MAX;
    return sum->wraps == 0;
}

#endif
