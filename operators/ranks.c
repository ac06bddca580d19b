/* SPDX-License-Identifier: Apache-2.0
 *
 * See ranks.h.
 */
#include "ranks.h"

#include <string.h>
#include <weir/memory.h>

enum { FIRST_WORDS = 4, BLOCK_WORDS = 512 };

static inline int64_t *counts_of(const weir__ranks_block *b)
{
    return (int64_t *)(void *)(b->words + b->capacity);
}

static size_t block_bytes(uint32_t capacity)
{
    return capacity * (sizeof(weir__word) + sizeof(int64_t));
}

void weir__ranks_fini(weir__ranks *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        weir_free(r->blocks[i].words, block_bytes(r->blocks[i].capacity));
    weir_free(r->blocks, r->capacity * sizeof *r->blocks);
    weir_free(r->sums, (r->capacity + 1) * sizeof *r->sums);
    *r = (weir__ranks){ .blocks = NULL };
}

/* ---- the tree of sums ---- */

static void sums_make(weir__ranks *r)
{
    for (uint32_t i = 1; i <= r->count; i++)
        r->sums[i] = r->blocks[i - 1].total;
    for (uint32_t i = 1; i <= r->count; i++) {
        uint32_t up = i + (i & -i);
        if (up <= r->count)
            r->sums[up] += r->sums[i];
    }
}

static void sums_change(weir__ranks *r, uint32_t block, int64_t diff)
{
    for (uint32_t i = block + 1; i <= r->count; i += i & -i)
        r->sums[i] += diff;
}

/* The block that has the rank, which becomes the one within it. */
static uint32_t sums_find(const weir__ranks *r, int64_t *rank)
{
    uint32_t at = 0, step = 1;
    while (2 * step <= r->count)
        step *= 2;
    for (; step > 0; step /= 2)
        if (at + step <= r->count && r->sums[at + step] <= *rank) {
            at += step;
            *rank -= r->sums[at];
        }
    return at;
}

weir__word weir__ranks_at(const weir__ranks *r, int64_t rank)
{
    const weir__ranks_block *b = &r->blocks[sums_find(r, &rank)];
    const int64_t *counts = counts_of(b);
    uint32_t i = 0;
    for (; counts[i] <= rank; i++)
        rank -= counts[i] > 0 ? counts[i] : 0;
    return b->words[i];
}

/* ---- blocks ---- */

/* Room for so many blocks. */
static void set_capacity(weir__ranks *r, uint32_t capacity)
{
    size_t before = r->capacity * sizeof *r->blocks, now = capacity * sizeof *r->blocks;
    size_t sums_before = r->sums ? (r->capacity + 1) * sizeof *r->sums : 0;
    size_t sums_now = (capacity + 1) * sizeof *r->sums;
    r->blocks = weir_realloc_must(r->blocks, before, now);
    r->sums = weir_realloc_must(r->sums, sums_before, sums_now);
    r->bytes += now + sums_now - before - sums_before;
    r->capacity = capacity;
}

static void add_block(weir__ranks *r, uint32_t at)
{
    if (r->count == r->capacity)
        set_capacity(r, r->capacity ? 2 * r->capacity : 1);
    memmove(&r->blocks[at + 1], &r->blocks[at], (r->count++ - at) * sizeof *r->blocks);
    r->blocks[at] = (weir__ranks_block){ .words = NULL };
}

static void block_reserve(weir__ranks *r, weir__ranks_block *b, uint32_t capacity)
{
    weir__ranks_block more = *b;
    more.words = weir_alloc_must(block_bytes(capacity));
    more.capacity = capacity;
    if (b->count > 0) {
        memcpy(more.words, b->words, b->count * sizeof *b->words);
        memcpy(counts_of(&more), counts_of(b), b->count * sizeof(int64_t));
    }
    r->bytes += block_bytes(capacity) - block_bytes(b->capacity);
    weir_free(b->words, block_bytes(b->capacity));
    *b = more;
}

/* A full block becomes two. */
static void split(weir__ranks *r, uint32_t at)
{
    add_block(r, at + 1);
    weir__ranks_block *low = &r->blocks[at], *high = &r->blocks[at + 1];
    uint32_t half = low->count / 2;
    block_reserve(r, high, BLOCK_WORDS);
    high->count = low->count - half;
    memcpy(high->words, low->words + half, high->count * sizeof *low->words);
    memcpy(counts_of(high), counts_of(low) + half, high->count * sizeof(int64_t));
    low->count = half;
    for (uint32_t i = 0; i < high->count; i++)
        high->total += counts_of(high)[i] > 0 ? counts_of(high)[i] : 0;
    low->total -= high->total;
    sums_make(r);
}

