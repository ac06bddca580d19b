/* SPDX-License-Identifier: Apache-2.0
 *
 * No engine: what the cases count and join load, by hand. Each of -w threads has its rows for
 * itself, so that nothing is exchanged; tables have their final size from the start, and lie in
 * huge pages; nothing is known before the end, and no time is kept of anything. --kind count: keys
 * go into a table and are read out of it. --kind join: a row goes into its side's table and looks
 * for its partner in the other one, as a join has to that must be ready for the next row.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "changes.h"

enum { THREADS = 16, AHEAD = 64, HUGE_PAGE = 2 << 20 };

/* The key plus one: 0 is nobody's. */
typedef struct entry {
    uint64_t key, value;
} entry;

typedef struct table {
    entry *entries;
    unsigned bits;
} table;

typedef struct part {
    pthread_t thread;
    unsigned self;
    uint64_t answer;
    double seconds;
} part;

static bench_options options;
static pthread_barrier_t together;

static table table_of(uint64_t rows)
{
    table t = { .bits = 1 };
    while (UINT64_C(10) << t.bits < 16 * rows)
        t.bits++;
    size_t size = sizeof(entry) << t.bits;
    if (posix_memalign((void **)&t.entries, HUGE_PAGE, size < HUGE_PAGE ? HUGE_PAGE : size) != 0)
        bench_fail("no memory");
    (void)madvise(t.entries, size, MADV_HUGEPAGE);
    memset(t.entries, 0, size);
    return t;
}

static inline entry *home(const table *t, uint64_t key)
{
    return &t->entries[key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - t->bits)];
}

/* The key's entry, or the empty one where it would be. */
static inline entry *find(const table *t, uint64_t key)
{
    uint64_t mask = (UINT64_C(1) << t->bits) - 1;
    for (uint64_t at = (uint64_t)(home(t, key) - t->entries);; at = (at + 1) & mask)
        if (t->entries[at].key == key + 1 || t->entries[at].key == 0)
            return &t->entries[at];
}

/* A thread's i-th row. */
static inline uint64_t row_of(const part *p, uint64_t i)
{
    return p->self + i * options.workers;
}

static uint64_t count(const part *p, uint64_t mine)
{
    table t = table_of(mine);
    uint64_t asked[AHEAD], sum = 0;
    for (uint64_t i = 0; i < mine + AHEAD; i++) {
        uint64_t *key = &asked[i % AHEAD];
        if (i >= AHEAD) {
            entry *e = find(&t, *key);
            e->key = *key + 1;
            e->value++;
        }
        if (i < mine) {
            *key = row_of(p, i) * BENCH_STRIDE % options.nodes;
            __builtin_prefetch(home(&t, *key), 1);
        }
    }
    for (const entry *e = t.entries; e < t.entries + (UINT64_C(1) << t.bits); e++)
        if (e->key != 0)
            sum += bench_row_hash((uint64_t[]){ e->key - 1, e->value }, 2);
    free(t.entries);
    return sum;
}

/* Both sides' rows of a number have one key, and their number as value. */
static uint64_t join_side(const part *p, uint64_t mine, const table *own, const table *other)
{
    uint64_t asked[AHEAD], sum = 0;
    for (uint64_t i = 0; i < mine + AHEAD; i++) {
        uint64_t *key = &asked[i % AHEAD];
        if (i >= AHEAD) {
            uint64_t value = row_of(p, i - AHEAD);
            *find(own, *key) = (entry){ *key + 1, value };
            const entry *partner = find(other, *key);
            if (partner->key != 0)
                sum += bench_row_hash((uint64_t[]){ *key, partner->value, value }, 3);
        }
        if (i < mine) {
            *key = row_of(p, i) * BENCH_STRIDE % options.records;
            __builtin_prefetch(home(own, *key), 1);
            __builtin_prefetch(home(other, *key), 0);
        }
    }
    return sum;
}

static uint64_t join(const part *p, uint64_t mine)
{
    table left = table_of(mine), right = table_of(mine);
    uint64_t sum = join_side(p, mine, &left, &right);
    sum += join_side(p, mine, &right, &left);
    free(left.entries);
    free(right.entries);
    return sum;
}

static void *run(void *ctx)
{
    part *p = ctx;
    bool counts = strcmp(options.kind, "count") == 0;
    uint64_t all = counts ? options.nodes : options.records, threads = options.workers;
    uint64_t mine = all / threads + (p->self < all % threads);
    pthread_barrier_wait(&together);
    double start = bench_seconds();
    p->answer = (counts ? count : join)(p, mine);
    p->seconds = bench_seconds() - start;
    return NULL;
}

int main(int argc, char **argv)
{
    static part parts[THREADS];
    options = bench_options_read(argc, argv, 1);
    uint64_t answer = 0;
    double seconds = 0;
    if (options.workers > THREADS)
        bench_fail("at most %d threads", (int)THREADS);
    pthread_barrier_init(&together, NULL, options.workers);
    for (unsigned i = 0; i < options.workers; i++) {
        parts[i].self = i;
        if (pthread_create(&parts[i].thread, NULL, run, &parts[i]) != 0)
            bench_fail("no thread");
    }
    for (unsigned i = 0; i < options.workers; i++) {
        pthread_join(parts[i].thread, NULL);
        answer += parts[i].answer;
        seconds = parts[i].seconds > seconds ? parts[i].seconds : seconds;
    }
    bench_answer("%llu", (unsigned long long)answer);
    bench_cost(seconds * 1e3, "ms");
    return 0;
}
