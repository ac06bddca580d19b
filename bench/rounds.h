/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes for a round of a loop, kept until nothing more can: batches, and the capability to
 * send at the round's time. Two rounds at most are open at a time, since nobody is further ahead.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include <stdlib.h>

#include "feed.h"

typedef struct bench_round {
    uint64_t time;
    weir_cap cap;
    bool open;
    weir_batch **batches;
    size_t count, room;
} bench_round;

typedef struct bench_rounds {
    bench_round slots[2]; /* by the time's parity */
} bench_rounds;

/* The round of the batch at hand, open from now on, with a capability of output 0. */
static inline bench_round *bench_round_of(bench_rounds *rounds, weir_step *step,
                                          const weir_batch *batch)
{
    bench_round *r = &rounds->slots[batch->time.at[0] & 1];
    if (!r->open) {
        r->open = true;
        r->time = batch->time.at[0];
        r->cap = weir_cap_retain(step, 0, NULL);
    }
    if (r->time != batch->time.at[0])
        bench_fail("three rounds are open");
    return r;
}

static inline void bench_round_keep(bench_round *r, const weir_batch *batch)
{
    if (r->count == r->room) {
        r->room = 2 * r->room + 64;
        r->batches = realloc(r->batches, r->room * sizeof *r->batches);
        if (!r->batches)
            bench_fail("no memory for the batches of a round");
    }
    r->batches[r->count++] = weir_batch_retain(batch);
}

/* The earliest open round if no input can bring more for it, else NULL. */
static inline bench_round *bench_round_due(bench_rounds *rounds, weir_step *step, unsigned inputs)
{
    bench_round *a = &rounds->slots[0], *b = &rounds->slots[1];
    bench_round *r = !b->open || (a->open && a->time < b->time) ? a : b;
    weir_time time = weir_time_1(r->time);
    if (!r->open)
        return NULL;
    for (unsigned i = 0; i < inputs; i++)
        if (weir_frontier_less_equal(weir_step_frontier(step, i), &time))
            return NULL;
    return r;
}

/* Gives up what was kept, and the capability. */
static inline void bench_round_end(bench_round *r, weir_step *step)
{
    for (size_t i = 0; i < r->count; i++)
        weir_batch_release(r->batches[i]);
    weir_cap_drop(step, r->cap);
    r->count = 0;
    r->open = false;
}

static inline void bench_rounds_fini(bench_rounds *rounds)
{
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < rounds->slots[k].count; i++)
            weir_batch_release(rounds->slots[k].batches[i]);
        free(rounds->slots[k].batches);
    }
}

#endif
