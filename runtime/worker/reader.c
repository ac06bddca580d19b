/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of events: a queue each, which does not grow beyond what was asked for.
 */
#include <string.h>

#include "base/assert.h"
#include "dataflow/hooks.h"
#include "worker/event.h"

enum { MOST = 65536 };

static bool wants(const weir_event_reader *reader, uint32_t kind)
{
    return reader->kinds == 0 || (reader->kinds >> kind & 1);
}

static bool grow(weir_event_reader *r)
{
    uint32_t old = r->capacity, capacity = old ? old * 2 : 256;
    weir__event *queue = weir_alloc((size_t)capacity * sizeof *queue);
    if (!queue)
        return false;
    for (uint32_t i = 0; i < r->count; i++)
        queue[i] = r->queue[(r->head + i) & (old - 1)];
    weir_free(r->queue, old * sizeof *queue);
    r->queue = queue;
    r->capacity = capacity;
    r->head = 0;
    return true;
}

/* 1 + the text's place, or 0 if there is none, or no room. */
static uint64_t keep_text(weir_event_reader *r, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    if (size == 0)
        return 0;
    if (r->texts_used + size > r->texts_size) {
        size_t larger = (r->texts_used + size) * 2;
        char *texts = weir_realloc(r->texts, r->texts_size, larger);
        if (!texts)
            return 0;
        r->texts = texts;
        r->texts_size = larger;
    }
    memcpy(r->texts + r->texts_used, text, size);
    r->texts_used += size;
    return r->texts_used - size + 1;
}

void weir__reader_wake(weir_event_reader *reader)
{
    weir__node_activate(reader->node);
}

void weir__reader_put(weir_event_reader *r, const weir__event *event, const char *text)
{
    if (!wants(r, event->kind))
        return;
    if (r->count >= r->most || (r->count == r->capacity && !grow(r))) {
        r->lost++;
        return;
    }
    weir__event *kept = &r->queue[(r->head + r->count++) & (r->capacity - 1)];
    *kept = *event;
    kept->mark = keep_text(r, text);
    if (event->kind != WEIR_EVENT_PARK && event->kind != WEIR_EVENT_UNPARK)
        weir__reader_wake(r); /* sleeps wait for company: reading them makes the next ones */
}

void weir__reader_put_each(weir_worker *worker, weir_event_reader *reader, weir__event *event,
                           const char *text)
{
    if (reader)
        weir__reader_put(reader, event, text);
    else
        weir__event_put(worker, event, text);
}

weir_event_reader *weir_event_reader_open(weir_step *step, uint32_t kinds, uint32_t most)
{
    weir_worker *worker = (weir_worker *)step->context;
    WEIR_ASSERT(step->node->spec.watches, "operator '%s' reads events, and its description does "
                "not say that it watches", step->node->name);
    weir_event_reader *r = weir_alloc_zero(sizeof *r);
    if (!r)
        return NULL;
    r->worker = worker;
    r->node = (weir__node_instance *)step;
    r->kinds = kinds;
    r->most = most ? most : MOST;
    r->next = worker->events.readers;
    for (weir__dataflow *dataflow = worker->first; dataflow; dataflow = dataflow->next)
        if (dataflow->started)
            weir__event_describe(dataflow, r);
    worker->events.readers = r;
    __atomic_fetch_or(&worker->context.hooks, WEIR__HOOK_READERS, __ATOMIC_RELAXED);
    return r;
}

void weir_event_reader_close(weir_event_reader *r)
{
    if (!r)
        return;
    weir_worker *worker = r->worker;
    weir_event_reader **at = &worker->events.readers;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (!worker->events.readers && !worker->events.ring_all)
        __atomic_fetch_and(&worker->context.hooks, ~(uint32_t)WEIR__HOOK_READERS, __ATOMIC_RELAXED);
    weir_free(r->queue, r->capacity * sizeof *r->queue);
    weir_free(r->texts, r->texts_size);
    weir_free(r, sizeof *r);
}

bool weir_event_reader_over(const weir_event_reader *r)
{
    for (const weir__dataflow *d = r->worker->first; d; d = d->next)
        if (!d->graph->watches && !d->complete)
            return false;
    return r->count == 0 && r->lost == 0;
}

bool weir_event_reader_take(weir_event_reader *r, weir_event *event)
{
    if (r->count == 0 && r->lost == 0)
        return false;
    if (r->count == 0) {
        weir__event_unpack(&(weir__event){ .kind = WEIR_EVENT_LOST, .records = r->lost,
                                           .at_ns = r->worker->context.now_ns }, event);
        r->lost = 0;
    } else {
        const weir__event *from = &r->queue[r->head];
        weir__event_unpack(from, event);
        if (from->mark)
            event->name = weir_str_of(r->texts + from->mark - 1);
        r->head = (r->head + 1) & (r->capacity - 1);
        if (--r->count == 0)
            r->texts_used = 0; /* what was taken is still there */
    }
    event->worker = r->worker->context.self;
    return true;
}
