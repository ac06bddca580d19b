/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns traces and their readers: which runs a reader has been told of, and what all of them
 * together let a trace forget. Runs and merges are the spine's.
 */
#include "base/assert.h"
#include "base/planted.h"
#include "trace/segment.h"
#include "trace/trace.h"

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = weir_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void free_text(char *text)
{
    if (text)
        weir_free(text, strlen(text) + 1);
}

/* What a run keeps, in memory or on the disk: a reader that does not take it must fill neither. */
static uint64_t size_of(const weir_trace_run *run)
{
    return run->size + (run->segment ? run->segment->mapped.size : 0);
}

static void pending_drop(weir_trace *trace, uint64_t below)
{
    for (; trace->pending_count > 0 && trace->pending_first < below; trace->pending_first++) {
        weir_trace_run *run = trace->pending[trace->pending_at++];
        trace->pending_bytes -= size_of(run);
        weir_trace_run_release(run);
        trace->pending_count--;
    }
    if (trace->pending_count == 0)
        trace->pending_at = 0;
    if (WEIR_UNLIKELY(trace->crowded) && trace->pending_bytes <= trace->watched_bytes) {
        trace->crowded = false;
        if (trace->watch)
            trace->watch(trace->watch_ctx);
    }
}

static void destroy(weir_trace *trace)
{
    if (trace->import) {
        weir__import_destroy(trace->import);
        weir_free(trace, sizeof *trace);
        return;
    }
    weir__shown_destroy(trace->shown);
    pending_drop(trace, UINT64_MAX);
    weir_free(trace->pending, trace->pending_capacity * sizeof *trace->pending);
    weir_spine_destroy(trace->spine);
    free_text(trace->name);
    weir_free(trace, sizeof *trace);
}

weir_trace *weir_trace_create(weir_shape *shape, weir_account *account, const char *name)
{
    weir_trace *trace = weir_alloc_zero(sizeof *trace);
    if (!trace)
        return NULL;
    trace->refs = 1;
    trace->since_changed = true;
    trace->spine = weir_spine_create(shape, account);
    trace->name = copy_text(name);
    if (trace->spine && trace->name)
        return trace;
    destroy(trace);
    return NULL;
}

weir_trace *weir_trace_retain(weir_trace *trace)
{
    trace->refs++;
    return trace;
}

void weir_trace_release(weir_trace *trace)
{
    if (trace && --trace->refs == 0)
        destroy(trace);
}

const char *weir_trace_name(const weir_trace *trace)
{
    return trace->name;
}

weir_shape *weir_trace_shape(const weir_trace *trace)
{
    return trace->spine->shape;
}

void weir_trace_leave_account(weir_trace *trace)
{
    weir_spine *spine = trace->spine;
    if (trace->import) {
        weir__import_leave_account(trace->import);
        return;
    }
    if (spine->account)
        weir_account_add(spine->account, -(int64_t)spine->charged);
    spine->account = NULL;
}

/* ---- what is kept ---- */

/* What was delivered to all readers is in the spine only. */
static void pending_prune(weir_trace *trace)
{
    uint64_t delivered = UINT64_MAX;
    for (const weir_trace_reader *r = trace->readers; r; r = r->next)
        delivered = r->hold.through < delivered ? r->hold.through : delivered;
    pending_drop(trace, delivered);
}

/* Room for one more. */
static bool pending_reserve(weir_trace *trace)
{
    pending_prune(trace);
    if (trace->pending_at + trace->pending_count < trace->pending_capacity)
        return true;
    if (trace->pending_at > trace->pending_count) {
        memmove(trace->pending, trace->pending + trace->pending_at,
                trace->pending_count * sizeof *trace->pending);
        trace->pending_at = 0;
        return true;
    }
    uint32_t capacity = trace->pending_capacity ? 2 * trace->pending_capacity : 8;
    weir_trace_run **pending =
        weir_realloc(trace->pending, trace->pending_capacity * sizeof *pending,
                     capacity * sizeof *pending);
    if (!pending)
        return false;
    trace->pending = pending;
    trace->pending_capacity = capacity;
    return true;
}

static void pending_add(weir_trace *trace, weir_trace_run *run)
{
    if (trace->pending_count == 0)
        trace->pending_first = trace->spine->appended;
    trace->pending[trace->pending_at + trace->pending_count++] = weir_trace_run_retain(run);
    trace->pending_bytes += size_of(run);
    trace->crowded = trace->pending_bytes > trace->watched_bytes;
}

void weir_trace_watch(weir_trace *trace, uint64_t bytes, void (*fn)(void *ctx), void *ctx)
{
    trace->watched_bytes = bytes;
    trace->watch = fn;
    trace->watch_ctx = ctx;
    trace->crowded = trace->pending_bytes > bytes;
}

/* Whether anybody will ask for anything. */
static bool is_read(const weir_trace *trace)
{
    for (const weir_trace_reader *r = trace->readers; r; r = r->next)
        if (!weir_frontier_is_empty(&r->hold.since))
            return true;
    return false;
}

