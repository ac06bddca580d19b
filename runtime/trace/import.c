/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns imports: what a trace had when somebody came later, told run by run; times that are moved up
 * to a floor, so that what was forgotten before cannot be seen. The runs are the trace's own.
 */
#include "base/assert.h"
#include "base/planted.h"
#include "trace/trace.h"

/* ---- what it keeps ---- */

/* Of a run that is seen as another one, whose columns are not its own but for the times. */
static size_t beside(const weir_trace_run *run)
{
    return run && run->origin ? run->size : 0;
}

static void charge(weir__import *import)
{
    const weir_trace_runs *past = import->past;
    size_t bytes = beside(import->last);
    if (!import->account)
        return;
    for (uint32_t i = 0; past && i < past->count; i++)
        bytes += past->runs[i] == import->last ? 0 : beside(past->runs[i]);
    for (uint32_t i = 0; i < import->moved.count; i++)
        bytes += beside(import->moved.runs[i]);
    if (bytes != import->charged)
        weir_account_add(import->account, (int64_t)bytes - (int64_t)import->charged);
    import->charged = bytes;
}

void weir__import_leave_account(weir__import *import)
{
    if (import->account)
        weir_account_add(import->account, -(int64_t)import->charged);
    import->account = NULL;
    import->charged = 0;
}

/* ---- life ---- */

static void drop_moved(weir__moved *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        weir_trace_run_release(m->runs[i]);
        weir_trace_run_release(m->of[i]);
    }
    m->count = 0;
}

void weir__import_destroy(weir__import *import)
{
    weir__import_leave_account(import);
    drop_moved(&import->moved);
    weir_free(import->moved.runs, import->moved.capacity * sizeof *import->moved.runs);
    weir_free(import->moved.of, import->moved.capacity * sizeof *import->moved.of);
    weir_trace_run_release(import->last);
    weir_trace_runs_release(import->past);
    weir_free(import->numbers, import->count * sizeof *import->numbers);
    weir_trace_release(import->base);
    weir_free(import, sizeof *import);
}

weir_trace *weir_trace_import(weir_trace *of, weir_account *account)
{
    weir_trace *base = weir__trace_base(of), *trace = weir_alloc_zero(sizeof *trace);
    weir__import *import = weir_alloc_zero(sizeof *import);
    weir_trace_runs *past = weir_spine_list(base->spine);
    uint64_t *numbers =
        past && past->count ? weir_alloc(past->count * sizeof *numbers) : NULL;
    if (!trace || !import || !past || (past->count && !numbers)) {
        weir_free(trace, sizeof *trace);
        weir_free(import, sizeof *import);
        weir_free(numbers, past ? past->count * sizeof *numbers : 0);
        weir_trace_runs_release(past);
        return NULL;
    }
    for (uint32_t i = 0; i < past->count; i++)
        numbers[i] = base->spine->levels[i].end - 1;
    *import = (weir__import){ .base = weir_trace_retain(base),
                              .account = account,
                              .past = past,
                              .numbers = numbers,
                              .count = past->count };
    *trace = (weir_trace){ .refs = 1, .spine = base->spine, .name = base->name, .import = import };
    return trace;
}

void weir__import_enter(weir__import *import)
{
    WEIR_ASSERT(!import->begun, "a reader of '%s' comes when its import has begun",
                import->base->name);
    import->behind += import->past->count > 0;
}

void weir__import_leave(weir__import *import)
{
    if (--import->behind > 0 || !import->begun)
        return;
    weir_trace_runs_release(import->past);
    import->past = NULL;
    charge(import);
}

/* ---- the floor ---- */

/* The past is not shared with anybody who could see it otherwise: a list of its own. */
static void move_past(weir__import *import)
{
    const weir_trace_runs *from = import->past;
    size_t size = sizeof *from + from->count * sizeof *from->runs;
    weir_trace_runs *past = weir_alloc_must(size);
    *past = (weir_trace_runs){ .refs = 1, .count = from->count };
    past->runs = (weir_trace_run **)(void *)(past + 1);
    for (uint32_t i = 0; i < from->count; i++)
        past->runs[i] = weir__run_moved(from->runs[i], &import->floor);
    weir_trace_runs_release(import->past);
    import->past = past;
    charge(import);
}

