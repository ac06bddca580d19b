/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the order of a trace's runs: which of them are merged, and with how much work at a time;
 * what holds keep.
 *
 * Four or more neighbours are merged when none of them is over twice as large as the largest of the
 * newer ones: an update is merged some log4 of all times, and there are logarithmically many runs.
 * The oldest run is merged when the others together have half as many updates: it has what is there
 * to stay, and only there the newer updates that end older ones meet them.
 *
 * Runs cost whoever looks keys up. Where that is seldom, merging costs more than it saves: then
 * eight or more neighbours are merged, and the oldest when the others have twice as many updates,
 * or as many when there are so many runs that these would be merged by themselves. In a loop the
 * oldest waits for twice as many, too.
 */
#include "trace/spine.h"

#include "base/assert.h"
#include "base/planted.h"
#include "trace/compact.h"
#include "trace/segment.h"

enum {
    SIMILAR_MIN = 4,
    SIMILAR_SELDOM = WEIR__MERGE_FEW, /* where a key is looked up for SELDOM updates that come */
    SIMILAR_RARE = WEIR__MERGE_MAX,   /* and for RARE of them, */
    SELDOM = 3,
    RARE = 12,
    REMEMBERED = 1 << 14,              /* of the last so many, about */
    IDLE_FUEL = 512,                   /* for all merges together: some ten microseconds */
    BEGIN_AGAIN_NS = 10 * 1000 * 1000, /* a merge for which there was no room: it cost nothing */
    WRITE_AGAIN_NS = 1000 * 1000 * 1000,
};

weir_spine *weir_spine_create(weir_shape *shape, weir_account *account)
{
    weir_spine *spine = weir_alloc_zero(sizeof *spine);
    if (!spine)
        return NULL;
    spine->shape = weir_shape_retain(shape);
    spine->account = account;
    spine->version = 1;
    weir_frontier_init(&spine->since, shape->depth);
    weir_frontier_insert(&spine->since, &(weir_time){ { 0 } });
    return spine;
}

static void charge(weir_spine *spine)
{
    size_t bytes = weir_spine_bytes(spine);
    if (spine->account && bytes != spine->charged)
        weir_account_add(spine->account, (int64_t)bytes - (int64_t)spine->charged);
    spine->charged = bytes;
}

static void merge_end(weir_spine *spine, uint32_t i)
{
    weir__merge *merge = spine->levels[i].merge;
    spine->levels[i].merge = NULL;
    spine->merges--;
    if (spine->spare)
        weir_free(merge, sizeof *merge);
    else
        spine->spare = merge;
}

static void list_changed(weir_spine *spine)
{
    weir_trace_runs_release(spine->list);
    spine->list = NULL;
    spine->version++;
}

void weir__spine_drop(weir_spine *spine)
{
    for (uint32_t i = 0; i < spine->count; i++) {
        weir__merge *merge = spine->levels[i].merge;
        if (merge) {
            spine->bytes -= merge->reserved;
            weir__merge_fini(merge);
            merge_end(spine, i);
        }
        spine->bytes -= spine->runs[i]->size;
        weir_trace_run_release(spine->runs[i]);
    }
    weir__retired_fini(&spine->retired);
    spine->count = spine->shrinking = 0;
    spine->last = (weir__neighbours){ 0 };
    spine->updates = 0;
    if (spine->waits > 0)
        weir__store_count(spine->shape->store, &spine->waits, 0);
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
    weir_free(spine->spare, sizeof *spine->spare);
    spine->bytes = 0;
    charge(spine);
    weir_frontier_fini(&spine->since);
    weir_shape_release(spine->shape);
    weir_free(spine, sizeof *spine);
}

size_t weir_spine_bytes(const weir_spine *spine)
{
    return spine->bytes + spine->retired.bytes;
}

size_t weir_spine_updates(const weir_spine *spine)
{
    return spine->updates;
}

/* ---- the list of runs ---- */

