/* SPDX-License-Identifier: Apache-2.0
 *
 * No engine: the words of the text, counted by hand in a table made for them. Each of -w threads
 * counts its blocks for itself; nothing is exchanged, no change of a count is told to anybody, and
 * nothing is known before the end. Words have no more than 17 letters, and no letter is 0.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "bench.h"
#include "text.h"

enum { THREADS = 16, TABLE_BITS = 18, PAD = 32, HALVES = 16 };

/* A word in the order of its bytes, zeros behind it. */
typedef struct entry {
    uint64_t words[3];
    int64_t count;
} entry;

typedef struct counter {
    pthread_t thread;
    unsigned self, threads;
    uint64_t blocks;
    entry *table;
    double seconds;
} counter;

static bench_text *text;
static pthread_barrier_t together;

/* How many of the 16 bytes lie before the first blank, at most 16. */
static unsigned before_blank(const char *at)
{
#ifdef __SSE2__
    __m128i blanks = _mm_set1_epi8(' '), bytes = _mm_loadu_si128((const __m128i *)at);
    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, blanks)) |
                                   1u << HALVES);
#else
    const char *blank = memchr(at, ' ', HALVES);
    return blank ? (unsigned)(blank - at) : HALVES;
#endif
}

static entry *find(entry *table, const uint64_t words[3])
{
    uint64_t hash = (words[0] ^ words[2]) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32 ^ words[1]) * UINT64_C(0xbf58476d1ce4e5b9);
    for (uint64_t at = hash >> (64 - TABLE_BITS);; at = (at + 1) & ((1 << TABLE_BITS) - 1)) {
        entry *e = &table[at];
        if (e->words[0] == words[0] && e->words[1] == words[1] && e->words[2] == words[2])
            return e;
        if (e->words[0] == 0) {
            memcpy(e->words, words, sizeof e->words);
            return e;
        }
    }
}

/* Reads up to PAD bytes behind the block, which are blanks. */
static void count_block(entry *table, const char *at)
{
    static const unsigned char kept[2 * HALVES] = { 255, 255, 255, 255, 255, 255, 255, 255,
                                                    255, 255, 255, 255, 255, 255, 255, 255 };
    const char *end = at + BENCH_TEXT_BLOCK;
    while (at < end) {
        uint64_t words[3] = { 0 }, mask[2];
        unsigned length = before_blank(at);
        memcpy(words, at, HALVES);
        memcpy(mask, kept + HALVES - length, HALVES);
        words[0] &= mask[0];
        words[1] &= mask[1];
        if (__builtin_expect(length == HALVES, 0)) {
            length += before_blank(at + HALVES);
            memcpy(&words[2], at + HALVES, length - HALVES);
        }
        at += length + 1;
        if (__builtin_expect(length > 0, 1))
            find(table, words)->count++;
    }
}

static void *run_counter(void *ctx)
{
    counter *c = ctx;
    char *blocks = malloc(c->blocks * (BENCH_TEXT_BLOCK + PAD) + 1);
    c->table = calloc((size_t)1 << TABLE_BITS, sizeof *c->table);
    if (!blocks || !c->table)
        bench_fail("no memory");
    for (uint64_t b = 0; b < c->blocks; b++) {
        char *block = blocks + b * (BENCH_TEXT_BLOCK + PAD);
        bench_text_fill(text, c->self + b * c->threads, block);
        memset(block + BENCH_TEXT_BLOCK, ' ', PAD);
    }
    pthread_barrier_wait(&together);
    double start = bench_seconds();
    for (uint64_t b = 0; b < c->blocks; b++)
        count_block(c->table, blocks + b * (BENCH_TEXT_BLOCK + PAD));
    c->seconds = bench_seconds() - start;
    free(blocks);
    return NULL;
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    static counter counters[THREADS];
    uint64_t blocks = o.mib / (BENCH_TEXT_BLOCK >> 20), words = 0, sum = 0;
    double seconds = 0;
    if (o.workers > THREADS)
        bench_fail("at most %d threads", (int)THREADS);
    text = bench_text_create();
    pthread_barrier_init(&together, NULL, o.workers);
    for (unsigned i = 0; i < o.workers; i++) {
        counters[i] = (counter){ .self = i, .threads = o.workers,
                                 .blocks = (blocks + o.workers - 1 - i) / o.workers };
        if (pthread_create(&counters[i].thread, NULL, run_counter, &counters[i]) != 0)
            bench_fail("no thread");
    }
    for (unsigned i = 0; i < o.workers; i++) {
        counter *c = &counters[i];
        pthread_join(c->thread, NULL);
        seconds = c->seconds > seconds ? c->seconds : seconds;
        for (size_t k = 0; k < (size_t)1 << TABLE_BITS; k++) {
            const entry *e = &c->table[k];
            size_t length = strnlen((const char *)e->words, sizeof e->words);
            words += (uint64_t)e->count;
            sum += (uint64_t)e->count * bench_fnv1a(BENCH_FNV_START, e->words, length);
        }
        free(c->table);
    }
    bench_text_destroy(text);
    bench_answer("%llu", (unsigned long long)sum);
    bench_cost(seconds * 1e9 / (double)words, "ns/word");
    return 0;
}