void weir_trace_import_begin(weir_trace *trace, const weir_time *from)
{
    weir__import *import = trace->import;
    const weir_frontier *since = &trace->spine->since;
    WEIR_ASSERT(!import->begun && weir_frontier_less_equal(since, from),
                "an import of '%s' begins twice, or before what is known of it", trace->name);
    import->begun = true;
    import->floor = *from;
    for (uint32_t i = 0; i < since->depth; i++)
        import->moves |= from->at[i] > 0 && !WEIR_PLANTED(IMPORT_UNMOVED);
    if (import->behind == 0) {
        weir_trace_runs_release(import->past);
        import->past = NULL;
    } else if (import->moves) {
        move_past(import);
    }
}

size_t weir_trace_import_numbers(const weir_trace *trace, const uint64_t **numbers)
{
    *numbers = trace->import->numbers;
    return trace->import->count - (trace->import->count > 1 && WEIR_PLANTED(IMPORT_SHORT));
}

/* ---- reading ---- */

/* How many runs of the past are told up to this number. */
static uint32_t past_below(const weir__import *import, uint64_t number)
{
    uint32_t low = 0, high = import->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (import->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

weir_trace_run *weir__import_deliver(const weir__import *import, uint64_t number)
{
    uint32_t at = past_below(import, number);
    WEIR_ASSERT(import->begun && import->numbers[at] == number,
                "run %llu of '%s' was delivered before its import began, or is none of its past",
                (unsigned long long)number, import->base->name);
    return import->past->runs[at];
}

weir_trace_run *weir__import_see(weir__import *import, weir_trace_run *run)
{
    if (!import->moves)
        return run;
    weir_trace_run *seen = weir__run_moved(run, &import->floor);
    weir_trace_run_release(import->last);
    import->last = seen;
    charge(import);
    return seen;
}

/* The one that was made of this run the last time, or a new one; takes over a reference. */
static weir_trace_run *seen_of(weir__import *import, uint32_t *at, weir_trace_run *run)
{
    const weir__moved *m = &import->moved;
    for (uint32_t i = *at; i < m->count; i++)
        if (m->of[i] == run) {
            *at = i + 1;
            return weir_trace_run_retain(m->runs[i]);
        }
    return weir__run_moved(run, &import->floor);
}

/* Makes `moved` that of the spine's runs: what has not changed stays. */
static void refresh(weir__import *import)
{
    const weir_spine *spine = import->base->spine;
    weir__moved *m = &import->moved, made = { .version = spine->version };
    if (m->version == spine->version)
        return;
    made.capacity = spine->capacity;
    made.runs = weir_alloc_must(made.capacity * sizeof *made.runs);
    made.of = weir_alloc_must(made.capacity * sizeof *made.of);
    made.same = true;
    for (uint32_t at = 0; made.count < spine->count; made.count++) {
        weir_trace_run *run = spine->runs[made.count];
        made.runs[made.count] = seen_of(import, &at, run);
        made.of[made.count] = weir_trace_run_retain(run);
        made.same = made.same && made.runs[made.count] == run;
    }
    drop_moved(m);
    weir_free(m->runs, m->capacity * sizeof *m->runs);
    weir_free(m->of, m->capacity * sizeof *m->of);
    *m = made;
    charge(import);
}

size_t weir__import_runs(weir__import *import, const weir_trace_reader *reader,
                         weir_trace_run *const **runs)
{
    const weir_spine *spine = import->base->spine;
    if (weir__import_is_past(import, reader->delivered)) {
        *runs = import->past->runs;
        return past_below(import, reader->delivered);
    }
    *runs = spine->runs;
    if (import->moves) {
        refresh(import);
        *runs = import->moved.runs;
    }
    return weir__spine_below(spine, reader->hold.through);
}

weir_trace_runs *weir__import_list(weir__import *import, const weir_trace_reader *reader)
{
    weir_trace_run *const *runs;
    uint32_t count = (uint32_t)weir__import_runs(import, reader, &runs);
    bool own = weir__import_is_past(import, reader->delivered) ||
               (import->moves && !import->moved.same);
    return own ? weir__runs_list(runs, count) : weir__spine_list(import->base->spine, count);
}
