/* SPDX-License-Identifier: Apache-2.0
 *
 * Flags, clock and report of the C programs of this folder. Programs, unlike the library, print and
 * exit.
 */
#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static uint64_t number(const char *flag, const char *text)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-')
        bench_fail("%s %s: a number is needed", flag, text);
    return n;
}

/* The field that a flag sets, or NULL. */
static uint64_t *number_of(bench_options *o, const char *flag)
{
    const struct {
        const char *flag;
        uint64_t *field;
    } numbers[] = {
        { "--rounds", &o->rounds },         { "--records", &o->records },
        { "--maps", &o->maps },             { "--nodes", &o->nodes },
        { "--epochs", &o->epochs },         { "--mib", &o->mib },
        { "--messages", &o->messages },     { "--rate", &o->rate },
        { "--seconds", &o->seconds },       { "--every-ms", &o->every_ms },
        { "--partitions", &o->partitions }, { "--dataflows", &o->dataflows },
        { "--batch", &o->batch },           { "--processes", &o->processes },
        { "--process", &o->process },
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(flag, numbers[i].flag) == 0)
            return numbers[i].field;
    return NULL;
}

static const char **text_of(bench_options *o, const char *flag)
{
    if (strcmp(flag, "--bootstrap") == 0)
        return &o->bootstrap;
    if (strcmp(flag, "--topic") == 0)
        return &o->topic;
    if (strcmp(flag, "--out") == 0)
        return &o->out;
    if (strcmp(flag, "--hosts") == 0)
        return &o->hosts;
    if (strcmp(flag, "--flight") == 0)
        return &o->flight;
    if (strcmp(flag, "--data") == 0)
        return &o->data;
    return strcmp(flag, "--kind") == 0 ? &o->kind : NULL;
}

bench_options bench_options_read(int argc, char **argv, int from)
{
    bench_options o = {
        .workers = 1, .rounds = 100, .records = 1, .maps = 100, .nodes = 100, .epochs = 100,
        .mib = 512, .messages = 1000000, .rate = 20000, .seconds = 10, .every_ms = 100,
        .partitions = 4, .dataflows = 10, .batch = 1000, .kind = "", .flight = "coarse",
        .data = ".", .processes = 1,
    };
    for (int i = from; i < argc; i += 2) {
        const char *flag = argv[i];
        const char **text = text_of(&o, flag);
        uint64_t *field = number_of(&o, flag);
        if (!text && !field && strcmp(flag, "-w") != 0)
            bench_fail("no flag %s: see bench/README.md", flag);
        if (i + 1 == argc)
            bench_fail("%s needs a value", flag);
        if (text)
            *text = argv[i + 1];
        else if (field)
            *field = number(flag, argv[i + 1]);
        else
            o.workers = (unsigned)number(flag, argv[i + 1]);
    }
    if (o.workers == 0)
        bench_fail("-w 0: at least one worker is needed");
    return o;
}

double bench_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

uint64_t bench_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void bench_answer(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("answer ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
}

void bench_beside(const char *name, double figure)
{
    printf("beside-%s %.4f\n", name, figure);
}

void bench_cost(double cost, const char *unit)
{
    printf("cost %.4f %s\n", cost, unit);
    fflush(stdout);
}
