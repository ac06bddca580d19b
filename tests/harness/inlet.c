/* SPDX-License-Identifier: Apache-2.0
 *
 * Inputs of a test: a source that emits what was put into its list, in order.
 */
#include <string.h>

#include "harness.h"

static weir_status inlet_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)error;
    weir__test_inlet *inlet = ctx;
    weir__test_input_part *part = &inlet->parts[weir_step_worker(step)];
    part->waker = weir_step_waker(step);
    *state = part;
    return WEIR_OK;
}

static void emit(weir_step *step, const weir_type *type, const weir__test_push *push)
{
    weir_time t = weir_time_1(push->epoch);
    weir_builder *out = weir_step_output(step, 0, &t);
    weir_builder_set_diff(out, push->diff);
    size_t strings = type->has_strings ? weir_record_heap_size(type, push->record) : 0;
    char *heap = strings ? weir_builder_room(out, strings) : NULL;
    char *record = weir_builder_next(out, type->size);
    memcpy(record, push->record, type->size);
    if (strings)
        weir_record_move_strings(type, record, heap);
}

static void inlet_step(weir_step *step, void *state)
{
    weir__test_input_part *part = state;
    while (part->first) {
        weir__test_push *push = part->first;
        part->first = push->next;
        weir_time t = weir_time_1(push->epoch);
        if (push->what == WEIR__TEST_RECORD)
            emit(step, part->type, push);
        else if (push->what == WEIR__TEST_ADVANCE)
            weir_cap_downgrade(step, 0, &t);
        else
            weir_step_finish(step);
        weir_free(push, push->size);
    }
    part->last = NULL;
}

static void inlet_fini(void *state)
{
    ((weir__test_input_part *)state)->waker = NULL;
}

weir_port *weir__test_inlet_add(weir_graph *graph, weir__test_inlet *inlet, unsigned workers)
{
    inlet->parts = weir_alloc_must(workers * sizeof *inlet->parts);
    memset(inlet->parts, 0, workers * sizeof *inlet->parts);
    for (unsigned w = 0; w < workers; w++)
        inlet->parts[w].type = inlet->type;
    weir_node_output output = { .type = inlet->type, .collection = inlet->collection };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "test-input", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .is_input = true,
        .deterministic = true, .ctx = inlet, .init = inlet_init, .step = inlet_step,
        .fini = inlet_fini }, NULL);
    return weir_node_output_port(node, 0);
}

void weir__test_inlet_fini(weir__test_inlet *inlet, unsigned workers)
{
    for (unsigned w = 0; w < workers; w++)
        for (weir__test_push *push = inlet->parts[w].first, *next; push; push = next) {
            next = push->next;
            weir_free(push, push->size);
        }
    weir_free(inlet->parts, workers * sizeof *inlet->parts);
}

void weir__test_inlet_put(weir__test_inlet *inlet, unsigned worker, const weir__test_push *push,
                          const void *record)
{
    const weir_type *type = inlet->type;
    weir__test_input_part *part = &inlet->parts[worker];
    size_t strings = record && type->has_strings ? weir_record_heap_size(type, record) : 0;
    size_t size = sizeof *push + (record ? type->size : 0) + strings;
    weir__test_push *own = weir_alloc_must(size);
    *own = *push;
    own->next = NULL;
    own->size = size;
    if (record) {
        memcpy(own->record, record, type->size);
        weir_record_move_strings(type, own->record, own->record + type->size);
        weir_record_canonicalize(type, own->record);
    }
    if (part->last)
        part->last->next = own;
    else
        part->first = own;
    part->last = own;
    if (part->waker)
        weir_wake(part->waker);
}
