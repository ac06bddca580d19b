/* SPDX-License-Identifier: Apache-2.0
 *
 * What is UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF.
 */
#ifndef WEIR_DATA_UTF8_H
#define WEIR_DATA_UTF8_H

#include <weir/base.h>

/* Bytes of the character at `at` (at < end); 0 if it is not one. */
static inline size_t weir__utf8_character(const char *at, const char *end)
{
    const unsigned char *c = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    if (c[0] < 0x80)
        return 1;
    size_t len = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return len;
}

#endif
