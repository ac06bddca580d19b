/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree of stages below a node's output: a batch that leaves the node is pushed through it at
 * once, by direct calls, a whole batch at a time, in place where nobody else sees the records.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "dataflow/instance.h"

static inline void count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t now_ns(const weir__stage_instance *si)
{
    return si->context->env->now_ns(si->context->env->ctx);
}

/* Takes the reference; the last of several consumers gets the batch itself, so may own it alone. */
static void stage_push(weir__stage_instance *si, weir_batch *batch);

void weir__point_push(weir__point_instance *point, weir_batch *batch)
{
    uint32_t consumers = point->stage_count + point->leaf_count;
    /* nobody is to see what a function makes that has failed */
    if (consumers == 0 || batch->count == 0 || WEIR_UNLIKELY(weir__failed_by_user.is_set)) {
        weir_batch_release(batch);
        return;
    }
    for (uint32_t i = 0; i < point->leaf_count; i++)
        weir__leaf_push(point->leaves[i], --consumers ? weir_batch_retain(batch) : batch);
    for (uint32_t i = 0; i < point->stage_count; i++)
        stage_push(point->stages[i], --consumers ? weir_batch_retain(batch) : batch);
}

/* A header for `batch` with other records: same columns otherwise, hashes gone. */
static weir_batch *with_records(weir__stage_instance *si, const weir_batch *batch, size_t bytes)
{
    const weir_type *type = si->stage->spec.out;
    weir_batch *out =
        type->has_strings ? weir__batch_share(batch) : weir__batch_share_columns(batch);
    if (out->record_buffer)
        weir__buffer_release(out->record_buffer);
    if (out->hash_buffer)
        weir__buffer_release(out->hash_buffer);
    out->hash_buffer = NULL;
    out->hashes = NULL;
    out->record_buffer = weir__pool_get(si->context->pool, bytes);
    out->records = weir__buffer_data(out->record_buffer);
    out->type = type;
    weir__batch_charge(out);
    return out;
}

static weir_batch *run_map(weir__stage_instance *si, weir_batch *batch)
{
    const weir_stage_spec *spec = &si->stage->spec;
    if (spec->in->size == spec->out->size && weir__batch_sole(batch)) {
        spec->map(batch->records, (void *)batch->records, batch->count, si->worker_ctx);
        batch->type = spec->out;
        if (batch->hash_buffer)
            weir__buffer_release(batch->hash_buffer);
        batch->hash_buffer = NULL;
        batch->hashes = NULL;
        return batch;
    }
    weir_batch *out = with_records(si, batch, batch->count * spec->out->size);
    spec->map(batch->records, (void *)out->records, batch->count, si->worker_ctx);
    weir_batch_release(batch);
    return out;
}

/* Keeps the elements of a column that `keep` names; `to` may be `from`. */
static void gather(void *to, const void *from, const uint32_t *keep, size_t n, size_t size)
{
    if (size == 8) {
        for (size_t i = 0; i < n; i++)
            memcpy((char *)to + i * 8, (const char *)from + (size_t)keep[i] * 8, 8);
    } else if (size == 16) {
        for (size_t i = 0; i < n; i++)
            memmove((char *)to + i * 16, (const char *)from + (size_t)keep[i] * 16, 16);
    } else {
        for (size_t i = 0; i < n; i++)
            memmove((char *)to + i * size, (const char *)from + (size_t)keep[i] * size, size);
    }
}

typedef struct selection {
    const uint32_t *keep;
    size_t n;
} selection;

/* A fresh column with the kept elements, replacing *buffer, if there is one. */
static void *gather_column(weir__stage_instance *si, weir__buffer **buffer, const void *from,
                           const selection *kept, size_t size)
{
    weir__buffer *column = weir__pool_get(si->context->pool, kept->n * size);
    gather(weir__buffer_data(column), from, kept->keep, kept->n, size);
    if (*buffer)
        weir__buffer_release(*buffer);
    *buffer = column;
    return weir__buffer_data(column);
}

