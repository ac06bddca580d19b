/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the way from msgpack to a record: msgpack-c parses into a zone that is kept from one payload
 * to the next; strings stay where they are in the payload.
 */
#include <msgpack.h>

#include "data/codec.h"
#include "data/field.h"

enum { DEPTH_MAX = 32, ZONE_CHUNK = 2048 };

bool weir__msgpack_open(weir_decoder *decoder)
{
    decoder->parser = msgpack_zone_new(ZONE_CHUNK);
    return decoder->parser != NULL;
}

void weir__msgpack_close(weir_decoder *decoder)
{
    msgpack_zone_free(decoder->parser);
}

/* ---- the outline: lengths and counts, before anything is allocated for them ----
 *
 * msgpack-c allocates what a header claims: five bytes could ask for 96 GiB. So every count is held
 * against the bytes that are left.
 */

typedef struct outline {
    const unsigned char *at, *end;
    uint64_t due[DEPTH_MAX + 1]; /* values still due, by level */
    uint64_t due_all;
    unsigned depth;
    weir_status status;
    const char *why;
} outline;

/* A big-endian number of size bytes behind the tag. */
static uint64_t big_endian(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

typedef struct header {
    uint64_t bytes;  /* behind the tag: of numbers, lengths, strings */
    uint64_t values; /* that the array or map holds */
    bool holds;      /* it is one */
} header;

/* How long the length is that follows a tag of `first` and its two greater sisters: 1, 2 or 4. */
static size_t length_size(unsigned tag, unsigned first)
{
    return (size_t)1 << (tag - first);
}

/* The tags from 0xc0 to 0xdf. False if the length is cut off, or there is no such tag. */
static bool read_header(const outline *o, unsigned tag, header *h)
{
    static const uint8_t fixed[32] = {
        [0x0a] = 4, [0x0b] = 8, [0x0c] = 1, [0x0d] = 2, [0x0e] = 4,
        [0x0f] = 8, [0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8,
        [0x14] = 2, [0x15] = 3, [0x16] = 5, [0x17] = 9, [0x18] = 17
    };
    size_t size = 0, extra = 0;
    if (tag == 0xc1)
        return false;
    if (tag >= 0xc4 && tag <= 0xc6)
        size = length_size(tag, 0xc4);
    else if (tag >= 0xc7 && tag <= 0xc9)
        size = length_size(tag, 0xc7), extra = 1;
    else if (tag >= 0xd9 && tag <= 0xdb)
        size = length_size(tag, 0xd9);
    else if (tag >= 0xdc)
        size = 2 * length_size(tag, tag < 0xde ? 0xdc : 0xde);
    if (size > (size_t)(o->end - o->at))
        return false;
    uint64_t length = big_endian(o->at, size);
    h->holds = tag >= 0xdc;
    h->values = h->holds ? length << (tag >= 0xde) : 0;
    h->bytes = size == 0 ? fixed[tag & 31] : h->holds ? size : size + extra + length;
    return true;
}

static bool read_tag(outline *o, header *h)
{
    unsigned tag = *o->at++;
    *h = (header){ 0, 0, false };
    if (tag >= 0xc0 && tag < 0xe0)
        return read_header(o, tag, h);
    if (tag >= 0xa0 && tag < 0xc0)
        h->bytes = tag & 31;
    h->holds = tag >= 0x80 && tag < 0xa0;
    if (h->holds)
        h->values = (uint64_t)(tag & 15) << (tag < 0x90);
    return true;
}

static bool outline_refuse(outline *o, weir_status status, const char *why)
{
    o->status = status;
    o->why = why;
    return false;
}

/* One value, without what it holds. */
static bool outline_step(outline *o)
{
    header h;
    if (o->at == o->end)
        return outline_refuse(o, WEIR_BAD_DATA, "it is not complete");
    if (!read_tag(o, &h))
        return outline_refuse(o, WEIR_BAD_DATA, "there is no such value, or its length is cut off");
    if (h.bytes > (uint64_t)(o->end - o->at))
        return outline_refuse(o, WEIR_BAD_DATA, "it is not complete");
    o->at += h.bytes;
    o->due[o->depth]--;
    o->due_all += h.values - 1;
    if (o->due_all > (uint64_t)(o->end - o->at))
        return outline_refuse(o, WEIR_BAD_DATA, "it is not complete");
    if (h.holds && h.values > 0) {
        if (o->depth == DEPTH_MAX)
            return outline_refuse(o, WEIR_TOO_LARGE, "it is nested too deep");
        o->due[++o->depth] = h.values;
    }
    while (o->depth > 0 && o->due[o->depth] == 0)
        o->depth--;
    return true;
}

static weir_status check_outline(const weir__decode_job *job)
{
    const unsigned char *data = (const unsigned char *)job->data;
    outline o = { .at = data, .end = data + job->size, .due = { 1 }, .due_all = 1 };
    while (o.due_all > 0)
        if (!outline_step(&o))
            return weir__decode_refuse(job, o.status, o.why, (size_t)(o.at - data));
    if (o.at < o.end)
        return weir__decode_refuse(job, WEIR_BAD_DATA, "more follows behind it",
                                   (size_t)(o.at - data));
    return WEIR_OK;
}

/* ---- values ---- */

static weir_status decode_string(const weir__assign *to, const char *text, size_t len)
{
    switch (to->field->kind) {
    case WEIR_KIND_str:
    case WEIR_KIND_bytes:
        return weir__assign_view(to, text, len);
    case WEIR_KIND_decimal:
    case WEIR_KIND_date:
    case WEIR_KIND_instant:
        return weir__assign_text(to, text, len);
    default:
        return weir__assign_mismatch(to, "a string");
    }
}

static weir_status decode_timestamp(const weir__assign *to, const msgpack_object *value)
{
    msgpack_timestamp stamp;
    if (to->field->kind != WEIR_KIND_instant || !msgpack_object_to_timestamp(value, &stamp))
        return weir__assign_mismatch(to, "an extension");
    if (stamp.tv_nsec > 999999999)
        return weir__assign_mismatch(to, "a timestamp with too many nanoseconds");
    return weir__assign_timestamp(to, stamp.tv_sec, stamp.tv_nsec);
}

static weir_status decode_value(const weir__assign *to, const msgpack_object *value)
{
    switch (value->type) {
    case MSGPACK_OBJECT_NIL:
        return weir__assign_null(to);
    case MSGPACK_OBJECT_BOOLEAN:
        return weir__assign_flag(to, value->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return weir__assign_u64(to, value->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return weir__assign_i64(to, value->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return weir__assign_f64(to, value->via.f64);
    case MSGPACK_OBJECT_STR:
        return decode_string(to, value->via.str.ptr, value->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return decode_string(to, value->via.bin.ptr, value->via.bin.size);
    case MSGPACK_OBJECT_EXT:
        return decode_timestamp(to, value);
    case MSGPACK_OBJECT_MAP:
        return weir__assign_mismatch(to, "a map");
    case MSGPACK_OBJECT_ARRAY:
        return weir__assign_mismatch(to, "an array");
    }
    return weir__assign_mismatch(to, "something else");
}

/* The index of the field named. Producers mostly keep to one order: the search starts at hint. */
static uint32_t find_field(const weir_type *type, const msgpack_object *name, uint32_t hint)
{
    if (name->type != MSGPACK_OBJECT_STR)
        return type->field_count;
    for (uint32_t n = 0; n < type->field_count; n++) {
        uint32_t i = (hint + n) % type->field_count;
        const char *known = type->fields[i].name;
        if (strlen(known) == name->via.str.size &&
            memcmp(known, name->via.str.ptr, name->via.str.size) == 0)
            return i;
    }
    return type->field_count;
}

static weir_status decode_map(const weir__decode_job *job, const msgpack_object_map *map)
{
    const weir_decoder *d = job->decoder;
    weir_field_set missing = d->fields;
    uint32_t hint = 0;
    for (uint32_t n = 0; n < map->size; n++) {
        uint32_t i = find_field(d->type, &map->ptr[n].key, hint);
        if (i == d->type->field_count || !weir__field_set_has(d->fields, i))
            continue;
        weir__assign to = weir__assign_field(job, i);
        weir_status status = decode_value(&to, &map->ptr[n].val);
        if (status != WEIR_OK)
            return status;
        missing &= ~(UINT64_C(1) << i);
        hint = i + 1;
    }
    weir_status status = WEIR_OK;
    for (; missing != 0 && status == WEIR_OK; missing &= missing - 1)
        status = weir__decode_missing(job, (uint32_t)__builtin_ctzll(missing));
    return status;
}

static weir_status decode_array(const weir__decode_job *job, const msgpack_object_array *array)
{
    const weir_decoder *d = job->decoder;
    weir_status status = WEIR_OK;
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->type->field_count && status == WEIR_OK; i++) {
        if (!weir__field_set_has(d->fields, i))
            continue;
        weir__assign to = weir__assign_field(job, i);
        status = n < array->size ? decode_value(&to, &array->ptr[n]) : weir__decode_missing(job, i);
        n++;
    }
    if (status == WEIR_OK && n < array->size)
        return weir__decode_refuse(job, WEIR_BAD_DATA, "the array has more values than fields", 0);
    return status;
}

weir_status weir__msgpack_decode(const weir__decode_job *job)
{
    msgpack_zone *zone = job->decoder->parser;
    msgpack_object value;
    size_t used = 0;
    weir_status status = check_outline(job);
    if (status != WEIR_OK)
        return status;
    if (msgpack_unpack(job->data, job->size, &used, zone, &value) != MSGPACK_UNPACK_SUCCESS)
        status = weir__decode_refuse(job, WEIR_BAD_DATA, "msgpack-c does not take it", used);
    else if (value.type == MSGPACK_OBJECT_MAP)
        status = decode_map(job, &value.via.map);
    else if (value.type == MSGPACK_OBJECT_ARRAY)
        status = decode_array(job, &value.via.array);
    else
        status = weir__decode_refuse(job, WEIR_BAD_DATA, "a map or an array is needed", 0);
    msgpack_zone_clear(zone);
    return status;
}
