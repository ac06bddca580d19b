/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz targets: each takes any bytes and traps when a promise is broken. check_fuzz_replay.c feeds
 * them the corpus in every build; fuzz.c makes one a libFuzzer program.
 */
#ifndef WEIR_TESTS_FUZZ_TARGETS_H
#define WEIR_TESTS_FUZZ_TARGETS_H

#include <weir/codec.h>
#include <weir/memory.h>
#include <weir/value.h>

#include "data/batch_bytes.h"
#include "property/records.h"

#define FUZZ_TARGETS(XX)                                                                           \
    XX(json) XX(msgpack) XX(raw) XX(values) XX(batch)                                              \
    XX(flight) XX(options) XX(address) XX(query)                                                   \
    XX(frame) XX(ask) XX(handshake) XX(captured) XX(events) XX(segment)

static inline void fuzz_promise(bool kept)
{
    if (!kept)
        __builtin_trap();
}

/* The rest of this file: codecs, numbers, dates. outside.h: files, options, HTTP; cluster.h: what
 * processes send each other; ask.h: what they ask each other about views; captured.h: captured
 * events and their files; segment.h: runs in files. */

/* ---- codecs: what was decoded is canonical, and comes back from its own encoding ---- */

static inline void *fuzz_room(void *ctx, size_t size)
{
    char **at = ctx;
    char *room = *at;
    *at += size;
    return room;
}

/* Decodes with the heap given, which has room for all strings of a payload. */
static inline weir_status fuzz_decode(weir_decoder *decoder, const weir_str *payload, char *heap,
                                      records_any *record)
{
    weir_decode_sink sink = { fuzz_room, &heap };
    weir_error error = { .status = WEIR_OK };
    weir_status status = weir_decode(decoder, payload, &sink, record, &error);
    fuzz_promise(status == error.status && (status == WEIR_OK || error.what[0] != '\0'));
    return status;
}

static inline void fuzz_again(weir_decoder *decoder, const weir_type *type, weir_codec codec,
                              const records_any *first)
{
    weir_encode_options options = { .struct_size = sizeof options, .codec = codec };
    weir_bytes_out out = { NULL, 0, 0 };
    records_any again;
    memcpy(&again, first, type->size);
    weir_record_canonicalize(type, &again);
    fuzz_promise(memcmp(&again, first, type->size) == 0);
    fuzz_promise(weir_encode(type, &options, first, &out, NULL) == WEIR_OK);
    char *heap = weir_alloc(2 * out.len + 64);
    weir_str payload = weir_str_view(out.data, out.len);
    fuzz_promise(fuzz_decode(decoder, &payload, heap, &again) == WEIR_OK);
    fuzz_promise(weir_record_equal(type, first, &again));
    fuzz_promise(weir_record_hash(type, first, 1) == weir_record_hash(type, &again, 1));
    weir_free(heap, 2 * out.len + 64);
    weir_bytes_out_fini(&out);
}

static inline void fuzz_codec(const char *data, size_t size, weir_codec codec)
{
    const weir_type *types[] = { records_plain_type(), records_nulls_type() };
    size_t heap_size = 2 * size + 64;
    for (int i = 0; i < 2; i++) {
        weir_decoder_options options = { .struct_size = sizeof options, .codec = codec };
        weir_decoder *decoder;
        records_any record;
        char *heap = weir_alloc(heap_size);
        weir_str payload = weir_str_view(data, size);
        fuzz_promise(weir_decoder_create(types[i], &options, &decoder, NULL) == WEIR_OK);
        if (fuzz_decode(decoder, &payload, heap, &record) == WEIR_OK)
            fuzz_again(decoder, types[i], codec, &record);
        weir_decoder_destroy(decoder);
        weir_free(heap, heap_size);
    }
}

static inline void fuzz_json(const char *data, size_t size)
{
    fuzz_codec(data, size, WEIR_CODEC_JSON);
}

static inline void fuzz_msgpack(const char *data, size_t size)
{
    fuzz_codec(data, size, WEIR_CODEC_MSGPACK);
}

/* The tokens and separators of a split string are all of it, in order. */
static inline void fuzz_raw(const char *data, size_t size)
{
    weir_str rest = weir_str_view(data, size), token;
    size_t at = 0;
    while (weir_str_split(&rest, ' ', &token)) {
        while (at < size && data[at] == ' ')
            at++;
        fuzz_promise(token.len > 0 && token.len <= size - at);
        fuzz_promise(memcmp(weir_str_data(&token), data + at, token.len) == 0);
        fuzz_promise(!memchr(data + at, ' ', token.len));
        at += token.len;
        fuzz_promise(at == size || data[at] == ' ');
    }
    for (; at < size; at++)
        fuzz_promise(data[at] == ' ');
}

/* ---- values: what was parsed has a text that is parsed to the same ---- */

