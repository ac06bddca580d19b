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
#include "trace/run.h"

#include "base/assert.h"

enum { SIMILAR_MIN = 4 };

/* A run of the spine, and its part in a merge. */
typedef struct level {
    weir_trace_run *run;
    weir__merge *merge; /* of this run and those after it; NULL: none */
    bool busy;          /* it is in a merge */
} level;

struct weir_spine {
    weir_shape *shape;
    weir_account *account;
    uint64_t since;
    weir_hold *holds;
    uint32_t count, capacity;
    level *levels;         /* from the oldest to the newest */
    weir_trace_runs *list; /* NULL: to be made anew */
    size_t bytes;
};

weir_spine *weir_spine_create(weir_shape *shape, weir_account *account)
{
    weir_spine *spine = weir_alloc_zero(sizeof *spine);
    if (!spine)
        return NULL;
    spine->shape = weir_shape_retain(shape);
    spine->account = account;
    return spine;
}

static void charge(weir_spine *spine)
{
    size_t bytes = spine->capacity * sizeof *spine->levels;
    for (uint32_t i = 0; i < spine->count; i++) {
        const level *l = &spine->levels[i];
        bytes += weir__run_capacity(l->run);
        if (l->merge && l->merge->writer.run)
            bytes += weir__run_used(l->merge->writer.run);
    }
    if (spine->account && bytes != spine->bytes)
        weir_account_add(spine->account, (int64_t)bytes - (int64_t)spine->bytes);
    spine->bytes = bytes;
}

static void merge_free(weir__merge *merge)
{
    if (!merge)
        return;
    weir__writer_fini(&merge->writer);
    weir_free(merge, sizeof *merge);
}

void weir_spine_clear(weir_spine *spine)
{
    WEIR_ASSERT(!spine->holds, "a trace was dropped that '%s' still holds", spine->holds->owner);
    for (uint32_t i = 0; i < spine->count; i++) {
        merge_free(spine->levels[i].merge);
        weir_trace_run_release(spine->levels[i].run);
    }
    spine->count = 0;
    spine->since = 0;
    weir_trace_runs_release(spine->list);
    spine->list = NULL;
    charge(spine);
}

void weir_spine_destroy(weir_spine *spine)
{
    if (!spine)
        return;
    weir_spine_clear(spine);
    weir_free(spine->levels, spine->capacity * sizeof *spine->levels);
    if (spine->account)
        weir_account_add(spine->account, -(int64_t)spine->bytes);
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
        updates += spine->levels[i].run->update_count;
    return updates;
}

/* ---- the list of runs ---- */

static void list_changed(weir_spine *spine)
{
    weir_trace_runs_release(spine->list);
    spine->list = NULL;
}

weir_trace_runs *weir_spine_list(weir_spine *spine)
{
    if (!spine->list) {
        weir_trace_runs *list = weir_alloc(sizeof *list + spine->count * sizeof *list->runs);
        if (!list)
            return NULL;
        list->runs = (weir_trace_run **)(void *)(list + 1);
        list->refs = 1;
        list->count = spine->count;
        for (uint32_t i = 0; i < spine->count; i++)
            list->runs[i] = weir_trace_run_retain(spine->levels[i].run);
        spine->list = list;
    }
    return weir_trace_runs_retain(spine->list);
}

const weir_trace_runs *weir_spine_current(const weir_spine *spine)
{
    return spine->list;
}

weir_status weir_spine_append(weir_spine *spine, weir_trace_run *run)
{
    if (spine->count == spine->capacity) {
        uint32_t capacity = spine->capacity ? 2 * spine->capacity : 16;
        level *levels = weir_realloc(spine->levels, spine->capacity * sizeof *levels,
                                     capacity * sizeof *levels);
        if (!levels)
            return WEIR_NO_MEMORY;
        spine->levels = levels;
        spine->capacity = capacity;
    }
    WEIR_ASSERT(spine->count == 0 || run->upper >= spine->levels[spine->count - 1].run->upper,
                "a run up to %llu was appended to a trace after one up to %llu",
                (unsigned long long)run->upper,
                (unsigned long long)spine->levels[spine->count - 1].run->upper);
    spine->levels[spine->count++] = (level){ .run = run };
    list_changed(spine);
    charge(spine);
    return WEIR_OK;
}

