/* SPDX-License-Identifier: Apache-2.0
 *
 * What the C programs of this folder share: flags, clock, random numbers, hash, and the two lines
 * that bench/run reads. Owns no measurement. The contract behind it is in README.md.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* The flags of all cases; one that a case does not use is accepted and ignored. */
typedef struct bench_options {
    unsigned workers;      /* -w: of this process */
    uint64_t processes;    /* --processes of the cluster */
    uint64_t process;      /* --process: the number of this one */
    const char *hosts;     /* --hosts HOST:PORT,... of all */
    uint64_t rounds;       /* --rounds */
    uint64_t records;      /* --records: a worker and round */
    uint64_t maps;         /* --maps */
    uint64_t nodes;        /* --nodes */
    uint64_t epochs;       /* --epochs */
    uint64_t mib;          /* --mib: of text */
    uint64_t messages;     /* --messages */
    uint64_t rate;         /* --rate: messages a second */
    uint64_t seconds;      /* --seconds */
    uint64_t every_ms;     /* --every-ms: 0 writes every change */
    uint64_t partitions;   /* --partitions of a topic that is made */
    uint64_t dataflows;    /* --dataflows */
    uint64_t batch;        /* --batch: records of an epoch, all workers together */
    const char *bootstrap; /* --bootstrap HOST:PORT */
    const char *topic;     /* --topic to read */
    const char *out;       /* --out: topic to write */
    const char *kind;      /* --kind: what the program says it takes */
    const char *data;      /* --data: folder of the tables */
    const char *flight;    /* --flight: coarse, all or off: what the flight recorder keeps */
} bench_options;

/* Reads argv[from] and what follows. A mistake is printed and ends the program with status 1. */
bench_options bench_options_read(int argc, char **argv, int from);

/* Prints a line on standard error and ends the program with status 1. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Seconds on the monotonic clock; microseconds since 1970. */
double bench_seconds(void);
uint64_t bench_wall_us(void);

/* Prints "answer ..." and "cost NUMBER UNIT" and flushes them. */
void bench_answer(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bench_cost(double cost, const char *unit);
/* A figure told beside the cost, in the same unit: "beside-NAME NUMBER". Before the cost. */
void bench_beside(const char *name, double figure);

/* splitmix64: the random numbers of every case on both sides. */
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
/* The same below n: no division, which would cost more than the number itself. */
static inline uint64_t bench_random_below(uint64_t *state, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)bench_random(state) * n >> 64);
}

/* FNV-1a of 64 bits, from BENCH_FNV_START or continued. */
#define BENCH_FNV_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t bench_fnv1a(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x00000100000001b3);
    return hash;
}

#endif
