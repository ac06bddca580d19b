/* SPDX-License-Identifier: Apache-2.0
 *
 * See flow.h, and docs/internals/flow.md for why nothing can wait for itself here.
 */
#include "dataflow/flow.h"

#include <string.h>

#include "base/planted.h"
#include "dataflow/instance.h"
#include "dataflow/letter.h"

enum {
    PUMP_BYTES = 4 << 20,       /* at most, at once: others want their turn */
    LOG_NS = 1000 * 1000 * 1000,
};

static void count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static weir__spill_place place_of(const weir__dataflow *dataflow)
{
    const weir__context *context = dataflow->context;
    return (weir__spill_place){ context->env, context->pool, context->spill_dir };
}

void weir__flow_init(weir__dataflow *dataflow)
{
    weir__flow *flow = &dataflow->flow;
    const weir__context *context = dataflow->context;
    *flow = (weir__flow){ .credits = &dataflow->graph->credits, .self = context->self,
                          .workers = context->workers, .share = context->budget_share };
    size_t size = context->workers * sizeof(int64_t);
    flow->sent = memset(weir_alloc_must(size), 0, size);
    flow->seen = memset(weir_alloc_must(size), 0, size);
    flow->owed = memset(weir_alloc_must(size), 0, size);
    flow->withheld = memset(weir_alloc_must(size), 0, size);
}

void weir__flow_fini(weir__dataflow *dataflow)
{
    weir__flow *flow = &dataflow->flow;
    weir__spill_place place = place_of(dataflow);
    for (unsigned w = 0; flow->outboxes && w < flow->workers; w++)
        weir__spill_fini(&flow->outboxes[w], &place);
    weir_free(flow->outboxes, flow->workers * sizeof *flow->outboxes);
    weir_free(flow->sent, flow->workers * sizeof *flow->sent);
    weir_free(flow->seen, flow->workers * sizeof *flow->seen);
    weir_free(flow->owed, flow->workers * sizeof *flow->owed);
    weir_free(flow->withheld, flow->workers * sizeof *flow->withheld);
}

/* ---- who is charged with what ---- */

static uint64_t *returned(const weir__flow *flow, unsigned from, unsigned to)
{
    return &flow->credits->returned[(size_t)to * flow->credits->stride + from];
}

static void set_total(weir__flow *flow, int64_t total)
{
    __atomic_store_n(&flow->total, total, __ATOMIC_RELAXED);
    if (total > flow->peak)
        __atomic_store_n(&flow->peak, total, __ATOMIC_RELAXED);
}

static void charge(weir__flow *flow, unsigned to, weir_batch *batch)
{
    batch->mail_from = flow->self;
    flow->sent[to] += (int64_t)batch->bytes;
    set_total(flow, flow->total + (int64_t)batch->bytes);
}

/* Looks at what the others have returned. In one order with what they do (give_back): who was told
 * to wake us has returned before, or we see it here. */
static void refresh(weir__flow *flow)
{
    int64_t back = 0;
    for (unsigned w = 0; w < flow->workers; w++) {
        if (w == flow->self || flow->sent[w] == 0)
            continue;
        uint64_t now = __atomic_load_n(returned(flow, flow->self, w), __ATOMIC_SEQ_CST);
        int64_t bytes = (int64_t)(now - flow->seen[w]);
        flow->sent[w] -= bytes;
        __atomic_store_n(&flow->seen[w], now, __ATOMIC_RELAXED);
        back += bytes;
    }
    if (back)
        set_total(flow, flow->total - back);
}

int64_t weir__flow_in_flight(const weir__flow *flow)
{
    int64_t bytes = __atomic_load_n(&flow->total, __ATOMIC_RELAXED) +
                    __atomic_load_n(&flow->beside, __ATOMIC_RELAXED);
    for (unsigned w = 0; w < flow->workers; w++)
        if (w != flow->self)
            bytes -= (int64_t)(__atomic_load_n(returned(flow, flow->self, w), __ATOMIC_RELAXED) -
                               __atomic_load_n(&flow->seen[w], __ATOMIC_RELAXED));
    return bytes;
}

