/* SPDX-License-Identifier: Apache-2.0
 *
 * Breadth-first search: edges come at time 0 and are sorted by their start when all are there; then
 * visits go round a loop. The first visit of a node marks it and visits all its neighbours one
 * round later.
 */
#include "edge.h"
#include "rounds.h"

enum { AHEAD = 16 };
static const uint32_t UNSEEN = UINT32_MAX;

typedef struct search {
    bench_rounds rounds;
    weir_batch **edges; /* until they are sorted */
    size_t edge_count, edge_room;
    uint32_t *offsets, *targets, *parents;
    uint64_t nodes; /* here */
    unsigned workers;
    bench_share *share;
} search;

static weir_status search_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    bench_case *c = ctx;
    search *s = calloc(1, sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a search");
    s->workers = weir_step_workers(step);
    s->nodes = c->options.nodes / s->workers + 1;
    s->share = &c->shares[weir_step_worker(step)];
    s->parents = malloc(s->nodes * sizeof *s->parents);
    s->offsets = calloc(s->nodes + 2, sizeof *s->offsets);
    if (!s->parents || !s->offsets)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the nodes");
    memset(s->parents, 0xff, s->nodes * sizeof *s->parents);
    *state = s;
    return WEIR_OK;
}

static void search_fini(void *state)
{
    search *s = state;
    bench_rounds_fini(&s->rounds);
    free(s->edges);
    free(s->offsets);
    free(s->targets);
    free(s->parents);
    free(s);
}

/* Edges by their start: counted, then placed. */
static void sort_edges(search *s)
{
    uint64_t total = 0;
    for (size_t b = 0; b < s->edge_count; b++) {
        const edge *edges = s->edges[b]->records;
        for (size_t i = 0; i < s->edges[b]->count; i++)
            s->offsets[edges[i].from / s->workers + 2]++;
        total += s->edges[b]->count;
    }
    for (uint64_t n = 2; n < s->nodes + 2; n++)
        s->offsets[n] += s->offsets[n - 1];
    s->targets = malloc((total + 1) * sizeof *s->targets);
    if (!s->targets)
        bench_fail("no memory for the edges");
    for (size_t b = 0; b < s->edge_count; b++) {
        const edge *edges = s->edges[b]->records;
        for (size_t i = 0; i < s->edges[b]->count; i++) {
            if (i + AHEAD < s->edges[b]->count)
                __builtin_prefetch(&s->offsets[edges[i + AHEAD].from / s->workers + 1]);
            s->targets[s->offsets[edges[i].from / s->workers + 1]++] = edges[i].to;
        }
        weir_batch_release(s->edges[b]);
    }
    s->edge_count = 0;
}

static void visit(search *s, const weir_batch *batch, uint64_t time, weir_out(edge) out)
{
    const edge *visits = batch->records;
    for (size_t i = 0; i < batch->count; i++) {
        if (i + AHEAD < batch->count) {
            __builtin_prefetch(&s->parents[visits[i + AHEAD].from / s->workers]);
            __builtin_prefetch(&s->offsets[visits[i + AHEAD].from / s->workers]);
        }
        uint32_t node = visits[i].from / s->workers;
        if (s->parents[node] != UNSEEN)
            continue;
        s->parents[node] = visits[i].to;
        s->share->answer[0]++;
        s->share->answer[1] += time;
        for (uint32_t k = s->offsets[node]; k < s->offsets[node + 1]; k++)
            edge_emit(out, (edge){ s->targets[k], visits[i].from });
    }
}

static void keep_edges(search *s, const weir_batch *batch)
{
    if (s->edge_count == s->edge_room) {
        s->edge_room = 2 * s->edge_room + 1024;
        s->edges = realloc(s->edges, s->edge_room * sizeof *s->edges);
        if (!s->edges)
            bench_fail("no memory for batches of edges");
    }
    s->edges[s->edge_count++] = weir_batch_retain(batch);
}

static void search_step(weir_step *step, void *state)
{
    search *s = state;
    const weir_batch *batch;
    while ((batch = weir_step_take(step, 0))) {
        bench_round_of(&s->rounds, step, batch);
        keep_edges(s, batch);
    }
    while ((batch = weir_step_take(step, 1)))
        bench_round_keep(bench_round_of(&s->rounds, step, batch), batch);
    for (bench_round *r; (r = bench_round_due(&s->rounds, step, 2));) {
        weir_time time = weir_time_1(r->time);
        if (!s->targets)
            sort_edges(s);
        weir_out(edge) out = { .builder = weir_step_output(step, 0, &time) };
        for (size_t i = 0; i < r->count; i++)
            visit(s, r->batches[i], r->time, out);
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
    while (!weir_probe_done(c->probe, worker))
        weir_worker_step_or_park(worker, UINT64_MAX);
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
