/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns readers of views: how they come to a time that is the same on all workers, and what they
 * read there. What is published, and when, is in view.c.
 */
#include "trace/view.h"

#include <stdlib.h>
#include <string.h>

#include "trace/column.h"
#include "trace/run.h"

/* ---- opening, moving on, closing ---- */

/* Takes what each worker has published, in one go. Returns the least upper of it. The hold is
 * placed already, so that none of it has forgotten the time before that. */
static uint64_t take(weir_view_reader *reader)
{
    weir_view *view = reader->view;
    uint64_t upper = UINT64_MAX;
    for (unsigned w = 0; w < view->workers; w++) {
        weir__part *part = &view->parts[w];
        weir__taken *taken = &reader->taken[w];
        weir_trace_runs *old = taken->runs;
        pthread_mutex_lock(&part->lock);
        if (weir__view_is_removed(view)) { /* what was taken before serves its time as well */
            pthread_mutex_unlock(&part->lock);
            break;
        }
        taken->runs = part->runs ? weir_trace_runs_retain(part->runs) : NULL;
        taken->since = part->since;
        upper = part->upper < upper ? part->upper : upper;
        pthread_mutex_unlock(&part->lock);
        if (taken->runs != old) {
            weir_cursor_destroy(taken->cursor);
            taken->cursor = NULL;
        }
        weir_trace_runs_release(old);
    }
    return upper;
}

static void drop(weir_view_reader *reader)
{
    for (unsigned w = 0; w < reader->view->workers; w++) {
        weir_cursor_destroy(reader->taken[w].cursor);
        weir_trace_runs_release(reader->taken[w].runs);
    }
    weir_view_release(reader->view);
    weir_free(reader, reader->size);
}

static weir_view_reader *reader_create(weir_view *view, const char *owner)
{
    size_t fixed = sizeof(weir_view_reader) + view->workers * sizeof(weir__taken);
    size_t name = strlen(owner) + 1, record_at = (fixed + 15) / 16 * 16;
    size_t size = record_at + view->type->size + name;
    weir_view_reader *reader = weir_alloc_zero(size);
    if (!reader)
        return NULL;
    weir__view_retain(view);
    reader->view = view;
    reader->size = size;
    reader->record = (char *)reader + record_at;
    reader->owner = reader->record + view->type->size;
    memcpy(reader->owner, owner, name);
    return reader;
}

weir_status weir_view_reader_open(weir_view *view, const char *owner, weir_view_reader **result,
                                  weir_error *error)
{
    *result = NULL;
    if (view->here < view->workers) {
        weir_error_set(error, WEIR_UNAVAILABLE,
                       "the view '%s' is divided among several processes, and cannot be read yet",
                       view->name);
        weir_error_hint(error, "read what the dataflow writes to a sink, or run one process");
        return WEIR_UNAVAILABLE;
    }
    weir_view_reader *reader = reader_create(view, owner ? owner : "");
    if (!reader)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a reader of the view '%s'",
                              view->name);
    pthread_mutex_lock(&view->holds);
    uint64_t upper = weir__view_upper(view);
    if (upper > 0) {
        reader->time = upper - 1;
        reader->next = view->readers;
        view->readers = reader;
    }
    pthread_mutex_unlock(&view->holds);
    if (upper == 0) {
        drop(reader);
        weir_error_set(error, WEIR_NOT_READY, "no time of the view '%s' is complete yet",
                       view->name);
        weir_error_hint(error, "try again later");
        return WEIR_NOT_READY;
    }
    uint64_t time = take(reader) - 1, now = 0;
    if (weir__view_is_removed(view)) { /* what was taken may be less than all of it */
        weir_view_reader_close(reader);
        return weir_error_set(error, WEIR_CLOSED, "the view '%s' was removed", view->name);
    }
    for (unsigned w = 0; w < view->workers; w++) {
        uint64_t ns = __atomic_load_n(&view->parts[w].now_ns, __ATOMIC_RELAXED);
        now = ns > now ? ns : now;
    }
    pthread_mutex_lock(&view->holds);
    reader->time = time;
    reader->opened_ns = now;
    pthread_mutex_unlock(&view->holds);
    *result = reader;
    return WEIR_OK;
}

bool weir_view_reader_refresh(weir_view_reader *reader)
{
    if (weir__view_upper(reader->view) - 1 == reader->time || weir__view_is_removed(reader->view))
        return false;
    uint64_t time = take(reader) - 1;
    if (weir__view_is_removed(reader->view))
        return false;
    pthread_mutex_lock(&reader->view->holds);
    reader->time = time;
    pthread_mutex_unlock(&reader->view->holds);
    return true;
}

