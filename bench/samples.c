/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps every sample: at most a few million of them, and exact percentiles.
 */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

void bench_samples_add(bench_samples *samples, uint64_t us)
{
    if (samples->count == samples->room) {
        samples->room = samples->room ? 2 * samples->room : 1 << 16;
        samples->us = realloc(samples->us, samples->room * sizeof(*samples->us));
        if (!samples->us)
            bench_fail("no memory for %zu samples", samples->room);
    }
    samples->us[samples->count++] = us;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void bench_samples_print(bench_samples *samples)
{
    static const double parts[] = { 0.5, 0.9, 0.99, 0.999, 1.0 };
    if (samples->count)
        qsort(samples->us, samples->count, sizeof(*samples->us), compare);
    printf("latency %zu", samples->count);
    for (size_t i = 0; samples->count && i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t at = (size_t)(parts[i] * (double)samples->count);
        printf(" %.3f", (double)samples->us[at < samples->count ? at : samples->count - 1] / 1e3);
    }
    printf("\n");
    fflush(stdout);
    free(samples->us);
    *samples = (bench_samples){ .us = NULL };
}

double *bench_figures(size_t count)
{
    double *figures = calloc(count + 1, sizeof *figures);
    if (!figures)
        bench_fail("no memory for %zu figures", count);
    return figures;
}

static int compare_figures(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_tails(double *figures, size_t count)
{
    if (count == 0)
        bench_fail("at least one batch is needed");
    qsort(figures, count, sizeof *figures, compare_figures);
    bench_beside("p99", figures[(size_t)((double)(count - 1) * 0.99)]);
    bench_beside("worst", figures[count - 1]);
    return figures[(count - 1) / 2];
}