static weir_batch *run_filter(weir__stage_instance *si, weir_batch *batch)
{
    const weir_stage_spec *spec = &si->stage->spec;
    weir__buffer *scratch = weir__pool_get(si->context->pool, batch->count * sizeof(uint32_t));
    uint32_t *keep = weir__buffer_data(scratch);
    size_t n = spec->filter(batch->records, batch->count, keep, si->worker_ctx);
    WEIR_DCHECK(n <= batch->count, "stage '%s' keeps more than there are", si->stage->name);
    weir_batch *out = batch;
    if (n == 0) {
        weir_batch_release(batch);
        out = NULL;
    } else if (n < batch->count) {
        size_t size = batch->type->size;
        const selection kept = { keep, n };
        if (weir__batch_sole(batch)) {
            gather((void *)batch->records, batch->records, keep, n, size);
        } else {
            out = batch->type->has_strings ? weir__batch_share(batch)
                                           : weir__batch_share_columns(batch);
            weir_batch_release(batch);
            out->records = gather_column(si, &out->record_buffer, out->records, &kept, size);
        }
        if (out->diffs)
            out->diffs = gather_column(si, &out->diff_buffer, out->diffs, &kept, 8);
        if (out->times)
            out->times = gather_column(si, &out->time_buffer, out->times, &kept,
                                       8 * (size_t)out->depth);
        if (out->hashes)
            out->hashes = gather_column(si, &out->hash_buffer, out->hashes, &kept, 8);
        out->count = n;
        weir__batch_charge(out);
    }
    weir__buffer_release(scratch);
    return out;
}

static weir_batch *run_negate(weir__stage_instance *si, weir_batch *batch)
{
    weir_batch *out = weir__batch_share(batch);
    weir__buffer *column = weir__pool_get(si->context->pool, batch->count * sizeof(int64_t));
    int64_t *diffs = weir__buffer_data(column);
    bool is_beyond = false;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t diff = weir_batch_diff(batch, i);
        is_beyond |= diff == INT64_MIN;
        diffs[i] = (int64_t)(0 - (uint64_t)diff);
    }
    if (WEIR_UNLIKELY(is_beyond))
        weir__dataflow_fail(si->dataflow, si->stage->name, WEIR_OVERFLOWED,
                            "a record is there -9223372036854775808 times, which has no opposite");
    if (out->diff_buffer)
        weir__buffer_release(out->diff_buffer);
    out->diff_buffer = column;
    out->diffs = diffs;
    weir_batch_release(batch);
    return out;
}

/* What a flat_map's builder made: strings may point into what the input pins. */
static void flat_map_sink(weir__sink *sink, weir_batch *batch)
{
    weir__stage_instance *si = (weir__stage_instance *)sink;
    const weir_batch *input = si->builder.b.input;
    if (input && batch->type->has_strings && input->pin_count) {
        for (uint32_t i = 0; i < input->pin_count; i++) {
            weir_pin_retain(input->pins[i]);
            weir__batch_add_pin(batch, input->pins[i]);
        }
        weir__batch_charge(batch);
    }
    count(&si->counts.records_out, batch->count);
    uint64_t start_ns = si->timed ? now_ns(si) : 0;
    weir__point_push(&si->point, batch);
    if (si->timed) /* the stages below count for themselves */
        si->below_ns += now_ns(si) - start_ns;
}

const char *weir__beyond(const char *name, char *text, size_t size)
{
    snprintf(text, size,
             "how often a record is there, and how often '%s' makes something of it, have a "
             "product beyond 64 bits", name);
    return text;
}

static void run_flat_map(weir__stage_instance *si, weir_batch *batch)
{
    weir__builder *builder = &si->builder;
    char text[256];
    unsigned tracked = (batch->diffs ? WEIR__TRACK_DIFFS : 0) |
                       (batch->times ? WEIR__TRACK_TIMES : 0);
    weir__builder_open(builder, &batch->time, tracked);
    builder->b.input = batch;
    builder->b.from_diffs = batch->diffs;
    builder->b.from_times = batch->times;
    builder->b.from = 0;
    si->stage->spec.flat_map(batch, &builder->b, si->worker_ctx);
    if (WEIR_UNLIKELY(builder->b.is_beyond))
        weir__dataflow_fail(si->dataflow, si->stage->name, WEIR_OVERFLOWED,
                            weir__beyond(si->stage->name, text, sizeof text));
    weir__builder_flush(builder);
    builder->b.input = NULL;
    weir_batch_release(batch);
}

/* Runs the stage's function; what it made, if that is one batch. */
static weir_batch *run(weir__stage_instance *si, weir_batch *batch)
{
    const weir_stage_spec *spec = &si->stage->spec;
    if (spec->map)
        return run_map(si, batch);
    if (spec->filter)
        return run_filter(si, batch);
    if (spec->negate)
        return run_negate(si, batch);
    if (spec->inspect) {
        spec->inspect(batch, si->worker_ctx);
        return batch;
    }
    run_flat_map(si, batch); /* pushes by itself, as its builder fills up */
    return NULL;
}

static void stage_push(weir__stage_instance *si, weir_batch *batch)
{
    uint64_t stands_for = weir__timed_calls(si->counts.batches_in);
    count(&si->counts.records_in, batch->count);
    count(&si->counts.batches_in, 1);
    if (stands_for) {
        si->timed = true;
        si->below_ns = 0;
        uint64_t start_ns = now_ns(si);
        batch = run(si, batch);
        count(&si->counts.time_ns, (now_ns(si) - start_ns - si->below_ns) * stands_for);
        si->timed = false;
    } else {
        batch = run(si, batch);
    }
    bool failed = weir__dataflow_failed_by_user(si->dataflow, si->stage->name);
    if (!batch)
        return;
    if (WEIR_UNLIKELY(failed)) {
        weir_batch_release(batch);
        return;
    }
    count(&si->counts.records_out, batch->count);
    weir__point_push(&si->point, batch);
}