bool weir__flow_has_news(const weir__flow *flow)
{
    for (unsigned w = 0; flow->waits && w < flow->workers; w++)
        if (w != flow->self && flow->sent[w] &&
            __atomic_load_n(returned(flow, flow->self, w), __ATOMIC_SEQ_CST) != flow->seen[w])
            return true;
    return false;
}

/* Whether so many bytes more may be under way to a worker. One of many receivers may have two
 * thirds of the share at most, two of them two fifths each, and so on: whoever is slow leaves room
 * for the others. While there is only a quarter, the next one may go however large it is: more than
 * that can lie at rest nowhere (weir__flow_rest), so this always comes about. */
static bool admits(weir__flow *flow, unsigned to, int64_t bytes)
{
    if (WEIR_LIKELY(flow->total + bytes <= flow->share / 2))
        return true;
    refresh(flow);
    int64_t room = flow->share - flow->total;
    return flow->total <= flow->share / 4 || (bytes <= room && flow->sent[to] + bytes <= 2 * room);
}

/* Sources stop at half of the share, which leaves the other half to what is made of theirs. What
 * went to files counts as well: memory is not to be saved by filling a disk. */
bool weir__flow_has_room(weir__flow *flow)
{
    int64_t most = flow->share / 2 - (int64_t)flow->spilled - flow->beside;
    if (flow->total < most)
        return true;
    refresh(flow);
    return flow->total < most || (flow->total == 0 && flow->spilled == 0 && flow->beside == 0);
}

static void give_back(weir__flow *flow, unsigned from, size_t bytes)
{
    if (from == flow->self) {
        flow->sent[from] -= (int64_t)bytes;
        set_total(flow, flow->total - (int64_t)bytes);
    } else {
        flow->owed[from] += (int64_t)bytes;
        flow->owes = true;
    }
}

void weir__flow_consumed(weir__flow *flow, const weir_batch *batch)
{
    give_back(flow, batch->mail_from, batch->bytes);
}

/* ---- what was sent by reference ---- */

void weir__flow_referred(weir__flow *flow, const weir_batch *batch, int64_t beside)
{
    if (beside <= flow->share / 8) {
        weir__flow_consumed(flow, batch);
        return;
    }
    flow->withheld[batch->mail_from] += (int64_t)batch->bytes;
    flow->withholds = true;
}

static void give_withheld(weir__flow *flow)
{
    for (unsigned w = 0; w < flow->workers && flow->withholds; w++)
        if (flow->withheld[w] > 0) {
            give_back(flow, w, (size_t)flow->withheld[w]);
            flow->withheld[w] = 0;
        }
    flow->withholds = false;
}

void weir__flow_beside(weir__flow *flow, int64_t before, int64_t now)
{
    __atomic_store_n(&flow->beside, flow->beside + now - before, __ATOMIC_RELAXED);
    if (flow->withholds && flow->beside <= flow->share / 8)
        give_withheld(flow);
}

/* ---- credits ---- */

void weir__flow_return(weir__dataflow *dataflow)
{
    weir__flow *flow = &dataflow->flow;
    if (!flow->owes)
        return;
    flow->owes = false;
    for (unsigned w = 0; w < flow->workers; w++) {
        if (flow->owed[w] == 0)
            continue;
        uint64_t *counter = returned(flow, w, flow->self);
        flow->owed[w] += WEIR_PLANTED(CREDITS_TWICE) ? flow->owed[w] : 0;
        __atomic_store_n(counter, *counter + (uint64_t)flow->owed[w], __ATOMIC_SEQ_CST);
        flow->owed[w] = 0;
        weir__context *context = dataflow->context;
        if (!weir__context_is_local(context, w))
            weir__cluster_owe(context->cluster, dataflow);
        else if (__atomic_load_n(&flow->credits->waits[w], __ATOMIC_SEQ_CST))
            weir__context_notify(context, w - context->first);
    }
}

