/* SPDX-License-Identifier: Apache-2.0
 *
 * Edges on the sending side: summaries applied, small batches put together, records divided among
 * workers by hash. What was sent counts at the receiving port; it is charged to the sender until it
 * is consumed. Every leaf is flushed before its node's changes are made.
 */
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "dataflow/combine.h"
#include "dataflow/divide.h"
#include "dataflow/hooks.h"

/* What a batch of one record may be charged with to travel as it is: not in a large buffer. */
enum { LONE_BYTES = 2048 };

/* Hands a batch over to a worker's instance of the receiving node. */
static void send(weir__leaf *leaf, unsigned to, weir_batch *batch)
{
    weir__dataflow *dataflow = leaf->dataflow;
    const weir__edge *edge = leaf->edge;
    uint32_t port = edge->to->first_input + edge->input;
    weir__dataflow_change(dataflow, port, &batch->time, 1);
    if (__atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) != 1) { /* a header is in one queue only */
        weir_batch *own = weir__batch_share(batch);
        weir_batch_release(batch);
        batch = own;
    }
    if (edge->moves && WEIR_PLANTED(SUMMARY_IGNORED))
        batch->time.at[batch->depth - 1] -= edge->summary.add[batch->depth - 1];
    weir__hook_sent(leaf, to, batch);
    weir__flow_send(dataflow, to, port, batch);
}

static void target_sink(weir__sink *sink, weir_batch *batch)
{
    struct weir__leaf_target *target = (struct weir__leaf_target *)sink;
    send(target->leaf, target->worker, batch);
}

static void mark_dirty(weir__leaf *leaf)
{
    if (leaf->dirty)
        return;
    weir_step *step = &leaf->dataflow->nodes[leaf->edge->from->node->id].step;
    leaf->dirty = true;
    leaf->dirty_next = step->dirty;
    step->dirty = leaf;
}

/* The batch as it is on the other side of the edge, or NULL if no time there exists. Columns other
 * than times are shared. */
static weir_batch *moved(weir__leaf *leaf, weir_batch *batch)
{
    const weir_summary *s = &leaf->edge->summary;
    weir_batch *out = NULL;
    weir_time time;
    if (weir_summary_apply(s, &batch->time, &time)) {
        out = weir__batch_share(batch);
        out->depth = s->depth;
        out->time = time;
    }
    if (out && out->times) {
        weir__buffer *column = weir__pool_get(leaf->dataflow->context->pool,
                                              out->count * s->depth * sizeof(uint64_t));
        uint64_t *times = weir__buffer_data(column);
        for (size_t i = 0; i < out->count; i++) {
            weir_time t = weir_batch_time(batch, i), moved_to = time;
            bool exists = weir_summary_apply(s, &t, &moved_to);
            WEIR_ASSERT(exists, "a time in a batch overflows on the edge to '%s'",
                        leaf->edge->to->name);
            memcpy(times + i * s->depth, moved_to.at, s->depth * sizeof(uint64_t));
        }
        weir__buffer_release(out->time_buffer);
        out->time_buffer = column;
        out->times = times;
    }
    weir_batch_release(batch);
    return out;
}

/* Local delivery: what is large goes as it is, what is small waits for company. */
static void push_local(weir__leaf *leaf, weir_batch *batch)
{
    size_t small = leaf->dataflow->context->batch_bytes / 4;
    weir__builder *builder = &leaf->builders[0];
    bool is_small = batch->count * batch->type->size < small && !batch->times && !batch->hashes;
    if (leaf->held && (!is_small || !weir_time_equal(&leaf->held->time, &batch->time,
                                                     batch->depth))) {
        send(leaf, leaf->dataflow->context->self, leaf->held);
        leaf->held = NULL;
    }
    if (builder->b.begin &&
        (!is_small || !weir_time_equal(&builder->b.time, &batch->time, batch->depth)))
        weir__builder_flush(builder);
    if (!is_small) {
        send(leaf, leaf->dataflow->context->self, batch);
        return;
    }
    mark_dirty(leaf);
    if (!leaf->held && !builder->b.begin) {
        leaf->held = batch;
        leaf->held_for = leaf->dataflow->context->self;
        return;
    }
    weir_batch *both[2] = { leaf->held, batch };
    leaf->held = NULL;
    for (int k = 0; k < 2; k++) {
        if (!both[k])
            continue;
        unsigned tracked = both[k]->diffs ? WEIR__TRACK_DIFFS : 0;
        weir__builder_open(builder, &both[k]->time, tracked | builder->b.tracked);
        weir__builder_append_all(builder, both[k]);
        weir_batch_release(both[k]);
    }
}

