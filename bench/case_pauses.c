/* SPDX-License-Identifier: Apache-2.0
 *
 * No engine: how long the machine keeps threads from cores that nobody else wants. Threads that do
 * nothing but look at the clock: what would a record wait that is due at any instant and complete
 * as soon as all of them have run? No runtime's latency is below that.
 */
#include <pthread.h>
#include <stdlib.h>

#include "bench.h"
#include "histogram.h"

/* Looks at the clock that are further apart were interrupted. */
enum { PAUSE_NS = 1000, PAUSES_MAX = 1 << 20 };

typedef struct interval {
    uint64_t start, end;
} interval;

typedef struct looker {
    pthread_t thread;
    uint64_t begin, end;
    interval *pauses;
    size_t count;
} looker;

static uint64_t now_ns(void)
{
    return (uint64_t)(bench_seconds() * 1e9);
}

static void *look(void *ctx)
{
    looker *l = ctx;
    while (now_ns() < l->begin)
        ;
    for (uint64_t last = l->begin, now; last < l->end; last = now) {
        now = now_ns();
        if (now - last < PAUSE_NS)
            continue;
        if (l->count == PAUSES_MAX)
            bench_fail("a thread was interrupted over %d times: measure fewer --seconds",
                       (int)PAUSES_MAX);
        l->pauses[l->count++] = (interval){ last, now };
    }
    return NULL;
}

static int by_start(const void *a, const void *b)
{
    const interval *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* Records that come one a nanosecond, and wait from `most` down to `least`. */
static void add_waits(histogram *h, uint64_t least, uint64_t most)
{
    for (uint64_t wait = least, step; wait < most; wait += step) {
        step = wait / PARTS + 1;
        if (step > most - wait)
            step = most - wait;
        histogram_add(h, wait, step);
    }
}

/* Pauses of all threads by their start: a record waits for the last of those it falls into. */
static void add_pauses(histogram *h, const interval *all, size_t count, uint64_t length)
{
    for (size_t i = 0; i < count;) {
        uint64_t from = all[i].start, end = all[i].end;
        for (i++; i < count && all[i].start < end; i++) {
            add_waits(h, end - all[i].start, end - from);
            length -= all[i].start - from;
            from = all[i].start;
            end = all[i].end > end ? all[i].end : end;
        }
        add_waits(h, 0, end - from);
        length -= end - from;
    }
    histogram_add(h, 0, length);
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    looker *lookers = calloc(o.workers, sizeof *lookers);
    interval *all = malloc(o.workers * sizeof *all * PAUSES_MAX);
    static histogram waits;
    size_t count = 0;
    if (!lookers || !all)
        bench_fail("no memory");
    uint64_t begin = now_ns() + 10000000, length = o.seconds * 1000000000;
    for (unsigned i = 0; i < o.workers; i++) {
        lookers[i] = (looker){ .begin = begin, .end = begin + length,
                               .pauses = calloc(PAUSES_MAX, sizeof *all) };
        if (!lookers[i].pauses || pthread_create(&lookers[i].thread, NULL, look, &lookers[i]) != 0)
            bench_fail("no thread");
    }
    for (unsigned i = 0; i < o.workers; i++) {
        pthread_join(lookers[i].thread, NULL);
        for (size_t k = 0; k < lookers[i].count; k++)
            all[count++] = lookers[i].pauses[k];
        free(lookers[i].pauses);
    }
    qsort(all, count, sizeof *all, by_start);
    add_pauses(&waits, all, count, length);
    free(all);
    free(lookers);
    bench_answer("%u", o.workers);
    bench_beside("p50", histogram_at(&waits, 0.5));
    bench_beside("p99.9", histogram_at(&waits, 0.999));
    bench_cost(histogram_at(&waits, 0.99), "us@p99");
    return 0;
}