void weir__flow_credit(weir__dataflow *dataflow, unsigned from, unsigned to, uint64_t bytes)
{
    weir__flow *flow = &dataflow->flow;
    weir__context *context = dataflow->context;
    uint64_t *counter = returned(flow, to, from);
    __atomic_store_n(counter, *counter + bytes, __ATOMIC_SEQ_CST);
    if (to != flow->self && __atomic_load_n(&flow->credits->waits[to], __ATOMIC_SEQ_CST))
        weir__context_notify(context, to - context->first);
}

uint64_t weir__flow_to_tell(weir__dataflow *dataflow, unsigned from, unsigned to)
{
    const weir__flow *flow = &dataflow->flow;
    uint64_t now = __atomic_load_n(returned(flow, to, from), __ATOMIC_ACQUIRE);
    uint64_t *told = &dataflow->credits_told[(size_t)to * flow->workers + from];
    uint64_t bytes = now - *told;
    *told = now;
    return bytes;
}

/* ---- files ---- */

static weir__queue *queue_of(weir__dataflow *dataflow, uint32_t port, weir__node_instance **node)
{
    weir_node *description = dataflow->graph->input_owner[port];
    *node = &dataflow->nodes[description->id];
    return &(*node)->step.queues[port - description->first_input];
}

static bool is_input(const weir__dataflow *dataflow, uint32_t port)
{
    return port < dataflow->graph->port_count && dataflow->graph->input_owner[port];
}

/* port: UINT32_MAX if it is not known. */
static void fail(weir__dataflow *dataflow, uint32_t port, const weir_error *error)
{
    weir__context *context = dataflow->context;
    if (context->failed)
        return;
    context->failed = true;
    context->error = *error;
    if (is_input(dataflow, port))
        weir_error_detail(&context->error, "in what waits for operator '%s' on worker %u",
                          dataflow->graph->input_owner[port]->name, context->self);
    else
        weir_error_detail(&context->error, "in what waits for credits on worker %u", context->self);
}

/* The head of the first batch; what it says is not covered by a checksum that is looked at before
 * the whole batch is read. */
static bool next_of(weir__dataflow *dataflow, weir__spill *spill, uint32_t *port, uint64_t *size)
{
    weir__spill_place place = place_of(dataflow);
    weir_error error = { 0 };
    *port = UINT32_MAX;
    weir_status status = weir__spill_next(spill, &place, port, size, &error);
    if (status == WEIR_OK && !is_input(dataflow, *port))
        status = weir__spill_damaged(&place, "a batch for a place that there is not", &error);
    if (status != WEIR_OK)
        fail(dataflow, UINT32_MAX, &error);
    return status == WEIR_OK;
}

static void log_spilling(weir__dataflow *dataflow, uint32_t port)
{
    weir__flow *flow = &dataflow->flow;
    uint64_t now = dataflow->context->now_ns;
    if (flow->spilled || (flow->log_ns && now < flow->log_ns + LOG_NS))
        return;
    flow->log_ns = now;
    weir_log(WEIR_LOG_INFO, "worker %u: the budget is used up: some of what waits for operator "
             "'%s' goes to files in %s", flow->self, dataflow->graph->input_owner[port]->name,
             dataflow->context->spill_dir);
}

/* Into a spill, on behalf of an input; the reference is taken. Nothing is done any more in a run
 * that has failed: what it cannot keep is dropped. */
static bool put(weir__dataflow *dataflow, weir__spill *spill, uint32_t port, weir_batch *batch)
{
    weir__flow *flow = &dataflow->flow;
    weir__node_instance *node;
    weir__queue *queue = queue_of(dataflow, port, &node);
    weir__spill_place place = place_of(dataflow);
    weir_error error = { 0 };
    uint64_t before = spill->bytes;
    bool done = false;
    if (!dataflow->context->failed) {
        log_spilling(dataflow, port);
        done = weir__spill_put(spill, &place, batch, port, &error) == WEIR_OK;
        if (!done)
            fail(dataflow, port, &error);
    }
    uint64_t bytes = spill->bytes - before;
    count(&flow->spilled, bytes);
    count(&flow->spilled_ever, bytes);
    count(&queue->spilled_waiting, bytes);
    count(&queue->spilled_ever, bytes);
    weir_batch_release(batch);
    return done;
}

