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

/* A short string is its 16 bytes: two multiplications, no branches. A factor is 0 only for one half
 * in 2^64, which depends on the seed. */
static inline uint64_t weir__hash_str(const weir_str *s, uint64_t seed)
{
    if (WEIR_UNLIKELY(!weir_str_is_inline(s)))
        return XXH3_64bits_withSeed(s->u.ptr, s->len, seed);
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
