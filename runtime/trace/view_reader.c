/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns readers of views, and what they read of the workers of this process: how they come to a
 * time that is the same on all of them, look-ups, scans. What is published, and when, is in view.c;
 * what other processes have, in view_far.c.
 */
#include "trace/view.h"

#include <string.h>

#include "trace/segment.h"

/* ---- opening, moving on, closing ---- */

/* In one go. The hold is placed already, so that nothing of it has forgotten the reader's time. */
bool weir__reader_take(weir_view_reader *reader)
{
    weir_view *view = reader->view;
    uint64_t upper = UINT64_MAX, since = 0;
    weir__changes_free(reader->changes);
    reader->changes = NULL;
    for (unsigned w = view->first; w < view->first + view->here; w++) {
        weir__part *part = &view->parts[w];
        weir__taken *taken = &reader->taken[w];
        weir_trace_runs *old = taken->runs;
        pthread_mutex_lock(&part->lock);
        if (weir__view_is_removed(view)) { /* what was taken before serves its time as well */
            pthread_mutex_unlock(&part->lock);
            return false;
        }
        taken->runs = part->runs ? weir_trace_runs_retain(part->runs) : NULL;
        taken->since = part->since;
        since = part->since > since ? part->since : since;
        upper = part->upper < upper ? part->upper : upper;
        pthread_mutex_unlock(&part->lock);
        if (taken->runs != old) {
            weir_cursor_destroy(taken->cursor);
            taken->cursor = NULL;
        }
        weir_trace_runs_release(old);
    }
    reader->since = since;
    reader->upper = upper;
    return true;
}

weir_view_reader *weir__reader_create(weir_view *view, const char *owner)
{
    size_t fixed = sizeof(weir_view_reader) + view->workers * sizeof(weir__taken);
    size_t name = strlen(owner) + 1, record_at = (fixed + 15) / 16 * 16;
    size_t size = record_at + view->type->size + name;
    weir_view_reader *reader = weir_alloc_zero(size);
    if (!reader)
        return NULL;
    reader->view = weir_view_retain(view);
    reader->size = size;
    reader->record = (char *)reader + record_at;
    reader->owner = reader->record + view->type->size;
    memcpy(reader->owner, owner, name);
    return reader;
}

/* Nothing is granted any more that lies after what was granted to the workers so far. */
static bool place_hold(weir_view_reader *reader)
{
    weir_view *view = reader->view;
    pthread_mutex_lock(&view->holds);
    bool complete = weir__view_upper(view) > 0;
    for (unsigned w = view->first; w < view->first + view->here; w++)
        if (view->parts[w].since > reader->time)
            reader->time = view->parts[w].since;
    if (complete) {
        reader->next = view->readers;
        view->readers = reader;
    }
    pthread_mutex_unlock(&view->holds);
    return complete;
}

weir_status weir__reader_open_here(weir_view *view, const char *owner, weir_view_reader **result,
                                   weir_error *error)
{
    weir_view_reader *reader = weir__reader_create(view, owner);
    *result = NULL;
    if (!reader)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a reader of the view '%s'",
                              view->name);
    if (!place_hold(reader)) {
        weir__reader_close_here(reader);
        weir_error_set(error, WEIR_NOT_READY, "no time of the view '%s' is complete yet",
                       view->name);
        weir_error_hint(error, "try again later");
        return WEIR_NOT_READY;
    }
    if (!weir__reader_take(reader)) { /* what was taken may be less than all of it */
        weir__reader_close_here(reader);
        return weir_error_set(error, WEIR_CLOSED, "the view '%s' was removed", view->name);
    }
    for (unsigned w = view->first; w < view->first + view->here; w++) {
        uint64_t ns = __atomic_load_n(&view->parts[w].now_ns, __ATOMIC_RELAXED);
        reader->opened_ns = ns > reader->opened_ns ? ns : reader->opened_ns;
    }
    *result = reader;
    return WEIR_OK;
}

void weir__reader_set_time(weir_view_reader *reader, uint64_t time)
{
    pthread_mutex_lock(&reader->view->holds);
    reader->time = time;
    pthread_mutex_unlock(&reader->view->holds);
}

void weir__reader_close_here(weir_view_reader *reader)
{
    weir_view *view = reader->view;
    pthread_mutex_lock(&view->holds);
    weir_view_reader **at = &view->readers;
    while (*at && *at != reader)
        at = &(*at)->next;
    if (*at)
        *at = reader->next;
    pthread_mutex_unlock(&view->holds);
    for (unsigned w = 0; w < view->workers; w++) {
        weir_cursor_destroy(reader->taken[w].cursor);
        weir_trace_runs_release(reader->taken[w].runs);
    }
    weir__changes_free(reader->changes);
    weir_free(reader, reader->size);
    weir_view_release(view);
}

weir_status weir_view_reader_open_with(weir_view *view, const weir_view_reader_options *given,
                                       weir_view_reader **reader, weir_error *error)
{
    weir_view_reader_options options = { 0 };
    weir_struct_copy(&options, sizeof options, given);
    if (!options.owner)
        options.owner = "";
    if (view->asker)
        return weir__far_open(view, &options, reader, error);
    weir_status status = weir__reader_open_here(view, options.owner, reader, error);
    if (status == WEIR_OK)
        weir__reader_set_time(*reader, (*reader)->upper - 1);
    return status;
}

