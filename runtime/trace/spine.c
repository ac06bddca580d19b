/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the order of a trace's runs: which of them are merged, and with how much work at a time;
 * what holds keep.
 *
 * Four or more neighbours are merged when none of them is over twice as large as the largest of the
 * newer ones: an update is merged some log4 of all times, and there are logarithmically many runs.
 * The oldest run is merged when the others together have half as many updates: it has what is there
 * to stay, and only there the newer updates that end older ones meet them.
 */
#include "trace/spine.h"

#include "base/assert.h"
#include "trace/compact.h"

enum { SIMILAR_MIN = 4 };

weir_spine *weir_spine_create(weir_shape *shape, weir_account *account)
{
    weir_spine *spine = weir_alloc_zero(sizeof *spine);
    if (!spine)
        return NULL;
    spine->shape = weir_shape_retain(shape);
    spine->account = account;
    weir_frontier_init(&spine->since, shape->depth);
    weir_frontier_insert(&spine->since, &(weir_time){ { 0 } });
    return spine;
}

static void charge(weir_spine *spine)
{
    size_t bytes = spine->capacity * (sizeof *spine->levels + sizeof *spine->runs);
    for (uint32_t i = 0; i < spine->count; i++) {
        const weir__merge *merge = spine->levels[i].merge;
        bytes += spine->runs[i]->size;
        if (merge)
            bytes += merge->writer.run->size;
    }
    if (spine->account && bytes != spine->bytes)
        weir_account_add(spine->account, (int64_t)bytes - (int64_t)spine->bytes);
    spine->bytes = bytes;
}

static void merge_free(weir__merge *merge)
{
    if (!merge)
        return;
    weir__merge_fini(merge);
    weir_free(merge, sizeof *merge);
}

static void list_changed(weir_spine *spine)
{
    weir_trace_runs_release(spine->list);
    spine->list = NULL;
}

void weir__spine_drop(weir_spine *spine)
{
    for (uint32_t i = 0; i < spine->count; i++) {
        merge_free(spine->levels[i].merge);
        weir_trace_run_release(spine->runs[i]);
    }
    spine->count = 0;
    list_changed(spine);
    charge(spine);
}

void weir_spine_clear(weir_spine *spine)
{
    WEIR_ASSERT(!spine->holds, "a trace was dropped that '%s' still holds", spine->holds->owner);
    weir__spine_drop(spine);
    weir_frontier_clear(&spine->since);
    weir_frontier_insert(&spine->since, &(weir_time){ { 0 } });
}

void weir_spine_destroy(weir_spine *spine)
{
    if (!spine)
        return;
    weir_spine_clear(spine);
    weir_free(spine->levels, spine->capacity * sizeof *spine->levels);
    weir_free(spine->runs, spine->capacity * sizeof *spine->runs);
    if (spine->account)
        weir_account_add(spine->account, -(int64_t)spine->bytes);
    weir_frontier_fini(&spine->since);
    weir_shape_release(spine->shape);
    weir_free(spine, sizeof *spine);
}

size_t weir_spine_bytes(const weir_spine *spine)
{
    return spine->bytes;
}

size_t weir_spine_updates(const weir_spine *spine)
{
    size_t updates = 0;
    for (uint32_t i = 0; i < spine->count; i++)
        updates += spine->runs[i]->update_count;
    return updates;
}

/* ---- the list of runs ---- */

uint32_t weir__spine_below(const weir_spine *spine, uint64_t number)
{
    uint32_t count = spine->count;
    while (count > 0 && spine->levels[count - 1].end > number)
        count--;
    return count;
}

weir_trace_runs *weir__spine_list(weir_spine *spine, uint32_t count)
{
    if (spine->list && spine->list->count == count)
        return weir_trace_runs_retain(spine->list);
    weir_trace_runs *list = weir_alloc(sizeof *list + count * sizeof *list->runs);
    if (!list)
        return NULL;
    list->runs = (weir_trace_run **)(void *)(list + 1);
    list->refs = 1;
    list->count = count;
    for (uint32_t i = 0; i < count; i++)
        list->runs[i] = weir_trace_run_retain(spine->runs[i]);
    weir_trace_runs_release(spine->list);
    spine->list = list;
    return weir_trace_runs_retain(list);
}

weir_trace_runs *weir_spine_list(weir_spine *spine)
{
    return weir__spine_list(spine, spine->count);
}