/* Numbers of workers become the first hash that each of them owns, so that records are divided in
 * one way only. */
static void to_ranges(uint64_t *numbers, size_t count, unsigned workers)
{
    uint64_t share = UINT64_MAX / workers + 1; /* exact for powers of two, else rounded up */
    if ((workers & (workers - 1)) == 0)
        for (size_t i = 0; i < count; i++)
            numbers[i] = (numbers[i] & (workers - 1)) * share;
    else
        for (size_t i = 0; i < count; i++)
            numbers[i] = numbers[i] % workers * share;
}

static const uint64_t *hashes_of(weir__leaf *leaf, const weir_batch *batch)
{
    const weir__routing *routing = &leaf->edge->routing;
    if (leaf->hash_capacity < batch->count) {
        weir_free(leaf->hash_scratch, leaf->hash_capacity * sizeof(uint64_t));
        leaf->hash_capacity = batch->count < 1024 ? 1024 : batch->count;
        leaf->hash_scratch = weir_alloc_must(leaf->hash_capacity * sizeof(uint64_t));
    }
    if (routing->route == WEIR_BY_FUNCTION) {
        routing->fn(batch->records, batch->count, leaf->hash_scratch, routing->ctx);
        weir__dataflow_failed_by_user(leaf->dataflow, leaf->edge->to->name);
        to_ranges(leaf->hash_scratch, batch->count, leaf->dataflow->context->workers);
    } else {
        weir_key_hash_column(batch->type, &routing->key, batch->records, batch->count,
                             leaf->dataflow->context->hash_seed, leaf->hash_scratch);
    }
    return leaf->hash_scratch;
}

/* Where each worker's columns begin, and go on. */
typedef struct divided {
    char *first[WEIR_WORKERS_MAX], *next[WEIR_WORKERS_MAX]; /* records */
    char *hashes[WEIR_WORKERS_MAX], *diffs[WEIR_WORKERS_MAX];
} divided;

/* How many fit, wherever they go. */
static size_t make_room(weir__leaf *leaf, divided *d, size_t most)
{
    for (unsigned w = 0; w < leaf->dataflow->context->workers; w++) {
        weir__builder *builder = &leaf->builders[w];
        weir__builder_make_room(builder, leaf->carries_hashes);
        size_t count = weir__builder_count(builder), fits = builder->b.capacity - count;
        most = fits < most ? fits : most;
        d->first[w] = d->next[w] = builder->b.next;
        d->hashes[w] = (char *)(builder->hashes + (leaf->carries_hashes ? count : 0));
        d->diffs[w] = (char *)(builder->b.diffs + (builder->b.diffs ? count : 0));
    }
    return most;
}

static void settle(weir__builder *builder, const divided *d, unsigned w, const weir_batch *batch,
                   bool carries)
{
    weir_builder *b = &builder->b;
    b->next = d->next[w];
    if (b->tracked && !batch->diffs) /* the column is there for records before these */
        weir__diffs_copy((int64_t *)(void *)d->diffs[w], NULL,
                         (size_t)(d->next[w] - d->first[w]) / b->type->size);
    if (carries || b->tracked)
        b->end = b->next;
    if (b->type->has_strings && batch->pin_count)
        weir__builder_own_strings(builder, d->first[w]);
}

/* Records without times: the hot case. Divides as many as surely fit before looking at room again,
 * column by column. */
static void divide(weir__leaf *leaf, const weir_batch *batch, const uint64_t *hashes)
{
    unsigned workers = leaf->dataflow->context->workers;
    size_t size = batch->type->size, count;
    divided d;
    for (size_t i = 0; i < batch->count; i += count) {
        count = make_room(leaf, &d, batch->count - i);
        weir__division records = { (const char *)batch->records + i * size, hashes + i, count,
                                   size, workers };
        weir__divide(&records, d.next);
        weir__division column = { (const char *)(hashes + i), hashes + i, count, sizeof *hashes,
                                  workers };
        if (leaf->carries_hashes)
            weir__divide(&column, d.hashes);
        column.from = (const char *)(batch->diffs + (batch->diffs ? i : 0));
        if (batch->diffs)
            weir__divide(&column, d.diffs);
        for (unsigned w = 0; w < workers; w++)
            settle(&leaf->builders[w], &d, w, batch, leaf->carries_hashes);
    }
}

