/* SPDX-License-Identifier: Apache-2.0
 *
 * See captured_event.h.
 */
#include "captured_event.h"

#include <msgpack.h>
#include <string.h>

uint64_t weir_captured_event_checksum(const weir_captured_event *event)
{
    static const weir_key key = { .count = 3, .field = { 0, 1, 3 } };
    return weir_key_hash(weir_captured_event_type(), &key, event, WEIR_CAPTURE_VERSION);
}

/* ---- writing ---- */

static int write_to(void *out, const char *data, size_t size)
{
    return weir_bytes_out_add(out, data, size) == WEIR_OK ? 0 : -1;
}

static int put_text(msgpack_packer *pk, const char *text)
{
    size_t len = strlen(text);
    return msgpack_pack_str(pk, len) | msgpack_pack_str_body(pk, text, len);
}

static int put_flag(msgpack_packer *pk, bool flag)
{
    return flag ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
}

static weir_status done(weir_bytes_out *out, size_t before, int failed)
{
    if (!failed)
        return WEIR_OK;
    out->len = before;
    return WEIR_NO_MEMORY;
}

weir_status weir__event_put_stream(weir_bytes_out *out, const weir__captured_form *form)
{
    msgpack_packer pk;
    size_t before = out->len;
    const weir_type *type = form->type;
    msgpack_packer_init(&pk, out, write_to);
    int failed = msgpack_pack_array(&pk, 7) | msgpack_pack_uint8(&pk, WEIR__EVENT_STREAM) |
                 msgpack_pack_uint8(&pk, WEIR_CAPTURE_VERSION) |
                 msgpack_pack_uint32(&pk, form->parts) | msgpack_pack_uint32(&pk, form->depth) |
                 put_flag(&pk, form->collection) | put_text(&pk, type->name) |
                 msgpack_pack_array(&pk, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        failed |= msgpack_pack_array(&pk, 4) | put_text(&pk, f->name) |
                  put_text(&pk, weir_kind_name(f->kind)) | put_flag(&pk, f->optional) |
                  msgpack_pack_uint8(&pk, f->scale);
    }
    return done(out, before, failed);
}

static int put_times(msgpack_packer *pk, const weir_batch *batch)
{
    int failed = 0;
    if (!batch->times) {
        failed = msgpack_pack_array(pk, batch->depth);
        for (uint32_t k = 0; k < batch->depth; k++)
            failed |= msgpack_pack_uint64(pk, batch->time.at[k]);
        return failed;
    }
    size_t count = batch->count * batch->depth;
    failed = msgpack_pack_array(pk, count);
    for (size_t i = 0; i < count; i++)
        failed |= msgpack_pack_uint64(pk, batch->times[i]);
    return failed;
}