static void advance(weir_trace *trace)
{
    weir_frontier none = { .depth = trace->spine->since.depth };
    if (!trace->since_changed)
        return;
    trace->since_changed = false;
    if (is_read(trace))
        weir_spine_advance_since(trace->spine, &none);
    else
        weir__spine_drop(trace->spine);
    if (trace->shown)
        weir__shown_set_frontier(&trace->shown->since, &trace->spine->since);
}

/* ---- what is shown ---- */

static void show(weir_trace *trace)
{
    const weir_spine *spine = trace->spine;
    weir__shown *shown = trace->shown;
    if (!shown)
        return;
    weir__shown_set(&shown->updates, spine->updates);
    weir__shown_set(&shown->bytes, spine->bytes);
    weir__shown_set(&shown->runs, spine->count);
    weir__shown_set(&shown->appended, spine->appended);
    uint64_t disk = 0;
    for (uint32_t i = 0; spine->shape->store && i < spine->count; i++)
        disk += spine->runs[i]->segment ? spine->runs[i]->segment->mapped.size : 0;
    weir__shown_set(&shown->disk_bytes, disk);
}

weir_status weir_traces_show(weir_traces *traces, weir_trace *trace, const weir_trace_place *place)
{
    WEIR_ASSERT(!trace->import && !trace->shown && !trace->readers,
                "the trace '%s' is shown twice, or when it is read already", trace->name);
    trace->shown = weir__shown_create(traces, place);
    if (!trace->shown)
        return WEIR_NO_MEMORY;
    weir__shown_set_frontier(&trace->shown->since, &trace->spine->since);
    show(trace);
    return WEIR_OK;
}

static void show_hold(weir_trace_reader *reader)
{
    if (!reader->trace->shown)
        return;
    weir__shown_set(&reader->shown.delivered, reader->delivered);
    weir__shown_set_frontier(&reader->shown.since, &reader->hold.since);
}

/* ---- appending and merging ---- */

weir_status weir_trace_append(weir_trace *trace, weir_trace_run *run, uint64_t *number)
{
    weir_spine *spine = trace->spine;
    WEIR_ASSERT(!trace->import, "something is appended to an import of '%s'", trace->name);
    advance(trace);
    if (!pending_reserve(trace) || !weir__spine_reserve(spine))
        return WEIR_NO_MEMORY;
    if (trace->readers)
        pending_add(trace, run);
    if (is_read(trace))
        return weir_spine_append(spine, run, number);
    if (number)
        *number = spine->appended;
    spine->appended++;
    weir_trace_run_release(run);
    return WEIR_OK;
}

bool weir_trace_work(weir_trace *of, size_t fuel)
{
    return weir_trace_work_at(of, &(weir_merge_work){ .fuel = fuel, .looked = SIZE_MAX });
}

bool weir_trace_work_at(weir_trace *of, weir_merge_work *work)
{
    weir_trace *trace = weir__trace_base(of);
    advance(trace);
    pending_prune(trace);
    bool more = weir_spine_work_at(trace->spine, work);
    show(trace);
    return more;
}

size_t weir_trace_current(const weir_trace *trace, weir_trace_run *const **runs)
{
    *runs = trace->spine->runs;
    return trace->spine->count;
}

void weir_trace_get_info(const weir_trace *trace, weir_trace_info *info)
{
    const weir_spine *spine = trace->spine;
    *info = (weir_trace_info){ .updates = weir_spine_updates(spine),
                               .bytes = weir_spine_bytes(spine),
                               .runs = spine->count,
                               .appended = spine->appended,
                               .undelivered_bytes = trace->pending_bytes };
}

void weir_trace_each_hold(const weir_trace *trace, void (*fn)(const weir_hold *hold, void *ctx),
                          void *ctx)
{
    weir_spine_each_hold(trace->spine, fn, ctx);
}

/* ---- readers ---- */

weir_trace_reader *weir_trace_reader_open(weir_trace *of, const weir_trace_reader_spec *spec)
{
    weir_trace *trace = weir__trace_base(of);
    unsigned depth = trace->spine->since.depth;
    WEIR_ASSERT(spec->depth == 0 || (spec->depth >= depth && spec->depth <= WEIR_TIME_COORDS),
                "'%s' would read a trace of depth %u at depth %u", spec->owner, depth,
                spec->depth);
    weir_trace_reader *reader = weir_alloc_zero(sizeof *reader);
    char *owner = copy_text(spec->owner);
    if (!reader || !owner) {
        weir_free(reader, sizeof *reader);
        free_text(owner);
        return NULL;
    }
    reader->trace = weir_trace_retain(trace);
    reader->depth = spec->depth ? spec->depth : depth;
    reader->owner = owner;
    reader->hold = (weir_hold){ .owner = owner,
                                .through = trace->spine->appended,
                                .since_ns = spec->now_ns,
                                .eager = spec->eager };
    reader->delivered = of->import ? 0 : trace->spine->appended;
    if (of->import) {
        reader->import = of->import;
        reader->keeps = weir_trace_retain(of);
        weir__import_enter(of->import);
    }
    weir_frontier_init(&reader->hold.since, depth);
    weir_frontier_set(&reader->hold.since, &trace->spine->since);
    weir_hold_place(&reader->hold, trace->spine);
    reader->next = trace->readers;
    trace->readers = reader;
    reader->shown = (weir__shown_hold){ .owner = owner, .opened_ns = spec->now_ns };
    show_hold(reader);
    if (trace->shown)
        weir__shown_add_hold(trace->shown, &reader->shown);
    return reader;
}

