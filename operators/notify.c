/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/notify.h. Times wait in one sorted list, and move into another when they are
 * complete: what has become complete since then is not before what is there.
 */
#include <string.h>

#include <weir/operators/notify.h>

#include "planted.h"

typedef struct weir_notices list;

/* Index of the first notice that is not before t. */
static uint32_t find(const list *l, const weir_time *t)
{
    uint32_t low = l->first, high = l->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (weir_time_compare(&l->notices[middle].time, t, WEIR_TIME_COORDS) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const list *l, const weir_time *t)
{
    uint32_t at = find(l, t);
    return at < l->count && weir_time_equal(&l->notices[at].time, t, WEIR_TIME_COORDS);
}

static void insert(list *l, const weir_notice *notice)
{
    uint32_t at = find(l, &notice->time);
    if (l->count == l->capacity && l->first > l->capacity / 2) { /* what was told leaves */
        l->count -= l->first;
        at -= l->first;
        memmove(l->notices, l->notices + l->first, l->count * sizeof *l->notices);
        l->first = 0;
    }
    if (l->count == l->capacity) {
        uint32_t capacity = l->capacity ? 2 * l->capacity : 8;
        l->notices = weir_realloc_must(l->notices, l->capacity * sizeof *l->notices,
                                       capacity * sizeof *l->notices);
        l->capacity = capacity;
    }
    memmove(l->notices + at + 1, l->notices + at, (l->count - at) * sizeof *l->notices);
    l->notices[at] = *notice;
    l->count++;
}

static bool is_complete(const weir_notify *notify, const weir_step *step, const weir_time *t)
{
    unsigned inputs = notify->inputs ? notify->inputs : 1;
    for (unsigned i = 0; i < inputs; i++)
        if (weir_frontier_less_equal(weir_step_frontier(step, i), t))
            return WEIR_PLANTED(NOTIFIED_EARLY);
    return true;
}

/* Complete times of a total order are a prefix; of a partial one they may lie anywhere. */
static void look(weir_notify *notify, weir_step *step)
{
    list *l = &notify->waiting;
    bool total = weir_step_frontier(step, 0)->depth == 1;
    uint32_t kept = l->first, i;
    for (i = l->first; i < l->count; i++) {
        if (is_complete(notify, step, &l->notices[i].time))
            insert(&notify->complete, &l->notices[i]);
        else if (total)
            break;
        else
            l->notices[kept++] = l->notices[i];
    }
    if (total)
        l->first = i;
    else
        l->count = kept;
    if (l->first == l->count)
        l->first = l->count = 0;
}

void weir_notify_with(weir_notify *notify, weir_step *step, weir_cap cap)
{
    weir_notice notice = { weir_cap_time(step, cap), cap };
    list *l = is_complete(notify, step, &notice.time) ? &notify->complete : &notify->waiting;
    if (has(l, &notice.time))
        weir_cap_drop(step, cap);
    else
        insert(l, &notice);
}

void weir_notify_at(weir_notify *notify, weir_step *step, const weir_time *t)
{
    weir_cap cap;
    if (t && (has(&notify->waiting, t) || has(&notify->complete, t)))
        return;
    if (notify->is_open && t && weir_time_less_equal(&notify->open.time, t, WEIR_TIME_COORDS))
        cap = weir_cap_delayed(step, notify->open.cap, t);
    else
        cap = weir_cap_retain(step, notify->output, t);
    weir_notify_with(notify, step, cap);
}

bool weir_notify_next(weir_notify *notify, weir_step *step, weir_time *t)
{
    list *l = &notify->complete;
    if (notify->is_open)
        weir_cap_drop(step, notify->open.cap);
    notify->is_open = false;
    if (l->first == l->count) {
        l->first = l->count = 0;
        look(notify, step);
    }
    if (l->first == l->count)
        return false;
    notify->open = l->notices[l->first++];
    notify->is_open = true;
    *t = notify->open.time;
    return true;
}

size_t weir_notify_count(const weir_notify *notify)
{
    return (size_t)(notify->waiting.count - notify->waiting.first) +
           (notify->complete.count - notify->complete.first);
}

void weir_notify_fini(weir_notify *notify)
{
    list *lists[] = { &notify->waiting, &notify->complete };
    for (int i = 0; i < 2; i++) {
        weir_free(lists[i]->notices, lists[i]->capacity * sizeof *lists[i]->notices);
        *lists[i] = (list){ .notices = NULL };
    }
}
