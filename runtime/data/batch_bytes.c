/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches to bytes and back: see batch_bytes.h.
 */
#include "data/batch_bytes.h"

#include <string.h>

#include "data/field.h"

enum { MAGIC = 0x31624257, /* "WBb1" */
       DIFFS = 1, TIMES = 2, HASHES = 4, COLUMNS = 7 };

_Static_assert(WEIR__BATCH_HEAD == 64, "records that follow the head stay aligned");

static void add_part(weir__batch_bytes *bytes, const void *at, size_t size)
{
    if (size == 0)
        return;
    bytes->part[bytes->parts++] = (weir__piece){ (void *)at, size };
    bytes->size += size;
}

/* ---- to bytes ---- */

/* A record's string that lies outside it, or NULL. */
static weir_str *long_string(const weir_field *field, void *record)
{
    if (!weir__kind_is_str(field->kind) || weir__field_is_null(field, record))
        return NULL;
    weir_str *s = (weir_str *)(void *)((char *)record + field->offset);
    return weir_str_is_inline(s) ? NULL : s;
}

static size_t string_bytes(const weir_batch *batch)
{
    size_t size = 0;
    for (size_t i = 0; batch->type->has_strings && i < batch->count; i++)
        size += weir_record_heap_size(batch->type, weir_batch_record(batch, i));
    return size;
}

/* Copies a record's strings behind those before it and makes offsets of its pointers. */
static size_t copy_strings(const weir_type *type, void *record, char *strings, size_t at)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        weir_str *s = long_string(&type->fields[i], record);
        if (!s)
            continue;
        uint64_t offset = at;
        memcpy(strings + at, s->u.ptr, s->len);
        memcpy(&s->u, &offset, sizeof offset);
        at += s->len;
    }
    return at;
}

void weir__batch_bytes_of(const weir_batch *batch, weir__pool *pool, weir__batch_bytes *bytes)
{
    size_t records = batch->count * batch->type->size, strings = string_bytes(batch);
    *bytes = (weir__batch_bytes){ .head = {
        .magic = MAGIC, .record_size = batch->type->size, .count = batch->count,
        .depth = batch->depth, .string_bytes = strings,
        .columns = (batch->diffs ? DIFFS : 0) | (batch->times ? TIMES : 0) |
                   (batch->hashes ? HASHES : 0) } };
    memcpy(bytes->head.time, batch->time.at, batch->depth * sizeof *bytes->head.time);
    const char *from = batch->records;
    if (strings) {
        bytes->copy = weir__pool_get(pool, records + strings);
        char *to = weir__buffer_data(bytes->copy);
        size_t at = 0;
        memcpy(to, from, records);
        for (size_t i = 0; i < batch->count; i++)
            at = copy_strings(batch->type, to + i * batch->type->size, to + records, at);
        from = to;
    }
    add_part(bytes, &bytes->head, sizeof bytes->head);
    add_part(bytes, from, records);
    if (batch->diffs)
        add_part(bytes, batch->diffs, batch->count * sizeof *batch->diffs);
    if (batch->times)
        add_part(bytes, batch->times, batch->count * batch->depth * sizeof *batch->times);
    if (batch->hashes)
        add_part(bytes, batch->hashes, batch->count * sizeof *batch->hashes);
    add_part(bytes, from + records, strings);
}

void weir__batch_bytes_fini(weir__batch_bytes *bytes)
{
    if (bytes->copy)
        weir__buffer_release(bytes->copy);
    bytes->copy = NULL;
}

/* ---- from bytes ---- */

static weir_status refuse(weir_error *error, const char *why)
{
    weir_error_set(error, WEIR_BAD_DATA, "a batch cannot be read");
    weir_error_detail(error, "%s", why);
    return WEIR_BAD_DATA;
}

/* Whether the lengths in the head add up to the size, without a sum that could overflow: no part
 * is larger than what remains. */
static bool adds_up(const weir__batch_head *head, const weir__batch_shape *shape)
{
    uint64_t per_record = shape->type->size + (head->columns & DIFFS ? 8u : 0) +
                          (head->columns & TIMES ? 8u * shape->depth : 0) +
                          (head->columns & HASHES ? 8u : 0);
    uint64_t rest = shape->size - WEIR__BATCH_HEAD;
    if (head->count == 0 || head->count > rest / per_record)
        return false;
    return head->string_bytes == rest - head->count * per_record;
}

static const char *check_head(const weir__batch_head *head, const weir__batch_shape *shape)
{
    if (shape->size < WEIR__BATCH_HEAD)
        return "it is shorter than its head";
    if (head->magic != MAGIC)
        return "it does not begin as batches do";
    if (head->record_size != shape->type->size)
        return "its records are not as long as those of the type";
    if (head->depth != shape->depth)
        return "its times are not as deep as those of the stream";
    if (head->columns & ~(uint32_t)COLUMNS)
        return "it names a column that there is not";
    for (uint32_t c = head->depth; c < WEIR_TIME_COORDS; c++)
        if (head->time[c])
            return "its time has more coordinates than its depth";
    if (!adds_up(head, shape))
        return "its lengths do not add up to its size";
    if (head->string_bytes && !shape->type->has_strings)
        return "it has strings, its type has none";
    return NULL;
}

