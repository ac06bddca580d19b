/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/try.h. A node with two outputs.
 */
#include <string.h>

#include <weir/node.h>
#include <weir/operators/try.h>

typedef struct state {
    const weir_try_spec *spec;
    char *made[2]; /* a result, an error */
} state;

static weir_status try_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    (void)step;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a function that may fail");
    s->spec = ctx;
    s->made[0] = weir_alloc_must(s->spec->result->size);
    s->made[1] = weir_alloc_must(s->spec->error->size);
    *out = s;
    return WEIR_OK;
}

static void try_fini(void *ctx)
{
    state *s = ctx;
    weir_free(s->made[0], s->spec->result->size);
    weir_free(s->made[1], s->spec->error->size);
    weir_free(s, sizeof *s);
}

static void divide(weir_step *step, state *s, const weir_batch *batch)
{
    const size_t size[2] = { s->spec->result->size, s->spec->error->size };
    weir_builder *out = NULL;
    unsigned last = 2;
    for (size_t i = 0; i < batch->count; i++) {
        unsigned o = s->spec->kernel(weir_batch_record(batch, i), s->made[0], s->made[1]);
        if (o != last || batch->times) {
            weir_time t = weir_batch_time(batch, i);
            out = weir_step_output(step, o, &t);
            weir_builder_follow(out, batch);
            last = o;
        }
        if (batch->diffs)
            weir_builder_set_diff(out, batch->diffs[i]);
        memcpy(weir_builder_next(out, size[o]), s->made[o], size[o]);
    }
}

static void try_step(weir_step *step, void *ctx)
{
    while (weir_step_waiting(step, 0)) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        divide(step, ctx, weir_step_take(step, 0));
    }
}

void weir_try_erased(weir_port *in, const weir_try_spec *given, weir_port **results,
                     weir_port **errors)
{
    weir_try_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    *results = *errors = NULL;
    if (!in)
        return;
    weir_graph *graph = weir_port_graph(in);
    bool collection = weir_port_is_collection(in);
    weir_try_spec *own = weir_graph_alloc(graph, sizeof *own);
    *own = spec;
    weir_node_input input = { .type = spec.in, .takes_diffs = true };
    weir_node_output outputs[] = { { .type = spec.result, .collection = collection },
                                   { .type = spec.error, .collection = collection } };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = spec.kind, .input_count = 1,
        .output_count = 2, .inputs = &input, .outputs = outputs, .deterministic = true,
        .ctx = own, .init = try_init, .step = try_step, .fini = try_fini }, &in);
    *results = weir_node_output_port(node, 0);
    *errors = weir_node_output_port(node, 1);
}
