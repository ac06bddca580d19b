/* SPDX-License-Identifier: Apache-2.0
 *
 * The resumable form of flat_map (weir/operators/flat_map.h): a node that goes on where it stopped.
 * What it has of a batch lies in its state; the batch itself goes back to the queue meanwhile.
 */
#include <string.h>

#include <weir/node.h>
#include <weir/operators/flat_map.h>

typedef struct state {
    const weir_resumable_spec *spec;
    size_t record; /* of the batch put back: the one that is being worked on */
    bool begun;    /* some of its records were made */
    void *place;
    void *ctx;
} state;

static void free_state(state *s)
{
    weir_free(s->place, s->spec->place_size);
    weir_free(s, sizeof *s);
}

static weir_status resumable_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    const weir_resumable_spec *spec = ctx;
    state *s = weir_alloc_zero(sizeof *s);
    void *place = weir_alloc_zero(spec->place_size);
    if (!s || !place) {
        weir_free(s, sizeof *s);
        weir_free(place, spec->place_size);
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a place to go on at");
    }
    *s = (state){ .spec = spec, .place = place };
    s->ctx = spec->init ? spec->init((void *)spec->ctx, weir_step_worker(step)) : (void *)spec->ctx;
    if (spec->init && !s->ctx) {
        free_state(s);
        return weir_error_set(error, WEIR_FAILED, "its init has made no context");
    }
    *out = s;
    return WEIR_OK;
}

static void resumable_fini(void *ctx)
{
    state *s = ctx;
    if (s->spec->fini)
        s->spec->fini(s->ctx, (void *)s->spec->ctx);
    free_state(s);
}

/* For what comes of a record: at its time, with its diff, and with strings that may lie in it. */
static weir_builder *output_for(weir_step *step, const weir_batch *batch, size_t record)
{
    weir_time t = weir_batch_time(batch, record);
    weir_builder *out = weir_step_output(step, 0, &t);
    weir_builder_follow(out, batch);
    weir_builder_set_diff(out, weir_batch_diff(batch, record));
    return out;
}

/* Whether the whole batch was worked off. */
static bool work(weir_step *step, state *s, const weir_batch *batch)
{
    while (s->record < batch->count) {
        if (weir_step_spent(step))
            return false;
        if (!s->begun)
            memset(s->place, 0, s->spec->place_size);
        s->begun = s->spec->call(weir_batch_record(batch, s->record), s->place,
                                 output_for(step, batch, s->record), s->ctx);
        s->record += !s->begun;
    }
    s->record = 0;
    return true;
}

static void resumable_step(weir_step *step, void *ctx)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        if (!work(step, ctx, batch)) {
            weir_step_put_back(step);
            return;
        }
}

weir_port *weir__flat_map_resumable(weir_port *in, const weir_resumable_spec *given)
{
    weir_resumable_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    if (!in)
        return NULL;
    weir_graph *graph = weir_port_graph(in);
    if (!spec.call || spec.place_size == 0) {
        weir_graph_fail(graph, WEIR_INVALID, "flat_map", "give both: the place holds how far it is",
                        "a resumable flat_map has no function, or no place to go on at");
        return NULL;
    }
    if (spec.ctx_size && !spec.ctx) {
        weir_graph_fail(graph, WEIR_INVALID, spec.name ? spec.name : "flat_map",
                        "give .init, or .ctx", "a function that takes a context has none");
        return NULL;
    }
    weir_resumable_spec *own = weir_graph_alloc(graph, sizeof *own);
    *own = spec;
    if (spec.ctx_size)
        own->ctx = memcpy(weir_graph_alloc(graph, spec.ctx_size), spec.ctx, spec.ctx_size);
    weir_node_input input = { .type = spec.in, .takes_diffs = true };
    weir_node_output output = { .type = spec.out, .collection = weir_port_is_collection(in) };
    weir_node *node = weir_node_add(graph,
                                    &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                                       .kind = "flat_map",
                                                       .name = spec.name,
                                                       .input_count = 1,
                                                       .output_count = 1,
                                                       .inputs = &input,
                                                       .outputs = &output,
                                                       .deterministic = true,
                                                       .ctx = own,
                                                       .init = resumable_init,
                                                       .step = resumable_step,
                                                       .fini = resumable_fini },
                                    &in);
    return weir_node_output_port(node, 0);
}