void weir_view_reader_close(weir_view_reader *reader)
{
    if (!reader)
        return;
    weir_view *view = reader->view;
    pthread_mutex_lock(&view->holds);
    weir_view_reader **at = &view->readers;
    while (*at != reader)
        at = &(*at)->next;
    *at = reader->next;
    pthread_mutex_unlock(&view->holds);
    drop(reader);
}

uint64_t weir_view_reader_time(const weir_view_reader *reader)
{
    return reader->time;
}

/* ---- the state at the reader's time ---- */

/* A cursor of what a worker has; *cursor is NULL if that is nothing. */
static weir_status cursor_of(weir_view_reader *reader, unsigned worker, weir_cursor **cursor)
{
    weir__taken *taken = &reader->taken[worker];
    *cursor = NULL;
    if (!taken->runs || taken->runs->count == 0)
        return WEIR_OK;
    if (!taken->cursor)
        taken->cursor = weir_cursor_create(taken->runs->runs, taken->runs->count);
    *cursor = taken->cursor;
    return *cursor ? WEIR_OK : WEIR_NO_MEMORY;
}

static unsigned owner_of(const weir_view *view, uint64_t hash)
{
    return (unsigned)((__extension__(unsigned __int128) hash * view->workers) >> 64);
}

static uint64_t key_hash(const weir_view *view, const void *key)
{
    return weir_key_hash(view->type, &view->key, key,
                         __atomic_load_n(&view->seed, __ATOMIC_RELAXED));
}

weir_status weir_view_reader_lookup(weir_view_reader *reader, const void *key, weir_view_row_fn *fn,
                                    void *ctx)
{
    weir_cursor *cursor;
    weir_status status =
        cursor_of(reader, owner_of(reader->view, key_hash(reader->view, key)), &cursor);
    if (status != WEIR_OK || !cursor || !weir_cursor_find(cursor, key))
        return status;
    while (weir_cursor_next_value(cursor)) {
        weir_view_row row = { .time = reader->time };
        if (!weir_cursor_sum(cursor, &(weir_time){ { reader->time } }, &row.diff))
            return WEIR_OVERFLOWED;
        row.record = weir_cursor_record(cursor);
        if (row.diff != 0 && !fn(&row, ctx))
            break;
    }
    return WEIR_OK;
}

/* A scan on its way. */
typedef struct scan {
    weir_view_reader *reader;
    weir_view_place *place;
    weir_view_place from;   /* where it began */
    uint64_t hash, ordinal; /* of the record at hand */
    size_t left;
    weir_view_row_fn *fn;
    void *ctx;
} scan;

/* One key. *go_on: neither fn nor the limit ended it. */
static weir_status scan_key(scan *s, weir_cursor *cursor, bool *go_on)
{
    while (*go_on && weir_cursor_next_value(cursor)) {
        int64_t sum;
        if (!weir_cursor_sum(cursor, &(weir_time){ { s->reader->time } }, &sum))
            return WEIR_OVERFLOWED;
        if (sum == 0)
            continue;
        s->ordinal++;
        if (s->hash == s->from.hash && s->ordinal <= s->from.ordinal)
            continue;
        weir_view_row row = { .record = weir_cursor_record(cursor),
                              .diff = sum,
                              .time = s->reader->time };
        *s->place = (weir_view_place){ .hash = s->hash, .ordinal = s->ordinal };
        *go_on = s->fn(&row, s->ctx) && --s->left > 0;
    }
    return WEIR_OK;
}

weir_status weir_view_reader_scan(weir_view_reader *reader, weir_view_place *place, size_t limit,
                                  weir_view_row_fn *fn, void *ctx)
{
    scan s = { .reader = reader,
               .place = place,
               .from = *place,
               .hash = place->hash,
               .left = limit ? limit : SIZE_MAX,
               .fn = fn,
               .ctx = ctx };
    bool go_on = !place->ended;
    for (unsigned w = owner_of(reader->view, place->hash); go_on && w < reader->view->workers;
         w++) {
        weir_cursor *cursor;
        weir_status status = cursor_of(reader, w, &cursor);
        if (cursor)
            weir_cursor_seek(cursor, s.from.hash);
        while (status == WEIR_OK && go_on && cursor && weir_cursor_next_key(cursor)) {
            if (weir_cursor_hash(cursor) != s.hash)
                s.ordinal = 0;
            s.hash = weir_cursor_hash(cursor);
            status = scan_key(&s, cursor, &go_on);
        }
        if (status != WEIR_OK)
            return status;
    }
    place->ended = go_on;
    return WEIR_OK;
}

/* ---- changes ---- */

/* An update found in a run. */
typedef struct found {
    uint64_t time;
    const weir_trace_run *run;
    uint32_t worker, key, value;
    int64_t diff;
} found;

