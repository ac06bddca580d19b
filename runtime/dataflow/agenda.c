/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the lists of dataflows that have something to do, now or later.
 */
#include "dataflow/agenda.h"

#include "base/planted.h"
#include "dataflow/instance.h"

void weir__agenda_init(weir__agenda *agenda)
{
    *agenda = (weir__agenda){ .due_ns = UINT64_MAX, .follow_ns = UINT64_MAX };
    agenda->ready_end = &agenda->ready;
    agenda->idle_end = &agenda->idle;
}

void weir__agenda_add(weir__dataflow *dataflow)
{
    weir__agenda *agenda = &dataflow->context->agenda;
    dataflow->item = (weir__agenda_item){ .due_ns = UINT64_MAX };
    agenda->incomplete++;
    if (dataflow->clocked_count) {
        dataflow->item.next_clocked = agenda->clocked;
        agenda->clocked = dataflow;
    }
    weir__dataflow_ready(dataflow);
}

void weir__agenda_remove(weir__dataflow *dataflow)
{
    weir__agenda *agenda = &dataflow->context->agenda;
    weir__agenda_item *item = &dataflow->item;
    if (!dataflow->complete)
        agenda->incomplete--;
    if (item->is_timed) {
        weir__dataflow **at = &agenda->timed;
        while (*at != dataflow)
            at = &(*at)->item.next_timed;
        *at = item->next_timed;
    }
    if (item->is_ready) {
        weir__dataflow **at = &agenda->ready;
        while (*at != dataflow)
            at = &(*at)->item.next_ready;
        *at = item->next_ready;
        if (!*at)
            agenda->ready_end = at;
    }
    if (item->is_idle) {
        weir__dataflow **at = &agenda->idle;
        while (*at != dataflow)
            at = &(*at)->item.next_idle;
        *at = item->next_idle;
        if (!*at)
            agenda->idle_end = at;
    }
    if (dataflow->clocked_count) {
        weir__dataflow **at = &agenda->clocked;
        while (*at != dataflow)
            at = &(*at)->item.next_clocked;
        *at = item->next_clocked;
    }
}

weir__dataflow *weir__agenda_take(weir__agenda *agenda)
{
    weir__dataflow *first = agenda->ready;
    agenda->ready = NULL;
    agenda->ready_end = &agenda->ready;
    return first;
}

void weir__agenda_add_idle(weir__dataflow *dataflow)
{
    weir__agenda *agenda = &dataflow->context->agenda;
    if (dataflow->item.is_idle)
        return;
    dataflow->item.is_idle = true;
    dataflow->item.next_idle = NULL;
    *agenda->idle_end = dataflow;
    agenda->idle_end = &dataflow->item.next_idle;
}

/* Each dataflow in turn, and each of its nodes. */
bool weir__agenda_use_idle(weir__agenda *agenda)
{
    weir__dataflow *dataflow = agenda->idle;
    if (!dataflow)
        return false;
    agenda->idle = dataflow->item.next_idle;
    if (!agenda->idle)
        agenda->idle_end = &agenda->idle;
    dataflow->item.is_idle = false;
    weir__node_activate_idle(dataflow);
    if (dataflow->idle_count)
        weir__agenda_add_idle(dataflow);
    return true;
}

bool weir__agenda_is_active(const weir__agenda *agenda)
{
    for (const weir__dataflow *d = agenda->ready; d; d = d->item.next_ready)
        if (d->active_count)
            return true;
    return false;
}

/* Those that wait for credits are all in the list. */
bool weir__agenda_has_credits(const weir__agenda *agenda)
{
    for (const weir__dataflow *d = agenda->ready; d; d = d->item.next_ready)
        if (weir__flow_has_news(&d->flow))
            return true;
    return false;
}

/* ---- moments ---- */

/* The earliest moment of those that wait for one; those whose moment is at or before `now` become
 * ready. */
static void look(weir__agenda *agenda, uint64_t now)
{
    agenda->due_ns = UINT64_MAX;
    agenda->due_is_old = false;
    for (weir__dataflow **at = &agenda->timed, *d; (d = *at);) {
        if (d->item.due_ns <= now || d->item.due_ns == UINT64_MAX) {
            *at = d->item.next_timed;
            d->item.is_timed = false;
            if (d->item.due_ns <= now)
                weir__dataflow_ready(d);
            d->item.due_ns = UINT64_MAX; /* it may wait for the same moment again */
            continue;
        }
        if (d->item.due_ns < agenda->due_ns ||
            (agenda->due_ns != UINT64_MAX && WEIR_PLANTED(DUE_OF_LAST)))
            agenda->due_ns = d->item.due_ns;
        at = &d->item.next_timed;
    }
}

/* Who is idle follows what others have heard of: all at once, and a tick after the first of them
 * has heard, so that a busy dataflow costs the idle ones little. */
static void follow(weir__context *context)
{
    weir__agenda *agenda = &context->agenda;
    agenda->follow_ns = UINT64_MAX;
    agenda->epoch_followed = context->epoch_heard;
    for (weir__dataflow *d = agenda->clocked; d; d = d->item.next_clocked)
        if (d->epoch_heard < context->epoch_heard) {
            d->epoch_heard = context->epoch_heard;
            weir__dataflow_ready(d);
        }
}

void weir__agenda_wake(weir__context *context)
{
    weir__agenda *agenda = &context->agenda;
    if (agenda->due_ns <= context->now_ns)
        look(agenda, context->now_ns);
    if (agenda->follow_ns <= context->now_ns)
        follow(context);
}

void weir__agenda_note_epoch(weir__context *context)
{
    weir__agenda *agenda = &context->agenda;
    if (agenda->follow_ns == UINT64_MAX && agenda->epoch_followed < context->epoch_heard &&
        agenda->clocked && agenda->clocked->item.next_clocked)
        agenda->follow_ns = context->now_ns + context->tick_ns;
}

uint64_t weir__agenda_due_ns(weir__context *context)
{
    weir__agenda *agenda = &context->agenda;
    if (agenda->due_is_old)
        look(agenda, 0);
    return agenda->due_ns < agenda->follow_ns ? agenda->due_ns : agenda->follow_ns;
}

void weir__dataflow_rest(weir__dataflow *dataflow)
{
    weir__agenda *agenda = &dataflow->context->agenda;
    weir__agenda_item *item = &dataflow->item;
    if (dataflow->active_count || dataflow->waiting_count || dataflow->touched ||
        dataflow->flow.outbox_count)
        weir__dataflow_ready(dataflow);
    uint64_t due = dataflow->next_due_ns;
    if (dataflow->clocked_count) {
        uint64_t clock = weir__clock_due_ns(dataflow);
        due = clock < due ? clock : due;
    }
    if (due == item->due_ns)
        return;
    if (item->is_timed && item->due_ns == agenda->due_ns && due > item->due_ns)
        agenda->due_is_old = true;
    item->due_ns = due;
    if (due != UINT64_MAX && !item->is_timed) {
        item->is_timed = true;
        item->next_timed = agenda->timed;
        agenda->timed = dataflow;
    } /* one without a moment leaves the list when that is next looked through */
    if (due < agenda->due_ns)
        agenda->due_ns = due;
}
