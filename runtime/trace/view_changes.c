/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns what readers find of changes in the runs of this process's workers: which there are, their
 * order, and that each record of a time is reported once.
 */
#include <stdlib.h>
#include <string.h>

#include "trace/column.h"
#include "trace/segment.h"
#include "trace/view.h"

/* An update found in a run. */
typedef struct found {
    uint64_t time;
    const weir_trace_run *run;
    uint32_t worker, key, value;
    int64_t diff;
} found;

struct weir__changes {
    uint64_t after, until; /* times in between, the latter included */
    weir__column found;
    size_t next; /* to be reported */
};

static bool note(weir__changes *f, const found *update)
{
    found *room = weir__column_add(&f->found, sizeof *room);
    if (room)
        *room = *update;
    return room;
}

/* Index of what the i-th entry of the finer column belongs to, among these. */
static uint32_t index_of(const uint32_t *at, weir__range among, uint32_t i)
{
    if (!at)
        return i;
    while (among.end - among.at > 1) {
        uint32_t middle = among.at + (among.end - among.at) / 2;
        if (at[middle] <= i)
            among.at = middle;
        else
            among.end = middle;
    }
    return among.at;
}

/* Of a file that is damaged there is nothing more to find: the reader is told at the end. */
static bool find_in_values(weir__changes *f, const weir_trace_run *run, uint32_t worker,
                           weir__range keys, weir__range values)
{
    if (!weir__run_sound_updates(run, values))
        return true;
    weir__range updates = { weir__run_updates(run, values.at).at,
                            weir__run_updates(run, values.end - 1).end };
    for (uint32_t u = updates.at; u < updates.end; u++) {
        uint64_t time = weir__run_epoch(run, u);
        if (time <= f->after || time > f->until)
            continue;
        uint32_t value = index_of(run->update_at, values, u);
        found update = { .time = time,
                         .run = run,
                         .worker = worker,
                         .value = value,
                         .key = index_of(run->value_at, keys, value),
                         .diff = weir__run_diff(run, u) };
        if (!weir__run_sound_value(run, value) || !weir__run_sound_key(run, update.key))
            return true;
        if (!note(f, &update))
            return false;
    }
    return true;
}

static bool find_key(weir__changes *f, const weir_trace_run *run, uint32_t worker, const void *key)
{
    const weir_shape *shape = run->shape;
    uint64_t hash = weir_shape_hash(shape, key);
    _Alignas(16) char record[WEIR_RECORD_SIZE_MAX];
    for (uint32_t k = weir__run_seek(run, hash);
         k < run->key_count && weir__run_sound_key(run, k) && weir__run_hash(run, k) == hash;
         k++) {
        weir__run_get_key(run, k, record);
        if (weir_key_equal(shape->type, &shape->key, record, key))
            return find_in_values(f, run, worker, (weir__range){ k, k + 1 },
                                  weir__run_values(run, k));
    }
    return true;
}

static bool find_any(weir__changes *f, const weir_trace_run *run, uint32_t worker)
{
    weir__range keys = { 0, run->key_count }, values = { 0, run->value_count };
    return !weir__run_sound_keys(run) || find_in_values(f, run, worker, keys, values);
}

static weir_status find_all(weir_view_reader *reader, weir__changes *f, const void *key)
{
    const weir_view *view = reader->view;
    unsigned first = view->first, end = view->first + view->here;
    if (key) {
        first = weir__view_owner(view, weir__view_hash(view, key));
        end = first + 1;
    }
    for (unsigned w = first; w < end; w++) {
        const weir_trace_runs *runs = reader->taken[w].runs;
        for (uint32_t i = 0; runs && i < runs->count; i++) {
            const weir_trace_run *run = runs->runs[i];
            if (run->join.at[0] <= f->after || run->meet.at[0] > f->until)
                continue;
            if (key ? !find_key(f, run, w, key) : !find_any(f, run, w))
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

weir_status weir__changes_find(weir_view_reader *reader, uint64_t after, const void *key,
                               weir__changes **changes)
{
    *changes = NULL;
    if (after < reader->since)
        return WEIR_GONE;
    weir__changes *f = weir_alloc_zero(sizeof *f);
    if (!f)
        return WEIR_NO_MEMORY;
    f->after = after;
    f->until = reader->time;
    weir_status status = find_all(reader, f, key);
    const weir_error *error = weir__store_error(weir__reader_store(reader));
    status = status == WEIR_OK && error ? error->status : status;
    if (status != WEIR_OK) {
        weir__changes_free(f);
        return status;
    }
    if (f->found.used > 0)
        qsort(f->found.data, f->found.used / sizeof(found), sizeof(found), compare);
    *changes = f;
    return WEIR_OK;
}

void weir__changes_free(weir__changes *changes)
{
    if (!changes)
        return;
    weir__column_free(&changes->found);
    weir_free(changes, sizeof *changes);
}

/* An epoch may lie in several runs: what they have of one record is one change. */
weir_status weir__changes_report(weir_view_reader *reader, weir__changes *changes,
                                 weir_view_row_fn *fn, void *ctx)
{
    const found *all = (const found *)(const void *)changes->found.data;
    size_t count = changes->found.used / sizeof *all;
    for (bool go_on = true; go_on && changes->next < count;) {
        const found *first = &all[changes->next];
        __extension__ __int128 sum = 0;
        do
            sum += all[changes->next].diff;
        while (++changes->next < count && compare(first, &all[changes->next]) == 0);
        if (sum == 0)
            continue;
        if (sum != (int64_t)sum)
            return WEIR_OVERFLOWED;
        weir__run_get_key(first->run, first->key, reader->record);
        weir__run_get_rest(first->run, first->value, reader->record);
        weir_view_row row = { .record = reader->record, .diff = (int64_t)sum, .time = first->time };
        go_on = fn(&row, ctx);
    }
    return WEIR_OK;
}
