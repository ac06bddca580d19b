/* SPDX-License-Identifier: Apache-2.0
 *
 * Latencies of one program, and the line that bench/run reads. Not thread-safe.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_samples {
    uint64_t *us;
    size_t count, room;
} bench_samples;

/* Zeroed is empty. Adds one of this many microseconds. */
void bench_samples_add(bench_samples *samples, uint64_t us);
/* Prints "latency COUNT P50 P90 P99 P99.9 MAX", in milliseconds, and empties it. */
void bench_samples_print(bench_samples *samples);

#endif