static inline void fuzz_numbers(const char *data, size_t size)
{
    char text[WEIR_DECIMAL_TEXT];
    int64_t i64, i64_again;
    uint64_t u64, u64_again;
    double f64, f64_again;
    float f32, f32_again;
    if (weir_i64_parse(data, size, &i64) == WEIR_OK)
        fuzz_promise(weir_i64_parse(text, weir_i64_text(i64, text), &i64_again) == WEIR_OK &&
                     i64 == i64_again);
    if (weir_u64_parse(data, size, &u64) == WEIR_OK)
        fuzz_promise(weir_u64_parse(text, weir_u64_text(u64, text), &u64_again) == WEIR_OK &&
                     u64 == u64_again);
    if (weir_f64_parse(data, size, &f64) == WEIR_OK)
        fuzz_promise(weir_f64_parse(text, weir_f64_text(f64, text), &f64_again) == WEIR_OK &&
                     (f64 == f64_again || (f64 != f64 && f64_again != f64_again)));
    if (weir_f32_parse(data, size, &f32) == WEIR_OK)
        fuzz_promise(weir_f32_parse(text, weir_f32_text(f32, text), &f32_again) == WEIR_OK &&
                     (f32 == f32_again || (f32 != f32 && f32_again != f32_again)));
}

static inline void fuzz_values(const char *data, size_t size)
{
    char text[WEIR_DECIMAL_TEXT];
    unsigned scale = size > 0 ? (unsigned char)data[size - 1] % 39 : 0;
    weir_decimal decimal, decimal_again;
    weir_date date, date_again;
    weir_instant at, at_again;
    fuzz_numbers(data, size);
    if (weir_decimal_parse(data, size, scale, &decimal) == WEIR_OK) {
        size_t len = weir_decimal_text(decimal, scale, text);
        fuzz_promise(len < sizeof text);
        fuzz_promise(weir_decimal_parse(text, len, scale, &decimal_again) == WEIR_OK &&
                     weir_decimal_compare(decimal, decimal_again) == 0);
    }
    if (weir_date_parse(data, size, &date) == WEIR_OK)
        fuzz_promise(weir_date_parse(text, weir_date_text(date, text), &date_again) == WEIR_OK &&
                     date.days == date_again.days);
    if (weir_instant_parse(data, size, &at) == WEIR_OK)
        fuzz_promise(weir_instant_parse(text, weir_instant_text(at, text), &at_again) == WEIR_OK &&
                     at.us == at_again.us);
}

/* ---- batches as bytes: what was read can be looked at, written, and read to the same ---- */

static inline weir_batch *fuzz_batch_read(const weir__batch_shape *shape, const void *data,
                                          weir__pool *pool)
{
    weir_error error = { .status = WEIR_OK };
    weir_batch *batch;
    weir_status status = weir__batch_from_bytes(data, shape, pool, &batch, &error);
    fuzz_promise((status == WEIR_OK) == (batch != NULL) && status == error.status);
    fuzz_promise(status == WEIR_OK || error.detail[0] != '\0');
    fuzz_promise(!batch || batch->bytes <= 4 * shape->size + 8192);
    return batch;
}

static inline void fuzz_batch_again(const weir_batch *batch, weir__batch_shape shape,
                                    weir__pool *pool)
{
    weir__batch_bytes bytes;
    weir__batch_bytes_of(batch, pool, &bytes);
    char *data = weir_alloc(bytes.size), *to = data;
    for (unsigned p = 0; p < bytes.parts; to += bytes.part[p++].size)
        memcpy(to, bytes.part[p].at, bytes.part[p].size);
    shape.size = bytes.size;
    weir_batch *again = fuzz_batch_read(&shape, data, pool);
    fuzz_promise(again && again->count == batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        weir_time at = weir_batch_time(batch, i), at_again = weir_batch_time(again, i);
        fuzz_promise(weir_record_equal(batch->type, weir_batch_record(batch, i),
                                       weir_batch_record(again, i)));
        fuzz_promise(weir_batch_diff(batch, i) == weir_batch_diff(again, i) &&
                     weir_time_equal(&at, &at_again, batch->depth));
    }
    weir_batch_release(again);
    weir_free(data, bytes.size);
    weir__batch_bytes_fini(&bytes);
}

/* The first byte says which type and depth. */
static inline void fuzz_batch(const char *data, size_t size)
{
    if (size == 0)
        return;
    weir__batch_shape shape = { data[0] & 1 ? records_nulls_type() : records_plain_type(),
                                data[0] & 2 ? 2 : 1, size - 1 };
    weir__pool *pool = weir__pool_create();
    fuzz_promise(pool != NULL);
    weir_batch *batch = fuzz_batch_read(&shape, data + 1, pool);
    if (batch)
        fuzz_batch_again(batch, shape, pool);
    weir_batch_release(batch);
    weir__pool_close(pool);
}

#include "fuzz/outside.h"

#include "fuzz/captured.h"
#include "fuzz/segment.h"
#include "fuzz/ask.h"
#include "fuzz/cluster.h"

#endif
