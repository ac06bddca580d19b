/* SPDX-License-Identifier: Apache-2.0
 *
 * See feed.h.
 */
#include "feed.h"

#include <string.h>

/* What init needs to know: the case, and which of a share's feeds it is. */
typedef struct feed_ctx {
    bench_case *c;
    unsigned which;
    bench_fill_fn *fill;
    bool collection;
} feed_ctx;

static weir_status feed_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    const feed_ctx *what = ctx;
    unsigned worker = weir_step_worker(step);
    bench_feed *feed = &what->c->shares[worker].feeds[what->which];
    feed->c = what->c;
    feed->fill = what->fill;
    feed->state = feed->leaving = 1 + worker + 1000 * what->which;
    feed->collection = what->collection;
    feed->waker = weir_step_waker(step);
    feed->ordered = 1; /* epoch 0 is empty */
    *state = feed;
    return WEIR_OK;
}

static void feed_step(weir_step *step, void *state)
{
    bench_feed *feed = state;
    weir_time now = weir_time_1(feed->epoch);
    if (feed->todo) {
        weir_builder *out = weir_step_output(step, 0, &now);
        while (feed->todo && !weir_step_spent(step)) {
            void *room;
            int64_t **diffs = feed->collection ? &feed->diffs : NULL;
            size_t n = weir_builder_bulk(out, feed->todo, &room, diffs);
            feed->fill(feed, room, n);
            weir_builder_commit(out, n);
            feed->todo -= n;
            feed->made += n;
        }
    }
    if (feed->todo) {
        weir_step_again(step);
        return;
    }
    if (feed->close) {
        if (weir_cap_held(step, 0))
            weir_cap_drop(step, 0);
        return;
    }
    if (feed->epoch < feed->ordered) {
        feed->epoch = feed->jumps ? feed->ordered : feed->epoch + 1;
        weir_time next = weir_time_1(feed->epoch);
        weir_cap_downgrade(step, 0, &next);
        feed->made = 0;
    }
}

static weir_port *add_feed(weir_graph *graph, const weir_type *type, const feed_ctx *what)
{
    weir_node_output output = { .type = type, .collection = what->collection };
    feed_ctx *ctx = weir_graph_alloc(graph, sizeof *ctx);
    *ctx = *what;
    return weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "feed", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .ctx = ctx, .init = feed_init,
        .step = feed_step }, NULL), 0);
}

weir_port *bench_feed_add_of(weir_graph *graph, bench_case *c, unsigned which,
                             const weir_type *type, bench_fill_fn *fill)
{
    return add_feed(graph, type, &(feed_ctx){ c, which, fill, false });
}

weir_port *bench_feed_add_changes(weir_graph *graph, bench_case *c, unsigned which,
                                  const weir_type *type, bench_fill_fn *fill)
{
    return add_feed(graph, type, &(feed_ctx){ c, which, fill, true });
}

static void fill_numbers(bench_feed *feed, void *room, size_t n)
{
    uint64_t *numbers = room, state = feed->state;
    for (size_t i = 0; i < n; i++)
        numbers[i] = bench_random(&state);
    feed->state = state;
}

weir_port *bench_feed_add(weir_graph *graph, bench_case *c)
{
    return bench_feed_add_of(graph, c, 0, number_type(), fill_numbers);
}

void bench_feed_round_of(bench_feed *feed, uint64_t count)
{
    feed->todo = count;
    feed->ordered++;
    weir_wake(feed->waker);
}

void bench_feed_jump(bench_feed *feed, uint64_t count, uint64_t epoch)
{
    feed->jumps = true;
    feed->todo += count;
    feed->ordered = epoch;
    weir_wake(feed->waker);
}

void bench_feed_close_of(bench_feed *feed)
{
    feed->close = true;
    weir_wake(feed->waker);
}

void bench_feed_round(bench_share *share, uint64_t count)
{
    bench_feed_round_of(&share->feeds[0], count);
}

