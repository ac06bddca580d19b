/* SPDX-License-Identifier: Apache-2.0
 *
 * No engine: what two threads pay to hear of each other, a line of the cache each. A round of
 * --kind barrier is one hand-over, both ways at once. In one of --kind exchange there are two in a
 * row in three rounds of four: of a record, and of that it was taken, where that is not known
 * together with the record. No runtime's round is below that.
 */
#include <pthread.h>
#include <string.h>

#include "bench.h"

enum { SIDES = 2 };

typedef struct line {
    _Alignas(128) uint64_t number;
} line;

typedef struct side {
    pthread_t thread;
    line *own, *other;
    uint64_t rounds, turns; /* hand-overs in four rounds */
    double seconds;
} side;

static void *run_side(void *ctx)
{
    side *s = ctx;
    uint64_t count = s->rounds * s->turns / 4;
    double start = 0;
    for (uint64_t i = 1; i <= count + 1; i++) {
        __atomic_store_n(&s->own->number, i, __ATOMIC_RELEASE);
        while (__atomic_load_n(&s->other->number, __ATOMIC_ACQUIRE) < i)
            ;
        if (i == 1) /* both are here */
            start = bench_seconds();
    }
    s->seconds = bench_seconds() - start;
    return NULL;
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    static line lines[SIDES];
    side sides[SIDES];
    for (int i = 0; i < SIDES; i++) {
        sides[i] = (side){ .own = &lines[i], .other = &lines[1 - i], .rounds = o.rounds,
                           .turns = strcmp(o.kind, "exchange") == 0 ? 7 : 4 };
        if (pthread_create(&sides[i].thread, NULL, run_side, &sides[i]) != 0)
            bench_fail("no thread");
    }
    for (int i = 0; i < SIDES; i++)
        pthread_join(sides[i].thread, NULL);
    double slowest = sides[0].seconds > sides[1].seconds ? sides[0].seconds : sides[1].seconds;
    bench_answer("%llu", (unsigned long long)o.rounds);
    bench_cost(slowest * 1e6 / (double)o.rounds, "us/round");
    return 0;
}
