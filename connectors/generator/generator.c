/* SPDX-License-Identifier: Apache-2.0
 *
 * A source that calls a function: as many numbers a step as the batch, the pace and the budget
 * allow. What a number becomes is the function's business.
 */
#include <weir/connectors/generator.h>
#include <weir/memory.h>
#include <weir/node.h>

enum { BATCH = 1024 };

/* A pace is kept in steps of this at the least: nobody sees the difference, and workers sleep. */
#define PACE_NS 1000000u
#define SECOND_NS 1e9

typedef struct generator {
    weir_generate_fn *fn;
    uint64_t count; /* UINT64_MAX: without end */
    double rate;    /* of each worker; 0: as fast as they go */
    size_t batch;
    void *ctx;
} generator;

typedef struct state {
    const generator *generator;
    uint64_t next; /* number; of this worker */
    uint64_t done; /* how many numbers were used up here */
    uint64_t started_ns;
    bool started;
} state;

static weir_status init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a generator");
    s->generator = ctx;
    s->next = weir_step_worker(step);
    *made = s;
    return WEIR_OK;
}

static void fini(void *made)
{
    weir_free(made, sizeof(state));
}

/* How many numbers may be used up now; if none, asks to be called when there are some. */
static uint64_t due(weir_step *step, state *s)
{
    double rate = s->generator->rate;
    if (rate == 0)
        return UINT64_MAX;
    uint64_t now = weir_step_now_ns(step);
    if (!s->started) {
        s->started = true;
        s->started_ns = now;
    }
    double reached = (double)(now - s->started_ns) / SECOND_NS * rate;
    if (reached >= (double)s->done)
        return (uint64_t)(reached - (double)s->done) + 1;
    uint64_t at = s->started_ns + (uint64_t)((double)s->done / rate * SECOND_NS) + 1;
    weir_step_at_ns(step, at > now + PACE_NS ? at : now + PACE_NS);
    return 0;
}

static void generate(weir_step *step, void *made)
{
    state *s = made;
    const generator *g = s->generator;
    unsigned stride = weir_step_workers(step);
    weir_time now = weir_step_epoch(step);

    for (uint64_t left; s->next < g->count; s->next += left * stride, s->done += left) {
        if (weir_step_full(step))
            return; /* called again when there is room */
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        uint64_t of_count = (g->count - s->next - 1) / stride + 1, by_pace = due(step, s);
        left = of_count < by_pace ? of_count : by_pace;
        left = left < g->batch ? left : g->batch;
        if (left == 0)
            return;
        g->fn(weir_step_output(step, 0, &now), s->next, stride, (size_t)left, g->ctx);
    }
    weir_step_finish(step);
}

weir_port *weir_generator_add(weir_graph *graph, const weir_type *type, weir_generate_fn *fn,
                              const weir_generator_options *options)
{
    if (weir_graph_failed(graph))
        return NULL;
    if (!(options->rate >= 0)) {
        weir_graph_fail(graph, WEIR_INVALID, options->name ? options->name : "generator",
                        "leave .rate out for as fast as it goes", "a rate of %g records a second",
                        options->rate);
        return NULL;
    }
    generator *g = weir_graph_alloc(graph, sizeof *g);
    g->fn = fn;
    g->count = options->count ? options->count : UINT64_MAX;
    g->rate = options->rate / weir_graph_workers(graph);
    g->batch = options->batch ? options->batch : BATCH;
    g->ctx = options->ctx;
    weir_node_output output = { .type = type };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "generator",
                            .name = options->name,
                            .output_count = 1,
                            .outputs = &output,
                            .follows_clock = true,
                            .deterministic = false, /* which epoch a number falls into */
                            .state_kind = WEIR_STATE_PER_PARTITION,
                            .ctx = g,
                            .init = init,
                            .step = generate,
                            .fini = fini };
    return weir_node_output_port(weir_node_add(graph, &spec, NULL), 0);
}
