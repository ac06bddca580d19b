/* SPDX-License-Identifier: Apache-2.0
 *
 * See answers.h. Records are copied out of the view, since they are there for a call only, put in
 * order, and written field by field as their type describes them.
 */
#include "answers.h"

#include <inttypes.h>
#include <stdlib.h>

#include <weir/view.h>

typedef struct answer {
    const weir_type *type;
    weir_key order;
    uint32_t descending;
    void **records; /* each with its strings behind it */
    size_t count, room;
    weir_error *error;
} answer;

/* ---- reading ---- */

static bool keep(answer *a, const void *record)
{
    size_t size = a->type->size;
    if (a->count == a->room) {
        size_t room = a->room ? 2 * a->room : 64;
        void **records = realloc(a->records, room * sizeof *records);
        if (!records)
            return false;
        a->records = records;
        a->room = room;
    }
    char *copy = malloc(size + weir_record_heap_size(a->type, record));
    if (!copy)
        return false;
    memcpy(copy, record, size);
    (void)weir_record_move_strings(a->type, copy, copy + size);
    a->records[a->count++] = copy;
    return true;
}

static bool take_row(const weir_view_row *row, void *ctx)
{
    answer *a = ctx;
    char text[200];
    if (row->diff < 0) {
        weir_error_set(a->error, WEIR_FAILED, "%s is there %" PRId64 " times",
                       weir_record_text(a->type, row->record, text, sizeof text), row->diff);
        return false;
    }
    for (int64_t i = 0; i < row->diff; i++)
        if (!keep(a, row->record)) {
            weir_error_set(a->error, WEIR_NO_MEMORY, "no memory for an answer");
            return false;
        }
    return true;
}

static bool read_view(answer *a, weir_view *view)
{
    weir_view_reader *reader;
    weir_view_place place = { 0 };
    if (weir_view_reader_open(view, "answer", &reader, a->error) != WEIR_OK)
        return false;
    weir_status status = weir_view_reader_scan(reader, &place, 0, take_row, a);
    weir_view_reader_close(reader);
    if (status != WEIR_OK)
        weir_error_set(a->error, status, "cannot read the view %s: %s", weir_view_name(view),
                       weir_status_text(status));
    return a->error->status == WEIR_OK;
}

/* ---- order ---- */

static bool find_order(answer *a, const tpch_query *query)
{
    weir_order order = { .type = a->type };
    for (; query->order[order.count]; order.count++) {
        const char *name = query->order[order.count];
        bool down = name[0] == '-';
        order.field[order.count] = name + down;
        order.descending |= (uint32_t)down << order.count;
    }
    a->descending = order.descending;
    return order.count == 0 || weir_order_resolve(a->type, &order, &a->order, a->error) == WEIR_OK;
}

static int compare(const void *x, const void *y, void *ctx)
{
    const answer *a = ctx;
    const void *const *left = x, *const *right = y;
    int by_order = weir_order_compare(a->type, &a->order, a->descending, *left, *right);
    return by_order ? by_order : weir_record_compare(a->type, *left, *right);
}

/* ---- writing ---- */

static void write_field(const weir_field *field, const void *record, FILE *file)
{
    const void *at = (const char *)record + field->offset;
    char text[WEIR_DECIMAL_TEXT] = "";
    switch (field->kind) {
    case WEIR_KIND_str: {
        const weir_str *s = at;
        (void)fwrite(weir_str_data(s), 1, s->len, file);
        break;
    }
    case WEIR_KIND_decimal:
        (void)weir_decimal_text(*(const weir_decimal *)at, field->scale, text);
        break;
    case WEIR_KIND_date:
        (void)weir_date_text(*(const weir_date *)at, text);
        break;
    case WEIR_KIND_u32:
        (void)weir_u64_text(*(const uint32_t *)at, text);
        break;
    case WEIR_KIND_u64:
        (void)weir_u64_text(*(const uint64_t *)at, text);
        break;
    case WEIR_KIND_i32:
        (void)weir_i64_text(*(const int32_t *)at, text);
        break;
    case WEIR_KIND_i64:
        (void)weir_i64_text(*(const int64_t *)at, text);
        break;
    default: /* no answer has others */
        abort();
    }
    (void)fputs(text, file);
}

static void write_all(const answer *a, FILE *file)
{
    const weir_field *fields = a->type->fields;
    uint32_t last = a->type->field_count - 1;
    for (uint32_t f = 0; f <= last; f++)
        (void)fprintf(file, "%s%c", fields[f].name, f < last ? '|' : '\n');
    for (size_t i = 0; i < a->count; i++)
        for (uint32_t f = 0; f <= last; f++) {
            write_field(&fields[f], a->records[i], file);
            (void)fputc(f < last ? '|' : '\n', file);
        }
}

bool tpch_answer_write(weir_view *view, const tpch_query *query, FILE *file, weir_error *error)
{
    answer a = { .type = weir_view_type(view), .error = error };
    bool ok = find_order(&a, query) && read_view(&a, view);
    if (ok) {
        if (a.count > 0)
            qsort_r(a.records, a.count, sizeof *a.records, compare, &a);
        write_all(&a, file);
        if (ferror(file))
            ok = weir_error_set(error, WEIR_IO, "cannot write an answer") == WEIR_OK;
    }
    for (size_t i = 0; i < a.count; i++)
        free(a.records[i]);
    free(a.records);
    return ok;
}
