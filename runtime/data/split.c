/* SPDX-License-Identifier: Apache-2.0
 *
 * See split.h, and weir_split in weir/str.h. What a machine of x86-64 has beyond the baseline is
 * asked for when it runs. Nothing here reads past a text's end.
 */
#include "data/split.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define WITH_AVX512 1
#endif

/* Asks for text further on: processors do not look ahead across pages by themselves. */
static inline void ask_ahead(const char *at)
{
    enum { AHEAD = 2048 };
    __builtin_prefetch((const void *)((uintptr_t)at + AHEAD));
}

/* The separators of 64 bytes, one bit a byte. */
static inline uint64_t separators(const char *at, char separator)
{
    uint64_t found = 0;
#ifdef __SSE2__
    char __attribute__((vector_size(16))) block, all = { 0 };
    all = all + separator;
    for (int i = 0; i < 4; i++) {
        memcpy(&block, at + 16 * i, sizeof block);
        block = (__typeof__(block))(block == all);
        uint32_t mask = (uint32_t)__builtin_ia32_pmovmskb128(block);
        found |= (uint64_t)mask << (16 * i);
    }
#else
    for (int i = 0; i < 64; i++)
        found |= (uint64_t)(at[i] == separator) << i;
#endif
    return found;
}

/* Bits that are set: the baseline has no instruction for it. */
static inline size_t count_bits(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (size_t)(bits * 0x0101010101010101u >> 56);
}

/* How many there are in a block cannot be guessed, so eight are written at a time, there or not. */
static inline uint16_t *write_stops(uint16_t *stops, size_t first, uint64_t found)
{
    uint16_t *end = stops + count_bits(found);
    for (; stops < end; stops += 8)
        for (int i = 0; i < 8; i++) {
            stops[i] = (uint16_t)(first + (size_t)__builtin_ctzll(found | UINT64_C(1) << 63));
            found &= found - 1;
        }
    return end;
}

static size_t plain(const char *text, size_t len, char separator, uint16_t *stops)
{
    uint16_t *next = stops;
    size_t at = 0;
    for (; at + 64 <= len; at += 64) {
        ask_ahead(text + at);
        next = write_stops(next, at, separators(text + at, separator));
    }
    for (; at < len; at++) {
        *next = (uint16_t)at;
        next += text[at] == separator;
    }
    return (size_t)(next - stops);
}

#ifdef WITH_AVX512
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt,bmi,bmi2")))

AVX512 static size_t avx512(const char *text, size_t len, char separator, uint16_t *stops)
{
    static const char numbers[64] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                      13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                                      26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
                                      39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,
                                      52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63 };
    const __m512i all = _mm512_set1_epi8(separator), number = _mm512_loadu_si512(numbers);
    uint16_t *next = stops;
    for (size_t at = 0; at < len; at += 64) {
        __mmask64 read = len - at < 64 ? (UINT64_C(1) << (len - at)) - 1 : UINT64_MAX;
        __m512i block = _mm512_maskz_loadu_epi8(read, text + at);
        __mmask64 found = _mm512_mask_cmpeq_epi8_mask(read, block, all);
        ask_ahead(text + at);
        __m512i where = _mm512_maskz_compress_epi8(found, number);
        size_t count = (size_t)__builtin_popcountll(found);
        const __m256i first = _mm256_set1_epi16((short)at);
        __m256i few = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(where));
        _mm256_storeu_si256((__m256i *)(void *)next, _mm256_add_epi16(few, first));
        if (__builtin_expect(count > 16, 0))
            for (size_t i = 16; i < count; i++)
                next[i] = (uint16_t)(at + ((const uint8_t *)&where)[i]);
        next += count;
    }
    return (size_t)(next - stops);
}
#endif

bool weir__split_has(weir__split_way way)
{
#ifdef WITH_AVX512
    if (way == WEIR__SPLIT_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vbmi2");
#endif
    return way == WEIR__SPLIT_PLAIN;
}

size_t weir__split_by(weir__split_way way, const weir_str *text, char separator, uint16_t *stops)
{
#ifdef WITH_AVX512
    if (way == WEIR__SPLIT_AVX512)
        return avx512(weir_str_data(text), text->len, separator, stops);
#endif
    (void)way;
    return plain(weir_str_data(text), text->len, separator, stops);
}

size_t weir__split_stops(const char *text, size_t len, char separator, uint16_t *stops)
{
#ifdef WITH_AVX512
    if (weir__split_has(WEIR__SPLIT_AVX512))
        return avx512(text, len, separator, stops);
#endif
    return plain(text, len, separator, stops);
}

bool weir__split_more(weir_split *s)
{
    if (!s->rest)
        return false;
    size_t left = (size_t)(s->end - s->rest);
    size_t len = left < WEIR__SPLIT_SPAN ? left : WEIR__SPLIT_SPAN;
    s->base = s->rest;
    s->count = (uint32_t)weir__split_stops(s->base, len, s->separator, s->stops);
    s->next = 0;
    s->rest += len;
    if (len == left) { /* the end of the text is one, too */
        s->stops[s->count++] = (uint16_t)len;
        s->rest = NULL;
    }
    return true;
}
