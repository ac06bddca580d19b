/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/source.h.
 */
#include <string.h>

#include <weir/operators/source.h>

typedef struct state {
    const weir_source_spec *spec;
    void *own; /* the user's */
    bool ended;
} state;

static weir_status source_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    const weir_source_spec *spec = ctx;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a source");
    *s = (state){ .spec = spec, .own = (void *)spec->ctx };
    weir_source_start start = { spec->ctx, weir_step_worker(step), weir_step_workers(step),
                                weir_step_waker(step) };
    if (spec->init) {
        s->own = spec->init(&start, spec->options);
        if (!s->own) {
            weir_free(s, sizeof *s);
            return weir_error_set(error, WEIR_FAILED, "source '%s' could not begin: its .init "
                                  "returned NULL", weir_step_name(step));
        }
    }
    *made = s;
    return WEIR_OK;
}

static void source_fini(void *ctx)
{
    state *s = ctx;
    if (s->spec->fini)
        s->spec->fini(s->own, s->spec->options);
    weir_free(s, sizeof *s);
}

static void source_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    weir_time now = weir_step_epoch(step);
    while (!s->ended) {
        if (weir_step_ending(step) || weir_step_full(step))
            return; /* full: called again when there is room */
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        weir_more more = s->spec->next(s->own, weir_step_output(step, 0, &now));
        if (more == WEIR_SOURCE_END) {
            s->ended = true;
            weir_step_finish(step);
        } else if (more == WEIR_SOURCE_WAIT) {
            uint64_t wait_ns = s->spec->wait_ms * UINT64_C(1000000);
            if (wait_ns)
                weir_step_at_ns(step, weir_step_now_ns(step) + wait_ns);
            return;
        }
    }
}

weir_port *weir_source_erased(weir_graph *graph, const weir_source_spec *given)
{
    weir_source_spec spec = { 0 };
    weir_struct_copy(&spec, sizeof spec, given);
    if (weir_graph_failed(graph))
        return NULL;
    weir_source_spec *own = weir_graph_alloc(graph, sizeof *own);
    *own = spec;
    if (spec.options_size)
        own->options = memcpy(weir_graph_alloc(graph, spec.options_size), spec.options,
                              spec.options_size);
    weir_node_output output = { .type = spec.type };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = spec.kind, .name = spec.name,
        .output_count = 1, .outputs = &output, .follows_clock = true,
        .state_kind = WEIR_STATE_PER_PARTITION, .ctx = own, .init = source_init,
        .step = source_step, .fini = source_fini }, NULL);
    return weir_node_output_port(node, 0);
}
