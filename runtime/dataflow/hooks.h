/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the engine says what it does: one line at each place. Counting goes on always, into a line
 * of the cache that is the worker's own; the rest costs a branch on context->hooks, which is 0
 * while nobody listens. What happens then is worker/event.c's and worker/watch.c's.
 *
 * Built with WEIR_NO_EVENTS (CMake: -DWEIR_EVENTS=OFF) the places are empty: to measure them.
 */
#ifndef WEIR_DATAFLOW_HOOKS_H
#define WEIR_DATAFLOW_HOOKS_H

#include "dataflow/instance.h"
#include "event/flight.h"

/* Bits of context->hooks. */
enum {
    WEIR__HOOK_READERS = 1, /* somebody reads every event */
    WEIR__HOOK_ASLEEP = 2,  /* the watch sleeps, and is to be woken by the next step */
    WEIR__HOOK_MARKED = 4   /* the watch has seen the current step for too long */
};

/* worker/event.c */
void weir__event_step(weir_step *step);
void weir__event_stepped(weir_step *step);
void weir__event_timed(weir_step *step, uint64_t ns);
void weir__event_sent(const weir__leaf *leaf, unsigned to, const weir_batch *batch);
void weir__event_received(weir__dataflow *dataflow, const weir_batch *batch);
void weir__event_changes(weir__dataflow *dataflow, uint32_t kind, weir__changes *changes,
                         size_t bytes);
void weir__event_frontier(weir__node_instance *node, uint32_t port);
void weir__event_dataflow(weir__dataflow *dataflow, uint32_t kind);
void weir__event_long_step(weir_step *step, uint64_t ns);
void weir__event_turn(weir__context *context);
void weir__event_park(weir__context *context, uint64_t now_ns);
void weir__event_unpark(weir__context *context, uint64_t now_ns);

#ifdef WEIR_NO_EVENTS
#define WEIR__EVENTS 0
#else
#define WEIR__EVENTS 1
#endif
#define WEIR__HOOKED(context)                                                                      \
    (WEIR__EVENTS && WEIR_UNLIKELY(__atomic_load_n(&(context)->hooks, __ATOMIC_RELAXED)))

static inline void weir__hook_set(uint64_t *word, uint64_t value)
{
    if (WEIR__EVENTS)
        __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* Whether weir__event_stepped is to be called when the step has ended. */
static inline bool weir__hook_step(weir_step *step)
{
    weir__hook_set(&step->context->live->in_step, step->place);
    if (!WEIR__HOOKED(step->context))
        return false;
    weir__event_step(step);
    return true;
}

/* After a pass over the active nodes. */
static inline void weir__hook_pass(weir__dataflow *dataflow, uint64_t steps)
{
    weir__live *live = dataflow->context->live;
    weir__hook_set(&live->in_step, 0);
    weir__hook_set(&live->steps, live->steps + steps);
}

/* One of the steps that are measured. */
static inline void weir__hook_timed(weir_step *step, uint64_t ns)
{
    if (WEIR__EVENTS)
        weir__event_timed(step, ns);
}

static inline void weir__hook_sent(const weir__leaf *leaf, unsigned to, const weir_batch *batch)
{
    weir__live *live = leaf->dataflow->context->live;
    weir__hook_set(&live->sent_batches, live->sent_batches + 1);
    weir__hook_set(&live->sent_bytes, live->sent_bytes + batch->bytes);
    if (WEIR__HOOKED(leaf->dataflow->context))
        weir__event_sent(leaf, to, batch);
}

/* From another worker. */
static inline void weir__hook_received(weir__dataflow *dataflow, const weir_batch *batch)
{
    weir__live *live = dataflow->context->live;
    weir__hook_set(&live->received_batches, live->received_batches + 1);
    if (WEIR__HOOKED(dataflow->context))
        weir__event_received(dataflow, batch);
}

/* kind: WEIR_EVENT_PUBLISHED or _APPLIED. */
static inline void weir__hook_changes(weir__dataflow *dataflow, uint32_t kind,
                                      weir__changes *changes, size_t bytes)
{
    if (WEIR__HOOKED(dataflow->context))
        weir__event_changes(dataflow, kind, changes, bytes);
}

/* So many frontiers have moved. Those that last moved before the moment returned are to be told of,
 * each by weir__event_frontier. */
static inline uint64_t weir__hook_frontiers(weir__dataflow *dataflow, uint32_t count)
{
    weir__context *context = dataflow->context;
    weir__hook_set(&context->live->frontiers, context->live->frontiers + count);
    if (WEIR__HOOKED(context))
        return UINT64_MAX;
    return WEIR__EVENTS && context->now_ns > context->stood_ns ? context->now_ns - context->stood_ns
                                                               : 0;
}

/* kind: WEIR_EVENT_DATAFLOW, _COMPLETE or _REMOVED. Rare. */
static inline void weir__hook_dataflow(weir__dataflow *dataflow, uint32_t kind)
{
    if (WEIR__EVENTS)
        weir__event_dataflow(dataflow, kind);
}

/* When the turn's clock has been read. */
static inline void weir__hook_turn(weir__context *context)
{
    if (WEIR__EVENTS &&
        (WEIR_UNLIKELY(context->now_ns >= context->slot_due_ns) || WEIR__HOOKED(context)))
        weir__event_turn(context);
}

#endif
