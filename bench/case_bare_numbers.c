/* SPDX-License-Identifier: Apache-2.0
 *
 * No engine: random numbers, each summed up by the thread that it belongs to, by hand. Each of -w
 * threads makes --records numbers a round, writes those of another thread to a ring of chunks that
 * they share, and adds up its own and what lies in the rings to it. No times, no batches, no rounds
 * that are waited for. Beside it `alone`: made and summed up, belonging to nobody.
 */
#include <pthread.h>
#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "bench.h"

enum { THREADS = 16, CHUNK = 4096, PART = CHUNK / 4, SLOTS = 4 };

typedef struct chunk {
    size_t count;
    uint64_t numbers[CHUNK];
} chunk;

/* From one thread to another: chunks by their number. */
typedef struct ring {
    _Alignas(128) uint64_t sent;
    _Alignas(128) uint64_t taken;
    _Alignas(128) chunk chunks[SLOTS];
} ring;

typedef struct worker {
    pthread_t thread;
    unsigned self, count;
    uint64_t records, sum, got;
    double alone, seconds;
} worker;

static ring *rings; /* [from][to] */
static pthread_barrier_t together;
static uint64_t ended; /* threads that have sent all */

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void add_up(worker *w, const chunk *c)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < c->count; i++)
        sum += c->numbers[i];
    w->sum += sum;
    w->got += c->count;
}

/* What has come from others. */
static void take(worker *w)
{
    for (unsigned from = 0; from < w->count; from++) {
        ring *r = &rings[from * w->count + w->self];
        uint64_t sent = load(&r->sent);
        for (; r->taken < sent; __atomic_store_n(&r->taken, r->taken + 1, __ATOMIC_RELEASE))
            add_up(w, &r->chunks[r->taken % SLOTS]);
    }
}

/* Sends the chunk that is being written. */
static ring *send_chunk(worker *w, unsigned to)
{
    ring *r = &rings[w->self * w->count + to];
    __atomic_store_n(&r->sent, r->sent + 1, __ATOMIC_RELEASE);
    return r;
}

/* The next one, when there is room for it. */
static chunk *next_chunk(worker *w, unsigned to)
{
    ring *r = send_chunk(w, to);
    while (r->sent - load(&r->taken) == SLOTS)
        take(w);
    chunk *c = &r->chunks[r->sent % SLOTS];
    c->count = 0;
    return c;
}

/* Numbers divided without a branch: each end has room for all of them. */
static void divide(const uint64_t *numbers, size_t n, uint64_t **ends, unsigned count)
{
    for (size_t i = 0; i < n; i++)
        *ends[(numbers[i] >> 32) * count >> 32]++ = numbers[i];
}

#ifdef __x86_64__
/* Two ways, by their highest bit, eight at a time. */
__attribute__((target("avx512f"))) static void divide_two(const uint64_t *numbers, size_t n,
                                                          uint64_t **ends)
{
    uint64_t *low = ends[0], *high = ends[1];
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i v = _mm512_loadu_si512(numbers + i);
        __mmask8 mask = _mm512_cmplt_epi64_mask(v, _mm512_setzero_si512());
        _mm512_mask_compressstoreu_epi64(high, mask, v);
        _mm512_mask_compressstoreu_epi64(low, (__mmask8)~mask, v);
        high += __builtin_popcount(mask);
        low += 8 - __builtin_popcount(mask);
    }
    ends[0] = low;
    ends[1] = high;
    divide(numbers + i, n - i, ends, 2);
}
#endif

static void make_and_divide(worker *w, uint64_t *state, chunk **open, size_t n)
{
    uint64_t *ends[THREADS], numbers[PART];
    for (size_t i = 0; i < n; i++)
        numbers[i] = bench_random(state);
    for (unsigned to = 0; to < w->count; to++)
        ends[to] = open[to]->numbers + open[to]->count;
#ifdef __x86_64__
    if (w->count == 2 && __builtin_cpu_supports("avx512f"))
        divide_two(numbers, n, ends);
    else
#endif
        divide(numbers, n, ends, w->count);
    for (unsigned to = 0; to < w->count; to++)
        open[to]->count = (size_t)(ends[to] - open[to]->numbers);
}

static void run_exchange(worker *w)
{
    uint64_t state = 1 + w->self;
    chunk *open[THREADS];
    for (unsigned to = 0; to < w->count; to++)
        open[to] = rings[w->self * w->count + to].chunks;
    for (uint64_t left = w->records; left;) {
        size_t n = left < PART ? (size_t)left : PART;
        make_and_divide(w, &state, open, n);
        left -= n;
        for (unsigned to = 0; to < w->count; to++)
            if (open[to]->count > CHUNK - PART)
                open[to] = next_chunk(w, to);
        take(w);
    }
    for (unsigned to = 0; to < w->count; to++)
        (void)send_chunk(w, to);
    __atomic_fetch_add(&ended, 1, __ATOMIC_RELEASE);
    while (load(&ended) < w->count)
        take(w);
    take(w);
}

static void *run_worker(void *ctx)
{
    worker *w = ctx;
    uint64_t state = 1 + w->self, sum = 0;
    pthread_barrier_wait(&together);
    double start = bench_seconds();
    for (uint64_t i = 0; i < w->records; i++)
        sum += bench_random(&state);
    w->alone = bench_seconds() - start;
    __asm__ volatile("" : : "r"(sum)); /* or all of it would be left out */
    pthread_barrier_wait(&together);
    start = bench_seconds();
    run_exchange(w);
    w->seconds = bench_seconds() - start;
    return NULL;
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    unsigned count = o.workers * (unsigned)(o.processes ? o.processes : 1);
    static worker workers[THREADS];
    double alone = 0, seconds = 0;
    uint64_t sum = 0, got = 0;
    if (count > THREADS)
        bench_fail("at most %d threads", (int)THREADS);
    rings = aligned_alloc(128, count * count * sizeof *rings);
    if (!rings)
        bench_fail("no memory");
    for (unsigned i = 0; i < count * count; i++) {
        rings[i].sent = rings[i].taken = 0;
        rings[i].chunks[0].count = 0;
    }
    pthread_barrier_init(&together, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (worker){ .self = i, .count = count, .records = o.records * o.rounds };
        if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0)
            bench_fail("no thread");
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        alone = workers[i].alone > alone ? workers[i].alone : alone;
        seconds = workers[i].seconds > seconds ? workers[i].seconds : seconds;
        sum += workers[i].sum;
        got += workers[i].got;
    }
    double each = 1e9 / ((double)o.records * (double)o.rounds * count);
    bench_answer("%llu %llu", (unsigned long long)got, (unsigned long long)sum);
    bench_beside("alone", alone * each);
    bench_cost(seconds * each, "ns/record");
    return 0;
}
