/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the order of keys of many runs: which of them is next is not asked for each key. What lies
 * below a hash is gathered from all of them and sorted, by the bits in which it differs; since
 * hashes are as good as random, so many lie below one as there should, about.
 */
#include "trace/merge_block.h"

enum {
    GOAL = WEIR__BLOCK_MAX * 3 / 4, /* keys of a block: there may be a third more */
    BUCKETS = 256,
    FEW = 24 /* keys that are sorted without them: to set them up takes as long */
};

/* What is left of all lanes. */
typedef struct rest {
    uint64_t keys, low, high; /* hashes from low to high */
} rest;

static rest rest_of(const weir__merge *m)
{
    rest r = { .low = UINT64_MAX };
    for (uint32_t i = 0; i < m->count; i++) {
        const weir__lane *l = &m->lanes[i];
        if (l->keys.at == l->keys.end)
            continue;
        uint64_t first = l->run->hashes[l->keys.at], last = l->run->hashes[l->keys.end - 1];
        r.keys += l->keys.end - l->keys.at;
        r.low = first < r.low ? first : r.low;
        r.high = last > r.high ? last : r.high;
    }
    return r;
}

/* Takes the keys below `end`, lane by lane. False: there are too many. */
static bool gather(const weir__merge *m, uint64_t end, weir__block *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        const weir__lane *l = &m->lanes[i];
        const uint64_t *hashes = l->run->hashes;
        uint32_t key = l->keys.at;
        for (; key < l->keys.end && hashes[key] < end; key++) {
            if (n == WEIR__BLOCK_MAX)
                return false;
            b->hash[n] = hashes[key];
            b->key[n] = key;
            b->lane[n++] = (uint8_t)i;
        }
        __builtin_prefetch(&hashes[key + 8]);
    }
    b->count = n;
    return true;
}

/* What the buckets have left out of order; equal hashes stay in the order of their lanes. */
static void insertion_sort(weir__block *b)
{
    for (uint32_t i = 1; i < b->count; i++) {
        uint64_t hash = b->hash[i];
        if (WEIR_LIKELY(b->hash[i - 1] <= hash))
            continue;
        uint32_t key = b->key[i], at = i;
        uint8_t lane = b->lane[i];
        for (; at > 0 && b->hash[at - 1] > hash; at--) {
            b->hash[at] = b->hash[at - 1];
            b->key[at] = b->key[at - 1];
            b->lane[at] = b->lane[at - 1];
        }
        b->hash[at] = hash;
        b->key[at] = key;
        b->lane[at] = lane;
    }
}

static void copy(const weir__block *from, weir__block *b)
{
    memcpy(b->hash, from->hash, from->count * sizeof *b->hash);
    memcpy(b->key, from->key, from->count * sizeof *b->key);
    memcpy(b->lane, from->lane, from->count * sizeof *b->lane);
}

static void put_into_buckets(const weir__block *from, weir__block *b, uint64_t low)
{
    uint16_t at[BUCKETS + 1] = { 0 };
    uint64_t differ = 1;
    for (uint32_t i = 0; i < from->count; i++)
        differ |= from->hash[i] - low;
    uint32_t bits = 64 - (uint32_t)__builtin_clzll(differ), shift = bits > 8 ? bits - 8 : 0;
    for (uint32_t i = 0; i < from->count; i++)
        at[((from->hash[i] - low) >> shift) + 1]++;
    for (uint32_t i = 1; i < BUCKETS; i++)
        at[i] = (uint16_t)(at[i] + at[i - 1]);
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t to = at[(from->hash[i] - low) >> shift]++;
        b->hash[to] = from->hash[i];
        b->key[to] = from->key[i];
        b->lane[to] = from->lane[i];
    }
}

static void sort(const weir__block *from, weir__block *b, uint64_t low)
{
    if (from->count <= FEW)
        copy(from, b);
    else
        put_into_buckets(from, b, low);
    b->count = from->count;
    insertion_sort(b);
}

void weir__merge_sort_keys(const weir__merge *m, weir__block *b, uint32_t most)
{
    weir__block found;
    rest r = rest_of(m);
    uint64_t goal = most < GOAL ? most : GOAL, end = UINT64_MAX;
    b->count = 0;
    if (r.keys > goal) {
        uint64_t span = (r.high - r.low) / r.keys;
        end = span < (UINT64_MAX - r.low) / goal ? r.low + span * goal + 1 : UINT64_MAX;
    }
    for (; !gather(m, end, &found); end = r.low + (end - r.low) / 2)
        if (end - r.low < 2)
            return;
    sort(&found, b, r.low);
    if (b->count <= most)
        return;
    b->count = most;
    while (b->count > 0 && b->hash[b->count - 1] == b->hash[most])
        b->count--;
}