uint32_t weir__spine_below(const weir_spine *spine, uint64_t number)
{
    uint32_t count = spine->count;
    while (count > 0 && spine->levels[count - 1].end > number)
        count--;
    return count;
}

weir_trace_runs *weir__runs_list(weir_trace_run *const *runs, uint32_t count)
{
    weir_trace_runs *list = weir_alloc(sizeof *list + count * sizeof *list->runs);
    if (!list)
        return NULL;
    list->runs = (weir_trace_run **)(void *)(list + 1);
    list->refs = 1;
    list->count = count;
    for (uint32_t i = 0; i < count; i++)
        list->runs[i] = weir_trace_run_retain(runs[i]);
    return list;
}

weir_trace_runs *weir__spine_list(weir_spine *spine, uint32_t count)
{
    if (spine->list && spine->list->count == count)
        return weir_trace_runs_retain(spine->list);
    weir_trace_runs *list = weir__runs_list(spine->runs, count);
    if (!list)
        return NULL;
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
    spine->bytes += (capacity - spine->capacity) * (sizeof *levels + sizeof *runs);
    spine->levels = levels;
    spine->runs = runs;
    spine->capacity = capacity;
    return true;
}

/* What is known of a run that lies at place i now. */
static void place_run(weir_spine *spine, uint32_t i, weir_trace_run *run)
{
    weir__level *l = &spine->levels[i];
    spine->runs[i] = run;
    l->updates = run->update_count;
    l->shrinks = run->value_count <= run->update_count - run->update_count / 4 &&
                 !weir_time_equal(&run->meet, &run->join, spine->shape->depth);
    spine->shrinking += l->shrinks;
    spine->updates += run->update_count;
    spine->bytes += run->size;
}

weir_status weir_spine_append(weir_spine *spine, weir_trace_run *run, uint64_t *number)
{
    if (!weir__spine_reserve(spine))
        return WEIR_NO_MEMORY;
    if (number)
        *number = spine->appended;
    spine->levels[spine->count] =
        (weir__level){ .first = spine->appended, .end = spine->appended + 1 };
    place_run(spine, spine->count++, run);
    spine->appended++;
    spine->came += run->update_count;
    list_changed(spine);
    charge(spine);
    return WEIR_OK;
}

/* ---- merging ---- */

/* How many runs, from the oldest on, may be merged with others: what some stream has not delivered
 * yet may be delivered run by run. */
static uint32_t joinable(const weir_spine *spine)
{
    uint64_t through = WEIR_THROUGH_ALL;
    for (const weir_hold *h = spine->holds; h; h = h->next)
        through = h->through < through ? h->through : through;
    if (through < spine->appended && WEIR_PLANTED(MERGE_CROSSES))
        through = WEIR_THROUGH_ALL;
    return weir__spine_below(spine, through);
}

/* All its times would become one. */
static bool worth_compacting(const weir_spine *spine, uint32_t i)
{
    weir_time meet = spine->runs[i]->meet, join = spine->runs[i]->join;
    weir__compact_time(&spine->since, meet.at);
    weir__compact_time(&spine->since, join.at);
    return weir_time_equal(&meet, &join, spine->shape->depth);
}

/* A merge of so many updates had no room, or lost it: it is tried again by the clock, if that is
 * known, else by the next call. Until then smaller ones may find room. */
static void retry_after(weir_spine *spine, uint64_t updates, uint64_t ns)
{
    spine->changed = spine->stuck = true;
    if (spine->now_ns == 0)
        return;
    if (spine->retry_ns == 0 || updates < spine->retry_updates)
        spine->retry_updates = updates;
    if (spine->now_ns + ns > spine->retry_ns)
        spine->retry_ns = spine->now_ns + ns;
}

static uint64_t updates_of(const weir_spine *spine, uint32_t first, uint32_t count)
{
    uint64_t updates = 0;
    for (uint32_t i = first; i < first + count; i++)
        updates += spine->levels[i].updates;
    return updates;
}

