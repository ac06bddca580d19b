/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a text of given length from its front: what the parsers of values share.
 */
#ifndef WEIR_DATA_SCAN_H
#define WEIR_DATA_SCAN_H

#include <weir/base.h>

typedef struct weir__scan {
    const char *at, *end;
} weir__scan;

static inline bool weir__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Steps over c if it comes next. */
static inline bool weir__scan_one(weir__scan *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

/* Steps over digits; how many there were. */
static inline size_t weir__scan_digits(weir__scan *in)
{
    const char *from = in->at;
    while (in->at < in->end && weir__is_digit(*in->at))
        in->at++;
    return (size_t)(in->at - from);
}

/* A number of exactly `digits` (at most 9) digits. */
static inline bool weir__scan_number(weir__scan *in, unsigned digits, int32_t *value)
{
    int32_t sum = 0;
    if ((size_t)(in->end - in->at) < digits)
        return false;
    for (; digits > 0; digits--, in->at++) {
        if (!weir__is_digit(*in->at))
            return false;
        sum = sum * 10 + (*in->at - '0');
    }
    *value = sum;
    return true;
}

#endif
