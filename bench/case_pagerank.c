/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks of a random graph that follow its edges: all edges at time 0, then one edge in and one out
 * a round, while changes of ranks go round a loop until they are too small to matter. Ranks are
 * integers, so every order of the same changes gives the same ranks.
 */
#include "edge.h"
#include "rounds.h"

enum { START = 1000, SMALL = 6, DIGIT_BITS = 9, STEP_RECORDS = 16 << 10 };

#define CHANGE(F) F(u32, from) F(u32, to) F(i64, diff)
#define RANK(F) F(u64, node) F(i64, diff)
WEIR_RECORD(change, CHANGE)
WEIR_RECORD(rank, RANK)

typedef struct target {
    uint32_t node;
    int32_t count;
} target;

/* What target i of a node gets, an edge: one more for the first ones. */
typedef struct spread {
    int64_t share, rest;
} spread;

/* A node of the graph, on the worker where it lives. */
typedef struct place {
    int64_t rank, unspent; /* changes that were too small so far */
    spread spread;         /* what its targets have */
    target *targets;       /* by node */
    uint32_t count;
} place;

/* What was heard for a round: the sum for each place; and which places, if they are few. */
typedef struct hearing {
    int64_t *sums;
    uint32_t *places; /* some perhaps more than once: the second time there is nothing left */
    size_t count;     /* above `few`: all are to be looked at */
} hearing;

typedef struct ranks {
    bench_rounds edges, changes;
    place *places;
    uint64_t place_count;
    hearing heard[2]; /* by the time's parity */
    size_t few, done; /* of the round's places */
    uint64_t inverse;
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
    r->inverse = edge_inverse(r->workers);
    r->self = weir_step_worker(step);
    r->place_count = c->options.nodes / r->workers + 1;
    r->few = r->place_count / 4;
    r->places = calloc(r->place_count, sizeof *r->places);
    for (int k = 0; k < 2; k++) {
        r->heard[k].sums = calloc(r->place_count, sizeof *r->heard[k].sums);
        r->heard[k].places = malloc((r->few + 1) * sizeof *r->heard[k].places);
        if (!r->places || !r->heard[k].sums || !r->heard[k].places)
            return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the nodes");
    }
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
    for (int k = 0; k < 2; k++) {
        free(r->heard[k].sums);
        free(r->heard[k].places);
    }
    free(r->places);
    free(r);
}

/* ---- telling ---- */

/* Writes changes of ranks, many at a time. */
typedef struct teller {
    weir_builder *builder;
    rank *start, *at, *end;
    size_t told; /* before `start` */
} teller;

static void teller_commit(teller *t)
{
    if (t->start) {
        weir_builder_commit(t->builder, (size_t)(t->at - t->start));
        t->told += (size_t)(t->at - t->start);
    }
    t->start = t->at = t->end = NULL;
}

static size_t teller_room(teller *t)
{
    if (t->at == t->end) {
        void *room;
        teller_commit(t);
        size_t n = weir_builder_bulk(t->builder, SIZE_MAX, &room, NULL);
        t->start = t->at = room;
        t->end = t->at + n;
    }
    return (size_t)(t->end - t->at);
}

static spread spread_of(const place *p)
{
    int64_t all = p->rank * 5 / 6;
    if (p->count == 0)
        return (spread){ 0, 0 };
    return (spread){ all / p->count, all % p->count };
}

/* Tells each target what it gets now, less what it had. Whether that is nothing cannot be guessed:
 * without a branch. */
static void tell(teller *t, const place *p, spread had, spread gets)
{
    for (uint32_t i = 0, end; i < p->count; i = end) {
        size_t room = teller_room(t);
        rank *at = t->at;
        end = p->count - i < room ? p->count : i + (uint32_t)room;
        for (uint32_t k = i; k < end; k++) {
            int64_t diff = gets.share - had.share + (k < gets.rest) - (k < had.rest);
            *at = (rank){ p->targets[k].node, p->targets[k].count * diff };
            at += diff != 0;
        }
        t->at = at;
    }
}

/* ---- edges ---- */

/* Adds changes of edges that all start at this place, by their ends, and tells what moves. */
static void change_edges(place *p, const change *changes, size_t n, teller *t)
{
    target *merged = malloc((p->count + n) * sizeof *merged);
    uint32_t kept = 0;
    if (!merged)
        bench_fail("no memory for the edges of a node");
    tell(t, p, p->spread, (spread){ 0, 0 });
    for (size_t i = 0, k = 0; i < p->count || k < n;) {
        target next = { UINT32_MAX, 0 };
        if (i < p->count)
            next.node = p->targets[i].node;
        if (k < n && changes[k].to < next.node)
            next.node = changes[k].to;
        while (i < p->count && p->targets[i].node == next.node)
            next.count += p->targets[i++].count;
        while (k < n && changes[k].to == next.node)
            next.count += (int32_t)changes[k++].diff;
        if (next.count)
            merged[kept++] = next;
    }
    free(p->targets);
    p->targets = merged;
    p->count = kept;
    p->spread = spread_of(p);
    tell(t, p, (spread){ 0, 0 }, p->spread);
}

