/* SPDX-License-Identifier: Apache-2.0
 *
 * Codecs: payloads of other systems to records and back, driven by the type's field table.
 *
 *            raw                    json                          msgpack
 * record     its one str or bytes   an object, fields by name     a map by name, or an array
 * flag       -                      true, false                   the same
 * integers   -                      a number without fraction;    an integer
 *                                   i64 and u64 also a string
 * f32, f64   -                      a number, or a string of      a float or an integer
 *                                   one, "NaN", "Infinity"
 * str        the payload            a string                      str or bin
 * bytes      the payload            a string in base64            bin or str
 * decimal    -                      a number or a string of one   an integer or a str of digits
 * date       -                      "2024-02-29", or days         the same
 * instant    -                      RFC 3339, or a number         the same, or a timestamp
 * null       -                      null, or no such field        nil, or no such field
 *
 * What was decoded is canonical. Fields that the type does not know are ignored; of two with one
 * name the later counts. JSON must be UTF-8 without errors.
 */
#ifndef WEIR_CODEC_H
#define WEIR_CODEC_H

#include <weir/batch.h>
#include <weir/type.h>

WEIR_BEGIN_DECLS

typedef enum weir_codec {
    WEIR_CODEC_DEFAULT, /* raw for a record of one str or bytes, else json */
    WEIR_CODEC_RAW,
    WEIR_CODEC_JSON,
    WEIR_CODEC_MSGPACK
} weir_codec;

/* "json". Static text. */
WEIR_API const char *weir_codec_name(weir_codec codec);

/* A set of a type's fields: bit i is field i. */
typedef uint64_t weir_field_set;
static inline weir_field_set weir_field_set_of(const weir_key *key)
{
    weir_field_set set = 0;
    for (uint32_t i = 0; i < key->count; i++)
        set |= UINT64_C(1) << key->field[i];
    return set;
}

/* ---- decoding ---- */

/* Where strings are put that cannot be views into the payload: room returns size bytes that live as
 * long as the record is used, or NULL when there are none. */
typedef struct weir_decode_sink {
    void *(*room)(void *ctx, size_t size);
    void *ctx;
} weir_decode_sink;

/* Into the arena of a builder, for records about to be emitted there. */
WEIR_API weir_decode_sink weir_builder_sink(weir_builder *builder);

typedef struct weir_decoder_options {
    size_t struct_size;
    weir_codec codec;
    weir_field_set skip;   /* fields that do not come from the payload: left zero */
    size_t size_max;       /* bytes of a payload, up to 1 GiB; 0: 16 MiB */
    unsigned depth_max;    /* of nested JSON, up to 1000; 0: 32. msgpack: always 32 */
    int64_t instant_unit;  /* microseconds that 1 means where an instant is a number; 0: 1 */
} weir_decoder_options;

/* Decodes payloads into records of one type. One thread at a time. */
typedef struct weir_decoder weir_decoder;

/* options may be NULL. WEIR_TYPE_MISMATCH if the codec cannot carry such a record. The type is
 * borrowed. */
WEIR_API weir_status weir_decoder_create(const weir_type *type, const weir_decoder_options *options,
                                         weir_decoder **decoder, weir_error *error);
WEIR_API void weir_decoder_destroy(weir_decoder *decoder);

/* Decodes one payload into *record (all of it is written). Strings of the record are views into the
 * payload (raw, msgpack) or lie in the sink (json). Otherwise the record is garbage and the error
 * says which field and why, fit for a dead letter:
 *   WEIR_BAD_DATA     it is not such a payload, or a field's value is of another kind or missing
 *   WEIR_OVERFLOWED   a field's value does not fit its kind
 *   WEIR_TOO_LARGE    a limit of the options was exceeded
 *   WEIR_NO_MEMORY    the sink had no room, or memory is gone */
WEIR_API weir_status weir_decode(weir_decoder *decoder, const weir_str *payload,
                                 const weir_decode_sink *sink, void *record, weir_error *error);

/* One field from a text that stands alone, as in an address: a str is the text itself, all else is
 * as in JSON but without quotes, "null" is null where the field may be. Writes that field only. The
 * str is a view of the text. */
WEIR_API weir_status weir_field_parse(const weir_field *field, const weir_str *text,
                                      const weir_decode_sink *sink, void *record,
                                      weir_error *error);

/* ---- encoding ---- */

/* Bytes that grow. All zero is empty. */
typedef struct weir_bytes_out {
    char *data;
    size_t len, capacity;
} weir_bytes_out;

/* Room for size more bytes behind the last; add to len what was written. NULL if memory is gone. */
WEIR_API char *weir_bytes_out_room(weir_bytes_out *out, size_t size);
/* Appends. WEIR_NO_MEMORY. */
WEIR_API weir_status weir_bytes_out_add(weir_bytes_out *out, const void *data, size_t size);
/* Frees; it is empty again. To empty it and keep the memory, set len to 0. */
WEIR_API void weir_bytes_out_fini(weir_bytes_out *out);

typedef struct weir_encode_options {
    size_t struct_size;
    weir_codec codec;
    weir_field_set fields; /* which ones; 0: all */
    bool replace;          /* json: U+FFFD for what is not UTF-8, instead of WEIR_BAD_DATA */
} weir_encode_options;

/* Whether records of the type can be encoded so: WEIR_TYPE_MISMATCH says why not. For set-up. */
WEIR_API weir_status weir_encode_check(const weir_type *type, const weir_encode_options *options,
                                       weir_error *error);
/* Appends one record. options may be NULL. On failure nothing was appended: WEIR_BAD_DATA (a str
 * that is not UTF-8, in JSON), WEIR_TYPE_MISMATCH, WEIR_NO_MEMORY. Any thread. */
WEIR_API weir_status weir_encode(const weir_type *type, const weir_encode_options *options,
                                 const void *record, weir_bytes_out *out, weir_error *error);

WEIR_END_DECLS
#endif
