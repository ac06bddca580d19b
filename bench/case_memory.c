/* SPDX-License-Identifier: Apache-2.0
 *
 * What a collection of --records rows (key, value) takes while it is loaded and arranged, and once
 * it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep.h"

/* A line of /proc/self/status, in bytes. */
static double status(const char *line)
{
    char text[256];
    double kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(text, sizeof text, file))
        if (strncmp(text, line, strlen(line)) == 0)
            kib = strtod(text + strlen(line) + 1, NULL);
    if (!file || kib < 0)
        bench_fail("no line %s in /proc/self/status", line);
    fclose(file);
    return kib * 1024;
}

static void fill(bench_feed *feed, void *room, size_t n)
{
    row *rows = room;
    uint64_t state = feed->state;
    for (size_t i = 0; i < n; i++) {
        rows[i].key = bench_random(&state);
        rows[i].value = bench_random(&state);
        feed->diffs[i] = 1;
    }
    feed->state = state;
}

static void build(weir_graph *graph, void *ctx)
{
    bench_keep_add(bench_feed_add_changes(graph, ctx, 0, row_type(), fill), ctx);
}

static double peak, rest;

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    weir_worker_step(worker);
    bench_wait(c, worker, BENCH_LOADING);
    double before = status("VmRSS");
    bench_feed_round(share, c->options.records);
    bench_wait(c, worker, BENCH_LOADING + 1);
    peak = status("VmHWM") - before;
    for (int i = 0; i < 1000; i++)
        weir_worker_step(worker);
    rest = (status("VmRSS") - before) / (double)c->options.records;
    bench_feed_close(share);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)c.options.records);
    bench_beside("rest", rest);
    bench_cost(peak / (1 << 20), "MiB");
    return 0;
}