static weir__stage_instance *stage_create(const weir__stage *stage, weir__dataflow *dataflow)
{
    weir__stage_instance *si = weir__region_alloc(&dataflow->memory, sizeof *si);
    si->stage = stage;
    si->dataflow = dataflow;
    si->context = dataflow->context;
    si->sink.push = flat_map_sink;
    si->worker_ctx = stage->spec.ctx;
    if (stage->spec.flat_map)
        weir__builder_init(&si->builder, &(weir__builder_spec){
            .pool = dataflow->context->pool, .type = stage->spec.out,
            .depth = stage->point.node->depth, .batch_bytes = dataflow->context->batch_bytes,
            .sink = &si->sink });
    si->builder.b.is_plain = !stage->collection;
    weir__point_init(&si->point, &stage->point, dataflow);
    return si;
}

const char *weir__point_start(weir__point_instance *point)
{
    const char *failed = NULL;
    for (uint32_t i = 0; i < point->stage_count && !failed; i++) {
        weir__stage_instance *si = point->stages[i];
        const weir_stage_spec *spec = &si->stage->spec;
        if (spec->init) {
            si->worker_ctx = spec->init(spec->ctx, si->context->self);
            si->started = si->worker_ctx != NULL;
        }
        failed = spec->init && !si->started ? si->stage->name : weir__point_start(&si->point);
    }
    return failed;
}

static void stage_destroy(weir__stage_instance *si)
{
    weir__point_fini(&si->point);
    if (si->stage->spec.flat_map)
        weir__builder_fini(&si->builder);
    if (si->started && si->stage->spec.fini)
        si->stage->spec.fini(si->worker_ctx, si->stage->spec.ctx);
    weir__failed_by_user.is_set = false; /* nobody is left to whom it would matter */
}

void weir__point_init(weir__point_instance *instance, const weir__point *point,
                      weir__dataflow *dataflow)
{
    instance->stage_count = point->stage_count;
    instance->leaf_count = point->edge_count;
    weir__region *memory = &dataflow->memory;
    instance->stages = weir__region_alloc(memory, point->stage_count * sizeof *instance->stages);
    instance->leaves = weir__region_alloc(memory, point->edge_count * sizeof *instance->leaves);
    for (uint32_t i = 0; i < point->stage_count; i++)
        instance->stages[i] = stage_create(point->stages[i], dataflow);
    for (uint32_t i = 0; i < point->edge_count; i++)
        instance->leaves[i] = weir__leaf_create(point->edges[i], dataflow);
}

void weir__point_fini(weir__point_instance *instance)
{
    for (uint32_t i = 0; i < instance->stage_count; i++)
        stage_destroy(instance->stages[i]);
    for (uint32_t i = 0; i < instance->leaf_count; i++)
        weir__leaf_fini(instance->leaves[i]);
}

/* The root builder's batches. */
static void output_sink(weir__sink *sink, weir_batch *batch)
{
    weir__output_instance *output = (weir__output_instance *)sink;
    weir_step *step = &output->node->step;
    count(&step->records_out, batch->count);
    count(&step->batches_out, 1);
    count(&step->bytes_out, batch->bytes);
    step->step_bytes_left -= batch->bytes < step->step_bytes_left ? batch->bytes
                                                                  : step->step_bytes_left;
    weir__point_push(&output->point, batch);
}

void weir__output_init(weir__output_instance *output, weir__node_instance *node, unsigned o)
{
    const weir_node *n = node->step.node;
    weir__context *context = node->step.context;
    output->sink.push = output_sink;
    output->node = node;
    output->topology_port = n->first_output + o;
    weir__builder_init(&output->builder, &(weir__builder_spec){
        .pool = context->pool, .type = n->spec.outputs[o].type, .depth = n->depth,
        .batch_bytes = context->batch_bytes, .sink = &output->sink });
    output->builder.b.is_plain = !n->spec.outputs[o].collection;
    weir__point_init(&output->point, &n->points[o], node->step.dataflow);
}

void weir__output_fini(weir__output_instance *output)
{
    weir__builder_fini(&output->builder);
    weir__point_fini(&output->point);
}

bool weir_step_output_is_read(const weir_step *step, unsigned output)
{
    const weir__point_instance *point = &step->outputs[output].point;
    return point->stage_count + point->leaf_count > 0;
}
