/* SPDX-License-Identifier: Apache-2.0
 *
 * See base64.h.
 */
#include "data/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void weir__base64_encode(const char *bytes, size_t size, char *text)
{
    const unsigned char *b = (const unsigned char *)bytes;
    for (; size >= 3; b += 3, size -= 3) {
        *text++ = alphabet[b[0] >> 2];
        *text++ = alphabet[(b[0] & 3) << 4 | b[1] >> 4];
        *text++ = alphabet[(b[1] & 15) << 2 | b[2] >> 6];
        *text++ = alphabet[b[2] & 63];
    }
    if (size > 0) {
        unsigned second = size > 1 ? b[1] : 0;
        *text++ = alphabet[b[0] >> 2];
        *text++ = alphabet[(b[0] & 3) << 4 | second >> 4];
        *text++ = size > 1 ? alphabet[(second & 15) << 2] : '=';
        *text++ = '=';
    }
}

/* The 6 bits that a character stands for, or -1. */
static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool weir__base64_decode(const char *text, size_t len, char *bytes, size_t *size)
{
    uint32_t bits = 0;
    size_t out = 0, padding = 0;
    while (padding < 2 && padding < len && text[len - padding - 1] == '=')
        padding++;
    if (padding > 0 && len % 4 != 0)
        return false;
    len -= padding;
    for (size_t i = 0; i < len; i++) {
        int d = digit(text[i]);
        if (d < 0)
            return false;
        bits = bits << 6 | (uint32_t)d;
        if (i % 4 > 0)
            bytes[out++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    /* One character alone is no byte, and what hangs over must be zero: one text for one value. */
    if (len % 4 == 1 || (len % 4 == 2 && (bits & 15) != 0) || (len % 4 == 3 && (bits & 3) != 0))
        return false;
    *size = out;
    return true;
}