const weir_trace_runs *weir_spine_current(const weir_spine *spine)
{
    return spine->list && spine->list->count == spine->count ? spine->list : NULL;
}

/* ---- appending ---- */

bool weir__spine_reserve(weir_spine *spine)
{
    if (spine->count < spine->capacity)
        return true;
    uint32_t capacity = spine->capacity ? 2 * spine->capacity : 16;
    weir__level *levels = weir_alloc(capacity * sizeof *levels);
    weir_trace_run **runs = weir_alloc(capacity * sizeof *runs);
    if (!levels || !runs) {
        weir_free(levels, capacity * sizeof *levels);
        weir_free(runs, capacity * sizeof *runs);
        return false;
    }
    if (spine->count > 0) {
        memcpy(levels, spine->levels, spine->count * sizeof *levels);
        memcpy(runs, spine->runs, spine->count * sizeof *runs);
    }
    weir_free(spine->levels, spine->capacity * sizeof *levels);
    weir_free(spine->runs, spine->capacity * sizeof *runs);
    spine->levels = levels;
    spine->runs = runs;
    spine->capacity = capacity;
    return true;
}

weir_status weir_spine_append(weir_spine *spine, weir_trace_run *run, uint64_t *number)
{
    if (!weir__spine_reserve(spine))
        return WEIR_NO_MEMORY;
    if (number)
        *number = spine->appended;
    spine->runs[spine->count] = run;
    spine->levels[spine->count++] =
        (weir__level){ .first = spine->appended, .end = spine->appended + 1 };
    spine->appended++;
    list_changed(spine);
    charge(spine);
    return WEIR_OK;
}

/* ---- merging ---- */

/* Runs that some stream has not delivered yet may be delivered one by one. */
static bool held_apart(const weir_spine *spine, uint64_t end)
{
    for (const weir_hold *h = spine->holds; h; h = h->next)
        if (h->through < end)
            return true;
    return false;
}

/* Whether a group of runs can become one. */
static bool may_join(const weir_spine *spine, uint32_t first, uint32_t last)
{
    uint64_t updates = 0;
    for (uint32_t i = first; i <= last; i++)
        updates += spine->runs[i]->update_count;
    return first == last || (last - first < WEIR__MERGE_MAX && updates < UINT32_MAX &&
                             !held_apart(spine, spine->levels[last].end));
}

/* All its times would become one, and with that a quarter of its updates at least would go. */
static bool worth_compacting(const weir_spine *spine, const weir_trace_run *run)
{
    weir_time meet = run->meet, join = run->join;
    if (run->value_count > run->update_count - run->update_count / 4)
        return false;
    weir__compact_time(&spine->since, meet.at);
    weir__compact_time(&spine->since, join.at);
    return weir_time_equal(&meet, &join, spine->shape->depth) &&
           !weir_time_equal(&run->meet, &run->join, spine->shape->depth);
}

static bool start(weir_spine *spine, uint32_t first, uint32_t count)
{
    weir__merge *merge = weir_alloc(sizeof *merge);
    if (!merge || !weir__merge_init(merge, spine->runs + first, count, &spine->since)) {
        weir_free(merge, sizeof *merge);
        return false;
    }
    spine->levels[first].merge = merge;
    for (uint32_t i = 0; i < count; i++)
        spine->levels[first + i].busy = true;
    return true;
}

/* How many neighbours that are not busy, the last one of them being `last`, are about as large. */
static uint32_t similar(const weir_spine *spine, uint32_t last)
{
    uint32_t count = 0, largest = 0;
    for (uint32_t i = last + 1; i-- > 0; count++) {
        uint32_t updates = spine->runs[i]->update_count;
        if (spine->levels[i].busy || (count > 0 && updates / 2 > largest) ||
            !may_join(spine, i, last))
            break;
        largest = updates > largest ? updates : largest;
    }
    return count;
}

/* How many runs, from the oldest on, are to be merged: those after it are half as large at least.
 */
static uint32_t with_oldest(const weir_spine *spine)
{
    uint32_t count = 0;
    uint64_t newer = 0;
    for (; count < spine->count && !spine->levels[count].busy && may_join(spine, 0, count); count++)
        newer += count > 0 ? spine->runs[count]->update_count : 0;
    return count > 1 && spine->runs[0]->update_count / 2 <= newer ? count : 0;
}

