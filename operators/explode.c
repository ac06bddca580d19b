/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/explode.h. What the function emits is gathered first, since how often it says
 * is not yet how often it is: that is a product, which may not fit.
 */
#include <weir/operators/explode.h>

#include <weir/gather.h>
#include <weir/node.h>

#include "owned.h"

typedef struct description {
    const weir_type *from, *to;
    weir_explode_fn *fn;
} description;

typedef struct state {
    const description *what;
    weir_gather *gather;
} state;

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const description *what = ctx;
    (void)step;
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .what = what, .gather = weir_gather_create(what->to) };
    if (!s->gather) {
        weir_free(s, sizeof *s);
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for an explode");
    }
    *result = s;
    return WEIR_OK;
}

static void fini(void *ctx)
{
    state *s = ctx;
    weir_gather_destroy(s->gather);
    weir_free(s, sizeof *s);
}

/* Emits what one record of the batch has become. False: a product does not fit. */
static bool put_out(weir_step *step, state *s, const weir_batch *batch, size_t i)
{
    const weir_gathered *pieces;
    size_t count = weir_gather_end(s->gather, &pieces);
    weir_builder *out = count > 0 ? weir_step_output(step, 0, NULL) : NULL;
    weir_time time = weir_batch_time(batch, i);
    for (; count > 0; count--, pieces++)
        for (size_t k = 0; k < pieces->count; k++) {
            int64_t times = pieces->diffs ? pieces->diffs[k] : 1, diff;
            if (__builtin_mul_overflow(times, weir_batch_diff(batch, i), &diff))
                return false;
            if (diff == 0)
                continue;
            weir_builder_set_time(out, &time);
            weir_builder_set_diff(out, diff);
            weir__emit_owned(out, (const char *)pieces->records + k * s->what->to->size);
        }
    return true;
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const void *record = weir_batch_record(batch, i);
            char text[256];
            s->what->fn(record, weir_gather_begin(s->gather));
            if (put_out(step, s, batch, i))
                continue;
            weir_step_fail(step, WEIR_OVERFLOWED,
                           "how often %s is there, and how often it makes something, have a "
                           "product beyond 64 bits",
                           weir_record_text(s->what->from, record, text, sizeof text));
            return;
        }
}

weir_port *weir_explode_erased(weir_port *in, const weir_type *from, const weir_type *to,
                               weir_explode_fn *fn, const char *kind)
{
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    description *what = weir_graph_alloc(graph, sizeof *what);
    *what = (description){ from, to, fn };
    weir_node_input input = { .type = from, .takes_diffs = true };
    weir_node_output output = { .type = to, .collection = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = kind,
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .deterministic = true,
                            .ctx = what,
                            .init = init,
                            .step = run,
                            .fini = fini };
    return weir_node_output_port(weir_node_add(graph, &spec, &in), 0);
}
