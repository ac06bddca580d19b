/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of views: a hold, a time, and one list of runs a worker, all taken at one moment under the
 * view's lock; then look-ups, scans and changes, which take no lock.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "trace/view.h"

/* ---- opening, moving on, closing ---- */

static void take_runs(weir_view_reader *reader)
{
    weir_view *view = reader->view;
    for (unsigned w = 0; w < view->workers; w++)
        reader->runs[w] = view->parts[w].runs ? weir_trace_runs_retain(view->parts[w].runs)
                                              : NULL;
}

weir_status weir_view_reader_open(weir_view *view, const char *owner, weir_view_reader **result,
                                  weir_error *error)
{
    size_t size = strlen(owner) + 1;
    weir_view_reader *reader = weir_alloc_zero(sizeof *reader);
    char *text = weir_alloc(size);
    weir_trace_runs **runs = weir_alloc_zero(view->workers * sizeof(weir_trace_runs *));
    bool made = reader && text && runs;
    *result = NULL;
    if (made) {
        *reader = (weir_view_reader){ .view = view, .runs = runs,
                                      .owner = memcpy(text, owner, size) };
        pthread_mutex_lock(&view->lock);
        if (view->upper) {
            reader->time = view->upper - 1;
            reader->opened_ns = view->now_ns;
            reader->seed = view->parts[0].seed;
            reader->next = view->readers;
            view->readers = reader;
            take_runs(reader);
            *result = reader;
        }
        pthread_mutex_unlock(&view->lock);
    }
    if (*result)
        return WEIR_OK;
    weir_free(text, size);
    weir_free(runs, view->workers * sizeof(weir_trace_runs *));
    weir_free(reader, sizeof *reader);
    if (!made)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory to read view '%s'", view->name);
    weir_error_set(error, WEIR_NOT_READY, "no time of view '%s' is complete yet", view->name);
    weir_error_hint(error, "ask again in a moment");
    return WEIR_NOT_READY;
}

static void release_runs(weir_trace_runs **runs, unsigned count)
{
    for (unsigned w = 0; w < count; w++)
        if (runs[w])
            weir_trace_runs_release(runs[w]);
}

void weir_view_reader_close(weir_view_reader *reader)
{
    weir_view *view = reader->view;
    pthread_mutex_lock(&view->lock);
    weir_view_reader **at = &view->readers;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    pthread_mutex_unlock(&view->lock);
    release_runs(reader->runs, view->workers);
    weir_free(reader->runs, view->workers * sizeof(weir_trace_runs *));
    weir_free(reader->owner, strlen(reader->owner) + 1);
    weir_free(reader, sizeof *reader);
}

uint64_t weir_view_reader_time(const weir_view_reader *reader) { return reader->time; }

bool weir_view_reader_refresh(weir_view_reader *reader)
{
    weir_view *view = reader->view;
    size_t size = view->workers * sizeof(weir_trace_runs *);
    if (weir_view_upper(view) - 1 <= reader->time)
        return false;
    weir_trace_runs **old = weir_alloc(size);
    if (!old)
        return false;
    memcpy(old, reader->runs, size);
    pthread_mutex_lock(&view->lock);
    reader->time = view->upper - 1;
    take_runs(reader);
    pthread_mutex_unlock(&view->lock);
    release_runs(old, view->workers);
    weir_free(old, size);
    return true;
}

/* ---- questions ---- */

static weir_cursor *open_cursor(const weir_view_reader *reader, unsigned worker)
{
    const weir_trace_runs *runs = reader->runs[worker];
    return weir_cursor_create(runs ? runs->runs : NULL, runs ? runs->count : 0);
}

static unsigned owner_of(const weir_view *view, uint64_t hash)
{
    __extension__ typedef unsigned __int128 wide;
    return (unsigned)(((wide)hash * view->workers) >> 64);
}

static uint64_t key_hash(const weir_view_reader *reader, const void *key)
{
    return weir_key_hash(reader->view->type, &reader->view->key, key, reader->seed);
}

