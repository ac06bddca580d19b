/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashing of integers and strings with a seed. What a record's hash is (by kind, by key) is decided
 * in data/key.c; this is only the arithmetic, inline so that column loops hold it.
 *
 * The high bits are what counts: a record goes to worker (hash × workers) >> 64, and runs are
 * ordered by hash.
 */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#define XXH_INLINE_ALL
#include <weir/str.h>
#include <xxhash.h>

/* A bijection of 64 bits (for each seed): every bit of the value reaches all of the result. */
static inline uint64_t weir__hash_mix(uint64_t value, uint64_t seed)
{
    uint64_t h = value ^ seed;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    return h;
}

/* The value that weir__hash_mix made into h. */
static inline uint64_t weir__hash_unmix(uint64_t h, uint64_t seed)
{
    h ^= h >> 32;
    h *= 0xcfee444d8b59a89bu; /* the multiplier's inverse modulo 2^64 */
    h ^= h >> 32;
    h *= 0xcfee444d8b59a89bu;
    h ^= h >> 32;
    return h ^ seed;
}

/* The two halves of a product of 128 bits, folded. */
static inline uint64_t weir__hash_multiply(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A string of 13 to 32 bytes: its first and last 8 or 16, which may overlap. */
static inline uint64_t weir__hash_middling(const char *at, size_t len, uint64_t seed)
{
    uint64_t a, b, c, d;
    size_t inner = len > 16 ? 8 : 0;
    memcpy(&a, at, 8);
    memcpy(&b, at + len - 8, 8);
    memcpy(&c, at + inner, 8);
    memcpy(&d, at + len - 8 - inner, 8);
    uint64_t h = weir__hash_multiply(a ^ (seed + 0x9e3779b97f4a7c15u),
                                     b ^ (seed ^ 0xc2b2ae3d27d4eb4fu) ^ len);
    uint64_t g = weir__hash_multiply(c ^ (seed + 0xa0761d6478bd642fu),
                                     d ^ (seed ^ 0xe7037ed1a0b428dbu));
    return weir__hash_multiply(h ^ a, 0xd6e8feb86659fd93u) ^
           weir__hash_multiply(g ^ d, 0x8ebc6af09c88c6e3u) ^ b;
}

/* A short string is its 16 bytes: two multiplications, no branches. A factor is 0 only for one half
 * in 2^64, which depends on the seed. */
static inline uint64_t weir__hash_str(const weir_str *s, uint64_t seed)
{
    if (WEIR_UNLIKELY(!weir_str_is_inline(s)))
        return s->len <= 32 ? weir__hash_middling(s->u.ptr, s->len, seed)
                            : XXH3_64bits_withSeed(s->u.ptr, s->len, seed);
    uint64_t first, second;
    memcpy(&first, s, 8);
    memcpy(&second, &s->u, 8);
    uint64_t h = weir__hash_multiply(first ^ (seed + 0x9e3779b97f4a7c15u),
                                     second ^ (seed ^ 0xc2b2ae3d27d4eb4fu));
    return weir__hash_multiply(h ^ first, 0xd6e8feb86659fd93u) ^ second;
}

/* A build for tests of collisions keeps 8 bits, the highest ones. */
static inline uint64_t weir__hash_keep(uint64_t h)
{
#ifdef WEIR_HASH_8BIT
    return h & 0xff00000000000000u;
#else
    return h;
#endif
}

#endif
