/* SPDX-License-Identifier: Apache-2.0
 *
 * See view_page.h.
 */
#include "trace/view_page.h"

#include <string.h>

#include "data/field.h"
#include "trace/column.h"

/* ---- collecting rows ---- */

typedef struct rows {
    const weir_type *type;
    const weir_view_place *place; /* of a scan: it has the hash */
    weir__column records, diffs, times, hashes;
    size_t bytes;
    uint64_t skip, left;
    bool failed, stopped;
} rows;

static bool add(weir__column *column, const void *data, size_t size)
{
    void *room = weir__column_add(column, size);
    if (room)
        memcpy(room, data, size);
    return room;
}

/* Strings stay where they are: in the runs, which the reader keeps. */
static bool add_row(const weir_view_row *row, void *ctx)
{
    rows *r = ctx;
    if (r->skip > 0) {
        r->skip--;
        return true;
    }
    r->failed = !add(&r->records, row->record, r->type->size) ||
                !add(&r->diffs, &row->diff, sizeof row->diff) ||
                !add(&r->times, &row->time, sizeof row->time) ||
                (r->place && !add(&r->hashes, &r->place->hash, sizeof r->place->hash));
    r->bytes += r->type->size + weir_record_heap_size(r->type, row->record);
    r->stopped = r->failed || --r->left == 0 || r->bytes >= WEIR__PAGE_BYTES;
    return !r->stopped;
}

/* ---- as bytes ---- */

static char *flatten(const weir_batch *batch, weir__pool *pool, size_t *size)
{
    weir__batch_bytes bytes;
    weir__batch_bytes_of(batch, pool, &bytes);
    char *data = weir_alloc(bytes.size), *to = data;
    for (unsigned p = 0; data && p < bytes.parts; to += bytes.part[p++].size)
        memcpy(to, bytes.part[p].at, bytes.part[p].size);
    *size = bytes.size;
    weir__batch_bytes_fini(&bytes);
    return data;
}

static weir_status write_rows(const rows *r, weir__pool *pool, weir__page *page)
{
    weir_batch batch = { .type = r->type,
                         .count = r->records.used / r->type->size,
                         .records = r->records.data,
                         .diffs = (const int64_t *)(const void *)r->diffs.data,
                         .times = (const uint64_t *)(const void *)r->times.data,
                         .hashes = (const uint64_t *)(const void *)r->hashes.data,
                         .depth = 1 };
    if (r->failed)
        return WEIR_NO_MEMORY;
    if (batch.count == 0)
        return WEIR_OK;
    page->bytes = flatten(&batch, pool, &page->size);
    return page->bytes ? WEIR_OK : WEIR_NO_MEMORY;
}

char *weir__key_bytes(const weir_view *view, const void *key, weir__pool *pool, size_t *size)
{
    _Alignas(16) char record[WEIR_RECORD_SIZE_MAX];
    const char *from = key;
    memset(record, 0, view->type->size);
    for (uint32_t i = 0; i < view->key.count; i++) {
        const weir_field *field = &view->type->fields[view->key.field[i]];
        if (weir__field_is_null(field, key))
            continue;
        if (field->optional)
            record[field->set_offset] = 1;
        memcpy(record + field->offset, from + field->offset, weir_kind_size(field->kind));
    }
    weir_batch batch = { .type = view->type, .count = 1, .records = record, .depth = 1 };
    return flatten(&batch, pool, size);
}

weir_status weir__rows_from_bytes(const weir_view *view, const char *bytes, size_t size,
                                  weir_batch **result, weir_error *error)
{
    weir__batch_shape shape = { view->type, 1, size };
    weir__pool *pool = weir__pool_create(); /* goes with the rows */
    *result = NULL;
    if (!pool)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for rows of the view '%s'",
                              view->name);
    weir_status status = weir__batch_from_bytes(bytes, &shape, pool, result, error);
    weir__pool_close(pool);
    return status;
}

/* ---- reading ---- */

static weir_status read_changes(weir_view_reader *reader, const weir__ask *ask, const void *key,
                                rows *r)
{
    if (ask->ordinal == 0) {
        weir__changes_free(reader->changes);
        weir_status status = weir__changes_find(reader, ask->from, key, &reader->changes);
        if (status != WEIR_OK)
            return status;
    }
    if (!reader->changes)
        return WEIR_INVALID;
    return weir__changes_report(reader, reader->changes, add_row, r);
}

weir_status weir__page_read(weir_view_reader *reader, const weir__ask *ask, const void *key,
                            weir__pool *pool, weir__page *page)
{
    weir_view_place place = { .hash = ask->from, .ordinal = ask->ordinal };
    rows r = { .type = reader->view->type, .left = ask->limit ? ask->limit : UINT64_MAX };
    weir_status status = WEIR_INVALID;
    *page = (weir__page){ .ended = false };
    if (ask->time < reader->since || ask->time >= reader->upper)
        return WEIR_INVALID;
    if (ask->time != reader->time) /* it holds what it reads, and no more */
        weir__reader_set_time(reader, ask->time);
    if (ask->kind == WEIR__ASK_LOOKUP && key) {
        r.skip = ask->ordinal;
        status = weir__reader_lookup_here(reader, key, add_row, &r);
    } else if (ask->kind == WEIR__ASK_SCAN) {
        r.place = &place;
        status = weir__reader_scan_here(reader, &place, 0, add_row, &r);
    } else if (ask->kind == WEIR__ASK_CHANGES) {
        status = read_changes(reader, ask, key, &r);
    }
    if (status == WEIR_OK)
        status = write_rows(&r, pool, page);
    page->ended = !r.stopped;
    weir__column_free(&r.records);
    weir__column_free(&r.diffs);
    weir__column_free(&r.times);
    weir__column_free(&r.hashes);
    return status;
}