static void start_merges(weir_spine *spine)
{
    for (uint32_t last = spine->count; last-- > 0;) {
        uint32_t count = similar(spine, last);
        if (count >= SIMILAR_MIN)
            start(spine, last + 1 - count, count);
    }
    uint32_t oldest = with_oldest(spine);
    if (oldest > 0)
        start(spine, 0, oldest);
    for (uint32_t i = 0; i < spine->count; i++)
        if (!spine->levels[i].busy && worth_compacting(spine, spine->runs[i]))
            start(spine, i, 1);
}

/* Puts the result where the merged runs were. Without memory the merge starts anew some time. */
static void finish(weir_spine *spine, uint32_t i)
{
    weir__level *l = &spine->levels[i];
    weir__merge *merge = l->merge;
    uint32_t taken = merge->count, kept = 0;
    uint64_t end = l[taken - 1].end;
    weir_trace_run *run;
    for (uint32_t k = 0; k < taken; k++)
        l[k].busy = false;
    l->merge = NULL;
    bool ok = weir__merge_finish(merge, &run);
    weir_free(merge, sizeof *merge);
    if (!ok)
        return;
    for (uint32_t k = 0; k < taken; k++)
        weir_trace_run_release(spine->runs[i + k]);
    if (run) {
        l->end = end;
        spine->runs[i] = run;
        kept = 1;
    }
    size_t after = spine->count - i - taken;
    memmove(l + kept, l + taken, after * sizeof *l);
    memmove(spine->runs + i + kept, spine->runs + i + taken, after * sizeof *spine->runs);
    spine->count -= taken - kept;
    list_changed(spine);
}

static bool merging(const weir_spine *spine)
{
    for (uint32_t i = 0; i < spine->count; i++)
        if (spine->levels[i].busy)
            return true;
    return false;
}

/* One round of all merges under way. Returns whether one of them came to its end. */
static bool work_once(weir_spine *spine, size_t fuel)
{
    bool finished = false;
    for (uint32_t i = spine->count; i-- > 0;) {
        weir__merge *merge = spine->levels[i].merge;
        size_t left = fuel;
        if (merge && weir__merge_work(merge, &left)) {
            finish(spine, i);
            finished = true;
        }
    }
    return finished;
}

/* What a merge made may be merged on: with half the fuel each time, so that there is an end. */
bool weir_spine_work(weir_spine *spine, size_t fuel)
{
    start_merges(spine);
    for (; fuel > 0 && work_once(spine, fuel); fuel /= 2)
        start_merges(spine);
    charge(spine);
    return merging(spine);
}

/* ---- holds ---- */

const weir_frontier *weir_spine_since(const weir_spine *spine)
{
    return &spine->since;
}

void weir__frontier_raise(weir_frontier *f, const weir_frontier *by)
{
    weir_frontier raised;
    weir_frontier_init(&raised, f->depth);
    const weir_time *a = weir_frontier_times(f), *b = weir_frontier_times(by);
    for (uint32_t i = 0; i < f->count; i++)
        for (uint32_t j = 0; j < by->count; j++) {
            weir_time join = weir_time_join(&a[i], &b[j], f->depth);
            weir_frontier_insert(&raised, &join);
        }
    weir_frontier_set(f, &raised);
    weir_frontier_fini(&raised);
}

void weir_spine_advance_since(weir_spine *spine, const weir_frontier *wanted)
{
    weir_frontier since;
    weir_frontier_init(&since, wanted->depth);
    weir_frontier_set(&since, wanted);
    for (const weir_hold *h = spine->holds; h; h = h->next)
        for (uint32_t i = 0; i < h->since.count; i++)
            weir_frontier_insert(&since, &weir_frontier_times(&h->since)[i]);
    weir__frontier_raise(&since, &spine->since);
    weir_frontier_set(&spine->since, &since);
    weir_frontier_fini(&since);
}

void weir_hold_place(weir_hold *hold, weir_spine *spine)
{
    weir__frontier_raise(&hold->since, &spine->since);
    hold->spine = spine;
    hold->next = spine->holds;
    spine->holds = hold;
}

void weir_hold_remove(weir_hold *hold)
{
    weir_hold **at = &hold->spine->holds;
    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
    hold->spine = NULL;
}

void weir_spine_each_hold(const weir_spine *spine, void (*fn)(const weir_hold *hold, void *ctx),
                          void *ctx)
{
    for (const weir_hold *h = spine->holds; h; h = h->next)
        fn(h, ctx);
}