void bench_feed_close(bench_share *share)
{
    bench_feed_close_of(&share->feeds[0]);
}

static weir_status arrive_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    *state = &((bench_case *)ctx)->shares[weir_step_worker(step)];
    return WEIR_OK;
}

static void arrive_step(weir_step *step, void *state)
{
    bench_share *share = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        const uint64_t *numbers = batch->records;
        uint64_t sum = 0;
        for (size_t i = 0; i < batch->count; i++)
            sum += numbers[i];
        share->answer[0] += batch->count;
        share->answer[1] += sum;
    }
}

weir_port *bench_arrive_add(weir_port *in, const weir_key *key, bench_case *c)
{
    weir_node_input input = { .type = number_type(), .route = key ? WEIR_BY_KEY : WEIR_LOCAL };
    if (key)
        input.key = *key;
    weir_node_output output = { .type = number_type() };
    return weir_node_output_port(weir_node_add(weir_port_graph(in), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "arrive", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .ctx = c, .init = arrive_init,
        .step = arrive_step }, &in), 0);
}

void bench_wait(bench_case *c, weir_worker *worker, uint64_t epoch)
{
    weir_time t = weir_time_1(epoch);
    while (weir_probe_less_than(c->probe, worker, &t) &&
           weir_worker_step_or_park(worker, UINT64_MAX))
        ;
}

void bench_meet(bench_case *c, weir_worker *worker)
{
    if (c->options.processes > 1)
        weir_worker_barrier(worker);
    pthread_barrier_wait(&c->start);
}

static void check(weir_status status, const weir_error *error)
{
    char text[1600];
    if (status != WEIR_OK)
        bench_fail("%s", weir_error_text(error, text, sizeof text));
}

void bench_run(bench_case *c, weir_build_fn *build,
               void (*main_fn)(weir_worker *worker, void *ctx))
{
    pthread_barrier_init(&c->start, NULL, c->options.workers);
    weir_error error = { 0 };
    const char *flight = c->options.flight;
    weir_config config = { .struct_size = sizeof config, .workers = c->options.workers,
                           .processes = (unsigned)c->options.processes,
                           .process = (unsigned)c->options.process, .hosts = c->options.hosts,
                           .flight = strcmp(flight, "all") == 0   ? WEIR_FLIGHT_ALL
                                     : strcmp(flight, "off") == 0 ? WEIR_FLIGHT_OFF
                                                                  : WEIR_FLIGHT_COARSE,
                           .worker_main = main_fn, .ctx = c };
    check(weir_run(&config, build, c, &error), &error);
    pthread_barrier_destroy(&c->start);
}

void bench_run_many(const bench_many *many)
{
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config, .workers = many->workers,
                           .worker_main = many->main_fn, .ctx = many->ctx };
    weir_runtime *runtime = weir_runtime_create(&config, &error);
    if (!runtime)
        check(error.status, &error);
    for (uint64_t i = 0; i < many->count; i++)
        check(weir_runtime_build(runtime, NULL, many->build, many->ctxs[i], &error), &error);
    check(weir_runtime_start(runtime, &error), &error);
    check(weir_runtime_wait(runtime, &error), &error);
    weir_runtime_destroy(runtime);
}

unsigned bench_workers(const bench_case *c)
{
    return c->options.workers * (unsigned)c->options.processes;
}

uint64_t bench_total(const bench_case *c, unsigned i)
{
    uint64_t total = 0;
    for (unsigned w = 0; w < WEIR_WORKERS_MAX; w++)
        total += c->shares[w].answer[i];
    return total;
}

double bench_slowest(const bench_case *c)
{
    double seconds = 0;
    for (unsigned w = 0; w < WEIR_WORKERS_MAX; w++)
        seconds = c->shares[w].seconds > seconds ? c->shares[w].seconds : seconds;
    return seconds;
}
