/* SPDX-License-Identifier: Apache-2.0
 *
 * Records come at a fixed rate, whether those before are done or not; how long after it was due is
 * a record complete? Each worker sends its share of what is due, at the nanosecond up to which it
 * has sent as time, in steps that grow with what is open.
 */
#include <stdlib.h>

#include "feed.h"
#include "histogram.h"
#include "pace.h"

static histogram histograms[WEIR_WORKERS_MAX];

/* What one worker sends next: numbers from `next` on, each `peers` more, that are due before
 * `until`. */
typedef struct source {
    uint64_t next, period, peers, until, time;
    bool close;
    weir_waker *waker;
} source;

static source sources[WEIR_WORKERS_MAX];
static double began;

static weir_status source_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    const bench_case *c = ctx;
    source *s = &sources[weir_step_worker(step)];
    *s = (source){ .next = weir_step_worker(step), .peers = weir_step_workers(step),
                   .period = 1000000000 / c->options.rate, .waker = weir_step_waker(step) };
    *state = s;
    return WEIR_OK;
}

static void source_step(weir_step *step, void *state)
{
    source *s = state;
    if (!weir_cap_held(step, 0))
        return;
    weir_time now = weir_time_1(s->time);
    weir_builder *out = weir_step_output(step, 0, &now);
    while (s->next * s->period < s->until) {
        void *room;
        uint64_t due = (s->until - s->next * s->period + s->period * s->peers - 1) /
                       (s->period * s->peers);
        size_t n = weir_builder_bulk(out, due, &room, NULL);
        uint64_t *numbers = room, next = s->next;
        for (size_t i = 0; i < n; i++, next += s->peers)
            numbers[i] = next;
        s->next = next;
        weir_builder_commit(out, n);
    }
    if (s->close) {
        weir_cap_drop(step, 0);
    } else if (s->until > s->time) {
        s->time = s->until;
        now = weir_time_1(s->time);
        weir_cap_downgrade(step, 0, &now);
    }
}

static bool none(const number *n)
{
    (void)n;
    return false;
}
WEIR_FILTER(none, number)

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_node_output output = { .type = number_type() };
    weir_stream(number) s = { .port = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "clock", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .ctx = ctx, .init = source_init,
        .step = source_step }, NULL), 0) };
    c->probe = weir_probe_add(weir_filter(s, none).port, "complete");
}

/* Everything before this time is complete. */
static uint64_t complete_until(const bench_case *c, weir_worker *worker)
{
    const weir_frontier *frontier = weir_probe_frontier(c->probe, worker);
    return weir_frontier_is_empty(frontier) ? UINT64_MAX : weir_frontier_times(frontier)->at[0];
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    unsigned index = weir_worker_index(worker);
    source *s = &sources[index];
    uint64_t limit = c->options.rate * c->options.seconds, retired = index;
    weir_worker_step(worker);
    if (pthread_barrier_wait(&c->start) == PTHREAD_BARRIER_SERIAL_THREAD)
        began = bench_seconds(); /* one start for all: their times are compared */
    pthread_barrier_wait(&c->start);
    double start = began;
    while (retired < limit) {
        uint64_t now = (uint64_t)((bench_seconds() - start) * 1e9);
        uint64_t complete = complete_until(c, worker);
        for (; retired * s->period < complete && retired < limit; retired += s->peers)
            histogram_add(&histograms[index], now - retired * s->period, 1);
        uint64_t until = bench_pace(now, s->time, complete);
        if (until > s->until) {
            s->until = until;
            weir_wake(s->waker);
        }
        if (!weir_worker_step(worker))
            break;
    }
    s->close = true;
    weir_wake(s->waker);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)(c.options.rate * c.options.seconds));
    bench_beside("p50", histogram_at(&histograms[0], 0.5));
    bench_beside("p99.9", histogram_at(&histograms[0], 0.999));
    bench_cost(histogram_at(&histograms[0], 0.99), "us@p99");
    return 0;
}