static void *add_column(weir__batch_bytes *bytes, weir__pool *pool, weir__buffer **buffer,
                        size_t size)
{
    *buffer = weir__pool_get(pool, size);
    add_part(bytes, weir__buffer_data(*buffer), size);
    return weir__buffer_data(*buffer);
}

weir_status weir__batch_open(weir__batch_bytes *bytes, const weir__batch_shape *shape,
                             weir__pool *pool, weir_batch **out, weir_error *error)
{
    const weir__batch_head *head = &bytes->head;
    *out = NULL;
    const char *why = check_head(head, shape);
    if (why)
        return refuse(error, why);
    bytes->parts = 0;
    bytes->size = 0;
    bytes->copy = NULL;
    bytes->strings = NULL;
    add_part(bytes, &bytes->head, sizeof bytes->head);
    weir_batch *batch = weir__batch_create(shape->type, shape->depth);
    size_t count = batch->count = head->count;
    memcpy(batch->time.at, head->time, sizeof head->time);
    batch->records = add_column(bytes, pool, &batch->record_buffer, count * shape->type->size);
    if (head->columns & DIFFS)
        batch->diffs = add_column(bytes, pool, &batch->diff_buffer, count * 8);
    if (head->columns & TIMES)
        batch->times = add_column(bytes, pool, &batch->time_buffer,
                                  count * 8 * (size_t)shape->depth);
    if (head->columns & HASHES)
        batch->hashes = add_column(bytes, pool, &batch->hash_buffer, count * 8);
    if (head->string_bytes) {
        char *room = weir__pin_room(pool, head->string_bytes, &bytes->strings);
        weir__batch_add_pin(batch, bytes->strings);
        add_part(bytes, room, head->string_bytes);
    }
    weir__batch_charge(batch);
    *out = batch;
    return WEIR_OK;
}

/* A flag is a C bool, which nothing but 0 and 1 may be read as. */
static bool flags_are_sound(const weir_field *field, const unsigned char *record)
{
    if (field->optional && record[field->set_offset] > 1)
        return false;
    return field->kind != WEIR_KIND_flag || record[field->offset] <= 1;
}

/* Points a string to its bytes, if it is one and these are there. */
static bool point_string(const weir_field *field, char *record, const weir__piece *strings)
{
    weir_str *s = long_string(field, record);
    if (!s)
        return true;
    uint64_t offset;
    memcpy(&offset, &s->u, sizeof offset);
    if (!strings || offset > strings->size || s->len > strings->size - offset)
        return false;
    s->u.ptr = (const char *)strings->at + offset;
    return memcmp(s->prefix, s->u.ptr, sizeof s->prefix) == 0;
}

static const char *check_records(const weir_batch *batch, const weir__piece *strings)
{
    const weir_type *type = batch->type;
    for (uint32_t f = 0; f < type->field_count; f++) {
        const weir_field *field = &type->fields[f];
        bool is_str = weir__kind_is_str(field->kind);
        if (!field->optional && !is_str && field->kind != WEIR_KIND_flag)
            continue;
        for (size_t i = 0; i < batch->count; i++) {
            char *record = (char *)batch->records + i * type->size;
            if (!flags_are_sound(field, (const unsigned char *)record))
                return "a flag is neither 0 nor 1";
            if (is_str && !point_string(field, record, strings))
                return "a string is not where it is said to be";
        }
    }
    return NULL;
}

static const char *check_times(const weir_batch *batch)
{
    for (size_t i = 0; batch->times && i < batch->count; i++)
        for (uint32_t c = 0; c < batch->depth; c++)
            if (batch->times[i * batch->depth + c] < batch->time.at[c])
                return "a record's time is before that of the batch";
    return NULL;
}

weir_status weir__batch_complete(weir__batch_bytes *bytes, weir_batch **batch, weir_error *error)
{
    const char *why = check_records(*batch, bytes->strings ? &bytes->part[bytes->parts - 1] : NULL);
    if (!why)
        why = check_times(*batch);
    if (!why)
        return WEIR_OK;
    weir_batch_release(*batch);
    *batch = NULL;
    return refuse(error, why);
}

weir_status weir__batch_from_bytes(const void *data, const weir__batch_shape *shape,
                                   weir__pool *pool, weir_batch **batch, weir_error *error)
{
    weir__batch_bytes bytes;
    *batch = NULL;
    if (shape->size < WEIR__BATCH_HEAD)
        return refuse(error, "it is shorter than its head");
    memcpy(&bytes.head, data, sizeof bytes.head);
    weir_status status = weir__batch_open(&bytes, shape, pool, batch, error);
    if (status != WEIR_OK)
        return status;
    const char *from = (const char *)data + sizeof bytes.head;
    for (unsigned p = 1; p < bytes.parts; p++) {
        memcpy(bytes.part[p].at, from, bytes.part[p].size);
        from += bytes.part[p].size;
    }
    return weir__batch_complete(&bytes, batch, error);
}