/* Places changes by one digit of an end of their edges, those of the same digit as they came. */
static void place_by(const change *from, change *to, size_t n, bool by_start, unsigned shift)
{
    enum { DIGITS = 1 << DIGIT_BITS };
    size_t next[DIGITS] = { 0 }, sum = 0;
#define DIGIT(c) (((by_start ? (c).from : (c).to) >> shift) & (DIGITS - 1))
    for (size_t i = 0; i < n; i++)
        next[DIGIT(from[i])]++;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t count = next[d];
        next[d] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[next[DIGIT(from[i])]++] = from[i];
#undef DIGIT
}

/* The changes of a round by start and end, in memory of their own. */
static change *sorted_changes(const ranks *r, const bench_round *round, size_t *count)
{
    size_t n = 0, at = 0;
    for (size_t b = 0; b < round->count; b++)
        n += round->batches[b]->count;
    change *from = malloc((n + 1) * sizeof *from), *to = malloc((n + 1) * sizeof *to);
    if (!from || !to)
        bench_fail("no memory for the edges of a round");
    for (size_t b = 0; b < round->count; b++) {
        const weir_batch *batch = round->batches[b];
        memcpy(from + at, batch->records, batch->count * sizeof(change));
        at += batch->count;
    }
    for (int by_start = 0; by_start < 2; by_start++)
        for (unsigned shift = 0; r->place_count * r->workers >> shift; shift += DIGIT_BITS) {
            place_by(from, to, n, by_start, shift);
            change *swap = from;
            from = to;
            to = swap;
        }
    free(to);
    *count = n;
    return from;
}

static void run_edges(ranks *r, const bench_round *round, teller *t)
{
    size_t count;
    change *sorted = sorted_changes(r, round, &count);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && sorted[to].from == sorted[from].from; to++)
            ;
        change_edges(&r->places[edge_place(r->inverse, sorted[from].from)], sorted + from,
                     to - from, t);
    }
    free(sorted);
}

/* ---- ranks ---- */

static void hear(ranks *r, hearing *h, const weir_batch *batch)
{
    const rank *changes = batch->records;
    uint64_t inverse = r->inverse;
    int64_t *sums = h->sums;
    size_t n = batch->count;
    if (h->count + n <= r->few)
        for (size_t i = 0; i < n; i++)
            h->places[h->count + i] = edge_place(inverse, (uint32_t)changes[i].node);
    h->count += n;
    for (size_t i = 0; i < n; i++)
        sums[edge_place(inverse, (uint32_t)changes[i].node)] += changes[i].diff;
}

static inline void move_rank(place *p, int64_t *heard, teller *t)
{
    p->unspent += *heard;
    *heard = 0;
    if (p->unspent < SMALL && p->unspent > -SMALL)
        return;
    p->rank += p->unspent;
    p->unspent = 0;
    spread had = p->spread;
    p->spread = spread_of(p);
    tell(t, p, had, p->spread);
}

/* Whether all of the round is done: what is told in one step is heard, in the next one, before it
 * leaves the cache. */
static bool run_changes(ranks *r, hearing *h, teller *t)
{
    bool all = h->count > r->few;
    size_t end = all ? r->place_count : h->count;
    for (; r->done < end; r->done++) {
        uint32_t at = all ? (uint32_t)r->done : h->places[r->done];
        move_rank(&r->places[at], &h->sums[at], t);
        if (t->told >= STEP_RECORDS)
            return false;
    }
    h->count = r->done = 0;
    return true;
}

static bench_round *earlier(bench_round *edges, bench_round *changes)
{
    return !changes || (edges && edges->time <= changes->time) ? edges : changes;
}

static void ranks_step(weir_step *step, void *state)
{
    ranks *r = state;
    const weir_batch *batch;
    while ((batch = weir_step_take(step, 0)))
        bench_round_keep(bench_round_of(&r->edges, step, batch), batch);
    while ((batch = weir_step_take(step, 1))) {
        bench_round_of(&r->changes, step, batch);
        hear(r, &r->heard[batch->time.at[0] & 1], batch);
    }
    for (;;) {
        bench_round *edges = bench_round_due(&r->edges, step, 2);
        bench_round *round = earlier(edges, bench_round_due(&r->changes, step, 2));
        if (!round)
            return;
        weir_time time = weir_time_1(round->time);
        teller t = { .builder = weir_step_output(step, 0, &time) };
        bool done = true;
        if (round == edges)
            run_edges(r, edges, &t);
        else
            done = run_changes(r, &r->heard[time.at[0] & 1], &t);
        teller_commit(&t);
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
    uint64_t *state = &feed->state, nodes = feed->c->options.nodes;
    for (size_t i = 0; i < n; i++) {
        changes[i] = (change){ .from = (uint32_t)bench_random_below(state, nodes),
                                .diff = 1 };
        changes[i].to = (uint32_t)bench_random_below(state, nodes);
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
