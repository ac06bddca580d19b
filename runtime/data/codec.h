/* SPDX-License-Identifier: Apache-2.0
 *
 * What the codecs share: the decoder's parts, and the way to each codec.
 */
#ifndef WEIR_DATA_CODEC_H
#define WEIR_DATA_CODEC_H

#include <weir/codec.h>

#include "data/assign.h"

struct weir_decoder {
    const weir_type *type;
    weir_codec codec;
    weir_field_set fields; /* that come from the payload */
    size_t size_max;
    unsigned depth_max;
    int64_t instant_unit;
    void *parser;           /* json: its tokener; msgpack: a zone */
    weir_bytes_out patched; /* json: see weir__json_check */
};

/* One call of weir_decode. */
typedef struct weir__decode_job {
    weir_decoder *decoder;
    const char *data;
    size_t size;
    const weir_decode_sink *sink;
    char *record;
    weir_error *error;
} weir__decode_job;

/* One call of weir_encode. */
typedef struct weir__encode_job {
    const weir_type *type;
    weir_field_set fields;
    const char *record;
    bool replace;
    weir_bytes_out *out;
    weir_error *error;
} weir__encode_job;

static inline weir__assign weir__assign_field(const weir__decode_job *job, uint32_t field)
{
    weir__assign to = { &job->decoder->type->fields[field], job->record, job->sink,
                        job->decoder->instant_unit, job->error };
    return to;
}
static inline bool weir__field_set_has(weir_field_set set, uint32_t field)
{
    return set >> field & 1;
}

/* A field that the payload does not have: null if it may be. */
weir_status weir__decode_missing(const weir__decode_job *job, uint32_t field);
/* "not a JSON payload: WHY at byte N", with its length as the detail. */
weir_status weir__decode_refuse(const weir__decode_job *job, weir_status status, const char *why,
                                size_t at);

bool weir__json_open(weir_decoder *decoder);
void weir__json_close(weir_decoder *decoder);
weir_status weir__json_decode(const weir__decode_job *job);
weir_status weir__json_encode(const weir__encode_job *job);

bool weir__msgpack_open(weir_decoder *decoder);
void weir__msgpack_close(weir_decoder *decoder);
weir_status weir__msgpack_decode(const weir__decode_job *job);
weir_status weir__msgpack_encode(const weir__encode_job *job);

/* Whether bytes are JSON as far as it goes without nesting: characters, strings, numbers, words. If
 * an integer is beyond 64 bits, a copy in which it has a point, which json-c reads exactly, is left
 * in *patched (emptied before). */
typedef struct weir__json_lex {
    weir_status status; /* WEIR_OK, WEIR_BAD_DATA, WEIR_NO_MEMORY */
    const char *why;
    size_t at; /* where they are not */
} weir__json_lex;
weir__json_lex weir__json_check(const char *data, size_t size, weir_bytes_out *patched);

#endif
