/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/to_stream.h.
 */
#include <string.h>

#include <weir/node.h>
#include <weir/operators/to_stream.h>

/* What the graph knows: the copy of the array, shared by the workers. */
typedef struct description {
    const weir_type *type;
    char *records;
    size_t count;
} description;

typedef struct state {
    const description *d;
    size_t next, end; /* this worker's share */
} state;

static weir_status array_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    const description *d = ctx;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for an array's stream");
    size_t workers = weir_step_workers(step), self = weir_step_worker(step);
    *s = (state){ d, d->count * self / workers, d->count * (self + 1) / workers };
    *made = s;
    return WEIR_OK;
}

static void array_fini(void *ctx)
{
    weir_free(ctx, sizeof(state));
}

static void array_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    const weir_type *type = s->d->type;
    while (s->next < s->end) {
        if (weir_step_full(step) && !weir_step_ending(step))
            return; /* called again when there is room */
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        weir_builder *out = weir_step_output(step, 0, &(weir_time){ { 0 } });
        weir_batch piece = { .type = type, .records = s->d->records };
        size_t end = s->end - s->next < 256 ? s->end : s->next + 256;
        for (; s->next < end; s->next++)
            weir_builder_copy(out, &piece, s->next);
    }
    weir_step_finish(step);
}

weir_port *weir_to_stream_erased(weir_graph *graph, const weir_type *type, const void *records,
                                 size_t count)
{
    weir_error error;
    if (weir_graph_failed(graph))
        return NULL;
    if (weir_type_check(type, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, "to_stream", error.hint, "%s", error.what);
        return NULL;
    }
    description *d = weir_graph_alloc(graph, sizeof *d);
    *d = (description){ type, weir_graph_alloc(graph, count * type->size), count };
    if (count)
        memcpy(d->records, records, count * type->size);
    for (size_t i = 0; i < count; i++) {
        char *record = d->records + i * type->size;
        size_t strings = type->has_strings ? weir_record_heap_size(type, record) : 0;
        if (strings)
            weir_record_move_strings(type, record, weir_graph_alloc(graph, strings));
        weir_record_canonicalize(type, record);
    }
    weir_node_output output = { .type = type };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "to_stream", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .at_start = true,
        .deterministic = true, .state_kind = WEIR_STATE_SINGLE, .ctx = d, .init = array_init,
        .step = array_step, .fini = array_fini }, NULL);
    return weir_node_output_port(node, 0);
}
