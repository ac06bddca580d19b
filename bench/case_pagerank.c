/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks of a random graph that follow its edges: all edges at time 0, then one edge in and one out
 * a round, while changes of ranks go round a loop until they are too small to matter. Ranks are
 * integers, so every order of the same changes gives the same ranks.
 */
#include "edge.h"
#include "rounds.h"

enum { START = 1000, SMALL = 6 };

#define CHANGE(F) F(u32, from) F(u32, to) F(i64, diff)
#define RANK(F) F(u32, node) F(i64, diff)
WEIR_RECORD(change, CHANGE)
WEIR_RECORD(rank, RANK)

typedef struct target {
    uint32_t node;
    int64_t count;
} target;

/* A node of the graph, on the worker where it lives. */
typedef struct place {
    int64_t rank, unspent; /* changes that were too small so far */
    int64_t heard;         /* the sum of the round's changes */
    target *targets;       /* by node */
    uint32_t count, room;
    bool touched; /* is in the list of the round */
} place;

typedef struct ranks {
    bench_rounds edges, changes;
    place *places;
    uint64_t place_count;
    uint32_t *touched;
    size_t touched_count;
    change *sorted; /* of the round's edges */
    size_t sorted_room;
    unsigned workers, self;
    bench_share *share;
} ranks;

static weir_status ranks_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    bench_case *c = ctx;
    ranks *r = calloc(1, sizeof *r);
    if (!r)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for ranks");
    r->workers = weir_step_workers(step);
    r->self = weir_step_worker(step);
    r->place_count = c->options.nodes / r->workers + 1;
    r->places = calloc(r->place_count, sizeof *r->places);
    r->touched = malloc(r->place_count * sizeof *r->touched);
    if (!r->places || !r->touched)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the nodes");
    for (uint64_t i = 0; i < r->place_count; i++)
        r->places[i].rank = START;
    r->share = &c->shares[r->self];
    *state = r;
    return WEIR_OK;
}

/* The answer: the sum of all ranks, each times something of its node. */
static void ranks_fini(void *state)
{
    ranks *r = state;
    for (uint64_t i = 0; i < r->place_count; i++) {
        uint64_t node = i * r->workers + r->self;
        r->share->answer[0] += (uint64_t)r->places[i].rank * bench_random(&node);
        free(r->places[i].targets);
    }
    bench_rounds_fini(&r->edges);
    bench_rounds_fini(&r->changes);
    free(r->places);
    free(r->touched);
    free(r->sorted);
    free(r);
}

/* What target i of a node with this rank gets, an edge. */
typedef struct spread {
    int64_t share, rest;
} spread;

static spread spread_of(const place *p)
{
    int64_t all = p->rank * 5 / 6;
    if (p->count == 0)
        return (spread){ 0, 0 };
    return (spread){ all / p->count, all % p->count };
}

static int64_t part(const spread *s, uint32_t i)
{
    return s->share + (i < s->rest);
}

static void tell(weir_out(rank) out, uint32_t node, int64_t diff)
{
    if (diff)
        rank_emit(out, (rank){ .node = node, .diff = diff });
}

/* Adds changes of edges that all start at this place, by their ends, and tells what moves. */
static void change_edges(place *p, const change *changes, size_t n, weir_out(rank) out)
{
    spread before = spread_of(p);
    uint32_t room = p->count + (uint32_t)n, kept = 0;
    target *merged = malloc(room * sizeof *merged);
    if (!merged)
        bench_fail("no memory for the edges of a node");
    for (uint32_t i = 0; i < p->count; i++)
        tell(out, p->targets[i].node, -p->targets[i].count * part(&before, i));
    for (size_t i = 0, k = 0; i < p->count || k < n;) {
        target next = { UINT32_MAX, 0 };
        if (i < p->count)
            next.node = p->targets[i].node;
        if (k < n && changes[k].to < next.node)
            next.node = changes[k].to;
        while (i < p->count && p->targets[i].node == next.node)
            next.count += p->targets[i++].count;
        while (k < n && changes[k].to == next.node)
            next.count += changes[k++].diff;
        if (next.count)
            merged[kept++] = next;
    }
    free(p->targets);
    p->targets = merged;
    p->room = room;
    p->count = kept;
    spread after = spread_of(p);
    for (uint32_t i = 0; i < p->count; i++)
        tell(out, p->targets[i].node, p->targets[i].count * part(&after, i));
}