/* Gives the batch to the edge's combiner, if there is one that wants it. */
static bool combined(weir__leaf *leaf, weir_batch *batch)
{
    if (!leaf->combiner || !weir__combiner_wants(leaf->combiner, batch))
        return false;
    mark_dirty(leaf);
    weir__combiner_add(leaf->combiner, batch, hashes_of(leaf, batch));
    weir_batch_release(batch);
    return true;
}

static void append_alone(weir__leaf *leaf, unsigned to, weir_batch *batch)
{
    weir__builder *builder = &leaf->builders[to];
    bool open = builder->b.begin && weir__builder_count(builder);
    weir__builder_open(builder, &batch->time, open ? builder->b.tracked : 0);
    weir__builder_append(builder, batch, 0, false);
    weir_batch_release(batch);
}

/* A record alone, without diff, time and hash: only its own receiver's builder is looked at, and
 * while it is the step's only one not even that: it waits as it is. */
static bool pushed_alone(weir__leaf *leaf, weir_batch *batch)
{
    if (batch->count != 1 || batch->diffs || batch->times || leaf->carries_hashes)
        return false;
    unsigned to = weir__owner(*hashes_of(leaf, batch), leaf->dataflow->context->workers);
    if (leaf->dirty || batch->hashes || batch->pin_count || batch->bytes > LONE_BYTES) {
        append_alone(leaf, to, batch);
    } else {
        leaf->held = batch;
        leaf->held_for = to;
    }
    mark_dirty(leaf);
    return true;
}

static void push_exchange(weir__leaf *leaf, weir_batch *batch)
{
    unsigned workers = leaf->dataflow->context->workers;
    if (leaf->held) {
        append_alone(leaf, leaf->held_for, leaf->held);
        leaf->held = NULL;
    }
    if (combined(leaf, batch) || pushed_alone(leaf, batch))
        return;
    const uint64_t *hashes = hashes_of(leaf, batch);
    unsigned tracked = (batch->diffs ? WEIR__TRACK_DIFFS : 0) |
                       (batch->times ? WEIR__TRACK_TIMES : 0);
    mark_dirty(leaf);
    for (unsigned w = 0; w < workers; w++) {
        weir__builder *builder = &leaf->builders[w];
        bool open = builder->b.begin && weir__builder_count(builder);
        weir__builder_open(builder, &batch->time, tracked | (open ? builder->b.tracked : 0));
    }
    bool timed = batch->times != NULL;
    for (unsigned w = 0; !timed && w < workers; w++)
        timed = leaf->builders[w].b.tracked & WEIR__TRACK_TIMES;
    if (!timed) {
        divide(leaf, batch, hashes);
    } else {
        weir_batch view = *batch; /* with the hashes, so that they are carried along */
        view.hashes = hashes;
        for (size_t i = 0; i < batch->count; i++)
            weir__builder_append(&leaf->builders[weir__owner(hashes[i], workers)], &view, i,
                                 leaf->carries_hashes);
    }
    weir_batch_release(batch);
}

static void push_all(weir__leaf *leaf, weir_batch *batch)
{
    unsigned workers = leaf->dataflow->context->workers;
    for (unsigned w = 0; w < workers; w++) {
        if (w > 0 && WEIR_PLANTED(BROADCAST_ONCE))
            weir__dataflow_change(leaf->dataflow, leaf->edge->to->first_input + leaf->edge->input,
                                  &batch->time, -1);
        send(leaf, w, w + 1 < workers ? weir__batch_share(batch) : batch);
    }
}