static bool settles(const weir_spine *spine, uint32_t first, uint32_t count)
{
    weir_time at;
    return weir__merge_settles(spine->runs + first, count, &spine->since, &at);
}

/* How many of these runs are merged at once, from the oldest of them on. */
static uint32_t width(const weir_spine *spine, uint32_t first, uint32_t count)
{
    return count <= WEIR__MERGE_FEW || settles(spine, first, count) ? count : WEIR__MERGE_FEW;
}

static void start(weir_spine *spine, uint32_t first, uint32_t count)
{
    uint64_t updates = updates_of(spine, first, count);
    if (spine->stuck && (spine->retry_ns == 0 || updates >= spine->retry_updates))
        return;
    spine->due |= !spine->fueled;
    if (!spine->fueled)
        return;
    weir__merge *merge = spine->spare ? spine->spare : weir_alloc(sizeof *merge);
    spine->spare = NULL;
    if (!merge || !weir__merge_init(merge, spine->runs + first, count, &spine->since)) {
        weir_free(merge, sizeof *merge);
        retry_after(spine, updates, BEGIN_AGAIN_NS);
        return;
    }
    spine->merges++;
    spine->last.count = 0;
    spine->bytes += merge->reserved;
    spine->levels[first].merge = merge;
    for (uint32_t i = 0; i < count; i++)
        spine->levels[first + i].busy = true;
}

static weir__neighbours similar(const weir_spine *spine, uint32_t end)
{
    weir__neighbours n = { .end = end };
    for (uint32_t i = end; i-- > 0 && n.count < WEIR__MERGE_MAX; n.count++) {
        uint32_t updates = spine->levels[i].updates;
        if (spine->levels[i].busy || (n.count > 0 && updates / 2 > n.largest) ||
            n.sum + updates >= UINT32_MAX)
            break;
        n.sum += updates;
        n.largest = updates > n.largest ? updates : n.largest;
    }
    return n;
}

/* Whether the ones before the last run are neighbours still, and there are no more of them. */
static bool goes_on(const weir_spine *spine, const weir__neighbours *n, uint32_t updates)
{
    return n->count > 0 && n->count < WEIR__MERGE_MAX && updates <= n->largest &&
           spine->levels[n->end - 1].updates / 2 <= updates && n->sum + updates < UINT32_MAX;
}

static uint32_t similar_last(weir_spine *spine, uint32_t end)
{
    weir__neighbours *n = &spine->last;
    uint32_t updates = end > 0 ? spine->levels[end - 1].updates : 0;
    if (!spine->changed && n->count > 0 && end == n->end)
        return n->count;
    if (!spine->changed && end == n->end + 1 && goes_on(spine, n, updates))
        *n = (weir__neighbours){ end, n->count + 1, n->largest, n->sum + updates };
    else
        *n = similar(spine, end);
    return n->count;
}

/* How many updates the other runs have when the oldest is merged with them: in a loop, whose rounds
 * stay apart, fewer of them end each other, and a first epoch has ever larger rounds. */
static uint64_t enough_for(const weir_spine *spine, uint64_t oldest)
{
    if (spine->shape->depth > 1)
        return 2 * oldest;
    if (spine->similar <= SIMILAR_MIN)
        return oldest / 2;
    return spine->count < spine->similar ? 2 * oldest : oldest;
}

/* The oldest run is merged with all others if these have enough, and can be. */
static void start_oldest(weir_spine *spine, uint32_t end)
{
    uint32_t count = 0;
    uint64_t sum = 0, oldest = spine->count > 1 ? spine->levels[0].updates : 0;
    uint64_t others = enough_for(spine, oldest);
    if (oldest == 0 || others > spine->updates - oldest)
        return;
    for (; count < end && count < WEIR__MERGE_MAX && !spine->levels[count].busy; count++) {
        if (sum + spine->levels[count].updates >= UINT32_MAX)
            break;
        sum += spine->levels[count].updates;
    }
    if (count > 1 && others <= sum - oldest) {
        count = width(spine, 0, count);
        if (others <= updates_of(spine, 0, count) - oldest)
            start(spine, 0, count);
    }
}