void weir_trace_reader_close(weir_trace_reader *reader)
{
    if (!reader)
        return;
    weir_trace *trace = reader->trace, *keeps = reader->keeps;
    weir_trace_reader **at = &trace->readers;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    if (trace->shown)
        weir__shown_remove_hold(trace->shown, &reader->shown);
    if (keeps && weir__import_is_past(reader->import, reader->delivered))
        weir__import_leave(reader->import);
    weir_hold_remove(&reader->hold);
    weir_frontier_fini(&reader->hold.since);
    free_text(reader->owner);
    weir_free(reader, sizeof *reader);
    trace->since_changed = true;
    pending_prune(trace); /* what only it had not taken: who waits for that goes on */
    weir_trace_release(keeps);
    weir_trace_release(trace);
}

weir_trace *weir_trace_reader_trace(const weir_trace_reader *reader)
{
    return reader->trace;
}

/* Of an import's past. */
static weir_trace_run *deliver_past(weir_trace_reader *reader, uint64_t number)
{
    weir__import *import = reader->import;
    weir_trace_run *run = weir__import_deliver(import, number);
    reader->delivered = number + 1;
    show_hold(reader);
    if (weir__import_is_past(import, reader->delivered))
        return run;
    weir_trace_run_retain(run); /* it lasts until the next call, as others do */
    weir_trace_run_release(import->last);
    import->last = run;
    weir__import_leave(import);
    return run;
}

weir_trace_run *weir_trace_reader_deliver(weir_trace_reader *reader, uint64_t number)
{
    const weir_trace *trace = reader->trace;
    WEIR_ASSERT(number >= reader->delivered && number < trace->spine->appended,
                "'%s' was delivered run %llu of '%s' after %llu", reader->hold.owner,
                (unsigned long long)number, trace->name, (unsigned long long)reader->delivered);
    if (reader->import && weir__import_is_past(reader->import, reader->delivered))
        return deliver_past(reader, number);
    reader->delivered = reader->hold.through = number + 1;
    if (trace->shown)
        weir__shown_set(&reader->shown.delivered, number + 1);
    weir_trace_run *run = trace->pending[trace->pending_at + (number - trace->pending_first)];
    return reader->import ? weir__import_see(reader->import, run) : run;
}

uint64_t weir_trace_reader_delivered(const weir_trace_reader *reader)
{
    return reader->delivered;
}

static void moved(weir_trace_reader *reader)
{
    reader->trace->since_changed = true;
    show_hold(reader);
}

void weir_trace_reader_advance(weir_trace_reader *reader, const weir_frontier *since)
{
    weir_frontier *held = &reader->hold.since;
    WEIR_ASSERT(since->depth == reader->depth, "'%s' reads '%s' at depth %u, not %u",
                reader->hold.owner, reader->trace->name, reader->depth, since->depth);
    if (held->depth == 1 && since->count == 1 && held->count == 1) { /* the hot case */
        uint64_t epoch = weir_frontier_times(since)->at[0];
        if (epoch <= held->one.at[0])
            return;
        held->one.at[0] = epoch;
        moved(reader);
        return;
    }
    weir_frontier cut;
    weir_frontier_init(&cut, held->depth);
    for (uint32_t i = 0; i < since->count; i++) {
        weir_time t = { { 0 } };
        memcpy(t.at, weir_frontier_times(since)[i].at, held->depth * sizeof *t.at);
        weir_frontier_insert(&cut, &t);
    }
    weir__frontier_raise(&cut, held);
    if (!weir_frontier_equal(&cut, held)) {
        weir_frontier_set(held, &cut);
        moved(reader);
    }
    weir_frontier_fini(&cut);
}

/* How many of the runs it was delivered. */
static uint32_t seen(const weir_trace_reader *reader)
{
    const weir_spine *spine = reader->trace->spine;
    uint32_t count = weir__spine_below(spine, reader->hold.through);
    if (count < spine->count && WEIR_PLANTED(READ_AHEAD))
        return spine->count;
    return count - (count > 1 && WEIR_PLANTED(READ_BEHIND));
}

size_t weir_trace_reader_runs(const weir_trace_reader *reader, weir_trace_run *const **runs)
{
    const weir_spine *spine = reader->trace->spine;
    if (reader->import)
        return weir__import_runs(reader->import, reader, runs);
    *runs = spine->runs;
    return seen(reader);
}

weir_trace_runs *weir_trace_reader_list(const weir_trace_reader *reader)
{
    weir_spine *spine = reader->trace->spine;
    if (reader->import)
        return weir__import_list(reader->import, reader);
    return weir__spine_list(spine, seen(reader));
}