static int by_edge(const void *a, const void *b)
{
    const change *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static void run_edges(ranks *r, const bench_round *round, weir_out(rank) out)
{
    size_t count = 0;
    for (size_t b = 0; b < round->count; b++)
        count += round->batches[b]->count;
    if (count > r->sorted_room) {
        free(r->sorted);
        r->sorted_room = count;
        r->sorted = malloc(count * sizeof *r->sorted);
        if (!r->sorted)
            bench_fail("no memory for the edges of a round");
    }
    size_t at = 0;
    for (size_t b = 0; b < round->count; b++) {
        const weir_batch *batch = round->batches[b];
        memcpy(r->sorted + at, batch->records, batch->count * sizeof(change));
        at += batch->count;
    }
    qsort(r->sorted, count, sizeof *r->sorted, by_edge);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && r->sorted[to].from == r->sorted[from].from; to++)
            ;
        change_edges(&r->places[r->sorted[from].from / r->workers], r->sorted + from, to - from,
                     out);
    }
}

static void move_rank(place *p, weir_out(rank) out)
{
    p->unspent += p->heard;
    p->heard = 0;
    p->touched = false;
    if (p->unspent < SMALL && p->unspent > -SMALL)
        return;
    spread before = spread_of(p);
    p->rank += p->unspent;
    p->unspent = 0;
    spread after = spread_of(p);
    for (uint32_t i = 0; i < p->count; i++)
        tell(out, p->targets[i].node,
             p->targets[i].count * (part(&after, i) - part(&before, i)));
}

static void run_changes(ranks *r, const bench_round *round, weir_out(rank) out)
{
    enum { AHEAD = 8 };
    for (size_t b = 0; b < round->count; b++) {
        const rank *changes = round->batches[b]->records;
        for (size_t i = 0; i < round->batches[b]->count; i++) {
            uint32_t node = changes[i].node / r->workers;
            place *p = &r->places[node];
            if (i + AHEAD < round->batches[b]->count)
                __builtin_prefetch(&r->places[changes[i + AHEAD].node / r->workers], 1);
            p->heard += changes[i].diff;
            if (!p->touched) {
                p->touched = true;
                r->touched[r->touched_count++] = node;
            }
        }
    }
    for (size_t i = 0; i < r->touched_count; i++) {
        if (i + AHEAD < r->touched_count)
            __builtin_prefetch(r->places[r->touched[i + AHEAD]].targets);
        move_rank(&r->places[r->touched[i]], out);
    }
    r->touched_count = 0;
}

static void ranks_step(weir_step *step, void *state)
{
    ranks *r = state;
    const weir_batch *batch;
    while ((batch = weir_step_take(step, 0)))
        bench_round_keep(bench_round_of(&r->edges, step, batch), batch);
    while ((batch = weir_step_take(step, 1)))
        bench_round_keep(bench_round_of(&r->changes, step, batch), batch);
    for (;;) {
        bench_round *edges = bench_round_due(&r->edges, step, 2);
        bench_round *changes = bench_round_due(&r->changes, step, 2);
        if (!edges && !changes)
            break;
        if (edges && changes && edges->time != changes->time) { /* the earlier one */
            edges = edges->time < changes->time ? edges : NULL;
            changes = edges ? NULL : changes;
        }
        weir_time time = weir_time_1(edges ? edges->time : changes->time);
        weir_out(rank) out = { .builder = weir_step_output(step, 0, &time) };
        if (edges)
            run_edges(r, edges, out);
        if (changes)
            run_changes(r, changes, out);
        if (edges)
            bench_round_end(edges, step);
        if (changes)
            bench_round_end(changes, step);
    }
}

static void edge_changes(bench_feed *feed, void *room, size_t n)
{
    change *changes = room;
    uint64_t *state = &feed->state, nodes = feed->c->options.nodes;
    for (size_t i = 0; i < n; i++) {
        changes[i] = (change){ .from = (uint32_t)(bench_random(state) % nodes), .diff = 1 };
        changes[i].to = (uint32_t)(bench_random(state) % nodes);
    }
}

/* One edge comes: the next of the same sequence. One goes: the first that is left of it. */
static void edge_moves(bench_feed *feed, void *room, size_t n)
{
    change *changes = room;
    bench_feed *gone = feed + 1; /* its state is where the sequence began */
    for (size_t i = 0; i < n; i++) {
        bool comes = (feed->todo - i) % 2 == 0;
        edge_changes(comes ? feed : gone, &changes[i], 1);
        changes[i].diff = comes ? 1 : -1;
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
        .output_count = 1, .inputs = inputs, .outputs = &output, .ctx = ctx, .init = ranks_init,
        .step = ranks_step, .fini = ranks_fini }, ins), 0);
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
    while (!weir_probe_done(c->probe, worker))
        weir_worker_step_or_park(worker, UINT64_MAX);
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