static int put_diffs(msgpack_packer *pk, const weir_batch *batch)
{
    if (!batch->diffs)
        return msgpack_pack_nil(pk);
    int failed = msgpack_pack_array(pk, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        failed |= msgpack_pack_int64(pk, batch->diffs[i]);
    return failed;
}

weir_status weir__event_put_batch(weir_bytes_out *out, const weir_batch *batch, weir_error *error)
{
    msgpack_packer pk;
    size_t before = out->len;
    weir_bytes_out one = { 0 };
    weir_encode_options options = { .struct_size = sizeof options, .codec = WEIR_CODEC_MSGPACK };
    msgpack_packer_init(&pk, out, write_to);
    int failed = msgpack_pack_array(&pk, 4) | msgpack_pack_uint8(&pk, WEIR__EVENT_BATCH) |
                 put_times(&pk, batch) | put_diffs(&pk, batch) |
                 msgpack_pack_array(&pk, batch->count);
    weir_status status = done(out, before, failed);
    for (size_t i = 0; i < batch->count && status == WEIR_OK; i++) {
        one.len = 0;
        status = weir_encode(batch->type, &options, weir_batch_record(batch, i), &one, error);
        if (status == WEIR_OK)
            status = done(out, before, msgpack_pack_bin(&pk, one.len) |
                                           msgpack_pack_bin_body(&pk, one.data, one.len));
    }
    weir_bytes_out_fini(&one);
    if (status != WEIR_OK)
        out->len = before;
    return status;
}

weir_status weir__event_put_progress(weir_bytes_out *out, const weir_frontier *frontier)
{
    msgpack_packer pk;
    size_t before = out->len;
    const weir_time *times = weir_frontier_times(frontier);
    msgpack_packer_init(&pk, out, write_to);
    int failed = msgpack_pack_array(&pk, 2) | msgpack_pack_uint8(&pk, WEIR__EVENT_PROGRESS) |
                 msgpack_pack_array(&pk, (size_t)frontier->count * frontier->depth);
    for (uint32_t i = 0; i < frontier->count; i++)
        for (uint32_t k = 0; k < frontier->depth; k++)
            failed |= msgpack_pack_uint64(&pk, times[i].at[k]);
    return done(out, before, failed);
}

/* ---- reading ---- */

/* What follows a tag from 0xc0 on: bytes, and before them a number of so many bytes, which is the
 * count of further bytes, or of the values that an array or map holds. */
static const struct {
    uint8_t bytes, number, values;
} followers[32] = {
    [0x04] = { 0, 1, 0 }, { 0, 2, 0 }, { 0, 4, 0 },                            /* bin */
    [0x07] = { 1, 1, 0 }, { 1, 2, 0 }, { 1, 4, 0 },                            /* ext */
    [0x0a] = { 4, 0, 0 }, { 8, 0, 0 },                                         /* floats */
    [0x0c] = { 1, 0, 0 }, { 2, 0, 0 }, { 4, 0, 0 }, { 8, 0, 0 },               /* unsigned */
    [0x10] = { 1, 0, 0 }, { 2, 0, 0 }, { 4, 0, 0 }, { 8, 0, 0 },               /* signed */
    [0x14] = { 2, 0, 0 }, { 3, 0, 0 }, { 5, 0, 0 }, { 9, 0, 0 }, { 17, 0, 0 }, /* fixed ext */
    [0x19] = { 0, 1, 0 }, { 0, 2, 0 }, { 0, 4, 0 },                            /* str */
    [0x1c] = { 0, 2, 1 }, { 0, 4, 1 }, { 0, 2, 2 }, { 0, 4, 2 },               /* array, map */
};

/* msgpack-c allocates what a header claims, and five bytes can claim 96 GiB: so every count is held
 * against the bytes that are left. */
static bool counts_fit(const weir_str *payload)
{
    const unsigned char *at = (const unsigned char *)weir_str_data(payload);
    uint64_t left = payload->len;
    for (uint64_t due = 1; due > 0; due--) {
        if (left == 0)
            return false;
        unsigned tag = *at;
        uint64_t bytes = 1, number = 0, values = 0;
        if (tag >= 0xc0 && tag < 0xe0) {
            unsigned size = followers[tag & 31].number;
            if (left <= size)
                return false;
            for (unsigned i = 1; i <= size; i++)
                number = number << 8 | at[i];
            values = number * followers[tag & 31].values;
            bytes += size + followers[tag & 31].bytes + (values ? 0 : number);
        } else if (tag >= 0xa0 && tag < 0xc0) {
            bytes += tag & 31;
        } else if (tag >= 0x80 && tag < 0xa0) {
            values = (uint64_t)(tag & 15) << (tag < 0x90);
        }
        if (bytes > left)
            return false;
        at += bytes;
        left -= bytes;
        due += values;
        if (due - 1 > left)
            return false;
    }
    return left == 0;
}

/* The array that a payload is: false if it is none with at least `least` elements. */
static bool open_array(const weir_str *payload, msgpack_unpacked *unpacked, uint32_t least)
{
    size_t at = 0;
    msgpack_unpacked_init(unpacked);
    return counts_fit(payload) &&
           msgpack_unpack_next(unpacked, weir_str_data(payload), payload->len, &at) ==
               MSGPACK_UNPACK_SUCCESS &&
           at == payload->len && unpacked->data.type == MSGPACK_OBJECT_ARRAY &&
           unpacked->data.via.array.size >= least &&
           unpacked->data.via.array.ptr[0].type == MSGPACK_OBJECT_POSITIVE_INTEGER;
}

int weir__event_kind(const weir_str *payload)
{
    msgpack_unpacked unpacked;
    int kind = -1;
    if (open_array(payload, &unpacked, 2) && unpacked.data.via.array.ptr[0].via.u64 <= 2)
        kind = (int)unpacked.data.via.array.ptr[0].via.u64;
    msgpack_unpacked_destroy(&unpacked);
    return kind;
}

static bool is_number(const msgpack_object *o, uint64_t max, uint64_t *number)
{
    if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER || o->via.u64 > max)
        return false;
    *number = o->via.u64;
    return true;
}

