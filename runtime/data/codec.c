/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns decoders and what all codecs have in common, and the raw one. The others are in json_*.c and
 * msgpack.c.
 */
#include <weir/memory.h>

#include "data/codec.h"
#include "data/field.h"

/* json-c counts bytes in an int. */
enum {
    SIZE_MAX_DEFAULT = 16 << 20,
    SIZE_MAX_MOST = 1 << 30,
    DEPTH_MAX_DEFAULT = 32,
    DEPTH_MAX_MOST = 1000
};

const char *weir_codec_name(weir_codec codec)
{
    static const char *const names[] = { "default", "raw", "json", "msgpack" };
    return (size_t)codec < sizeof names / sizeof *names ? names[codec] : "unknown";
}

/* The fields of a type, without those of `but`. */
static weir_field_set fields_but(const weir_type *type, weir_field_set but)
{
    return (UINT64_MAX >> (WEIR_FIELDS_MAX - type->field_count)) & ~but;
}

static bool is_single(weir_field_set fields)
{
    return fields != 0 && (fields & (fields - 1)) == 0;
}

static uint32_t first_of(weir_field_set fields)
{
    return (uint32_t)__builtin_ctzll(fields);
}

/* Whether the raw codec can carry these fields. */
static bool is_raw(const weir_type *type, weir_field_set fields)
{
    return is_single(fields) && weir__kind_is_str(type->fields[first_of(fields)].kind);
}

static weir_status resolve(const weir_type *type, weir_field_set fields, weir_codec *codec,
                           weir_error *error)
{
    if (fields == 0)
        return weir_error_set(error, WEIR_TYPE_MISMATCH,
                              "record '%s': no field is left for the codec", type->name);
    if (*codec == WEIR_CODEC_DEFAULT)
        *codec = is_raw(type, fields) ? WEIR_CODEC_RAW : WEIR_CODEC_JSON;
    if (*codec > WEIR_CODEC_MSGPACK)
        return weir_error_set(error, WEIR_INVALID, "there is no codec number %d", (int)*codec);
    if (*codec == WEIR_CODEC_RAW && !is_raw(type, fields)) {
        weir_error_set(error, WEIR_TYPE_MISMATCH, "record '%s' cannot be raw", type->name);
        weir_error_hint(error, "raw is for exactly one field, a str or bytes: choose json");
        return WEIR_TYPE_MISMATCH;
    }
    return WEIR_OK;
}

/* ---- decoding ---- */

weir_status weir_decoder_create(const weir_type *type, const weir_decoder_options *options,
                                weir_decoder **decoder, weir_error *error)
{
    weir_decoder_options known = { 0 }, *o = &known;
    if (options)
        weir_struct_copy(&known, sizeof known, options);
    weir_codec codec = o->codec;
    weir_field_set fields = fields_but(type, o->skip);
    if (o->size_max > SIZE_MAX_MOST || o->depth_max > DEPTH_MAX_MOST || o->instant_unit < 0)
        return weir_error_set(error, WEIR_INVALID,
                              "record '%s': a decoder's size_max is at most %d, depth_max at most "
                              "%d, instant_unit at least 0",
                              type->name, SIZE_MAX_MOST, DEPTH_MAX_MOST);
    weir_status status = resolve(type, fields, &codec, error);
    if (status != WEIR_OK)
        return status;
    weir_decoder *d = weir_alloc_zero(sizeof *d);
    if (!d)
        return weir_error_set(error, WEIR_NO_MEMORY, "record '%s': no memory for a decoder",
                              type->name);
    d->type = type;
    d->codec = codec;
    d->fields = fields;
    d->size_max = o->size_max ? o->size_max : SIZE_MAX_DEFAULT;
    d->depth_max = o->depth_max ? o->depth_max : DEPTH_MAX_DEFAULT;
    d->instant_unit = o->instant_unit ? o->instant_unit : 1;
    bool opened = codec == WEIR_CODEC_JSON      ? weir__json_open(d)
                  : codec == WEIR_CODEC_MSGPACK ? weir__msgpack_open(d)
                                                : true;
    if (!opened) {
        weir_free(d, sizeof *d);
        return weir_error_set(error, WEIR_NO_MEMORY, "record '%s': no memory for a decoder",
                              type->name);
    }
    *decoder = d;
    return WEIR_OK;
}

void weir_decoder_destroy(weir_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->codec == WEIR_CODEC_JSON)
        weir__json_close(decoder);
    else if (decoder->codec == WEIR_CODEC_MSGPACK)
        weir__msgpack_close(decoder);
    weir_free(decoder, sizeof *decoder);
}

