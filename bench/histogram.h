/* SPDX-License-Identifier: Apache-2.0
 *
 * How many of many records took how long: PARTS buckets between two powers of two.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { BUCKETS = 64, PARTS = 16 };

typedef struct histogram {
    uint64_t counts[BUCKETS][PARTS];
} histogram;

static inline void histogram_add(histogram *h, uint64_t ns, uint64_t records)
{
    unsigned bits = ns < PARTS ? 4 : 63 - (unsigned)__builtin_clzll(ns);
    h->counts[bits][ns >> (bits - 4) & (PARTS - 1)] += records;
}

/* The upper end, in microseconds, of the bucket in which the fraction is reached. */
static inline double histogram_at(const histogram *h, double fraction)
{
    uint64_t total = 0, sum = 0;
    for (int b = 0; b < BUCKETS; b++)
        for (int p = 0; p < PARTS; p++)
            total += h->counts[b][p];
    for (int b = 0; b < BUCKETS; b++)
        for (int p = 0; p < PARTS; p++) {
            sum += h->counts[b][p];
            if ((double)sum >= fraction * (double)total)
                return (double)(((uint64_t)(PARTS + p + 1)) << (b - 4)) / 1e3;
        }
    return 0;
}

#endif