static void remove_block(weir__ranks *r, uint32_t at)
{
    r->bytes -= block_bytes(r->blocks[at].capacity);
    weir_free(r->blocks[at].words, block_bytes(r->blocks[at].capacity));
    memmove(&r->blocks[at], &r->blocks[at + 1], (--r->count - at) * sizeof *r->blocks);
    if (r->count < r->capacity / 4)
        set_capacity(r, r->capacity / 2);
    sums_make(r);
}

/* What the second one has goes into the first one. */
static void join_blocks(weir__ranks *r, uint32_t at)
{
    weir__ranks_block *low = &r->blocks[at], *high = &r->blocks[at + 1];
    uint32_t count = low->count + high->count;
    if (count > low->capacity)
        block_reserve(r, low, BLOCK_WORDS);
    memcpy(low->words + low->count, high->words, high->count * sizeof *high->words);
    memcpy(counts_of(low) + low->count, counts_of(high), high->count * sizeof(int64_t));
    low->count = count;
    low->total += high->total;
    remove_block(r, at + 1);
}

/* A block from which much has gone takes less, or becomes one with a neighbour. */
static void shrink(weir__ranks *r, uint32_t at)
{
    weir__ranks_block *b = &r->blocks[at];
    if (b->capacity > FIRST_WORDS && b->count <= b->capacity / 4)
        block_reserve(r, b, b->capacity / 2);
    if (r->count < 2 || b->count > BLOCK_WORDS / 8)
        return;
    uint32_t low = at + 1 < r->count ? at : at - 1;
    if (r->blocks[low].count + r->blocks[low + 1].count <= BLOCK_WORDS / 2)
        join_blocks(r, low);
}

/* The last block that does not begin behind the word, or the first one. */
static uint32_t find_block(const weir__ranks *r, weir__word word)
{
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->blocks[middle].words[0] <= word)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

/* Index of the first word of the block that is not before this one. */
static uint32_t find_word(const weir__ranks_block *b, weir__word word)
{
    uint32_t low = 0, high = b->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->words[middle] < word)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A new word, with count 0. */
static void insert(weir__ranks *r, uint32_t *block, uint32_t *at, weir__word word)
{
    if (r->count == 0) {
        add_block(r, 0);
        sums_make(r);
    }
    weir__ranks_block *b = &r->blocks[*block];
    if (b->count == BLOCK_WORDS) {
        split(r, *block);
        *block += *at > r->blocks[*block].count;
        b = &r->blocks[*block];
        *at = find_word(b, word);
    } else if (b->count == b->capacity) {
        block_reserve(r, b, b->capacity ? 2 * b->capacity : FIRST_WORDS);
    }
    int64_t *counts = counts_of(b);
    memmove(b->words + *at + 1, b->words + *at, (b->count - *at) * sizeof *b->words);
    memmove(counts + *at + 1, counts + *at, (b->count - *at) * sizeof *counts);
    b->words[*at] = word;
    counts[*at] = 0;
    b->count++;
}

static void erase(weir__ranks *r, uint32_t block, uint32_t at)
{
    weir__ranks_block *b = &r->blocks[block];
    int64_t *counts = counts_of(b);
    b->count--;
    memmove(b->words + at, b->words + at + 1, (b->count - at) * sizeof *b->words);
    memmove(counts + at, counts + at + 1, (b->count - at) * sizeof *counts);
    if (b->count == 0)
        remove_block(r, block);
    else
        shrink(r, block);
}

bool weir__ranks_change(weir__ranks *r, weir__word word, int64_t diff)
{
    uint32_t block = r->count > 0 ? find_block(r, word) : 0;
    uint32_t at = r->count > 0 ? find_word(&r->blocks[block], word) : 0;
    bool is_there = r->count > 0 && at < r->blocks[block].count &&
                    r->blocks[block].words[at] == word;
    int64_t before = is_there ? counts_of(&r->blocks[block])[at] : 0, now, total;
    if (__builtin_add_overflow(before, diff, &now))
        return false;
    int64_t more = (now > 0 ? now : 0) - (before > 0 ? before : 0);
    if (__builtin_add_overflow(r->total, more, &total))
        return false;
    if (now == before)
        return true;
    if (!is_there)
        insert(r, &block, &at, word);
    r->total = total;
    r->blocks[block].total += more;
    sums_change(r, block, more);
    counts_of(&r->blocks[block])[at] = now;
    if (now == 0)
        erase(r, block, at);
    return true;
}
