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

/* A short string is its 16 bytes, so its hash has a fixed length and no branches. */
static inline uint64_t weir__hash_str(const weir_str *s, uint64_t seed)
{
    if (WEIR_LIKELY(weir_str_is_inline(s)))
        return XXH3_64bits_withSeed(s, sizeof *s, seed);
    return XXH3_64bits_withSeed(s->u.ptr, s->len, seed);
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
