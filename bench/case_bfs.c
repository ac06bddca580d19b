/* SPDX-License-Identifier: Apache-2.0
 *
 * Breadth-first search: edges come at time 0 and are sorted by their start when all are there; then
 * visits go round a loop. The first visit of a node marks it and visits all its neighbours one
 * round later.
 */
#include "edge.h"
#include "rounds.h"

enum {
    AHEAD = 16,
    BUCKET_BITS = 13, /* nodes of a bucket: their edges are sorted within the cache */
    BUCKET_NODES = 1 << BUCKET_BITS,
    CHUNK_EDGES = 1022,
    STEP_VISITS = 16 << 10
};

typedef struct chunk {
    struct chunk *next;
    size_t count; /* once it is full, or all edges are there */
    edge edges[CHUNK_EDGES]; /* from: the node's place here */
} chunk;

/* The edges that start at a range of nodes, as they came. */
typedef struct bucket {
    chunk *chunks;
    edge *at, *end; /* room in the first */
} bucket;

/* Nodes that were marked at a time, to be expanded when it is complete. */
typedef struct wave {
    uint32_t *places;
    size_t count;
} wave;

typedef struct search {
    bench_rounds rounds;
    bucket *buckets; /* until the edges are sorted */
    size_t bucket_count;
    uint64_t edge_count;
    uint32_t *offsets, *targets, *parents;
    uint64_t *seen; /* bits: small enough for the cache, which parents are not */
    wave waves[2];  /* by the time's parity */
    size_t done;    /* of the round's wave */
    uint64_t latest;
    uint64_t nodes; /* here */
    uint64_t inverse;
    unsigned workers, self;
    bench_share *share;
} search;

static weir_status search_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    bench_case *c = ctx;
    search *s = calloc(1, sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a search");
    s->workers = weir_step_workers(step);
    s->self = weir_step_worker(step);
    s->inverse = edge_inverse(s->workers);
    s->nodes = c->options.nodes / s->workers + 1;
    s->share = &c->shares[s->self];
    s->bucket_count = s->nodes / BUCKET_NODES + 1;
    s->buckets = calloc(s->bucket_count, sizeof *s->buckets);
    s->parents = malloc(s->nodes * sizeof *s->parents);
    s->seen = calloc(s->nodes / 64 + 1, sizeof *s->seen);
    s->offsets = malloc((s->bucket_count * BUCKET_NODES + 1) * sizeof *s->offsets);
    for (int k = 0; k < 2; k++)
        s->waves[k].places = malloc(s->nodes * sizeof *s->waves[k].places);
    if (!s->buckets || !s->parents || !s->seen || !s->offsets || !s->waves[0].places ||
        !s->waves[1].places)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the nodes");
    memset(s->parents, 0xff, s->nodes * sizeof *s->parents);
    *state = s;
    return WEIR_OK;
}

static void search_fini(void *state)
{
    search *s = state;
    bench_rounds_fini(&s->rounds);
    free(s->buckets);
    free(s->offsets);
    free(s->targets);
    free(s->parents);
    free(s->seen);
    free(s->waves[0].places);
    free(s->waves[1].places);
    free(s);
}

/* ---- edges ---- */

static void bucket_grow(bucket *b)
{
    chunk *more = malloc(sizeof *more);
    if (!more)
        bench_fail("no memory for the edges");
    *more = (chunk){ .next = b->chunks };
    if (b->chunks)
        b->chunks->count = CHUNK_EDGES;
    b->chunks = more;
    b->at = more->edges;
    b->end = more->edges + CHUNK_EDGES;
}

static void keep_edges(search *s, const weir_batch *batch)
{
    const edge *edges = batch->records;
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t place = edge_place(s->inverse, edges[i].from);
        bucket *b = &s->buckets[place >> BUCKET_BITS];
        if (b->at == b->end)
            bucket_grow(b);
        *b->at++ = (edge){ place, edges[i].to };
    }
    s->edge_count += batch->count;
}

/* A bucket's edges by their start: counted, then placed from `start` on. */
static void sort_bucket(search *s, bucket *b, uint32_t *offsets, uint32_t start)
{
    uint32_t next[BUCKET_NODES] = { 0 };
    if (b->chunks)
        b->chunks->count = (size_t)(b->at - b->chunks->edges);
    for (const chunk *c = b->chunks; c; c = c->next)
        for (size_t i = 0; i < c->count; i++)
            next[c->edges[i].from % BUCKET_NODES]++;
    for (uint32_t n = 0; n < BUCKET_NODES; n++) {
        uint32_t count = next[n];
        offsets[n] = next[n] = start;
        start += count;
    }
    for (chunk *c = b->chunks, *after; c; c = after) {
        for (size_t i = 0; i < c->count; i++)
            s->targets[next[c->edges[i].from % BUCKET_NODES]++] = c->edges[i].to;
        after = c->next;
        free(c);
    }
    offsets[BUCKET_NODES] = start;
}

static void sort_edges(search *s)
{
    s->targets = malloc((s->edge_count + 1) * sizeof *s->targets);
    if (!s->targets)
        bench_fail("no memory for the edges");
    s->offsets[0] = 0;
    for (size_t b = 0; b < s->bucket_count; b++) {
        uint32_t *offsets = s->offsets + b * BUCKET_NODES;
        sort_bucket(s, &s->buckets[b], offsets, offsets[0]);
    }
}

/* ---- visits ---- */

/* Marks nodes that no earlier visit has. A round's visits are made when all of the round before
 * have been taken everywhere, so they come in the order of their times. */