/* More than a few are waited for only if the oldest of them may be merged with as many. That is
 * looked at whenever there are as many more: not for each run that comes. */
static uint32_t wanted(const weir_spine *spine, uint32_t first, uint32_t count)
{
    bool few = count >= WEIR__MERGE_FEW && count % WEIR__MERGE_FEW == 0 &&
               count < spine->similar && !settles(spine, first, WEIR__MERGE_FEW);
    return few ? WEIR__MERGE_FEW : spine->similar;
}

static void start_merges(weir_spine *spine)
{
    uint32_t end = joinable(spine), last = end, before = spine->merges;
    spine->changed |= end > spine->seen + 1 || spine->due;
    if (spine->now_ns >= spine->retry_ns) {
        spine->changed |= spine->stuck;
        spine->stuck = false;
        spine->retry_ns = 0;
    }
    spine->due = false;
    spine->seen = end;
    if (spine->similar > SIMILAR_MIN)
        start_oldest(spine, end);
    do {
        uint32_t count = last == end ? similar_last(spine, end) : similar(spine, last).count;
        uint32_t first = last - count;
        bool enough = count >= wanted(spine, first, count);
        if (enough)
            start(spine, first, width(spine, first, count));
        last -= enough ? count : last > 0;
    } while (spine->changed && last > 0);
    if (spine->similar <= SIMILAR_MIN)
        start_oldest(spine, end);
    bool look = spine->shrinking > 0 && (spine->changed || spine->advanced);
    for (uint32_t i = 0; i < end && look; i++)
        if (spine->levels[i].shrinks && !spine->levels[i].busy && worth_compacting(spine, i))
            start(spine, i, 1);
    spine->changed = spine->merges > before; /* what is left has other neighbours */
    spine->advanced = false;
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
    spine->bytes -= merge->reserved;
    bool ok = weir__merge_finish(merge, &run);
    merge_end(spine, i);
    if (!ok) {
        retry_after(spine, updates_of(spine, i, taken), WRITE_AGAIN_NS);
        return;
    }
    list_changed(spine); /* which has these, too */
    for (uint32_t k = 0; k < taken; k++) {
        spine->bytes -= spine->runs[i + k]->size;
        spine->updates -= l[k].updates;
        spine->shrinking -= l[k].shrinks;
        weir__retired_add(&spine->retired, spine->runs[i + k]);
    }
    if (run) {
        l->end = end;
        place_run(spine, i, run);
        kept = 1;
    }
    size_t after = spine->count - i - taken;
    memmove(l + kept, l + taken, after * sizeof *l);
    memmove(spine->runs + i + kept, spine->runs + i + taken, after * sizeof *spine->runs);
    spine->count -= taken - kept;
    spine->changed = true;
}

/* One round of all merges under way. Returns whether one of them came to its end. */
static bool work_once(weir_spine *spine, size_t fuel)
{
    bool finished = false;
    for (uint32_t i = spine->count; i-- > 0 && spine->merges > 0;) {
        weir__merge *merge = spine->levels[i].merge;
        size_t left = fuel;
        if (merge && weir__merge_work(merge, &left)) {
            finish(spine, i);
            finished = true;
        }
    }
    return finished;
}

/* While the disk fails: runs that should lie in files, and all that a merge would put into one. */
static void count_waiting(weir_spine *spine)
{
    weir__store *store = spine->shape->store;
    bool fails = __atomic_load_n(&store->failing, __ATOMIC_RELAXED) != 0;
    uint64_t waits = 0;
    for (uint32_t i = 0; fails && i < spine->count; i++) {
        const weir_trace_run *run = spine->runs[i];
        if (!run->segment && (spine->stuck || run->size >= store->least))
            waits += run->size;
    }
    if (waits != spine->waits)
        weir__store_count(store, &spine->waits, waits);
}

