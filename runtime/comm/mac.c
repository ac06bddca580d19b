/* SPDX-License-Identifier: Apache-2.0
 *
 * BLAKE2s as RFC 7693 writes it down, over data that lies in memory as a whole.
 */
#include "comm/mac.h"

#include <string.h>

#include "base/assert.h"

enum { BLOCK = 64, ROUNDS = 10 };

static const uint32_t initial[8] = { 0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                     0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u };

static const uint8_t sigma[ROUNDS][16] = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
    { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
    { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
    { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
    { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
    { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
    { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
    { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
    { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static uint32_t rotated(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static uint32_t word_at(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void mix(uint32_t *v, const uint8_t at[4], uint32_t x, uint32_t y)
{
    uint32_t *a = &v[at[0]], *b = &v[at[1]], *c = &v[at[2]], *d = &v[at[3]];
    *a = *a + *b + x;
    *d = rotated(*d ^ *a, 16);
    *c = *c + *d;
    *b = rotated(*b ^ *c, 12);
    *a = *a + *b + y;
    *d = rotated(*d ^ *a, 8);
    *c = *c + *d;
    *b = rotated(*b ^ *c, 7);
}

static void compress(uint32_t h[8], const unsigned char *block, uint64_t end, bool last)
{
    static const uint8_t lanes[8][4] = { { 0, 4, 8, 12 }, { 1, 5, 9, 13 },  { 2, 6, 10, 14 },
                                         { 3, 7, 11, 15 }, { 0, 5, 10, 15 }, { 1, 6, 11, 12 },
                                         { 2, 7, 8, 13 }, { 3, 4, 9, 14 } };
    uint32_t v[16], m[16];
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = initial[i];
    }
    v[12] ^= (uint32_t)end;
    v[13] ^= (uint32_t)(end >> 32);
    if (last)
        v[14] = ~v[14];
    for (int i = 0; i < 16; i++)
        m[i] = word_at(block + 4 * i);
    for (int r = 0; r < ROUNDS; r++)
        for (int i = 0; i < 8; i++)
            mix(v, lanes[i], m[sigma[r][2 * i]], m[sigma[r][2 * i + 1]]);
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

void weir__mac(const void *key, size_t key_size, const void *data, size_t size,
               unsigned char out[WEIR__MAC_BYTES])
{
    WEIR_ASSERT(key_size <= WEIR__MAC_KEY_MAX, "a key of %zu bytes", key_size);
    const unsigned char *at = data;
    unsigned char block[BLOCK];
    uint32_t h[8];
    uint64_t end = 0;
    memcpy(h, initial, sizeof h);
    h[0] ^= 0x01010000u ^ (uint32_t)key_size << 8 ^ WEIR__MAC_BYTES;
    if (key_size > 0) {
        memset(block, 0, sizeof block);
        memcpy(block, key, key_size);
        compress(h, block, end += BLOCK, size == 0);
    }
    for (; size > BLOCK; size -= BLOCK, at += BLOCK)
        compress(h, at, end += BLOCK, false);
    if (size > 0 || key_size == 0) {
        memset(block, 0, sizeof block);
        if (size > 0)
            memcpy(block, at, size);
        compress(h, block, end + size, true);
    }
    for (int i = 0; i < WEIR__MAC_BYTES; i++)
        out[i] = (unsigned char)(h[i / 4] >> 8 * (i % 4));
}

bool weir__mac_equal(const unsigned char *a, const unsigned char *b)
{
    unsigned different = 0;
    for (int i = 0; i < WEIR__MAC_BYTES; i++)
        different |= a[i] ^ b[i];
    return different == 0;
}