weir_status weir_view_reader_open(weir_view *view, const char *owner, weir_view_reader **reader,
                                  weir_error *error)
{
    weir_view_reader_options options = { .struct_size = sizeof options, .owner = owner };
    return weir_view_reader_open_with(view, &options, reader, error);
}

bool weir_view_reader_refresh(weir_view_reader *reader)
{
    if (reader->far)
        return weir__far_refresh(reader);
    if (weir__view_upper(reader->view) - 1 == reader->time || !weir__reader_take(reader))
        return false;
    weir__reader_set_time(reader, reader->upper - 1);
    return true;
}

void weir_view_reader_close(weir_view_reader *reader)
{
    if (!reader)
        return;
    if (reader->far)
        weir__far_close(reader);
    weir__reader_close_here(reader);
}

uint64_t weir_view_reader_time(const weir_view_reader *reader)
{
    return reader->time;
}

uint64_t weir_view_reader_since(const weir_view_reader *reader)
{
    return reader->far ? weir__far_since(reader) : reader->since;
}

const weir_error *weir_view_reader_error(const weir_view_reader *reader)
{
    return reader->far ? weir__far_error(reader) : weir__store_error(weir__reader_store(reader));
}

/* ---- the state at the reader's time ---- */

/* Where runs of it lie that are in files: the process has one place for these. */
const struct weir__store *weir__reader_store(const weir_view_reader *reader)
{
    const weir_view *view = reader->view;
    for (unsigned w = view->first; w < view->first + view->here; w++) {
        const weir_trace_runs *runs = reader->taken[w].runs;
        for (uint32_t i = 0; runs && i < runs->count; i++)
            if (runs->runs[i]->segment)
                return runs->runs[i]->segment->store;
    }
    return NULL;
}

/* A file that is damaged lacks what was in it: nothing is shown that goes by that. */
static inline weir_status status_of(const weir__store *store)
{
    const weir_error *error = weir__store_error(store);
    return WEIR_LIKELY(!error) ? WEIR_OK : error->status;
}

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

unsigned weir__view_owner(const weir_view *view, uint64_t hash)
{
    return (unsigned)((__extension__(unsigned __int128) hash * view->workers) >> 64);
}

uint64_t weir__view_hash(const weir_view *view, const void *key)
{
    return weir_key_hash(view->type, &view->key, key,
                         __atomic_load_n(&view->seed, __ATOMIC_RELAXED));
}

weir_status weir__reader_lookup_here(weir_view_reader *reader, const void *key,
                                     weir_view_row_fn *fn, void *ctx)
{
    const weir_view *view = reader->view;
    const weir__store *store = weir__reader_store(reader);
    weir_cursor *cursor;
    weir_status status =
        cursor_of(reader, weir__view_owner(view, weir__view_hash(view, key)), &cursor);
    if (status != WEIR_OK || !cursor)
        return status;
    if (!weir_cursor_find(cursor, key))
        return status_of(store);
    while (weir_cursor_next_value(cursor) && (status = status_of(store)) == WEIR_OK) {
        weir_view_row row = { .time = reader->time };
        if (!weir_cursor_sum(cursor, &(weir_time){ { reader->time } }, &row.diff))
            return WEIR_OVERFLOWED;
        row.record = weir_cursor_record(cursor);
        if (row.diff != 0 && !fn(&row, ctx))
            return WEIR_OK;
    }
    return status_of(store);
}

/* A scan on its way. */
typedef struct scan {
    weir_view_reader *reader;
    const weir__store *store;
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
        if (status_of(s->store) != WEIR_OK)
            break;
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
    return status_of(s->store);
}

weir_status weir__reader_scan_here(weir_view_reader *reader, weir_view_place *place, size_t limit,
                                   weir_view_row_fn *fn, void *ctx)
{
    const weir_view *view = reader->view;
    unsigned from = weir__view_owner(view, place->hash), end = view->first + view->here;
    scan s = { .reader = reader,
               .store = weir__reader_store(reader),
               .place = place,
               .from = *place,
               .hash = place->hash,
               .left = limit ? limit : SIZE_MAX,
               .fn = fn,
               .ctx = ctx };
    bool go_on = !place->ended;
    for (unsigned w = from > view->first ? from : view->first; go_on && w < end; w++) {
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
        status = status == WEIR_OK ? status_of(s.store) : status;
        if (status != WEIR_OK)
            return status;
    }
    place->ended = go_on;
    return WEIR_OK;
}

/* ---- of all workers, wherever they are ---- */

weir_status weir_view_reader_lookup(weir_view_reader *reader, const void *key, weir_view_row_fn *fn,
                                    void *ctx)
{
    return reader->far ? weir__far_lookup(reader, key, fn, ctx)
                       : weir__reader_lookup_here(reader, key, fn, ctx);
}

weir_status weir_view_reader_scan(weir_view_reader *reader, weir_view_place *place, size_t limit,
                                  weir_view_row_fn *fn, void *ctx)
{
    return reader->far ? weir__far_scan(reader, place, limit, fn, ctx)
                       : weir__reader_scan_here(reader, place, limit, fn, ctx);
}

weir_status weir_view_reader_changes(weir_view_reader *reader, uint64_t since, const void *key,
                                     weir_view_row_fn *fn, void *ctx)
{
    weir__changes *changes;
    if (reader->far)
        return weir__far_changes(reader, since, key, fn, ctx);
    weir_status status = weir__changes_find(reader, since, key, &changes);
    if (status == WEIR_OK)
        status = weir__changes_report(reader, changes, fn, ctx);
    weir__changes_free(changes);
    return status;
}
