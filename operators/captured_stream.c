/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/captured_stream.h.
 */
#include <weir/operators/captured_stream.h>

#include <weir/node.h>

#include "owned.h"

typedef struct description {
    const weir_captured *captured;
    bool collection;
} description;

typedef struct state {
    const description *d;
    unsigned list; /* of the captured ones */
    size_t next;   /* entry in it */
} state;

static weir_status stream_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a captured stream");
    *s = (state){ .d = ctx, .list = weir_step_worker(step) };
    *made = s;
    return WEIR_OK;
}

static void stream_fini(void *ctx)
{
    weir_free(ctx, sizeof(state));
}

static void stream_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    const weir_captured *captured = s->d->captured;
    weir_time start = { { 0 } };
    weir_builder *out = NULL;
    for (; s->list < weir_captured_workers(captured); s->list += weir_step_workers(step)) {
        size_t count = weir_captured_count(captured, s->list);
        for (; s->next < count; s->next++) {
            if (weir_step_full(step) && !weir_step_ending(step))
                return; /* called again when there is room */
            if (weir_step_spent(step)) {
                weir_step_again(step);
                return;
            }
            weir_capture_entry entry = weir_captured_at(captured, s->list, s->next);
            if (entry.diff != 1 && !s->d->collection) {
                weir_step_fail(step, WEIR_TYPE_MISMATCH, "changes of a collection were captured: "
                               "make it a collection again by weir_captured_collection");
                return;
            }
            out = out ? out : weir_step_output(step, 0, &start);
            weir_builder_set_diff(out, entry.diff);
            weir__emit_owned(out, entry.record);
        }
        s->next = 0;
    }
    weir_step_finish(step);
}

weir_port *weir_captured_stream_erased(weir_graph *graph, const weir_type *type,
                                       const weir_captured *captured, bool collection)
{
    if (weir_graph_failed(graph))
        return NULL;
    if (!captured || !weir_captured_type(captured) ||
        !weir_type_same_layout(weir_captured_type(captured), type)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, "captured_stream",
                        "capture a stream of these records before",
                        captured && weir_captured_type(captured)
                            ? "records '%s' were captured, not '%s'"
                            : "%snothing was captured of '%s'",
                        captured && weir_captured_type(captured)
                            ? weir_captured_type(captured)->name : "", type->name);
        return NULL;
    }
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ captured, collection };
    weir_node_output output = { .type = type, .collection = collection };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "captured_stream", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .at_start = true,
        .deterministic = true, .ctx = d, .init = stream_init, .step = stream_step,
        .fini = stream_fini }, NULL);
    return weir_node_output_port(node, 0);
}
