/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows (key, value) arranged while they change: --records of them with --nodes keys. An update
 * brings a row and takes away the oldest. --kind load: batches as fast as they go; what does one
 * update cost, in all and in the worst of them? --kind rate: --rate updates a second for --seconds,
 * whether those before are done or not; how long after it was due is one complete?
 */
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "keep.h"
#include "pace.h"
#include "samples.h"

static void fill(bench_feed *feed, void *room, size_t n)
{
    row *rows = room;
    uint64_t keys = feed->c->options.nodes, sum = 0;
    bench_share *share = (bench_share *)(void *)((char *)feed - offsetof(bench_share, feeds));
    bool loading = feed->epoch == BENCH_LOADING;
    for (size_t i = 0; i < n; i++) {
        bool comes = loading || (feed->made + i) % 2 == 0;
        uint64_t *state = comes ? &feed->state : &feed->leaving;
        rows[i].key = bench_random(state) % keys;
        rows[i].value = bench_random(state);
        feed->diffs[i] = comes ? 1 : -1;
        uint64_t hash = bench_row_hash(&rows[i].key, 2);
        sum += comes ? hash : -hash;
    }
    share->answer[0] += sum;
}

static void build(weir_graph *graph, void *ctx)
{
    bench_keep_add(bench_feed_add_changes(graph, ctx, 0, row_type(), fill), ctx);
}

/* ---- as fast as they go ---- */

/* Nanoseconds an update of each batch, as the first worker saw it: it waits for all. */
static double *batches;

static void run_batches(bench_case *c, weir_worker *worker, bench_share *share)
{
    uint64_t batch = 2 * bench_part(c, worker, c->options.batch);
    double start = bench_seconds(), before = start, now = start;
    for (uint64_t round = 1; round <= c->options.rounds; round++, before = now) {
        bench_feed_round(share, batch);
        weir_worker_step(worker);
        bench_wait(c, worker, BENCH_LOADING + round + 1);
        now = bench_seconds();
        if (weir_worker_index(worker) == 0)
            batches[round - 1] = (now - before) * 1e9 / (double)c->options.batch;
    }
    share->seconds = now - start;
}

/* ---- at a rate: times are nanoseconds since the start, from FIRST on ---- */

enum { FIRST = BENCH_LOADING + 1 };

static histogram histograms[WEIR_WORKERS_MAX];
static double began;

/* One worker's updates: numbers from its own on, each as many more as there are workers. */
typedef struct pace {
    uint64_t next, retired; /* that is sent, that completes next */
    uint64_t peers, limit;
    double period;
} pace;

static uint64_t due(const pace *p, uint64_t update)
{
    return FIRST + (uint64_t)((double)update * p->period);
}

static void retire(pace *p, uint64_t now, uint64_t complete, histogram *into)
{
    for (; p->retired < p->limit && due(p, p->retired) < complete; p->retired += p->peers)
        histogram_add(into, now - due(p, p->retired), 1);
}

/* Sends what is due before this time, which comes next. */
static void send(pace *p, bench_feed *feed, uint64_t until)
{
    uint64_t count = 0;
    for (; p->next < p->limit && due(p, p->next) < until; p->next += p->peers)
        count++;
    bench_feed_jump(feed, 2 * count, until);
}

static void run_at_rate(bench_case *c, weir_worker *worker, bench_share *share)
{
    unsigned index = weir_worker_index(worker);
    uint64_t sent = FIRST;
    pace p = { .next = index, .retired = index, .peers = bench_workers(c),
               .limit = c->options.rate * c->options.seconds,
               .period = 1e9 / (double)c->options.rate };
    if (pthread_barrier_wait(&c->start) == PTHREAD_BARRIER_SERIAL_THREAD)
        began = bench_seconds(); /* one start for all: their times are compared */
    pthread_barrier_wait(&c->start);
    while (p.retired < p.limit) {
        uint64_t now = FIRST + (uint64_t)((bench_seconds() - began) * 1e9);
        const weir_frontier *frontier = weir_probe_frontier(c->probe, worker);
        uint64_t complete = weir_frontier_times(frontier)->at[0];
        retire(&p, now, complete, &histograms[index]);
        uint64_t until = bench_pace(now, sent, complete);
        if (until > sent) {
            send(&p, &share->feeds[0], until);
            sent = until;
        }
        if (!weir_worker_step(worker))
            return;
    }
}

/* ---- both ---- */

static bool is_at_rate(const bench_case *c)
{
    return strcmp(c->options.kind, "rate") == 0;
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    weir_worker_step(worker);
    bench_wait(c, worker, BENCH_LOADING);
    bench_feed_round(share, bench_part(c, worker, c->options.records));
    bench_wait(c, worker, BENCH_LOADING + 1);
    bench_meet(c, worker);
    (is_at_rate(c) ? run_at_rate : run_batches)(c, worker, share);
    bench_feed_close(share);
}

static void print_costs(const bench_case *c)
{
    if (is_at_rate(c)) {
        bench_beside("p50", histogram_at(&histograms[0], 0.5));
        bench_beside("p99.9", histogram_at(&histograms[0], 0.999));
        bench_beside("worst", histogram_at(&histograms[0], 1));
        bench_cost(histogram_at(&histograms[0], 0.99), "us@p99");
        return;
    }
    bench_beside("p50", bench_tails(batches, c->options.rounds));
    bench_cost(bench_slowest(c) * 1e9 / (double)(c->options.rounds * c->options.batch),
               "ns/update");
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    batches = bench_figures(c.options.rounds);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    print_costs(&c);
    free(batches);
    return 0;
}