/* How many neighbours are to be merged, by what there was of late. */
static void note_looked(weir_spine *spine, size_t looked)
{
    uint32_t similar = spine->similar;
    bool eager = spine->eager > 0 || looked == SIZE_MAX;
    spine->looked += looked == SIZE_MAX ? 0 : looked;
    for (; spine->came + spine->looked >= REMEMBERED; spine->looked /= 2)
        spine->came /= 2;
    spine->similar = eager                                  ? SIMILAR_MIN
                     : spine->looked < spine->came / RARE   ? SIMILAR_RARE
                     : spine->looked < spine->came / SELDOM ? SIMILAR_SELDOM
                                                            : SIMILAR_MIN;
    spine->changed |= spine->similar < similar;
}

/* What a merge made may be merged on: with half the fuel each time, so that there is an end. */
bool weir_spine_work_at(weir_spine *spine, weir_merge_work *work)
{
    if (WEIR_UNLIKELY(weir__store_error(spine->shape->store) != NULL))
        return false;
    size_t fuel = work->fuel;
    note_looked(spine, work->looked);
    spine->now_ns = work->now_ns;
    spine->fueled = fuel > 0 || work->idle;
    if (spine->fueled || !spine->due)
        start_merges(spine);
    if (work->idle)
        fuel += spine->merges > 1 ? IDLE_FUEL / spine->merges + 1 : IDLE_FUEL;
    weir__retired_work(&spine->retired, fuel);
    for (; fuel > 0 && spine->merges > 0 && work_once(spine, fuel); fuel /= 2)
        start_merges(spine);
    if (spine->shape->store)
        count_waiting(spine);
    charge(spine);
    work->again_ns = spine->merges == 0 && !spine->due ? spine->retry_ns : 0;
    return spine->merges > 0 || spine->due || spine->retired.count > 0 ||
           work->again_ns > work->now_ns;
}

bool weir_spine_work(weir_spine *spine, size_t fuel)
{
    return weir_spine_work_at(spine, &(weir_merge_work){ .fuel = fuel, .looked = SIZE_MAX });
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

static const weir_hold *next_hold(const weir_hold *hold)
{
    return hold->next && WEIR_PLANTED(SINCE_OF_ONE) ? NULL : hold->next;
}

static bool advance_epoch(weir_spine *spine, const weir_frontier *wanted)
{
    bool any = wanted->count > 0;
    uint64_t epoch = any ? wanted->one.at[0] : UINT64_MAX;
    for (const weir_hold *h = spine->holds; h; h = next_hold(h)) {
        any |= h->since.count > 0;
        epoch = h->since.count > 0 && h->since.one.at[0] < epoch ? h->since.one.at[0] : epoch;
    }
    if (any && spine->since.count && epoch <= spine->since.one.at[0])
        return false;
    spine->since.count = any && spine->since.count;
    spine->since.one.at[0] = epoch;
    return true;
}

void weir_spine_advance_since(weir_spine *spine, const weir_frontier *wanted)
{
    weir_frontier since;
    if (spine->since.depth == 1) {
        spine->advanced |= advance_epoch(spine, wanted);
        return;
    }
    spine->advanced = true;
    weir_frontier_init(&since, wanted->depth);
    weir_frontier_set(&since, wanted);
    for (const weir_hold *h = spine->holds; h; h = next_hold(h))
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
    spine->eager += hold->eager;
}

void weir_hold_remove(weir_hold *hold)
{
    weir_hold **at = &hold->spine->holds;
    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
    hold->spine->eager -= hold->eager;
    hold->spine->changed = true;
    hold->spine = NULL;
}

void weir_spine_each_hold(const weir_spine *spine, void (*fn)(const weir_hold *hold, void *ctx),
                          void *ctx)
{
    for (const weir_hold *h = spine->holds; h; h = h->next)
        fn(h, ctx);
}