/* One worker, but the receiver is due the hashes: computes them beside the batch. */
static weir_batch *with_hashes(weir__leaf *leaf, weir_batch *batch)
{
    weir_batch *out = batch;
    if (__atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) != 1) {
        out = weir__batch_share(batch);
        weir_batch_release(batch);
    }
    weir__context *context = leaf->dataflow->context;
    weir__buffer *column = weir__pool_get(context->pool, out->count * sizeof(uint64_t));
    weir_key_hash_column(out->type, &leaf->edge->routing.key, out->records, out->count,
                         context->hash_seed, weir__buffer_data(column));
    if (out->hash_buffer)
        weir__buffer_release(out->hash_buffer);
    out->hash_buffer = column;
    out->hashes = weir__buffer_data(column);
    return out;
}

void weir__leaf_push(weir__leaf *leaf, weir_batch *batch)
{
    if (leaf->edge->moves) {
        batch = moved(leaf, batch);
        if (!batch)
            return;
    }
    if (batch->hashes && !leaf->exchanges) { /* of another key: they mean nothing here */
        weir_batch *out = weir__batch_share(batch);
        weir_batch_release(batch);
        weir__buffer_release(out->hash_buffer);
        out->hash_buffer = NULL;
        out->hashes = NULL;
        batch = out;
    }
    if (leaf->exchanges)
        push_exchange(leaf, batch);
    else if (leaf->edge->routing.route == WEIR_TO_ALL)
        push_all(leaf, batch);
    else if (combined(leaf, batch))
        return;
    else if (leaf->carries_hashes)
        send(leaf, leaf->dataflow->context->self, with_hashes(leaf, batch));
    else
        push_local(leaf, batch);
}

void weir__leaf_flush(weir__leaf *leaf)
{
    leaf->dirty = false;
    if (leaf->combiner)
        weir__combiner_flush(leaf->combiner);
    if (leaf->held) {
        weir_batch *held = leaf->held;
        leaf->held = NULL;
        send(leaf, leaf->held_for, held);
    }
    unsigned builders = leaf->exchanges ? leaf->dataflow->context->workers : 1;
    for (unsigned w = 0; w < builders; w++)
        if (leaf->builders[w].b.begin)
            weir__builder_flush(&leaf->builders[w]);
}

weir__leaf *weir__leaf_create(const weir__edge *edge, weir__dataflow *dataflow)
{
    weir__context *context = dataflow->context;
    weir__region *memory = &dataflow->memory;
    weir__leaf *leaf = weir__region_alloc(memory, sizeof *leaf);
    leaf->edge = edge;
    leaf->dataflow = dataflow;
    weir_route route = edge->routing.route;
    leaf->exchanges = context->workers > 1 && (route == WEIR_BY_KEY || route == WEIR_BY_FUNCTION);
    const weir_type *type = edge->to->spec.inputs[edge->input].type;
    if (route == WEIR_BY_KEY && edge->routing.key.count == 1) {
        const weir_field *field = &type->fields[edge->routing.key.field[0]];
        leaf->carries_hashes = field->kind == WEIR_KIND_str || field->kind == WEIR_KIND_bytes;
    } else {
        leaf->carries_hashes = route == WEIR_BY_KEY;
    }
    unsigned builders = leaf->exchanges ? context->workers : 1;
    leaf->builders = weir__region_alloc(memory, builders * sizeof *leaf->builders);
    leaf->targets = weir__region_alloc(memory, builders * sizeof *leaf->targets);
    for (unsigned w = 0; w < builders; w++) {
        leaf->targets[w] = (struct weir__leaf_target){ { target_sink }, leaf,
                                                       leaf->exchanges ? w : context->self };
        weir__builder_init(&leaf->builders[w], &(weir__builder_spec){
            .pool = context->pool, .type = type, .depth = edge->to->depth,
            .batch_bytes = context->batch_bytes, .sink = &leaf->targets[w].sink });
    }
    if (edge->to->spec.inputs[edge->input].combines)
        leaf->combiner = weir__combiner_create(leaf);
    return leaf;
}

void weir__leaf_fini(weir__leaf *leaf)
{
    unsigned builders = leaf->exchanges ? leaf->dataflow->context->workers : 1;
    for (unsigned w = 0; w < builders; w++)
        weir__builder_fini(&leaf->builders[w]);
    weir__combiner_destroy(leaf->combiner);
    weir_batch_release(leaf->held);
    weir_free(leaf->hash_scratch, leaf->hash_capacity * sizeof(uint64_t));
}
