/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns traces and their readers: which runs a reader has been told of, and what all of them
 * together let a trace forget. Runs and merges are the spine's.
 */
#include "base/assert.h"
#include "trace/spine.h"

struct weir_trace {
    uint32_t refs;
    bool since_changed; /* a reader has moved since the spine's since was */
    weir_spine *spine;
    char *name;
    weir_trace_reader *readers;
    /* Runs that were not delivered to all readers yet, as they were appended: from number
     * pending_first on, at pending[pending_at] */
    weir_trace_run **pending;
    uint64_t pending_first;
    uint32_t pending_at, pending_count, pending_capacity;
};

struct weir_trace_reader {
    weir_trace *trace;
    weir_trace_reader *next;
    weir_hold hold; /* at the trace's depth */
    char *owner;
    unsigned depth;
};

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

static void pending_drop(weir_trace *trace, uint64_t below)
{
    for (; trace->pending_count > 0 && trace->pending_first < below; trace->pending_first++) {
        weir_trace_run_release(trace->pending[trace->pending_at++]);
        trace->pending_count--;
    }
    if (trace->pending_count == 0)
        trace->pending_at = 0;
}

static void destroy(weir_trace *trace)
{
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
}

weir_status weir_trace_append(weir_trace *trace, weir_trace_run *run, uint64_t *number)
{
    weir_spine *spine = trace->spine;
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

bool weir_trace_work(weir_trace *trace, size_t fuel)
{
    advance(trace);
    pending_prune(trace);
    return weir_spine_work(trace->spine, fuel);
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
                               .appended = spine->appended };
}

void weir_trace_each_hold(const weir_trace *trace, void (*fn)(const weir_hold *hold, void *ctx),
                          void *ctx)
{
    weir_spine_each_hold(trace->spine, fn, ctx);
}

/* ---- readers ---- */

weir_trace_reader *weir_trace_reader_open(weir_trace *trace, const weir_trace_reader_spec *spec)
{
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
    reader->hold = (weir_hold){
        .owner = owner, .through = trace->spine->appended, .since_ns = spec->now_ns
    };
    weir_frontier_init(&reader->hold.since, depth);
    weir_frontier_set(&reader->hold.since, &trace->spine->since);
    weir_hold_place(&reader->hold, trace->spine);
    reader->next = trace->readers;
    trace->readers = reader;
    return reader;
}

void weir_trace_reader_close(weir_trace_reader *reader)
{
    if (!reader)
        return;
    weir_trace *trace = reader->trace;
    weir_trace_reader **at = &trace->readers;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    weir_hold_remove(&reader->hold);
    weir_frontier_fini(&reader->hold.since);
    free_text(reader->owner);
    weir_free(reader, sizeof *reader);
    trace->since_changed = true;
    weir_trace_release(trace);
}

weir_trace *weir_trace_reader_trace(const weir_trace_reader *reader)
{
    return reader->trace;
}

weir_trace_run *weir_trace_reader_deliver(weir_trace_reader *reader, uint64_t number)
{
    const weir_trace *trace = reader->trace;
    WEIR_ASSERT(number >= reader->hold.through && number < trace->spine->appended,
                "'%s' was delivered run %llu of '%s' after %llu", reader->hold.owner,
                (unsigned long long)number, trace->name,
                (unsigned long long)reader->hold.through);
    reader->hold.through = number + 1;
    return trace->pending[trace->pending_at + (number - trace->pending_first)];
}

uint64_t weir_trace_reader_delivered(const weir_trace_reader *reader)
{
    return reader->hold.through;
}

void weir_trace_reader_advance(weir_trace_reader *reader, const weir_frontier *since)
{
    weir_frontier *held = &reader->hold.since;
    WEIR_ASSERT(since->depth == reader->depth, "'%s' reads '%s' at depth %u, not %u",
                reader->hold.owner, reader->trace->name, reader->depth, since->depth);
    if (held->depth == 1 && since->count == 1 && held->count == 1) { /* the hot case */
        uint64_t epoch = weir_frontier_times(since)->at[0];
        reader->trace->since_changed |= epoch > held->one.at[0];
        held->one.at[0] = epoch > held->one.at[0] ? epoch : held->one.at[0];
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
        reader->trace->since_changed = true;
    }
    weir_frontier_fini(&cut);
}

size_t weir_trace_reader_runs(const weir_trace_reader *reader, weir_trace_run *const **runs)
{
    const weir_spine *spine = reader->trace->spine;
    *runs = spine->runs;
    return weir__spine_below(spine, reader->hold.through);
}

weir_trace_runs *weir_trace_reader_list(const weir_trace_reader *reader)
{
    weir_spine *spine = reader->trace->spine;
    return weir__spine_list(spine, weir__spine_below(spine, reader->hold.through));
}