static bool is_text(const msgpack_object *o, const char *text)
{
    return o->type == MSGPACK_OBJECT_STR && o->via.str.size == strlen(text) &&
           memcmp(o->via.str.ptr, text, o->via.str.size) == 0;
}

static bool is_field(const msgpack_object *o, const weir_field *f)
{
    uint64_t scale;
    if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size != 4)
        return false;
    const msgpack_object *part = o->via.array.ptr;
    return is_text(&part[0], f->name) && is_text(&part[1], weir_kind_name(f->kind)) &&
           part[2].type == MSGPACK_OBJECT_BOOLEAN && part[2].via.boolean == f->optional &&
           is_number(&part[3], 38, &scale) && scale == f->scale;
}

static weir_status check_fields(const msgpack_object *fields, const weir_type *type,
                                weir_error *error)
{
    if (fields->type != MSGPACK_OBJECT_ARRAY)
        return weir_error_set(error, WEIR_BAD_DATA, "a first event without fields");
    uint32_t count = fields->via.array.size;
    for (uint32_t i = 0; i < type->field_count; i++)
        if (i >= count || !is_field(&fields->via.array.ptr[i], &type->fields[i]))
            return weir_error_set(error, WEIR_TYPE_MISMATCH,
                                  "other records were captured: field '%s' of '%s' is not what it "
                                  "was", type->fields[i].name, type->name);
    if (count > type->field_count)
        return weir_error_set(error, WEIR_TYPE_MISMATCH,
                              "other records were captured: they have %u fields, '%s' has %u",
                              count, type->name, type->field_count);
    return WEIR_OK;
}

static weir_status check_stream(const msgpack_object *part, const weir__captured_form *expected,
                                unsigned *parts, weir_error *error)
{
    uint64_t version, number, depth;
    if (!is_number(&part[1], UINT32_MAX, &version) || !is_number(&part[2], 1 << 20, &number) ||
        number == 0 || !is_number(&part[3], WEIR_TIME_COORDS, &depth) ||
        part[4].type != MSGPACK_OBJECT_BOOLEAN)
        return weir_error_set(error, WEIR_BAD_DATA, "a first event that cannot be read");
    if (version != WEIR_CAPTURE_VERSION)
        return weir_error_set(error, WEIR_BAD_DATA,
                              "events of version %u: this program reads version %d",
                              (unsigned)version, WEIR_CAPTURE_VERSION);
    if (depth != expected->depth)
        return weir_error_set(error, WEIR_TYPE_MISMATCH,
                              "times with %u coordinates were captured, and are replayed where "
                              "times have %u: let the events enter or leave scopes first",
                              (unsigned)depth, expected->depth);
    if (part[4].via.boolean && !expected->collection)
        return weir_error_set(error, WEIR_TYPE_MISMATCH,
                              "a collection was captured: replay it by weir_replay_collection");
    *parts = (unsigned)number;
    return check_fields(&part[6], expected->type, error);
}

