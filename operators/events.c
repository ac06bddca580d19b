/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/events.h. A source that takes what the engine's reader has for it.
 */
#include <weir/memory.h>
#include <weir/node.h>
#include <weir/operators/events.h>

typedef struct state {
    weir_event_reader *reader;
    bool keep;
} state;

static weir_status events_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    const struct weir_events_options *options = ctx;
    state *s = weir_alloc_zero(sizeof *s);
    if (s)
        s->reader = weir_event_reader_open(step, options->kinds, options->waiting_max);
    if (!s || !s->reader) {
        weir_free(s, sizeof *s);
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for events");
    }
    s->keep = options->keep;
    *out = s;
    return WEIR_OK;
}

static void events_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    weir_event event;
    if (!weir_step_ending(step) && weir_step_full(step))
        return; /* called again when there is room */
    weir_builder *builder = NULL;
    while (!weir_step_spent(step) && weir_event_reader_take(s->reader, &event)) {
        weir_time now = weir_step_epoch(step);
        if (!builder)
            builder = weir_step_output(step, 0, &now);
        weir_out(weir_event) out = { .builder = builder };
        event.name = weir_str_copy(out, event.name);
        weir_event_emit(out, event);
    }
    if (weir_step_spent(step))
        weir_step_again(step);
    else if (!s->keep && weir_event_reader_over(s->reader))
        weir_step_finish(step);
}

static void events_fini(void *ctx)
{
    state *s = ctx;
    weir_event_reader_close(s->reader);
    weir_free(s, sizeof *s);
}

weir_port *weir__events_add(weir_graph *graph, const struct weir_events_options *options)
{
    if (weir_graph_failed(graph))
        return NULL;
    struct weir_events_options *own = weir_graph_alloc(graph, sizeof *own);
    *own = *options;
    weir_node_output output = { .type = weir_event_type() };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "events",
                            .name = options->name,
                            .output_count = 1,
                            .outputs = &output,
                            .follows_clock = true,
                            .watches = true,
                            .ctx = own,
                            .init = events_init,
                            .step = events_step,
                            .fini = events_fini };
    return weir_node_output_port(weir_node_add(graph, &spec, NULL), 0);
}
