/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the order of a trace's runs: which of them are merged, and with how much work at a time;
 * what holds keep.
 *
 * Two neighbours are merged when the older one is at most twice as large as the newer one. So sizes
 * at least double from each run to the next older one that is not being merged, and there are
 * logarithmically many.
 */
#include "trace/run.h"

#include "base/assert.h"

/* A run of the spine, and its part in a merge. */
typedef struct level {
    weir_trace_run *run;
    weir__merge *merge; /* with the next level, or of this run alone; NULL: none */
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
            bytes += weir__run_capacity(l->merge->writer.run);
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

static bool worth_merging(const weir_spine *spine, const weir_trace_run *a, const weir_trace_run *b)
{
    uint64_t lower = a->lower < b->lower ? a->lower : b->lower;
    return a->update_count / 2 <= b->update_count &&
           (uint64_t)a->update_count + b->update_count < UINT32_MAX &&
           !held_apart(spine, lower, b->upper);
}

/* A quarter of its updates at least go if it is compacted alone. */
static bool worth_compacting(const weir_spine *spine, const weir_trace_run *run)
{
    return spine->since >= run->upper && run->upper - run->lower > 1 &&
           run->value_count <= run->update_count - run->update_count / 4;
}

static bool start(weir_spine *spine, uint32_t i, bool with_next)
{
    level *l = &spine->levels[i];
    weir__merge *merge = weir_alloc(sizeof *merge);
    if (!merge)
        return false;
    if (!weir__merge_init(merge, l->run, with_next ? l[1].run : NULL, spine->since)) {
        weir_free(merge, sizeof *merge);
        return false;
    }
    l->merge = merge;
    l->busy = true;
    if (with_next)
        l[1].busy = true;
    return true;
}

/* From the newest on, so that small runs are not kept waiting for one that could take large ones.
 * */
static void start_merges(weir_spine *spine)
{
    for (uint32_t i = spine->count; i-- > 0;) {
        level *l = &spine->levels[i];
        if (l->busy)
            continue;
        if (i + 1 < spine->count && !l[1].busy && worth_merging(spine, l->run, l[1].run))
            start(spine, i, true);
        else if (worth_compacting(spine, l->run))
            start(spine, i, false);
    }
}

/* Puts the result where the merged runs were. Without memory the merge starts anew some time. */
static void finish(weir_spine *spine, uint32_t i)
{
    level *l = &spine->levels[i];
    weir__merge *merge = l->merge;
    uint32_t taken = merge->b ? 2 : 1;
    weir_trace_run *run;
    l->merge = NULL;
    l->busy = false;
    if (merge->b)
        l[1].busy = false;
    if (weir__writer_finish(&merge->writer, &run)) {
        weir_trace_run_release(merge->a);
        weir_trace_run_release(merge->b);
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
