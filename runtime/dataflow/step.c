/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of a node's function, and what the function may do: take, send, ask, be called again.
 * Capabilities are in capability.c.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "dataflow/hooks.h"

static inline void count(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

void weir__node_consume_current(weir_step *step)
{
    weir_batch *batch = step->current;
    if (!batch)
        return;
    step->current = NULL;
    weir__dataflow *dataflow = step->dataflow;
    weir__dataflow_change(dataflow, step->node->first_input + step->current_input, &batch->time,
                          -1);
    weir__flow_referred(&dataflow->flow, batch, step->beside);
    weir_batch_release(batch);
}

static void fail_beyond(weir_step *step)
{
    char text[256];
    weir__dataflow_fail(step->dataflow, step->node->name, WEIR_OVERFLOWED,
                        weir__beyond(step->node->name, text, sizeof text));
}

static void finish_step(weir_step *step)
{
    weir__node_consume_current(step);
    for (unsigned o = 0; step->opened && o < step->node->spec.output_count; o++) {
        weir__output_instance *output = &step->outputs[o];
        if (output->open) {
            output->open = false;
            weir__builder_unfollow(&output->builder);
            weir__builder_flush(&output->builder);
            if (WEIR_UNLIKELY(output->builder.b.is_beyond))
                fail_beyond(step);
        }
    }
    step->opened = false;
    while (step->dirty && !WEIR_PLANTED(LATE_FLUSH)) {
        weir__leaf *leaf = step->dirty;
        step->dirty = leaf->dirty_next;
        weir__leaf_flush(leaf);
    }
    if (WEIR_PLANTED(LATE_FLUSH) && step->dirty)
        weir__dataflow_ready(step->dataflow);
}

/* How many steps the measuring of this one stands for, and which one is measured next. */
static uint64_t timed_step(weir_step *step)
{
    uint64_t next = step->steps + 1, stands_for = weir__timed_calls(step->steps);
    while (!step->is_slow && !weir__timed_calls(next))
        next++;
    step->next_timed = next;
    return step->is_slow ? 1 : stands_for;
}

/* What a step may take is bounded by what it has sent, and by what it has read back from a file. */
static bool may_take(const weir_step *step, const weir__queue *queue)
{
    if (step->step_bytes_left == 0)
        return false;
    return queue->count || step->read_bytes < step->context->step_bytes;
}

/* It was told that nothing waits, but something does. */
static bool was_held_back(const weir_step *step)
{
    if (step->step_bytes_left && step->read_bytes < step->context->step_bytes)
        return false;
    for (unsigned k = 0; k < step->node->spec.input_count; k++)
        if (step->queues[k].batches_waiting)
            return true;
    return false;
}

/* What a step reads of the state directory counts as not there where it is damaged: nothing comes
 * of it. */
static void check_state(weir_step *step)
{
    weir__context *context = step->context;
    const weir_error *wrong = __atomic_load_n(context->wrong, __ATOMIC_ACQUIRE);
    if (WEIR_LIKELY(!wrong) || context->failed)
        return;
    weir__dataflow_fail(step->dataflow, step->node->name, wrong->status, wrong->what);
    weir_error_hint(&context->error, "%s", wrong->hint);
}

void weir__node_step(weir__node_instance *node)
{
    weir_step *step = &node->step;
    if (step->finished && step->node->spec.input_count == 0)
        return;
    step->stepping = true;
    step->again = step->when_idle = false;
    step->step_bytes_left = step->context->step_bytes;
    step->read_bytes = 0;
    if (step->waits_for_room) {
        step->waits_for_room = false;
        step->dataflow->waiting_count--;
    }
    weir_env *env = step->context->env;
    uint64_t stands_for = step->steps < step->next_timed ? 0 : timed_step(step);
    uint64_t start_ns = stands_for ? env->now_ns(env->ctx) : 0;
    bool read = weir__hook_step(step);
    step->run(step, step->state);
    finish_step(step);
    weir__dataflow_failed_by_user(step->dataflow, step->node->name);
    if (WEIR_UNLIKELY(step->context->wrong != NULL))
        check_state(step);
    step->stepping = step->is_idle = false;
    count(&step->steps, 1);
    if (stands_for) {
        uint64_t ns = env->now_ns(env->ctx) - start_ns;
        count(&step->step_ns, ns * stands_for);
        weir__hook_timed(step, ns);
    }
    if (WEIR_UNLIKELY(read))
        weir__event_stepped(step);
    if (step->ending)
        weir__node_finish(node);
    if ((step->again || was_held_back(step)) && !step->finished)
        weir__node_activate(node);
    else if (step->when_idle && !step->finished)
        weir__node_wait_for_idle(node);
}

const char *weir_step_name(const weir_step *step) { return step->node->name; }
unsigned weir_step_worker(const weir_step *step) { return step->context->self; }
unsigned weir_step_workers(const weir_step *step) { return step->context->workers; }
uint32_t weir_step_dataflow(const weir_step *step) { return step->dataflow->graph->id; }
uint64_t weir_step_hash_seed(const weir_step *step) { return step->context->hash_seed; }

uint64_t weir_step_now_ns(const weir_step *step)
{
    return step->context->env->now_ns(step->context->env->ctx);
}

int64_t weir_step_wall_us(const weir_step *step)
{
    return step->context->env->wall_us(step->context->env->ctx);
}

uint64_t weir_step_random(const weir_step *step)
{
    return step->context->env->random_u64(step->context->env->ctx);
}

weir_account *weir_step_account(weir_step *step) { return &step->account; }
struct uv_loop_s *weir_step_loop(weir_step *step) { return step->context->loop; }

static void assert_input(const weir_step *step, unsigned input)
{
    WEIR_ASSERT(input < step->node->spec.input_count, "operator '%s' has no input %u",
                step->node->name, input);
}

const weir_batch *weir_step_take(weir_step *step, unsigned input)
{
    assert_input(step, input);
    weir__node_consume_current(step);
    weir__queue *queue = &step->queues[input];
    if (!may_take(step, queue))
        return NULL;
    bool from_file = queue->count == 0;
    weir_batch *batch =
        weir__flow_take(step->dataflow, step->node->first_input + input, queue);
    if (!batch)
        return NULL;
    if (from_file)
        step->read_bytes += batch->bytes;
    count(&step->records_in, batch->count);
    count(&step->batches_in, 1);
    count(&step->bytes_in, batch->bytes);
    step->current = batch;
    step->current_input = input;
    return batch;
}

size_t weir_step_waiting(const weir_step *step, unsigned input)
{
    assert_input(step, input);
    const weir__queue *queue = &step->queues[input];
    return may_take(step, queue) ? queue->batches_waiting : 0;
}

void weir_step_put_back(weir_step *step)
{
    weir_batch *batch = step->current;
    WEIR_ASSERT(batch, "operator '%s': puts back a batch, but has taken none", step->node->name);
    step->current = NULL;
    step->again = true;
    count(&step->records_in, -batch->count);
    count(&step->batches_in, UINT64_MAX);
    count(&step->bytes_in, -batch->bytes);
    weir__flow_put_back(step->dataflow, &step->queues[step->current_input], batch);
}

const weir_frontier *weir_step_frontier(const weir_step *step, unsigned input)
{
    assert_input(step, input);
    const weir_node_input *spec = &step->node->spec.inputs[input];
    WEIR_ASSERT(spec->interest != WEIR_NEVER || spec->settles,
                "operator '%s': asks for the frontier of input %u, in which it declared no "
                "interest", step->node->name, input);
    return weir__tracker_frontier(step->dataflow->tracker, step->node->first_input + input);
}

/* Whether time t may be sent at an output now: from the current batch, or by a capability. */
/* Whether capability i lets it. Who sends at many times goes through them in an order. */
static bool cap_allows(weir_step *step, uint32_t i, unsigned output, const weir_time *t)
{
    if (i >= step->cap_count)
        return false;
    const weir__held_cap *cap = &step->caps[i];
    if (!cap->held || cap->output != output ||
        !weir_time_less_equal(&cap->time, t, step->node->depth))
        return false;
    step->cap_last = i;
    return true;
}

static bool may_send(weir_step *step, unsigned output, const weir_time *t)
{
    unsigned depth = step->node->depth;
    if (step->current) {
        const weir_summary *s = step->node->spec.summaries;
        weir_time from = step->current->time;
        bool reaches = true;
        if (s) {
            s += step->current_input * step->node->spec.output_count + output;
            reaches = s->depth && weir_summary_apply(s, &step->current->time, &from);
        }
        if (reaches && weir_time_less_equal(&from, t, depth))
            return true;
    }
    uint32_t last = step->cap_last;
    for (uint32_t apart = 0; apart < step->cap_count; apart++)
        if (cap_allows(step, last + apart, output, t) || cap_allows(step, last - apart, output, t))
            return true;
    return false;
}

static void assert_may_send(weir_step *step, unsigned output, const weir_time *t)
{
    if (WEIR_LIKELY(may_send(step, output, t)))
        return;
    char time[96];
    WEIR_ASSERT(false, "operator '%s': sends at %s from output %u without a capability",
                step->node->name, weir_time_text(t, step->node->depth, time, sizeof time),
                output);
}

weir_builder *weir_step_output(weir_step *step, unsigned o, const weir_time *t)
{
    WEIR_ASSERT(step->stepping && o < step->node->spec.output_count,
                "operator '%s': output %u asked for outside of its step", step->node->name, o);
    WEIR_ASSERT(t || step->current, "operator '%s': no time given and no current batch",
                step->node->name);
    weir_time time = t ? *t : step->current->time;
    assert_may_send(step, o, &time);
    weir__output_instance *output = &step->outputs[o];
    unsigned tracked = output->builder.b.begin ? output->builder.b.tracked : 0;
    weir__builder_open(&output->builder, &time, tracked);
    output->open = step->opened = true;
    if (step->node->spec.follows_clock)
        weir_step_touch(step);
    return &output->builder.b;
}

/* A batch goes, behind what was emitted before. Takes the reference. */
static void push(weir_step *step, unsigned o, weir_batch *own)
{
    weir__output_instance *output = &step->outputs[o];
    if (output->open)
        weir__builder_flush(&output->builder);
    if (step->node->spec.follows_clock)
        weir_step_touch(step);
    output->sink.push(&output->sink, own);
}

void weir_step_send(weir_step *step, unsigned o, const weir_batch *batch, const weir_time *t)
{
    WEIR_ASSERT(step->stepping && o < step->node->spec.output_count,
                "operator '%s': output %u asked for outside of its step", step->node->name, o);
    weir_time time = t ? *t : batch->time;
    assert_may_send(step, o, &time);
    weir_batch *own = NULL;
    if (weir_time_equal(&time, &batch->time, step->node->depth)) {
        own = weir_batch_retain(batch);
    } else {
        WEIR_ASSERT(!batch->times, "operator '%s': moves a batch of several times",
                    step->node->name);
        own = weir__batch_share(batch);
        own->time = time;
    }
    push(step, o, own);
}

void weir_step_lend(weir_step *step, unsigned o, const weir_lent *lent, const weir_time *t)
{
    const weir_node *node = step->node;
    WEIR_ASSERT(step->stepping && o < node->spec.output_count,
                "operator '%s': output %u asked for outside of its step", node->name, o);
    WEIR_ASSERT(t || step->current, "operator '%s': no time given and no current batch",
                node->name);
    weir_time time = t ? *t : step->current->time;
    assert_may_send(step, o, &time);
    const weir_type *type = node->spec.outputs[o].type;
    WEIR_ASSERT(lent->pin, "operator '%s': lends records without a pin", node->name);
    WEIR_ASSERT(lent->count <= WEIR_LENT_MAX && lent->count * type->size <= WEIR_LENT_MAX,
                "operator '%s': lends %zu records as one batch, which are too many", node->name,
                lent->count);
    weir_batch *own = weir__batch_create(type, node->depth);
    own->records = lent->records;
    own->count = lent->count;
    own->time = time;
    weir_pin_retain(lent->pin);
    weir__batch_add_pin(own, lent->pin);
    weir__batch_charge(own);
    push(step, o, own);
}

void weir_step_again(weir_step *step) { step->again = true; }
void weir_step_when_idle(weir_step *step) { step->when_idle = true; }
bool weir_step_is_idle(const weir_step *step) { return step->is_idle; }

void weir_step_at_ns(weir_step *step, uint64_t when_ns)
{
    if (when_ns < step->due_ns)
        step->due_ns = when_ns;
    if (when_ns < step->dataflow->next_due_ns)
        step->dataflow->next_due_ns = when_ns;
}

bool weir_step_spent(const weir_step *step) { return step->step_bytes_left == 0; }

bool weir_step_full(weir_step *step)
{
    if (weir__flow_has_room(&step->dataflow->flow))
        return false;
    if (!step->waits_for_room) {
        step->waits_for_room = true;
        step->dataflow->waiting_count++;
    }
    return true;
}

size_t weir_step_share(const weir_step *step)
{
    return (size_t)step->dataflow->flow.share;
}

void weir_step_under_way(weir_step *step, size_t bytes)
{
    if (step->beside == (int64_t)bytes)
        return;
    weir__flow_beside(&step->dataflow->flow, step->beside, (int64_t)bytes);
    step->beside = (int64_t)bytes;
}

void weir_step_fail(weir_step *step, weir_status status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    weir__dataflow_fail(step->dataflow, step->node->name, status, text);
}

_Thread_local __attribute__((tls_model("initial-exec"))) weir__failure weir__failed_by_user;

void weir_fail(weir_status status, const char *format, ...)
{
    weir__failure *failure = &weir__failed_by_user;
    if (failure->is_set)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(failure->text, sizeof failure->text, format, args);
    va_end(args);
    WEIR_ASSERT(failure->allowed, "weir_fail is called where no operator has called: %s",
                failure->text);
    failure->status = status == WEIR_OK ? WEIR_FAILED : status;
    failure->is_set = true;
}

_Thread_local weir__context *weir__current_context;

weir_waker *weir_step_waker(weir_step *step) { return &step->waker; }

void weir_wake(weir_waker *waker)
{
    weir__context *context = waker->context;
    if (weir__current_context == context) {
        weir__node_activate(waker->node);
        return;
    }
    if (__atomic_exchange_n(&waker->called, 1, __ATOMIC_ACQ_REL))
        return;
    weir_waker *top = atomic_load_explicit(&context->woken, memory_order_relaxed);
    do {
        waker->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&context->woken, &top, waker,
                                                    memory_order_release, memory_order_relaxed));
    context->env->wake(context->env->ctx, context->local);
}

void weir__wakers_take(weir__context *context)
{
    if (!atomic_load_explicit(&context->woken, memory_order_relaxed))
        return;
    weir_waker *waker = atomic_exchange_explicit(&context->woken, NULL, memory_order_acquire);
    if (WEIR_PLANTED(WAKER_DROPPED))
        waker->next = NULL;
    while (waker) {
        weir_waker *next = waker->next;
        weir__node_activate(waker->node);
        __atomic_store_n(&waker->called, 0, __ATOMIC_RELEASE);
        waker = next;
    }
}
