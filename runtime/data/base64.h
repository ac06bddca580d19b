/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64, for bytes inside of texts.
 */
#ifndef WEIR_DATA_BASE64_H
#define WEIR_DATA_BASE64_H

#include <weir/base.h>

/* Characters that size bytes become, padding included. */
static inline size_t weir__base64_size(size_t size)
{
    return (size + 2) / 3 * 4;
}
/* Most bytes that len characters can become. */
static inline size_t weir__base64_room(size_t len)
{
    return len / 4 * 3 + 3;
}

/* Writes weir__base64_size(size) characters. */
void weir__base64_encode(const char *bytes, size_t size, char *text);
/* The usual alphabet and that of addresses, with or without padding. Writes at most
 * weir__base64_room(len) bytes; false if it is not base64. */
bool weir__base64_decode(const char *text, size_t len, char *bytes, size_t *size);

#endif