/* ---- merging ---- */

static bool held_apart(const weir_spine *spine, uint64_t lower, uint64_t upper)
{
    for (const weir_hold *h = spine->holds; h; h = h->next)
        if (h->through > lower && h->through < upper)
            return true;
    return false;
}

/* Whether a group of runs can become one. */
static bool may_join(const weir_spine *spine, uint32_t first, uint32_t last)
{
    uint64_t lower = UINT64_MAX, upper = 0, updates = 0;
    for (uint32_t i = first; i <= last; i++) {
        const weir_trace_run *run = spine->levels[i].run;
        lower = run->lower < lower ? run->lower : lower;
        upper = run->upper > upper ? run->upper : upper;
        updates += run->update_count;
    }
    return last - first < WEIR__MERGE_MAX && updates < UINT32_MAX &&
           !held_apart(spine, lower, upper);
}

/* A quarter of its updates at least go if it is compacted alone. */
static bool worth_compacting(const weir_spine *spine, const weir_trace_run *run)
{
    return spine->since >= run->upper && run->upper - run->lower > 1 &&
           run->value_count <= run->update_count - run->update_count / 4;
}

static bool start(weir_spine *spine, uint32_t first, uint32_t count)
{
    weir_trace_run *runs[WEIR__MERGE_MAX];
    weir__merge *merge = weir_alloc(sizeof *merge);
    for (uint32_t i = 0; i < count; i++)
        runs[i] = spine->levels[first + i].run;
    if (!merge || !weir__merge_init(merge, runs, count, spine->since)) {
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
        const level *l = &spine->levels[i];
        if (l->busy || (count > 0 && l->run->update_count / 2 > largest) ||
            !may_join(spine, i, last))
            break;
        largest = l->run->update_count > largest ? l->run->update_count : largest;
    }
    return count;
}

/* How many runs, from the oldest on, are to be merged: those after it are half as large at least.
 * */
static uint32_t with_oldest(const weir_spine *spine)
{
    uint32_t count = 0;
    uint64_t newer = 0;
    for (; count < spine->count && !spine->levels[count].busy && may_join(spine, 0, count); count++)
        newer += count > 0 ? spine->levels[count].run->update_count : 0;
    return count > 1 && spine->levels[0].run->update_count / 2 <= newer ? count : 0;
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
        if (!spine->levels[i].busy && worth_compacting(spine, spine->levels[i].run))
            start(spine, i, 1);
}

/* Puts the result where the merged runs were. Without memory the merge starts anew some time. */
static void finish(weir_spine *spine, uint32_t i)
{
    level *l = &spine->levels[i];
    weir__merge *merge = l->merge;
    uint32_t taken = merge->count;
    weir_trace_run *run;
    for (uint32_t k = 0; k < taken; k++)
        l[k].busy = false;
    l->merge = NULL;
    if (weir__writer_finish(&merge->writer, &run)) {
        for (uint32_t k = 0; k < taken; k++)
            weir_trace_run_release(l[k].run);
        if (run) {
            l->run = run;
            taken--;
            l++;
        }
        memmove(l, l + taken, (size_t)(&spine->levels[spine->count] - (l + taken)) * sizeof *l);
        spine->count -= taken;
        list_changed(spine);
    }
    weir_free(merge, sizeof *merge);
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

uint64_t weir_spine_since(const weir_spine *spine)
{
    return spine->since;
}

uint64_t weir_spine_advance_since(weir_spine *spine, uint64_t since)
{
    for (const weir_hold *h = spine->holds; h; h = h->next)
        since = h->since < since ? h->since : since;
    if (since > spine->since)
        spine->since = since;
    return spine->since;
}

void weir_hold_place(weir_hold *hold, weir_spine *spine)
{
    if (hold->since < spine->since)
        hold->since = spine->since;
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