weir_status weir_view_reader_lookup(weir_view_reader *reader, const void *key, weir_view_row_fn *fn,
                                    void *ctx)
{
    weir_view *view = reader->view;
    weir_cursor *cursor = open_cursor(reader, owner_of(view, key_hash(reader, key)));
    if (!cursor)
        return WEIR_NO_MEMORY;
    weir_status status = WEIR_OK;
    bool on = weir_cursor_find(cursor, key);
    while (on && weir_cursor_next_value(cursor)) {
        weir_view_row row = { .time = reader->time };
        if (!weir_cursor_sum(cursor, reader->time, &row.diff)) {
            status = WEIR_OVERFLOWED;
            break;
        }
        row.record = weir_cursor_record(cursor);
        if (row.diff)
            on = fn(&row, ctx);
    }
    weir_cursor_destroy(cursor);
    return status;
}

typedef struct scan {
    weir_view_reader *reader;
    weir_view_place *place;
    size_t left; /* SIZE_MAX: no limit */
    weir_view_row_fn *fn;
    void *ctx;
    bool stopped;
} scan;

/* The values of the cursor's key. `passed` of the records with its hash were there before. */
static weir_status scan_key(scan *s, weir_cursor *cursor, uint64_t *passed, uint64_t skip)
{
    while (weir_cursor_next_value(cursor)) {
        weir_view_row row = { .time = s->reader->time };
        if (!weir_cursor_sum(cursor, s->reader->time, &row.diff))
            return WEIR_OVERFLOWED;
        if (row.diff == 0 || ++*passed <= skip)
            continue;
        if (s->left == 0) {
            s->stopped = true;
            return WEIR_OK;
        }
        row.record = weir_cursor_record(cursor);
        s->place->hash = weir_cursor_hash(cursor);
        s->place->ordinal = *passed;
        if (s->left != SIZE_MAX)
            s->left--;
        if (!s->fn(&row, s->ctx)) {
            s->stopped = true;
            return WEIR_OK;
        }
    }
    return WEIR_OK;
}

static weir_status scan_worker(scan *s, weir_cursor *cursor, uint64_t from, uint64_t skip)
{
    uint64_t hash = from, passed = 0;
    weir_status status = WEIR_OK;
    weir_cursor_seek(cursor, from);
    while (status == WEIR_OK && !s->stopped && weir_cursor_next_key(cursor)) {
        if (weir_cursor_hash(cursor) != hash) {
            hash = weir_cursor_hash(cursor);
            passed = 0;
        }
        status = scan_key(s, cursor, &passed, hash == from ? skip : 0);
    }
    return status;
}

weir_status weir_view_reader_scan(weir_view_reader *reader, weir_view_place *place, size_t limit,
                                  weir_view_row_fn *fn, void *ctx)
{
    scan s = { reader, place, limit ? limit : SIZE_MAX, fn, ctx, place->ended };
    uint64_t from = place->hash, skip = place->ordinal;
    weir_status status = WEIR_OK;
    for (unsigned w = owner_of(reader->view, from);
         status == WEIR_OK && !s.stopped && w < reader->view->workers; w++) {
        weir_cursor *cursor = open_cursor(reader, w);
        if (!cursor)
            return WEIR_NO_MEMORY;
        status = scan_worker(&s, cursor, from, skip);
        weir_cursor_destroy(cursor);
        from = skip = 0;
    }
    if (status == WEIR_OK && !s.stopped)
        place->ended = true;
    return status;
}

/* ---- changes ---- */

/* Changes found, each followed by its record. */
typedef struct found {
    uint64_t time, order;
    int64_t diff;
    _Alignas(16) char record[];
} found;

typedef struct gathering {
    weir_view_reader *reader;
    uint64_t since;
    size_t stride; /* of one found */
    char *items;
    size_t count, capacity;
} gathering;

static found *item(const gathering *g, size_t i) { return (found *)(g->items + i * g->stride); }