/* Out of a spill and charged, on its way to a worker; NULL if the run has failed. */
static weir_batch *get(weir__dataflow *dataflow, weir__spill *spill, uint32_t port, unsigned to)
{
    weir__flow *flow = &dataflow->flow;
    weir__node_instance *node;
    weir__queue *queue = queue_of(dataflow, port, &node);
    const weir_node *description = node->step.node;
    weir__spill_place place = place_of(dataflow);
    weir_error error = { 0 };
    weir_batch *batch;
    uint64_t before = spill->bytes;
    const weir__batch_shape shape = {
        .type = description->spec.inputs[port - description->first_input].type,
        .depth = description->depth };
    if (weir__spill_take(spill, &place, &shape, &batch, &error) != WEIR_OK) {
        fail(dataflow, port, &error);
        return NULL;
    }
    count(&flow->spilled, spill->bytes - before);
    count(&queue->spilled_waiting, spill->bytes - before);
    charge(flow, to, batch);
    return batch;
}

/* ---- queues ---- */

static bool has_tail(const weir__queue *queue) { return queue->spill && queue->spill->batches; }

static void show(weir__queue *queue)
{
    uint64_t batches = queue->count + (queue->spill ? queue->spill->batches : 0);
    __atomic_store_n(&queue->batches_waiting, batches, __ATOMIC_RELAXED);
}

static void make_place(weir__queue *queue)
{
    if (queue->count < queue->capacity)
        return;
    uint32_t old = queue->capacity, capacity = old ? old * 2 : 8;
    weir_batch **ring = weir_alloc_must(capacity * sizeof(weir_batch *));
    for (uint32_t i = 0; i < queue->count; i++)
        ring[i] = queue->ring[(queue->head + i) & (old - 1)];
    weir_free(queue->ring, old * sizeof(weir_batch *));
    queue->ring = ring;
    queue->capacity = capacity;
    queue->head = 0;
}

static void enqueue(weir__flow *flow, weir__queue *queue, weir_batch *batch)
{
    make_place(queue);
    queue->ring[(queue->head + queue->count++) & (queue->capacity - 1)] = batch;
    flow->queued += (int64_t)batch->bytes;
    count(&queue->bytes_waiting, batch->bytes);
    show(queue);
}

static weir_batch *dequeue(weir__flow *flow, weir__queue *queue, uint32_t at)
{
    weir_batch *batch = queue->ring[(queue->head + at) & (queue->capacity - 1)];
    flow->queued -= (int64_t)batch->bytes;
    count(&queue->bytes_waiting, -batch->bytes);
    return batch;
}

/* The end of the queue is in its file, from this batch on. */
static void put_tail(weir__dataflow *dataflow, weir__queue *queue, uint32_t port,
                     weir_batch *batch)
{
    if (!queue->spill)
        queue->spill = memset(weir_alloc_must(sizeof *queue->spill), 0, sizeof *queue->spill);
    put(dataflow, queue->spill, port, batch);
    show(queue);
}

weir_batch *weir__flow_take(weir__dataflow *dataflow, uint32_t port, weir__queue *queue)
{
    weir_batch *batch = NULL;
    if (WEIR_LIKELY(queue->count)) {
        batch = dequeue(&dataflow->flow, queue, 0);
        queue->head = (queue->head + 1) & (queue->capacity - 1);
        queue->count--;
    } else if (has_tail(queue)) {
        batch = get(dataflow, queue->spill, port, dataflow->flow.self);
    }
    show(queue);
    return batch;
}

void weir__flow_put_back(weir__dataflow *dataflow, weir__queue *queue, weir_batch *batch)
{
    make_place(queue);
    queue->head = (queue->head - 1) & (queue->capacity - 1);
    queue->ring[queue->head] = batch;
    queue->count++;
    dataflow->flow.queued += (int64_t)batch->bytes;
    count(&queue->bytes_waiting, batch->bytes);
    show(queue);
}

