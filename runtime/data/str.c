/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the comparison and the splitting of strings. Nothing here reads past a string's end.
 */
#include <weir/str.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static uint32_t big_endian(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
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

#ifndef __SSE2__

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

#else

enum { BLOCK = 16 };

/* One bit a byte of a block: set where it is the separator. */
static inline uint32_t find(__m128i block, char separator)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(separator)));
}

/* A short string made of the first len bytes of a block. */
static inline void put_short(weir_str *s, __m128i block, uint32_t len)
{
    static const char ones_then_zeroes[2 * BLOCK] = { -1, -1, -1, -1, -1, -1, -1, -1,
                                                      -1, -1, -1, -1, -1, -1, -1, -1 };
    __m128i mask = _mm_loadu_si128((const __m128i *)(ones_then_zeroes + BLOCK - len));
    __m128i text = _mm_slli_si128(_mm_and_si128(block, mask), 4);
    _mm_storeu_si128((__m128i *)s, _mm_or_si128(text, _mm_cvtsi32_si128((int)len)));
}

__extension__ typedef unsigned __int128 bits;

static inline weir_str of_bits(bits text, uint32_t len)
{
    bits all = text << 32 | len;
    return weir_str_of_halves_((uint64_t)all, (uint64_t)(all >> 64));
}

/* Splits an inline string, in registers. */
static __attribute__((noinline)) bool split_short(weir_str *rest, char separator, weir_str *token)
{
    uint64_t first, second;
    memcpy(&first, rest, 8);
    memcpy(&second, &rest->u, 8);
    uint32_t len = (uint32_t)first;
    bits text = (bits)second << 32 | first >> 32;
    __m128i block = _mm_set_epi64x((long long)(second >> 32), (long long)text);
    uint32_t other = ~find(block, separator) & ((1u << len) - 1);
    if (other == 0) {
        *rest = of_bits(0, 0);
        return false;
    }
    uint32_t skipped = (uint32_t)__builtin_ctz(other);
    uint32_t token_len = (uint32_t)__builtin_ctz(~(other >> skipped));
    text >>= 8 * skipped;
    len -= skipped;
    *token = of_bits(text & (((bits)1 << (8 * token_len)) - 1), token_len);
    *rest =
        token_len < len ? of_bits(text >> (8 * token_len + 8), len - token_len - 1) : of_bits(0, 0);
    return true;
}

/* Splits what begins with a long token, or is too short for a block but too long to be inline. */
static __attribute__((noinline)) bool split_rare(const char *at, const char *end, char separator,
                                                 weir_str *rest, weir_str *token)
{
    if (end - at <= WEIR_STR_INLINE) {
        *rest = weir_str_view(at, (size_t)(end - at));
        return split_short(rest, separator, token);
    }
    while (at < end && *at == separator)
        at++;
    const char *stop = at < end ? memchr(at, separator, (size_t)(end - at)) : NULL;
    if (!stop)
        stop = end;
    *rest = stop < end ? weir_str_view(stop + 1, (size_t)(end - stop - 1)) : of_bits(0, 0);
    if (at == end)
        return false;
    *token = weir_str_view(at, (size_t)(stop - at));
    return true;
}

bool weir_str_split(weir_str *rest, char separator, weir_str *token)
{
    if (WEIR_UNLIKELY(rest->len <= WEIR_STR_INLINE))
        return split_short(rest, separator, token);
    const char *at = rest->u.ptr, *end = at + rest->len;
    while (end - at >= BLOCK) {
        __m128i block = _mm_loadu_si128((const __m128i *)at);
        uint32_t found = find(block, separator);
        if (WEIR_UNLIKELY(found & 1)) {
            at += __builtin_ctz(~found);
            continue;
        }
        uint32_t len = found ? (uint32_t)__builtin_ctz(found) : BLOCK;
        if (WEIR_UNLIKELY(len > WEIR_STR_INLINE))
            break;
        put_short(token, block, len);
        *rest = weir_str_view(at + len + 1, (size_t)(end - at) - len - 1);
        return true;
    }
    return split_rare(at, end, separator, rest, token);
}

#endif