static weir_status add_change(gathering *g, uint64_t time, int64_t diff, const void *record)
{
    if (g->count == g->capacity) {
        size_t capacity = g->capacity ? g->capacity * 2 : 64;
        char *items = weir_realloc(g->items, g->capacity * g->stride, capacity * g->stride);
        if (!items)
            return WEIR_NO_MEMORY;
        g->items = items;
        g->capacity = capacity;
    }
    found *f = item(g, g->count);
    *f = (found){ .time = time, .order = g->count, .diff = diff };
    memcpy(f->record, record, g->reader->view->type->size);
    g->count++;
    return WEIR_OK;
}

/* The updates of the cursor's value, those of one time summed. */
static weir_status gather_value(gathering *g, weir_cursor *cursor)
{
    const void *record = weir_cursor_record(cursor);
    size_t first = g->count;
    uint64_t time;
    int64_t diff;
    while (weir_cursor_next_update(cursor, &time, &diff)) {
        if (time <= g->since || time > g->reader->time)
            continue;
        size_t i = first;
        while (i < g->count && item(g, i)->time != time)
            i++;
        if (i < g->count) {
            if (__builtin_add_overflow(item(g, i)->diff, diff, &item(g, i)->diff))
                return WEIR_OVERFLOWED;
        } else if (add_change(g, time, diff, record) != WEIR_OK) {
            return WEIR_NO_MEMORY;
        }
    }
    return WEIR_OK;
}

/* Runs that end at or before `since` have nothing to say. */
static weir_status gather_worker(gathering *g, unsigned worker, const void *key)
{
    const weir_trace_runs *runs = g->reader->runs[worker];
    size_t first = 0, count = runs ? runs->count : 0;
    while (first < count && weir_trace_run_upper(runs->runs[first]) <= g->since + 1)
        first++;
    weir_cursor *cursor = weir_cursor_create(count ? runs->runs + first : NULL, count - first);
    if (!cursor)
        return WEIR_NO_MEMORY;
    weir_status status = WEIR_OK;
    if (key) {
        bool on = weir_cursor_find(cursor, key);
        while (on && status == WEIR_OK && weir_cursor_next_value(cursor))
            status = gather_value(g, cursor);
    } else {
        while (status == WEIR_OK && weir_cursor_next_key(cursor))
            while (status == WEIR_OK && weir_cursor_next_value(cursor))
                status = gather_value(g, cursor);
    }
    weir_cursor_destroy(cursor);
    return status;
}

static int by_time(const void *a, const void *b)
{
    const found *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static weir_status tell(gathering *g, weir_view_row_fn *fn, void *ctx)
{
    if (g->count)
        qsort(g->items, g->count, g->stride, by_time);
    for (size_t i = 0; i < g->count; i++) {
        const found *f = item(g, i);
        if (f->diff && !fn(&(weir_view_row){ f->record, f->diff, f->time }, ctx))
            break;
    }
    return WEIR_OK;
}

static uint64_t latest_since(weir_view *view)
{
    uint64_t since = 0;
    pthread_mutex_lock(&view->lock);
    for (unsigned w = 0; w < view->workers; w++)
        since = view->parts[w].since > since ? view->parts[w].since : since;
    pthread_mutex_unlock(&view->lock);
    return since;
}

weir_status weir_view_reader_changes(weir_view_reader *reader, uint64_t since, const void *key,
                                     weir_view_row_fn *fn, void *ctx)
{
    weir_view *view = reader->view;
    if (since < latest_since(view))
        return WEIR_GONE;
    if (since >= reader->time)
        return WEIR_OK;
    size_t stride = (sizeof(found) + view->type->size + 15) / 16 * 16;
    gathering g = { .reader = reader, .since = since, .stride = stride };
    weir_status status = WEIR_OK;
    unsigned first = 0, end = view->workers;
    if (key) {
        first = owner_of(view, key_hash(reader, key));
        end = first + 1;
    }
    for (unsigned w = first; w < end && status == WEIR_OK; w++)
        status = gather_worker(&g, w, key);
    if (status == WEIR_OK)
        status = tell(&g, fn, ctx);
    weir_free(g.items, g.capacity * g.stride);
    return status;
}
