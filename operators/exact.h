/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of floats that do not depend on the order: an accumulator as wide as it must be, rounded
 * once, when it is read. Taking away what was added leaves nothing behind.
 */
#ifndef WEIR_OPERATORS_EXACT_H
#define WEIR_OPERATORS_EXACT_H

#include <weir/base.h>

/* Two's complement, in units of the smallest float. The usual sum fits a window of four words; one
 * that does not has words for all floats. Zeroed it is the empty sum. */
typedef struct weir__exact {
    uint64_t words[4];
    uint32_t base; /* of the window, in words */
    bool used;
    struct weir__exact_wide *wide;
} weir__exact;

/* Adds value × times (times may be negative). False: no memory, nothing was added. */
bool weir__exact_add(weir__exact *sum, double value, int64_t times);
/* The nearest double, ties to even; infinities and NaN as of any order of adding up. */
double weir__exact_read(const weir__exact *sum);
/* Whether nothing is left of what was added. */
bool weir__exact_is_blank(const weir__exact *sum);
/* Another one of the same. */
weir__exact weir__exact_copy(const weir__exact *sum);
/* Bytes that it keeps outside itself; frees them. */
size_t weir__exact_bytes(const weir__exact *sum);
void weir__exact_fini(weir__exact *sum);

#endif