weir_status weir__event_get_stream(const weir_str *payload, const weir__captured_form *expected,
                                   unsigned *parts, weir_error *error)
{
    msgpack_unpacked unpacked;
    weir_status status = WEIR_OK;
    if (open_array(payload, &unpacked, 7))
        status = check_stream(unpacked.data.via.array.ptr, expected, parts, error);
    else
        status = weir_error_set(error, WEIR_BAD_DATA, "a first event that cannot be read");
    msgpack_unpacked_destroy(&unpacked);
    return status;
}

/* The i-th time of a flat array. */
static bool time_at(const msgpack_object_array *flat, size_t i, unsigned depth, weir_time *t)
{
    *t = (weir_time){ { 0 } };
    if ((i + 1) * depth > flat->size)
        return false;
    for (unsigned k = 0; k < depth; k++)
        if (!is_number(&flat->ptr[i * depth + k], UINT64_MAX, &t->at[k]))
            return false;
    return true;
}

static bool diff_of(const msgpack_object *o, int64_t *diff)
{
    if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER && o->type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return false;
    *diff = o->via.i64;
    return o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER || o->via.u64 <= INT64_MAX;
}

static weir_status get_batch(const msgpack_object *part, unsigned depth,
                             const weir__event_sink *sink, weir_error *error)
{
    const msgpack_object_array *records = &part[3].via.array, *times = &part[1].via.array;
    bool diffs = part[2].type == MSGPACK_OBJECT_ARRAY;
    if (part[1].type != MSGPACK_OBJECT_ARRAY || part[3].type != MSGPACK_OBJECT_ARRAY ||
        (!diffs && part[2].type != MSGPACK_OBJECT_NIL) ||
        (diffs && part[2].via.array.size != records->size))
        return weir_error_set(error, WEIR_BAD_DATA, "a batch that cannot be read");
    bool one = times->size == depth;
    weir_status status = WEIR_OK;
    for (uint32_t i = 0; i < records->size && status == WEIR_OK; i++) {
        const msgpack_object *record = &records->ptr[i];
        weir_time t;
        int64_t diff = 1;
        if (record->type != MSGPACK_OBJECT_BIN || !time_at(times, one ? 0 : i, depth, &t) ||
            (diffs && !diff_of(&part[2].via.array.ptr[i], &diff)))
            return weir_error_set(error, WEIR_BAD_DATA, "a batch that cannot be read");
        weir_str bytes = weir_str_view(record->via.bin.ptr, record->via.bin.size);
        status = sink->record(&t, diff, &bytes, sink->ctx);
    }
    return status;
}

static weir_status get_progress(const msgpack_object *part, unsigned depth,
                                const weir__event_sink *sink, weir_error *error)
{
    const msgpack_object_array *times = &part[1].via.array;
    weir_frontier_clear(sink->frontier);
    for (size_t i = 0; part[1].type == MSGPACK_OBJECT_ARRAY && i < times->size / depth; i++) {
        weir_time t;
        if (!time_at(times, i, depth, &t))
            return weir_error_set(error, WEIR_BAD_DATA, "a frontier that cannot be read");
        weir_frontier_insert(sink->frontier, &t);
    }
    return part[1].type == MSGPACK_OBJECT_ARRAY && times->size % depth == 0
               ? WEIR_OK
               : weir_error_set(error, WEIR_BAD_DATA, "a frontier that cannot be read");
}

weir_status weir__event_get(const weir_str *payload, unsigned depth, const weir__event_sink *sink,
                            weir_error *error)
{
    msgpack_unpacked unpacked;
    weir_status status = WEIR_BAD_DATA;
    bool valid = open_array(payload, &unpacked, 2);
    const msgpack_object *part = valid ? unpacked.data.via.array.ptr : NULL;
    uint64_t kind = valid ? part[0].via.u64 : 0;
    if (kind == WEIR__EVENT_BATCH && unpacked.data.via.array.size == 4)
        status = get_batch(part, depth, sink, error);
    else if (kind == WEIR__EVENT_PROGRESS)
        status = get_progress(part, depth, sink, error);
    else
        status = weir_error_set(error, WEIR_BAD_DATA, "an event of no known kind");
    msgpack_unpacked_destroy(&unpacked);
    return status;
}
