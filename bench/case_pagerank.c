/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks of a random graph that follow its edges: all edges at time 0, then one edge in and one out
 * a round, while changes of ranks go round a loop until they are too small to matter. Ranks are
 * integers, so every order of the same changes gives the same ranks.
 */
#include "ranks.h"
#include "rounds.h"

typedef struct node {
    ranks ranks;
    bench_rounds edges, changes;
    bench_share *share;
} node;

static weir_status node_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    bench_case *c = ctx;
    node *n = calloc(1, sizeof *n);
    if (!n)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for ranks");
    ranks_make(&n->ranks, c->options.nodes, weir_step_workers(step), weir_step_worker(step));
    n->share = &c->shares[n->ranks.self];
    *state = n;
    return WEIR_OK;
}

static void node_fini(void *state)
{
    node *n = state;
    n->share->answer[0] += ranks_end(&n->ranks);
    bench_rounds_fini(&n->edges);
    bench_rounds_fini(&n->changes);
    free(n);
}

static void commit(teller *t)
{
    if (t->start) {
        weir_builder_commit(t->to, (size_t)(t->at - t->start));
        t->told += (size_t)(t->at - t->start);
    }
    t->start = t->at = t->end = NULL;
}

static void turn(teller *t)
{
    void *room;
    commit(t);
    size_t n = weir_builder_bulk(t->to, SIZE_MAX, &room, NULL);
    t->start = t->at = room;
    t->end = t->at + n;
}

/* The changes of a round, in memory of their own. */
static change *all_changes(const bench_round *round, size_t *count)
{
    size_t n = 0, at = 0;
    for (size_t b = 0; b < round->count; b++)
        n += round->batches[b]->count;
    change *all = malloc((n + 1) * sizeof *all);
    if (!all)
        bench_fail("no memory for the edges of a round");
    for (size_t b = 0; b < round->count; b++) {
        const weir_batch *batch = round->batches[b];
        memcpy(all + at, batch->records, batch->count * sizeof(change));
        at += batch->count;
    }
    *count = n;
    return all;
}

static bench_round *earlier(bench_round *edges, bench_round *changes)
{
    return !changes || (edges && edges->time <= changes->time) ? edges : changes;
}

static void node_step(weir_step *step, void *state)
{
    node *n = state;
    ranks *r = &n->ranks;
    const weir_batch *batch;
    while ((batch = weir_step_take(step, 0)))
        bench_round_keep(bench_round_of(&n->edges, step, batch), batch);
    while ((batch = weir_step_take(step, 1))) {
        bench_round_of(&n->changes, step, batch);
        hear(r, &r->heard[batch->time.at[0] & 1], batch->records, batch->count);
    }
    for (;;) {
        bench_round *edges = bench_round_due(&n->edges, step, 2);
        bench_round *round = earlier(edges, bench_round_due(&n->changes, step, 2));
        if (!round)
            return;
        weir_time time = weir_time_1(round->time);
        teller t = { .turn = turn, .to = weir_step_output(step, 0, &time) };
        bool done = true;
        if (round == edges) {
            size_t count;
            change *all = all_changes(edges, &count);
            run_edges(r, all, count, &t);
        } else {
            done = run_changes(r, &r->heard[time.at[0] & 1], &t);
        }
        commit(&t);
        if (!done) {
            weir_step_again(step);
            return;
        }
        bench_round_end(round, step);
    }
}

static void edge_changes(bench_feed *feed, void *room, size_t n)
{
    change *changes = room;
    for (size_t i = 0; i < n; i++)
        changes[i] = change_next(&feed->state, feed->c->options.nodes, 1);
}

/* One edge comes: the next of the same sequence. One goes: the first that is left of it. */
static void edge_moves(bench_feed *feed, void *room, size_t n)
{
    change *changes = room;
    bench_feed *gone = feed + 1; /* its state is where the sequence began */
    for (size_t i = 0; i < n; i++) {
        bool comes = (feed->todo - i) % 2 == 0;
        changes[i] = change_next(comes ? &feed->state : &gone->state, feed->c->options.nodes,
                                 comes ? 1 : -1);
    }
}

static void edge_or_move(bench_feed *feed, void *room, size_t n)
{
    if (feed->epoch == 1)
        edge_changes(feed, room, n);
    else
        edge_moves(feed, room, n);
}

static void change_home(const void *records, size_t count, uint64_t *out, void *ctx)
{
    const change *changes = records;
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        out[i] = changes[i].from;
}

static void rank_home(const void *records, size_t count, uint64_t *out, void *ctx)
{
    const rank *changes = records;
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        out[i] = changes[i].node;
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_port *edges = bench_feed_add_of(graph, c, 0, change_type(), edge_or_move);
    weir_feedback *loop = weir_feedback_add(graph, NULL, rank_type(), 1);
    weir_feedback_set_plain(loop);
    weir_port *ins[2] = { weir_port_by_function(edges, change_home, NULL),
                          weir_port_by_function(weir_feedback_port(loop), rank_home, NULL) };
    weir_node_input inputs[2] = { { .type = change_type(), .interest = WEIR_IF_HOLDING },
                                  { .type = rank_type(), .interest = WEIR_IF_HOLDING } };
    weir_node_output output = { .type = rank_type() };
    weir_port *next = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "ranks", .input_count = 2,
        .output_count = 1, .inputs = inputs, .outputs = &output, .ctx = ctx, .init = node_init,
        .step = node_step, .fini = node_fini }, ins), 0);
    weir_feedback_connect(loop, next);
    c->probe = weir_probe_add(next, "ranks");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    share->feeds[1] = (bench_feed){ .c = c, .state = 1 + weir_worker_index(worker) };
    weir_worker_step(worker);
    bench_wait(c, worker, 1);
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    bench_feed_round(share, c->options.records / c->options.workers);
    weir_worker_step(worker);
    bench_wait(c, worker, 2);
    for (uint64_t round = 1; round <= c->options.rounds; round++) {
        bench_feed_round(share, 2);
        weir_worker_step(worker);
        bench_wait(c, worker, round + 2);
    }
    bench_feed_close(share);
    while (!weir_probe_done(c->probe, worker) && weir_worker_step_or_park(worker, UINT64_MAX))
        ;
    share->seconds = bench_seconds() - start;
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    bench_cost(bench_slowest(&c) * 1e3, "ms");
    return 0;
}
