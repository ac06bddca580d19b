/* SPDX-License-Identifier: Apache-2.0
 *
 * How long each of many things took in one program, and the lines that bench/run reads. Not
 * thread-safe.
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

/* Room for so many figures, all 0; free gives it back. */
double *bench_figures(size_t count);
/* Of what each of `count` batches (at least 1) cost: prints p99 and the worst as figures beside the
 * cost, sorts them, and returns the median. */
double bench_tails(double *figures, size_t count);

#endif