typedef struct finding {
    uint64_t after, until; /* times in between, the latter included */
    weir__column found;
} finding;

static bool note(finding *f, const found *update)
{
    found *room = weir__column_add(&f->found, sizeof *room);
    if (room)
        *room = *update;
    return room;
}

/* Index of what the i-th entry of the finer column belongs to. */
static uint32_t index_of(const uint32_t *at, uint32_t count, uint32_t i)
{
    if (!at)
        return i;
    uint32_t low = 0, high = count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (at[middle] <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool find_in_values(finding *f, const weir_trace_run *run, uint32_t worker,
                           weir__range values)
{
    weir__range updates = { weir__run_updates(run, values.at).at,
                            weir__run_updates(run, values.end - 1).end };
    for (uint32_t u = updates.at; u < updates.end; u++) {
        uint64_t time = weir__run_epoch(run, u);
        if (time <= f->after || time > f->until)
            continue;
        uint32_t value = index_of(run->update_at, run->value_count, u);
        found update = { .time = time,
                         .run = run,
                         .worker = worker,
                         .value = value,
                         .key = index_of(run->value_at, run->key_count, value),
                         .diff = weir__run_diff(run, u) };
        if (!note(f, &update))
            return false;
    }
    return true;
}

static bool find_key(finding *f, const weir_trace_run *run, uint32_t worker, const void *key)
{
    const weir_shape *shape = run->shape;
    uint64_t hash = weir_shape_hash(shape, key);
    _Alignas(16) char record[WEIR_RECORD_SIZE_MAX];
    for (uint32_t k = weir__run_seek(run, hash);
         k < run->key_count && weir__run_hash(run, k) == hash; k++) {
        weir__run_get_key(run, k, record);
        if (weir_key_equal(shape->type, &shape->key, record, key))
            return find_in_values(f, run, worker, weir__run_values(run, k));
    }
    return true;
}

static weir_status find_changes(weir_view_reader *reader, finding *f, const void *key)
{
    const weir_view *view = reader->view;
    unsigned first = key ? owner_of(view, key_hash(view, key)) : 0;
    for (unsigned w = first; w < (key ? first + 1 : view->workers); w++) {
        const weir_trace_runs *runs = reader->taken[w].runs;
        for (uint32_t i = 0; runs && i < runs->count; i++) {
            const weir_trace_run *run = runs->runs[i];
            weir__range all = { 0, run->value_count };
            if (run->join.at[0] <= f->after || run->meet.at[0] > f->until)
                continue;
            if (key ? !find_key(f, run, w, key) : !find_in_values(f, run, w, all))
                return WEIR_NO_MEMORY;
        }
    }
    return WEIR_OK;
}

static int compare(const void *x, const void *y)
{
    const found *a = x, *b = y;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->worker != b->worker)
        return a->worker < b->worker ? -1 : 1;
    int order = weir__run_compare_keys(a->run, a->key, b->run, b->key);
    return order ? order : weir__run_compare_values(a->run, a->value, b->run, b->value);
}

/* An epoch may lie in several runs: what they have of one record is one change. */
static weir_status report(weir_view_reader *reader, const finding *f, weir_view_row_fn *fn,
                          void *ctx)
{
    const found *all = (const found *)(const void *)f->found.data;
    size_t count = f->found.used / sizeof *all;
    for (size_t i = 0, first; i < count;) {
        int64_t sum = 0;
        first = i;
        do {
            if (__builtin_add_overflow(sum, all[i].diff, &sum))
                return WEIR_OVERFLOWED;
        } while (++i < count && compare(&all[first], &all[i]) == 0);
        if (sum == 0)
            continue;
        weir__run_get_key(all[first].run, all[first].key, reader->record);
        weir__run_get_rest(all[first].run, all[first].value, reader->record);
        weir_view_row row = { .record = reader->record, .diff = sum, .time = all[first].time };
        if (!fn(&row, ctx))
            break;
    }
    return WEIR_OK;
}

weir_status weir_view_reader_changes(weir_view_reader *reader, uint64_t since, const void *key,
                                     weir_view_row_fn *fn, void *ctx)
{
    finding f = { .after = since, .until = reader->time };
    for (unsigned w = 0; w < reader->view->workers; w++)
        if (since < reader->taken[w].since)
            return WEIR_GONE;
    weir_status status = find_changes(reader, &f, key);
    if (status == WEIR_OK && f.found.used > 0) {
        qsort(f.found.data, f.found.used / sizeof(found), sizeof(found), compare);
        status = report(reader, &f, fn, ctx);
    }
    weir__column_free(&f.found);
    return status;
}
