/* SPDX-License-Identifier: Apache-2.0
 *
 * What our cases share on Weir's side: a source of numbers that a worker's program drives round by
 * round, an arrival that counts and sums, the common start, the slowest worker's time.
 */
#ifndef BENCH_FEED_H
#define BENCH_FEED_H

#include <pthread.h>
#include <weir/weir.h>

#include "bench.h"

#define BENCH_NUMBER(F) F(u64, value)
WEIR_RECORD(number, BENCH_NUMBER)

typedef struct bench_case bench_case;
typedef struct bench_feed bench_feed;
/* Writes n records of the feed's type; of a collection also n diffs, to feed->diffs. */
typedef void bench_fill_fn(bench_feed *feed, void *room, size_t n);

/* One worker's source of records. */
struct bench_feed {
    bench_case *c;
    bench_fill_fn *fill;
    uint64_t state, todo, epoch, ordered; /* epochs ended, to be ended */
    uint64_t leaving, made; /* for fill: of rows that leave; how many of this epoch are written */
    int64_t *diffs;
    bool collection, close;
    bool jumps; /* to the epoch ordered, over those between */
    weir_waker *waker;
};

/* One worker's share of a case; a cache line apart. */
typedef struct bench_share {
    _Alignas(128) uint64_t answer[4];
    double seconds;
    bench_feed feeds[2];
} bench_share;

struct bench_case {
    bench_options options;
    bench_share shares[WEIR_WORKERS_MAX];
    pthread_barrier_t start;
    weir_probe *probe;
};

/* A source of random numbers that emits what bench_feed_round orders, then moves to the next
 * epoch. */
weir_port *bench_feed_add(weir_graph *graph, bench_case *c);
/* The same of other records; which: 0 or 1, of the two that a share has. */
weir_port *bench_feed_add_of(weir_graph *graph, bench_case *c, unsigned which,
                             const weir_type *type, bench_fill_fn *fill);
/* The same of a collection. */
weir_port *bench_feed_add_changes(weir_graph *graph, bench_case *c, unsigned which,
                                  const weir_type *type, bench_fill_fn *fill);
/* Orders `count` numbers at the open epoch and what follows it, without waiting. */
void bench_feed_round(bench_share *share, uint64_t count);
void bench_feed_close(bench_share *share);
void bench_feed_round_of(bench_feed *feed, uint64_t count);
/* Orders `count` numbers at the open epoch, and that the next one be this. */
void bench_feed_jump(bench_feed *feed, uint64_t count, uint64_t epoch);
void bench_feed_close_of(bench_feed *feed);

/* Counts what arrives in answer[0] and sums it in answer[1] of the worker's share. key NULL: local.
 * Returns the (empty) output, for a probe. */
weir_port *bench_arrive_add(weir_port *in, const weir_key *key, bench_case *c);

/* Steps until nothing before `epoch` can come at the probe. */
void bench_wait(bench_case *c, weir_worker *worker, uint64_t epoch);

/* Returns when every worker of the cluster is here, and those of a process at once. */
void bench_meet(bench_case *c, weir_worker *worker);

/* Runs a case to its end on o.workers workers, as one of o.processes; a failure ends the program.
 * Shares are by the index in the cluster. */
void bench_run(bench_case *c, weir_build_fn *build,
               void (*main_fn)(weir_worker *worker, void *ctx));
/* Runs several dataflows, each built with a ctx of its own. */
typedef struct bench_many {
    unsigned workers;
    weir_build_fn *build;
    void **ctxs;
    uint64_t count;
    void (*main_fn)(weir_worker *worker, void *ctx);
    void *ctx;
} bench_many;
void bench_run_many(const bench_many *many);
/* Workers of the whole cluster. */
unsigned bench_workers(const bench_case *c);
/* Of this process: sum of answer[i] of all shares; the slowest share's seconds. */
uint64_t bench_total(const bench_case *c, unsigned i);
double bench_slowest(const bench_case *c);

#endif