weir_status weir__decode_missing(const weir__decode_job *job, uint32_t field)
{
    weir__assign to = weir__assign_field(job, field);
    if (to.field->optional)
        return weir__assign_null(&to);
    return weir_error_set(job->error, WEIR_BAD_DATA, "field '%s' (%s) is missing", to.field->name,
                          weir_kind_name(to.field->kind));
}

weir_status weir__decode_refuse(const weir__decode_job *job, weir_status status, const char *why,
                                size_t at)
{
    weir_error_set(job->error, status, "not a %s payload of record '%s': %s",
                   weir_codec_name(job->decoder->codec), job->decoder->type->name, why);
    weir_error_detail(job->error, "at byte %zu of %zu", at, job->size);
    return status;
}

static weir_status raw_decode(const weir__decode_job *job)
{
    weir__assign to = weir__assign_field(job, first_of(job->decoder->fields));
    return weir__assign_view(&to, job->data, job->size);
}

weir_status weir_decode(weir_decoder *decoder, const weir_str *payload,
                        const weir_decode_sink *sink, void *record, weir_error *error)
{
    weir__decode_job job = { decoder, weir_str_data(payload), payload->len, sink, record, error };
    memset(record, 0, decoder->type->size);
    if (job.size > decoder->size_max)
        return weir_error_set(error, WEIR_TOO_LARGE,
                              "a payload of %zu bytes is above the limit of %zu", job.size,
                              decoder->size_max);
    if (decoder->codec == WEIR_CODEC_JSON)
        return weir__json_decode(&job);
    if (decoder->codec == WEIR_CODEC_MSGPACK)
        return weir__msgpack_decode(&job);
    return raw_decode(&job);
}

static void *builder_sink_room(void *builder, size_t size)
{
    return weir_builder_room(builder, size);
}

weir_decode_sink weir_builder_sink(weir_builder *builder)
{
    weir_decode_sink sink = { builder_sink_room, builder };
    return sink;
}

/* ---- encoding ---- */

char *weir_bytes_out_room(weir_bytes_out *out, size_t size)
{
    if (size > out->capacity - out->len) {
        size_t least, capacity = out->capacity ? out->capacity : 256;
        if (__builtin_add_overflow(out->len, size, &least) || least > PTRDIFF_MAX)
            return NULL;
        while (capacity < least)
            capacity *= 2;
        char *data = weir_realloc(out->data, out->capacity, capacity);
        if (!data)
            return NULL;
        out->data = data;
        out->capacity = capacity;
    }
    return out->data + out->len;
}

weir_status weir_bytes_out_add(weir_bytes_out *out, const void *data, size_t size)
{
    char *room = weir_bytes_out_room(out, size);
    if (!room && size > 0)
        return WEIR_NO_MEMORY;
    if (size > 0)
        memcpy(room, data, size);
    out->len += size;
    return WEIR_OK;
}

void weir_bytes_out_fini(weir_bytes_out *out)
{
    weir_free(out->data, out->capacity);
    *out = (weir_bytes_out){ NULL, 0, 0 };
}

static weir_status raw_encode(const weir__encode_job *job)
{
    const weir_field *f = &job->type->fields[first_of(job->fields)];
    if (weir__field_is_null(f, job->record))
        return weir_error_set(job->error, WEIR_BAD_DATA, "field '%s': null cannot be raw", f->name);
    const weir_str *s = weir__field_at(f, job->record);
    return weir_bytes_out_add(job->out, weir_str_data(s), s->len);
}

static weir_field_set fields_asked(const weir_type *type, const weir_encode_options *options)
{
    weir_field_set all = fields_but(type, 0);
    return options && options->fields ? options->fields & all : all;
}

weir_status weir_encode_check(const weir_type *type, const weir_encode_options *options,
                              weir_error *error)
{
    weir_codec codec = options ? options->codec : WEIR_CODEC_DEFAULT;
    return resolve(type, fields_asked(type, options), &codec, error);
}

weir_status weir_encode(const weir_type *type, const weir_encode_options *options,
                        const void *record, weir_bytes_out *out, weir_error *error)
{
    weir_codec codec = options ? options->codec : WEIR_CODEC_DEFAULT;
    weir__encode_job job = { type,   fields_asked(type, options),
                             record, options && options->replace,
                             out,    error };
    size_t before = out->len;
    weir_status status = resolve(type, job.fields, &codec, error);
    if (status != WEIR_OK)
        return status;
    if (codec == WEIR_CODEC_JSON)
        status = weir__json_encode(&job);
    else if (codec == WEIR_CODEC_MSGPACK)
        status = weir__msgpack_encode(&job);
    else
        status = raw_encode(&job);
    if (status == WEIR_NO_MEMORY)
        weir_error_set(error, status, "no memory to encode a record '%s'", type->name);
    if (status != WEIR_OK)
        out->len = before;
    return status;
}
