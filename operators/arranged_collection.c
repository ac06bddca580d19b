/* SPDX-License-Identifier: Apache-2.0
 *
 * An arrangement's changes as a stream again: the runs as they come, read one after the other.
 */
#include <string.h>

#include "arrange.h"
#include "trace_failed.h"

enum { WORK_OF_A_STEP = 32 << 10 };

typedef struct state {
    const weir_arrangement *of;
    weir_trace_reader *reader; /* it asks for nothing of the past */
    size_t at;                 /* in the batch */
    weir_trace_run *run;       /* that is being read; NULL: none */
    weir_cursor *cursor;
    bool in_key, in_value;
} state;

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error);
static void run(weir_step *step, void *s);
static void fini(void *s);

weir_port *weir_arrangement_collection(weir_arrangement *a)
{
    if (!a)
        return NULL;
    weir_node_input input = { .type = weir_run_ref_type() };
    weir_node_output output = { .type = a->what->type,
                                .collection = true,
                                .unique_key = a->what->unique_key };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "as_collection",
                            .input_count = 1,
                            .output_count = 1,
                            .inputs = &input,
                            .outputs = &output,
                            .deterministic = true,
                            .ctx = a,
                            .init = init,
                            .step = run,
                            .fini = fini };
    weir_port *changes = weir_node_output_port(weir_node_add(a->graph, &spec, &a->runs), 0);
    (void)weir__arrangement_note(changes, changes ? a->runs : NULL, a->what); /* by its key */
    return changes;
}

static void close_run(state *s)
{
    weir_cursor_destroy(s->cursor);
    weir_trace_run_release(s->run);
    s->cursor = NULL;
    s->run = NULL;
    s->in_key = s->in_value = false;
}

static void fini(void *ctx)
{
    state *s = ctx;
    close_run(s);
    weir_trace_reader_close(s->reader);
    weir_free(s, sizeof *s);
}

static weir_status init(weir_step *step, void *ctx, void **result, weir_error *error)
{
    const weir_arrangement *of = ctx;
    weir_trace_reader_spec spec = { .owner = weir_step_name(step),
                                    .depth = weir_arrangement_depth(of),
                                    .now_ns = weir_step_now_ns(step) };
    weir_trace_reader *reader = weir_trace_reader_open(weir_arrangement_trace(of, step), &spec);
    if (!reader)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a reader of a trace");
    weir_frontier none;
    weir_frontier_init(&none, spec.depth);
    weir_trace_reader_advance(reader, &none);
    state *s = weir_alloc_must(sizeof *s);
    *s = (state){ .of = of, .reader = reader };
    *result = s;
    return WEIR_OK;
}

/* Goes to the next update. False: there is none. */
static bool next(state *s, weir_time *time, int64_t *diff)
{
    while (!s->in_value || !weir_cursor_next_update(s->cursor, time, diff)) {
        s->in_value = s->in_key && weir_cursor_next_value(s->cursor);
        if (s->in_value)
            continue;
        s->in_key = weir_cursor_next_key(s->cursor);
        if (!s->in_key)
            return false;
    }
    return true;
}

/* Room for the strings comes first: it may send what the builder has. */
static void copy(const weir_type *type, const void *record, weir_builder *out)
{
    size_t strings = type->has_strings ? weir_record_heap_size(type, record) : 0;
    char *heap = strings ? weir_builder_room(out, strings) : NULL;
    void *to = weir_builder_next(out, type->size);
    memcpy(to, record, type->size);
    if (strings)
        weir_record_move_strings(type, to, heap);
}

/* False: the step has done enough. */
static bool emit(weir_step *step, state *s, weir_builder *out, size_t *left)
{
    const weir_type *type = s->of->what->type;
    weir_time time;
    int64_t diff;
    for (; *left > 0 && !weir_step_spent(step); --*left) {
        if (!next(s, &time, &diff))
            return true;
        weir_builder_set_time(out, &time);
        weir_builder_set_diff(out, diff);
        copy(type, weir_cursor_record(s->cursor), out);
    }
    return false;
}

/* False: the batch is not worked off. */
static bool work(weir_step *step, state *s, const weir_batch *batch, size_t *left)
{
    const weir_run_ref *refs = batch->records;
    weir_builder *out = weir_step_output(step, 0, NULL);
    for (; s->at < batch->count; s->at++) {
        if (!s->run) {
            s->run =
                weir_trace_run_retain(weir_trace_reader_deliver(s->reader, refs[s->at].number));
            s->cursor = weir_cursor_create(&s->run, 1);
            if (!s->cursor) {
                close_run(s);
                weir_step_fail(step, WEIR_NO_MEMORY, "no memory to read a run");
                return false;
            }
        }
        if (!emit(step, s, out, left))
            return false;
        close_run(s);
    }
    s->at = 0;
    return true;
}

/* What was taken may be merged only now. */
static void merge(weir_step *step, const state *s)
{
    weir__trace_merge(step, weir_trace_reader_trace(s->reader), 0, 0);
}

/* Nobody reads the changes: whoever asked for them reads the arrangement, by its key. */
static void pass_over(weir_step *step, const state *s)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            (void)weir_trace_reader_deliver(s->reader, ref->number);
        }
}

static void run(weir_step *step, void *ctx)
{
    state *s = ctx;
    const weir_batch *batch;
    size_t left = WORK_OF_A_STEP;
    if (!weir_step_output_is_read(step, 0)) {
        pass_over(step, s);
        merge(step, s);
        return;
    }
    while ((batch = weir_step_take(step, 0)))
        if (!work(step, s, batch, &left)) {
            weir_step_put_back(step);
            return;
        }
    merge(step, s);
}
