/* SPDX-License-Identifier: Apache-2.0
 *
 * See timers.h. A binary heap.
 */
#include "timers.h"

#include "planted.h"

void weir__timer_queue_init(weir__timer_queue *queue, weir_account *account)
{
    *queue = (weir__timer_queue){ .account = account };
}

void weir__timer_queue_fini(weir__timer_queue *queue)
{
    weir_free(queue->heap, queue->capacity * sizeof *queue->heap);
    *queue = (weir__timer_queue){ .heap = NULL };
}

static void push(weir__timer_queue *queue, weir__timer timer)
{
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity ? 2 * queue->capacity : 16;
        queue->heap = weir_realloc_must(queue->heap, queue->capacity * sizeof *queue->heap,
                                        capacity * sizeof *queue->heap);
        weir_account_add(queue->account,
                         (int64_t)((capacity - queue->capacity) * sizeof *queue->heap));
        queue->capacity = capacity;
    }
    size_t i = queue->count++;
    for (; i > 0 && queue->heap[(i - 1) / 2].when > timer.when; i = (i - 1) / 2)
        queue->heap[i] = queue->heap[(i - 1) / 2];
    queue->heap[i] = timer;
    timer.entry->queued++;
}

static weir__timer pop(weir__timer_queue *queue)
{
    weir__timer first = queue->heap[0], last = queue->heap[--queue->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < queue->count; i = child) {
        if (child + 1 < queue->count && queue->heap[child + 1].when < queue->heap[child].when)
            child++;
        if (queue->heap[child].when >= last.when)
            break;
        queue->heap[i] = queue->heap[child];
    }
    queue->heap[i] = last;
    first.entry->queued--;
    return first;
}

static int find(const weir__entry *entry, int64_t when)
{
    for (unsigned i = 0; i < entry->timer_count; i++)
        if (entry->timers[i] == when)
            return (int)i;
    return -1;
}

void weir__timer_set(weir__timer_queue *queue, weir__entry *entry, int64_t when)
{
    if (find(entry, when) >= 0)
        return;
    if (entry->timer_count == entry->timer_capacity) {
        uint32_t old = entry->timer_capacity, capacity = old ? 2 * old : 2;
        entry->timers = weir_realloc_must(entry->timers, old * sizeof *entry->timers,
                                          capacity * sizeof *entry->timers);
        weir_account_add(queue->account, (int64_t)((capacity - old) * sizeof *entry->timers));
        entry->timer_capacity = capacity;
    }
    entry->timers[entry->timer_count++] = when;
    push(queue, (weir__timer){ when, entry });
}

static bool unset(weir__entry *entry, int64_t when)
{
    int i = find(entry, when);
    if (i < 0)
        return false;
    entry->timers[i] = entry->timers[--entry->timer_count];
    return true;
}

void weir__timer_cancel(weir__entry *entry, int64_t when)
{
    (void)unset(entry, when);
}

void weir__timer_cancel_all(weir__entry *entry)
{
    entry->timer_count = 0;
}

bool weir__timer_due(weir__timer_queue *queue, int64_t until, weir__timer *timer,
                     weir__blank_fn *blank, void *ctx)
{
    while (queue->count > 0 && queue->heap[0].when <= until) {
        *timer = pop(queue);
        bool is_set = unset(timer->entry, timer->when);
        if (is_set && (timer->entry->timer_count == 0 || !WEIR_PLANTED(TIMER_LOST)))
            return true;
        if (timer->entry->queued == 0)
            blank(timer->entry, ctx);
    }
    return false;
}
