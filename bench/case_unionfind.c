/* SPDX-License-Identifier: Apache-2.0
 *
 * The components of a graph whose edges come batch by batch: each worker keeps a forest of the
 * edges it has read and sends on those that joined two trees; one worker does the same with what
 * all have sent. As many get through there as there are nodes less components.
 */
#include <stdlib.h>

#include "edge.h"

enum { AHEAD = 32 };

/* What a node points to; a root: minus its rank, less one, so that both are read at once. */
typedef struct forest {
    int32_t *up;
} forest;

static weir_status forest_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    const bench_case *c = ctx;
    forest *f = calloc(1, sizeof *f);
    if (f)
        f->up = malloc(c->options.nodes * sizeof *f->up);
    if (!f || !f->up)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a forest");
    memset(f->up, 0xff, c->options.nodes * sizeof *f->up); /* roots of rank 0: -1 */
    *state = f;
    return WEIR_OK;
}

static void forest_fini(void *state)
{
    forest *f = state;
    free(f->up);
    free(f);
}

/* The root of x; every other node on the way moves one up. */
static int32_t root_of(int32_t *up, int32_t x)
{
    for (int32_t next; (next = up[x]) >= 0;) {
        if (up[next] >= 0)
            up[x] = next = up[next];
        x = next;
    }
    return x;
}

static bool join(int32_t *up, int32_t x, int32_t y)
{
    x = root_of(up, x);
    y = root_of(up, y);
    if (x == y)
        return false;
    if (up[x] > up[y]) { /* the rank of x is less */
        up[x] = y;
    } else {
        up[x] -= up[x] == up[y];
        up[y] = x;
    }
    return true;
}

/* Fetches what a node points to. */
static void fetch_above(const int32_t *up, uint32_t x)
{
    if (up[x] >= 0)
        __builtin_prefetch(&up[up[x]]);
}

static void forest_step(weir_step *step, void *state)
{
    int32_t *up = ((forest *)state)->up;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        weir_out(edge) out = { .builder = weir_step_output(step, 0, NULL) };
        const edge *edges = batch->records;
        for (size_t i = 0; i < batch->count; i++) {
            if (i + 2 * AHEAD < batch->count) {
                __builtin_prefetch(&up[edges[i + 2 * AHEAD].from]);
                __builtin_prefetch(&up[edges[i + 2 * AHEAD].to]);
            }
            if (i + AHEAD < batch->count) {
                fetch_above(up, edges[i + AHEAD].from);
                fetch_above(up, edges[i + AHEAD].to);
            }
            if (join(up, (int32_t)edges[i].from, (int32_t)edges[i].to))
                edge_emit(out, edges[i]);
        }
    }
}

static void to_first(const void *records, size_t count, uint64_t *out, void *ctx)
{
    (void)records;
    (void)ctx;
    memset(out, 0, count * sizeof *out);
}

static weir_port *forest_add(weir_port *in, bench_case *c)
{
    weir_node_input input = { .type = edge_type() };
    weir_node_output output = { .type = edge_type() };
    return weir_node_output_port(weir_node_add(weir_port_graph(in), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "forest", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .ctx = c, .init = forest_init,
        .step = forest_step, .fini = forest_fini }, &in), 0);
}

static void count(bench_share *share, const edge *e)
{
    (void)e;
    share->answer[0]++;
}
WEIR_INSPECT_CTX(count, bench_share, edge)

static bench_share *share_of(void *ctx, unsigned worker)
{
    return &((bench_case *)ctx)->shares[worker];
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_port *trees = forest_add(bench_feed_add_of(graph, c, 0, edge_type(), edge_fill), c);
    trees = forest_add(weir_port_by_function(trees, to_first, NULL), c);
    weir_stream(edge) joined = { .port = trees };
    joined = weir_inspect_ctx(joined, count, .init = share_of, .ctx = c);
    c->probe = weir_probe_add(joined.port, "joined");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    bench_share *share = &c->shares[weir_worker_index(worker)];
    uint64_t left = c->options.records / c->options.workers, round = 0;
    uint64_t batch = c->options.batch / c->options.workers;
    weir_worker_step(worker);
    bench_wait(c, worker, 1);
    pthread_barrier_wait(&c->start);
    double start = bench_seconds();
    while (left) {
        uint64_t n = batch < left ? batch : left;
        bench_feed_round(share, n);
        weir_worker_step(worker);
        bench_wait(c, worker, ++round + 1);
        left -= n;
    }
    share->seconds = bench_seconds() - start;
    bench_feed_close(share);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 0));
    bench_cost(bench_slowest(&c) * 1e9 / (double)c.options.records, "ns/edge");
    return 0;
}