void weir__queue_fini(weir__dataflow *dataflow, weir__queue *queue)
{
    weir__spill_place place = place_of(dataflow);
    for (uint32_t i = 0; i < queue->count; i++)
        weir_batch_release(queue->ring[(queue->head + i) & (queue->capacity - 1)]);
    weir_free(queue->ring, queue->capacity * sizeof(weir_batch *));
    if (queue->spill)
        weir__spill_fini(queue->spill, &place);
    weir_free(queue->spill, sizeof *queue->spill);
}

/* Nobody is about to take these: their senders get their credits back. */
static void spill_all(weir__dataflow *dataflow, weir__queue *queue, uint32_t port)
{
    weir__spill front = { 0 }, *tail = queue->spill;
    bool is_front = has_tail(queue);
    if (is_front)
        queue->spill = &front;
    for (uint32_t i = 0; i < queue->count; i++) {
        weir_batch *batch = dequeue(&dataflow->flow, queue, i);
        weir__flow_consumed(&dataflow->flow, batch);
        put_tail(dataflow, queue, port, batch);
    }
    queue->count = 0;
    if (is_front) {
        queue->spill = tail;
        weir__spill_prepend(tail, &front);
    }
    show(queue);
}

/* ---- sending ---- */

/* To another process by way of this one's first worker. */
static void mail(weir__dataflow *dataflow, unsigned to, uint32_t port, weir_batch *batch)
{
    weir__context *context = dataflow->context;
    batch->mail_dataflow = dataflow->graph->id;
    batch->mail_port = port;
    batch->mail_to = to;
    bool local = weir__context_is_local(context, to);
    if (!local && context->local == 0) {
        weir__cluster_send(context->cluster, batch);
        return;
    }
    weir__letter_send(context, local ? to - context->first : 0, batch);
}

/* What there are no credits for waits in a file, and everything to that worker behind it. */
static void put_outbox(weir__dataflow *dataflow, unsigned to, uint32_t port, weir_batch *batch)
{
    weir__flow *flow = &dataflow->flow;
    size_t size = flow->workers * sizeof *flow->outboxes;
    if (!flow->outboxes)
        flow->outboxes = memset(weir_alloc_must(size), 0, size);
    weir__spill *outbox = &flow->outboxes[to];
    bool was_empty = outbox->batches == 0;
    if (put(dataflow, outbox, port, batch) && was_empty)
        flow->outbox_count++;
}

void weir__flow_send(weir__dataflow *dataflow, unsigned to, uint32_t port, weir_batch *batch)
{
    weir__flow *flow = &dataflow->flow;
    if (WEIR_UNLIKELY(flow->total + (int64_t)batch->bytes > flow->share / 2)) /* it will wait */
        batch = weir__batch_without_waste(batch, dataflow->context->pool);
    int64_t bytes = (int64_t)batch->bytes;
    if (to == flow->self) {
        weir__node_instance *node;
        weir__queue *queue = queue_of(dataflow, port, &node);
        if (WEIR_LIKELY(!has_tail(queue) && admits(flow, to, bytes))) {
            charge(flow, to, batch);
            enqueue(flow, queue, batch);
        } else {
            put_tail(dataflow, queue, port, batch);
        }
        weir__node_activate(node);
    } else if (WEIR_LIKELY(!(flow->outbox_count && flow->outboxes[to].batches) &&
                           admits(flow, to, bytes))) {
        charge(flow, to, batch);
        mail(dataflow, to, port, batch);
    } else {
        put_outbox(dataflow, to, port, batch);
    }
}

void weir__flow_receive(weir__dataflow *dataflow, uint32_t port, weir_batch *batch)
{
    if (WEIR_UNLIKELY(dataflow->discards)) {
        weir__dataflow_discard_batch(dataflow, port, batch);
        return;
    }
    weir__node_instance *node;
    weir__queue *queue = queue_of(dataflow, port, &node);
    if (WEIR_LIKELY(!has_tail(queue))) {
        enqueue(&dataflow->flow, queue, batch);
    } else {
        weir__flow_consumed(&dataflow->flow, batch);
        put_tail(dataflow, queue, port, batch);
    }
    weir__node_activate(node);
}