static void mark(search *s, const weir_batch *batch)
{
    const edge *visits = batch->records;
    uint64_t time = batch->time.at[0];
    wave *w = &s->waves[time & 1];
    size_t before = w->count;
    if (time < s->latest)
        bench_fail("a visit came late");
    s->latest = time;
    for (size_t i = 0; i < batch->count; i++) {
        uint32_t place = edge_place(s->inverse, visits[i].from);
        uint64_t bit = UINT64_C(1) << place % 64;
        if (s->seen[place / 64] & bit)
            continue;
        s->seen[place / 64] |= bit;
        s->parents[place] = visits[i].to;
        w->places[w->count++] = place;
    }
    s->share->answer[0] += w->count - before;
    s->share->answer[1] += time * (w->count - before);
}

/* Visits the neighbours of the round's nodes. Returns whether that is all: what is visited in one
 * step is looked at in the next one, before it leaves the cache. */
static bool expand(search *s, wave *w, weir_out(edge) out)
{
    size_t visits = 0;
    for (; s->done < w->count; s->done++) {
        if (visits >= STEP_VISITS)
            return false;
        if (s->done + 2 * AHEAD < w->count)
            __builtin_prefetch(&s->offsets[w->places[s->done + 2 * AHEAD]]);
        if (s->done + AHEAD < w->count)
            __builtin_prefetch(&s->targets[s->offsets[w->places[s->done + AHEAD]]]);
        uint32_t place = w->places[s->done], node = place * s->workers + s->self;
        uint32_t end = s->offsets[place + 1];
        for (uint32_t k = s->offsets[place]; k < end; k++, visits++)
            edge_emit(out, (edge){ s->targets[k], node });
    }
    w->count = s->done = 0;
    return true;
}

static void search_step(weir_step *step, void *state)
{
    search *s = state;
    const weir_batch *batch;
    while ((batch = weir_step_take(step, 0))) {
        bench_round_of(&s->rounds, step, batch);
        keep_edges(s, batch);
    }
    while ((batch = weir_step_take(step, 1))) {
        bench_round_of(&s->rounds, step, batch);
        mark(s, batch);
    }
    for (bench_round *r; (r = bench_round_due(&s->rounds, step, 2));) {
        weir_time time = weir_time_1(r->time);
        if (!s->targets)
            sort_edges(s);
        weir_out(edge) out = { .builder = weir_step_output(step, 0, &time) };
        if (!expand(s, &s->waves[r->time & 1], out)) {
            weir_step_again(step);
            return;
        }
        bench_round_end(r, step);
    }
}

/* The first visit, at time 0: of node 0, by itself. */
static void root_step(weir_step *step, void *state)
{
    (void)state;
    if (!weir_cap_held(step, 0))
        return;
    if (weir_step_worker(step) == 0) {
        weir_out(edge) out = { .builder = weir_step_output(step, 0, &(weir_time){ { 0 } }) };
        edge_emit(out, (edge){ 0, 0 });
    }
    weir_cap_drop(step, 0);
}

/* All edges at time 0, then the end. */
static void edges_step(weir_step *step, void *state)
{
    bench_feed *feed = state;
    if (!weir_cap_held(step, 0))
        return;
    weir_builder *out = weir_step_output(step, 0, &(weir_time){ { 0 } });
    while (feed->todo && !weir_step_spent(step)) {
        void *room;
        size_t n = weir_builder_bulk(out, feed->todo, &room, NULL);
        edge_fill(feed, room, n);
        weir_builder_commit(out, n);
        feed->todo -= n;
    }
    if (feed->todo)
        weir_step_again(step);
    else
        weir_cap_drop(step, 0);
}

static weir_status edges_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    bench_case *c = ctx;
    bench_feed *feed = &c->shares[weir_step_worker(step)].feeds[0];
    *feed = (bench_feed){ .c = c, .state = 1 + weir_step_worker(step),
                          .todo = c->options.records / c->options.workers };
    *state = feed;
    return WEIR_OK;
}

static void build(weir_graph *graph, void *ctx)
{
    weir_node_output output = { .type = edge_type() };
    weir_port *edges = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "edges", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .ctx = ctx, .init = edges_init,
        .step = edges_step }, NULL), 0);
    weir_port *root = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "root", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .step = root_step }, NULL), 0);
    weir_feedback *loop = weir_feedback_add(graph, NULL, edge_type(), 1);
    weir_feedback_set_plain(loop);
    weir_port *visits[2] = { root, weir_feedback_port(loop) };
    weir_port *ins[2] = { weir_port_by_function(edges, edge_home, NULL),
                          weir_port_by_function(weir_port_concat(visits, 2), edge_home, NULL) };
    weir_node_input inputs[2] = { { .type = edge_type(), .interest = WEIR_IF_HOLDING },
                                  { .type = edge_type(), .interest = WEIR_IF_HOLDING } };
    weir_port *next = weir_node_output_port(weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "search", .input_count = 2,
        .output_count = 1, .inputs = inputs, .outputs = &output, .ctx = ctx, .init = search_init,
        .step = search_step, .fini = search_fini }, ins), 0);
    weir_feedback_connect(loop, next);
    ((bench_case *)ctx)->probe = weir_probe_add(next, "visits");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    while (!weir_probe_done(c->probe, worker) && weir_worker_step_or_park(worker, UINT64_MAX))
        ;
    share->seconds = bench_seconds() - start;
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu %llu", (unsigned long long)bench_total(&c, 0),
                 (unsigned long long)bench_total(&c, 1));
    bench_cost(bench_slowest(&c) * 1e9 / (double)c.options.records, "ns/edge");
    return 0;
}
