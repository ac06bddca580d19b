/* SPDX-License-Identifier: Apache-2.0
 *
 * See divide.h. What a machine of x86-64 has beyond the baseline is asked for when it runs.
 */
#include "dataflow/divide.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define WITH_AVX512 1
#endif

/* Two workers: every element is written to both, and the one that it belongs to moves on. There is
 * always room for one more at either end, and no branch to guess wrong. */
static inline __attribute__((always_inline)) void in_two(const weir__division *d, char **next,
                                                         size_t size)
{
    const char *from = d->from;
    char *to0 = next[0], *to1 = next[1];
    for (size_t i = 0; i < d->count; i++) {
        uint64_t second = d->hashes[i] >> 63;
        memcpy(to0, from + i * size, size);
        memcpy(to1, from + i * size, size);
        to0 += (second ^ 1) * size;
        to1 += second * size;
    }
    next[0] = to0;
    next[1] = to1;
}

/* Of the usual sizes, the copying is a few instructions. */
static void plain_in_two(const weir__division *d, char **next)
{
    switch (d->size) {
#define OF_SIZE(n)            \
    case n:                   \
        in_two(d, next, n);   \
        break;
        OF_SIZE(4)
        OF_SIZE(8)
        OF_SIZE(12)
        OF_SIZE(16)
        OF_SIZE(24)
        OF_SIZE(32)
        OF_SIZE(40)
#undef OF_SIZE
    default:
        in_two(d, next, d->size);
        break;
    }
}

static void plain_in_many(const weir__division *d, char **next)
{
    size_t size = d->size;
    for (size_t i = 0; i < d->count; i++) {
        unsigned w = weir__owner(d->hashes[i], d->workers);
        if (size == 8)
            memcpy(next[w], d->from + i * 8, 8);
        else if (size == 16)
            memcpy(next[w], d->from + i * 16, 16);
        else
            memcpy(next[w], d->from + i * size, size);
        next[w] += size;
    }
}

static void plain(const weir__division *d, char **next)
{
    if (d->workers == 2)
        plain_in_two(d, next);
    else
        plain_in_many(d, next);
}

#ifdef WITH_AVX512
/* 64 bytes of elements at a time: those of each worker are moved together in a register, which is
 * stored whole. What is left over at the end is less than that, and is divided plainly. */
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,popcnt")))

AVX512 static void avx512_words(const weir__division *d, char **next)
{
    char *to0 = next[0], *to1 = next[1];
    size_t i = 0;
    for (; i + 8 <= d->count; i += 8) {
        __mmask8 second = _mm512_movepi64_mask(_mm512_loadu_si512(d->hashes + i));
        __m512i v = _mm512_loadu_si512(d->from + i * 8);
        _mm512_storeu_si512(to0, _mm512_maskz_compress_epi64((__mmask8)~second, v));
        _mm512_storeu_si512(to1, _mm512_maskz_compress_epi64(second, v));
        size_t to_second = (size_t)__builtin_popcount(second);
        to0 += (8 - to_second) * 8;
        to1 += to_second * 8;
    }
    char *at[2] = { to0, to1 };
    plain_in_two(&(weir__division){ d->from + i * 8, d->hashes + i, d->count - i, 8, 2 }, at);
    next[0] = at[0];
    next[1] = at[1];
}

AVX512 static void avx512_pairs(const weir__division *d, char **next)
{
    static const uint8_t both[16] = { 0x00, 0x03, 0x0c, 0x0f, 0x30, 0x33, 0x3c, 0x3f,
                                      0xc0, 0xc3, 0xcc, 0xcf, 0xf0, 0xf3, 0xfc, 0xff };
    char *to0 = next[0], *to1 = next[1];
    size_t i = 0;
    for (; i + 4 <= d->count; i += 4) {
        __m256i hashes = _mm256_loadu_si256((const __m256i *)(const void *)(d->hashes + i));
        __mmask8 second = both[_mm256_movepi64_mask(hashes) & 0xf];
        __m512i v = _mm512_loadu_si512(d->from + i * 16);
        _mm512_storeu_si512(to0, _mm512_maskz_compress_epi64((__mmask8)~second, v));
        _mm512_storeu_si512(to1, _mm512_maskz_compress_epi64(second, v));
        size_t to_second = (size_t)__builtin_popcount(second);
        to0 += (8 - to_second) * 8;
        to1 += to_second * 8;
    }
    char *at[2] = { to0, to1 };
    plain_in_two(&(weir__division){ d->from + i * 16, d->hashes + i, d->count - i, 16, 2 }, at);
    next[0] = at[0];
    next[1] = at[1];
}
#endif

bool weir__divide_has(weir__divide_way way)
{
#ifdef WITH_AVX512
    if (way == WEIR__DIVIDE_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return way == WEIR__DIVIDE_PLAIN;
}

void weir__divide_by(weir__divide_way way, const weir__division *d, char **next)
{
#ifdef WITH_AVX512
    if (way == WEIR__DIVIDE_AVX512 && d->workers == 2 && (d->size == 8 || d->size == 16)) {
        if (d->size == 8)
            avx512_words(d, next);
        else
            avx512_pairs(d, next);
        return;
    }
#else
    (void)way;
#endif
    plain(d, next);
}

void weir__divide(const weir__division *d, char **next)
{
    weir__divide_by(weir__divide_has(WEIR__DIVIDE_AVX512) ? WEIR__DIVIDE_AVX512
                                                          : WEIR__DIVIDE_PLAIN, d, next);
}
