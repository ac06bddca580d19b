/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the comparison and the splitting of strings. Nothing here reads past a string's end.
 */
#include <weir/str.h>

static uint32_t big_endian(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Not inline: gcc would take the length of a literal's other side for possible, and warn. */
bool weir__str_same_long(const char *a, const char *b, size_t len)
{
    return memcmp(a, b, len) == 0;
}

/* The prefix is padded with zeroes where a string is shorter, so a difference there is the order of
 * the strings: the shorter one has 0 against a byte that is greater. */
int weir_str_compare(const weir_str *a, const weir_str *b)
{
    if (memcmp(a->prefix, b->prefix, 4) != 0)
        return big_endian(a->prefix) < big_endian(b->prefix) ? -1 : 1;
    uint32_t shorter = a->len < b->len ? a->len : b->len;
    int order = memcmp(weir_str_data(a), weir_str_data(b), shorter);
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a->len > b->len) - (a->len < b->len);
}

bool weir_str_split(weir_str *rest, char separator, weir_str *token)
{
    weir_str all = *rest;
    const char *at = weir_str_data(&all), *end = at + all.len;
    while (at < end && *at == separator)
        at++;
    const char *stop = at < end ? memchr(at, separator, (size_t)(end - at)) : NULL;
    if (!stop)
        stop = end;
    *rest = stop < end ? weir_str_view(stop + 1, (size_t)(end - stop - 1)) : weir_str_view(NULL, 0);
    if (at == end)
        return false;
    *token = weir_str_view(at, (size_t)(stop - at));
    return true;
}