/* Sends from one outbox as far as there are credits; how many bytes. */
static uint64_t pump_one(weir__dataflow *dataflow, unsigned to, uint64_t most)
{
    weir__flow *flow = &dataflow->flow;
    weir__spill *outbox = &flow->outboxes[to];
    uint64_t moved = 0;
    while (outbox->batches && moved < most && !dataflow->context->failed) {
        uint32_t port;
        uint64_t size;
        if (!next_of(dataflow, outbox, &port, &size))
            break;
        /* buffers are powers of two, and have a least size */
        if (!admits(flow, to, (int64_t)(2 * size) + 4096))
            break;
        weir_batch *batch = get(dataflow, outbox, port, to);
        if (!batch)
            break;
        moved += size;
        mail(dataflow, to, port, batch);
    }
    if (outbox->batches == 0)
        flow->outbox_count--;
    return moved;
}

bool weir__flow_pump(weir__dataflow *dataflow)
{
    weir__flow *flow = &dataflow->flow;
    uint64_t moved = 0;
    for (unsigned w = 0; flow->outbox_count && w < flow->workers && moved < PUMP_BYTES; w++)
        if (flow->outboxes[w].batches)
            moved += pump_one(dataflow, w, PUMP_BYTES / flow->workers + 1);
    return moved > 0;
}

void weir__flow_rest(weir__dataflow *dataflow)
{
    weir__flow *flow = &dataflow->flow;
    if (flow->queued > flow->share / (4 * (int64_t)flow->workers)) {
        for (uint32_t i = 0; i < dataflow->graph->nodes.count; i++) {
            weir_step *step = &dataflow->nodes[i].step;
            for (unsigned k = 0; k < step->node->spec.input_count; k++)
                spill_all(dataflow, &step->queues[k], step->node->first_input + k);
        }
    }
    give_withheld(flow); /* whoever has not taken it is not about to */
    weir__flow_return(dataflow);
    bool waits = dataflow->waiting_count || flow->outbox_count;
    if (waits != flow->waits && flow->workers > 1) {
        flow->waits = waits;
        __atomic_store_n(&flow->credits->waits[flow->self], waits, __ATOMIC_SEQ_CST);
    }
}

/* ---- removal ---- */

void weir__flow_discard(weir__dataflow *dataflow, uint32_t port, weir_batch *batch)
{
    weir__dataflow_change(dataflow, port, &batch->time, -1);
    weir__flow_consumed(&dataflow->flow, batch);
    weir_batch_release(batch);
}

/* Of what is in files only the times are read. */
static void discard_spill(weir__dataflow *dataflow, weir__spill *spill)
{
    weir__spill_place place = place_of(dataflow);
    while (spill->batches) {
        uint32_t port;
        uint64_t size, before = spill->bytes;
        weir_time time;
        if (!next_of(dataflow, spill, &port, &size))
            return;
        weir__spill_skip(spill, &place, &time);
        weir__node_instance *node;
        weir__queue *queue = queue_of(dataflow, port, &node);
        count(&dataflow->flow.spilled, spill->bytes - before);
        count(&queue->spilled_waiting, spill->bytes - before);
        weir__dataflow_change(dataflow, port, &time, -1);
    }
}

void weir__flow_discard_queue(weir__dataflow *dataflow, uint32_t port, weir__queue *queue)
{
    for (uint32_t i = 0; i < queue->count; i++)
        weir__flow_discard(dataflow, port, dequeue(&dataflow->flow, queue, i));
    queue->count = 0;
    if (queue->spill)
        discard_spill(dataflow, queue->spill);
    show(queue);
}

void weir__flow_discard_outboxes(weir__dataflow *dataflow)
{
    weir__flow *flow = &dataflow->flow;
    for (unsigned w = 0; flow->outboxes && w < flow->workers; w++)
        discard_spill(dataflow, &flow->outboxes[w]);
    flow->outbox_count = 0;
}
