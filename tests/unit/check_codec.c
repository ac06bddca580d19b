/* SPDX-License-Identifier: Apache-2.0
 *
 * What all codecs share: options, the raw codec, single fields, growing bytes, base64, memory that
 * runs out.
 */
#include <weir/codec.h>
#include <weir/memory.h>
#include <weir/record.h>

#include "data/base64.h"
#include "support.h"

#define LINE(F) F(str, text)
#define EVENT(F) F(str, key) F(bytes, body) F(opt_i64, at)
#define ONE_NUMBER(F) F(i64, n)
WEIR_RECORD(line, LINE)
WEIR_RECORD(event, EVENT)
WEIR_RECORD(one_number, ONE_NUMBER)

#define OPTIONS(...) \
    (&(weir_decoder_options){ .struct_size = sizeof(weir_decoder_options), __VA_ARGS__ })
#define ENCODE(...) \
    (&(weir_encode_options){ .struct_size = sizeof(weir_encode_options), __VA_ARGS__ })

static weir_str payload(const char *text)
{
    return weir_str_of(text);
}

START_TEST(codecs_have_names)
{
    ck_assert_str_eq(weir_codec_name(WEIR_CODEC_DEFAULT), "default");
    ck_assert_str_eq(weir_codec_name(WEIR_CODEC_MSGPACK), "msgpack");
    ck_assert_str_eq(weir_codec_name((weir_codec)9), "unknown");
}
END_TEST

START_TEST(one_str_is_raw_by_default_and_a_view)
{
    weir_decoder *decoder;
    weir_error error;
    line record;
    weir_str longer = payload("a payload that is longer than what is inline"), brief = payload("x");
    ck_assert_int_eq(weir_decoder_create(line_type(), NULL, &decoder, &error), WEIR_OK);
    ck_assert_int_eq(weir_decode(decoder, &longer, NULL, &record, &error), WEIR_OK);
    ck_assert_ptr_eq(record.text.u.ptr, longer.u.ptr);
    ck_assert_int_eq(weir_decode(decoder, &brief, NULL, &record, &error), WEIR_OK);
    ck_assert(weir_str_equal(&record.text, &brief));
    brief = payload("");
    ck_assert_int_eq(weir_decode(decoder, &brief, NULL, &record, &error), WEIR_OK);
    ck_assert_uint_eq(record.text.len, 0);
    weir_decoder_destroy(decoder);
    weir_decoder_destroy(NULL);
}
END_TEST

START_TEST(fields_that_come_from_elsewhere_are_skipped)
{
    weir_decoder *decoder;
    weir_error error;
    event record;
    weir_str body = payload("some bytes");
    ck_assert_int_eq(weir_decoder_create(event_type(), OPTIONS(.skip = 1 | 4), &decoder, &error),
                     WEIR_OK);
    memset(&record, 0xff, sizeof record);
    ck_assert_int_eq(weir_decode(decoder, &body, NULL, &record, &error), WEIR_OK);
    ck_assert(weir_str_equal(&record.body, &body));
    ck_assert(record.key.len == 0 && !record.at.set && record.at.value == 0);
    weir_decoder_destroy(decoder);
}
END_TEST

static weir_status create_status(const weir_type *type, const weir_decoder_options *options)
{
    weir_decoder *decoder;
    weir_error error = { .status = WEIR_OK };
    weir_status status = weir_decoder_create(type, options, &decoder, &error);
    ck_assert_int_eq(error.status, status);
    if (status == WEIR_OK)
        weir_decoder_destroy(decoder);
    return status;
}

START_TEST(what_a_codec_cannot_carry_is_refused)
{
    weir_error error;
    weir_bytes_out out = { NULL, 0, 0 };
    one_number n = { 5 };
    const weir_encode_options *raw = ENCODE(.codec = WEIR_CODEC_RAW);
    ck_assert_int_eq(create_status(event_type(), OPTIONS(.codec = WEIR_CODEC_RAW)),
                     WEIR_TYPE_MISMATCH);
    ck_assert_int_eq(create_status(one_number_type(), OPTIONS(.codec = WEIR_CODEC_RAW)),
                     WEIR_TYPE_MISMATCH);
    ck_assert_int_eq(create_status(one_number_type(), OPTIONS(.skip = 1)), WEIR_TYPE_MISMATCH);
    ck_assert_int_eq(create_status(line_type(), OPTIONS(.codec = (weir_codec)9)), WEIR_INVALID);
    ck_assert_int_eq(create_status(line_type(), OPTIONS(.depth_max = 1001)), WEIR_INVALID);
    ck_assert_int_eq(create_status(line_type(), OPTIONS(.instant_unit = -1)), WEIR_INVALID);
    ck_assert_int_eq(create_status(line_type(), OPTIONS(.size_max = 2u << 30)), WEIR_INVALID);
    ck_assert_int_eq(weir_encode_check(one_number_type(), raw, &error), WEIR_TYPE_MISMATCH);
    ck_assert_ptr_nonnull(strstr(error.hint, "choose json"));
    ck_assert_int_eq(weir_encode(one_number_type(), raw, &n, &out, &error), WEIR_TYPE_MISMATCH);
    ck_assert_int_eq(weir_encode_check(one_number_type(), NULL, &error), WEIR_OK);
    ck_assert_int_eq(weir_encode_check(event_type(), ENCODE(.fields = 8), &error),
                     WEIR_TYPE_MISMATCH);
    ck_assert_ptr_null(out.data);
}
END_TEST

START_TEST(raw_is_encoded_as_it_is)
{
    weir_error error;
    weir_bytes_out out = { NULL, 0, 0 };
    event record = { .key = payload("the key"), .body = payload("a body of some length") };
    ck_assert_int_eq(weir_bytes_out_add(&out, "> ", 2), WEIR_OK);
    const weir_encode_options *body = ENCODE(.codec = WEIR_CODEC_RAW, .fields = 2);
    ck_assert_int_eq(weir_encode(event_type(), body, &record, &out, &error), WEIR_OK);
    ck_assert_uint_eq(out.len, 23);
    ck_assert(memcmp(out.data, "> a body of some length", 23) == 0);
    out.len = 0;
    ck_assert_int_eq(weir_encode(event_type(), ENCODE(.fields = 1), &record, &out, &error),
                     WEIR_OK);
    ck_assert(out.len == 7 && memcmp(out.data, "the key", 7) == 0);
    weir_bytes_out_fini(&out);
    ck_assert(!out.data && out.len == 0 && out.capacity == 0);
}
END_TEST

#define MAYBE(F) F(opt_str, text)
WEIR_RECORD(maybe, MAYBE)

START_TEST(null_cannot_be_raw)
{
    weir_error error;
    weir_bytes_out out = { NULL, 0, 0 };
    maybe record = { { false, payload("") } };
    ck_assert_int_eq(weir_encode(maybe_type(), NULL, &record, &out, &error), WEIR_BAD_DATA);
    ck_assert_str_eq(error.what, "field 'text': null cannot be raw");
    weir_decoder *decoder;
    weir_str text = payload("there");
    ck_assert_int_eq(weir_decoder_create(maybe_type(), NULL, &decoder, &error), WEIR_OK);
    ck_assert_int_eq(weir_decode(decoder, &text, NULL, &record, &error), WEIR_OK);
    ck_assert(record.text.set && weir_str_equal(&record.text.value, &text));
    weir_decoder_destroy(decoder);
}
END_TEST

START_TEST(a_payload_above_the_limit_is_refused)
{
    weir_decoder *decoder;
    weir_error error;
    line record;
    weir_str four = payload("four"), five = payload("fives");
    ck_assert_int_eq(weir_decoder_create(line_type(), OPTIONS(.size_max = 4), &decoder, &error),
                     WEIR_OK);
    ck_assert_int_eq(weir_decode(decoder, &four, NULL, &record, &error), WEIR_OK);
    ck_assert_int_eq(weir_decode(decoder, &five, NULL, &record, &error), WEIR_TOO_LARGE);
    ck_assert_str_eq(error.what, "a payload of 5 bytes is above the limit of 4");
    weir_decoder_destroy(decoder);
}
END_TEST

#define ALL(F)                                                                    \
    F(flag, flag)                                                                 \
    F(i8, i8) F(u64, u64) F(f32, f32) F(f64, f64) F(str, str) F(opt_bytes, bytes) \
        F(decimal(2), decimal) F(date, date) F(instant, instant) F(opt_u16, u16)
WEIR_RECORD(all, ALL)

static char heap[256];

static void *heap_room(void *ctx, size_t size)
{
    (void)ctx;
    return size <= sizeof heap ? heap : NULL;
}

static const weir_decode_sink heap_sink = { heap_room, NULL };

static weir_status parse(const char *field, const char *text, all *record)
{
    weir_str s = payload(text);
    weir_error error = { .status = WEIR_OK };
    int i = weir_type_field(all_type(), field);
    ck_assert_int_ge(i, 0);
    weir_status status = weir_field_parse(&all_type()->fields[i], &s, &heap_sink, record, &error);
    ck_assert_int_eq(error.status, status);
    ck_assert_int_eq(weir_field_parse(&all_type()->fields[i], &s, &heap_sink, record, NULL),
                     status);
    return status;
}

START_TEST(single_fields_are_parsed_from_text)
{
    all r;
    memset(&r, 0, sizeof r);
    ck_assert_int_eq(parse("flag", "true", &r), WEIR_OK);
    ck_assert_int_eq(parse("i8", "-128", &r), WEIR_OK);
    ck_assert_int_eq(parse("u64", "18446744073709551615", &r), WEIR_OK);
    ck_assert_int_eq(parse("f32", "1.5", &r), WEIR_OK);
    ck_assert_int_eq(parse("f64", "NaN", &r), WEIR_OK);
    ck_assert_int_eq(parse("str", "null", &r), WEIR_OK);
    ck_assert_int_eq(parse("bytes", "AAEC_-8", &r), WEIR_OK);
    ck_assert_int_eq(parse("decimal", "1.50", &r), WEIR_OK);
    ck_assert_int_eq(parse("date", "1970-01-02", &r), WEIR_OK);
    ck_assert_int_eq(parse("instant", "1970-01-01T00:00:01Z", &r), WEIR_OK);
    ck_assert_int_eq(parse("u16", "7", &r), WEIR_OK);
    ck_assert(r.flag && r.i8 == -128 && r.u64 == UINT64_MAX && r.f32 == 1.5f && r.f64 != r.f64);
    ck_assert(memcmp(weir_str_data(&r.str), "null", 4) == 0 && r.decimal.unscaled == 150);
    ck_assert(r.bytes.set && r.bytes.value.len == 5);
    ck_assert(memcmp(weir_str_data(&r.bytes.value), "\0\1\2\xff\xef", 5) == 0);
    ck_assert(r.date.days == 1 && r.instant.us == 1000000 && r.u16.set && r.u16.value == 7);
    ck_assert_int_eq(parse("u16", "null", &r), WEIR_OK);
    ck_assert_int_eq(parse("bytes", "null", &r), WEIR_OK);
    ck_assert_int_eq(parse("date", "-5", &r), WEIR_OK);
    ck_assert_int_eq(parse("instant", "17", &r), WEIR_OK);
    ck_assert(!r.u16.set && r.u16.value == 0 && !r.bytes.set && r.bytes.value.len == 0);
    ck_assert(r.date.days == -5 && r.instant.us == 17);
}
END_TEST

START_TEST(texts_that_are_no_value_are_refused)
{
    static const char *const bad[][2] = {
        { "flag", "yes" },   { "flag", "1" },
        { "flag", "null" },  { "i8", "" },
        { "i8", "x" },       { "u64", "0x5" },
        { "f32", "one" },    { "decimal", "1,5" },
        { "date", "today" }, { "instant", "2024-01-01" },
        { "bytes", "A" },    { "bytes", "AB=C" },
        { "bytes", "AA=" },  { "bytes", "AB" },
        { "u16", "nul" },    { "instant", "1e19" },
    };
    static const char *const large[][2] = {
        { "i8", "128" },
        { "i8", "-129" },
        { "u64", "18446744073709551616" },
        { "u64", "-1" },
        { "i8", "1.5" },
        { "f32", "1e39" },
        { "f64", "1e309" },
        { "decimal", "0.005" },
        { "date", "2147483648" },
        { "date", "+9999999-01-01" },
        { "u16", "65536" },
        { "instant", "+300000-01-01T00:00:00Z" },
        { "u64", "1e20" },
    };
    all r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(parse(bad[i][0], bad[i][1], &r) == WEIR_BAD_DATA, "%s", bad[i][1]);
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        ck_assert_msg(parse(large[i][0], large[i][1], &r) == WEIR_OVERFLOWED, "%s", large[i][1]);
}
END_TEST

START_TEST(long_bytes_need_a_sink)
{
    char text[600];
    all r;
    const weir_field *bytes = &all_type()->fields[weir_type_field(all_type(), "bytes")];
    memset(text, 'A', sizeof text);
    weir_str s = weir_str_view(text, sizeof text);
    ck_assert_int_eq(weir_field_parse(bytes, &s, NULL, &r, NULL), WEIR_NO_MEMORY);
    ck_assert_int_eq(weir_field_parse(bytes, &s, &heap_sink, &r, NULL), WEIR_NO_MEMORY);
    s.len = 200;
    ck_assert_int_eq(weir_field_parse(bytes, &s, &heap_sink, &r, NULL), WEIR_OK);
    ck_assert_uint_eq(r.bytes.value.len, 150);
    ck_assert_ptr_eq(r.bytes.value.u.ptr, heap);
}
END_TEST

START_TEST(refusals_name_field_kind_and_value)
{
    weir_str s = payload("three\nhundred");
    weir_error error;
    all r;
    char text[200];
    weir_field_parse(&all_type()->fields[1], &s, NULL, &r, &error);
    ck_assert_str_eq(weir_error_text(&error, text, sizeof text),
                     "field 'i8' (i8): the text is no such value: the value is three?hundred");
    s = payload("99999999999999999999999999999999999999999999999999999999999999999999999999999999"
                "99999999");
    weir_field_parse(&all_type()->fields[10], &s, NULL, &r, &error);
    ck_assert_str_eq(error.what, "field 'u16' (opt_u16): it does not fit");
    ck_assert_ptr_nonnull(strstr(error.detail, "999..."));
}
END_TEST

START_TEST(base64_comes_back)
{
    uint64_t state = test_seed(31), seed = state;
    for (int round = 0; round < 2000; round++) {
        char bytes[64], text[100], again[100];
        size_t size = test_below(&state, sizeof bytes), back = 0;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)test_random(&state);
        weir__base64_encode(bytes, size, text);
        size_t len = weir__base64_size(size);
        ck_assert_uint_ge(weir__base64_room(len), size);
        ck_assert_msg(weir__base64_decode(text, len, again, &back) && back == size &&
                          memcmp(bytes, again, size) == 0,
                      "WEIR_SEED=%lu", (unsigned long)seed);
        while (len > 0 && text[len - 1] == '=')
            len--;
        ck_assert(weir__base64_decode(text, len, again, &back) && back == size);
    }
}
END_TEST

START_TEST(memory_that_runs_out_is_reported_and_leaves_the_bytes)
{
    weir_error error;
    for (int codec = WEIR_CODEC_RAW; codec <= WEIR_CODEC_MSGPACK; codec++) {
        weir_bytes_out out = { NULL, 0, 0 };
        weir_decoder *decoder;
        char text[300];
        memset(text, 'x', sizeof text);
        line record = { weir_str_view(text, sizeof text) };
        const weir_encode_options *options = ENCODE(.codec = (weir_codec)codec);
        ck_assert_int_eq(weir_bytes_out_add(&out, "abc", 3), WEIR_OK);
        weir_memory_fail_nth(1, 1);
        ck_assert_int_eq(weir_encode(line_type(), options, &record, &out, &error), WEIR_NO_MEMORY);
        ck_assert_int_eq(create_status(line_type(), OPTIONS(.codec = (weir_codec)codec)),
                         WEIR_NO_MEMORY);
        weir_memory_fail_nth(0, 0);
        ck_assert(out.len == 3 && memcmp(out.data, "abc", 3) == 0);
        ck_assert_ptr_null(weir_bytes_out_room(&out, SIZE_MAX));
        ck_assert_ptr_null(weir_bytes_out_room(&out, SIZE_MAX / 2));
        ck_assert_int_eq(weir_encode(line_type(), options, &record, &out, &error), WEIR_OK);
        weir_bytes_out_fini(&out);
        ck_assert_int_eq(weir_decoder_create(line_type(), NULL, &decoder, &error), WEIR_OK);
        weir_decoder_destroy(decoder);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        codecs_have_names,
        one_str_is_raw_by_default_and_a_view,
        fields_that_come_from_elsewhere_are_skipped,
        what_a_codec_cannot_carry_is_refused,
        raw_is_encoded_as_it_is,
        null_cannot_be_raw,
        a_payload_above_the_limit_is_refused,
        single_fields_are_parsed_from_text,
        texts_that_are_no_value_are_refused,
        long_bytes_need_a_sink,
        refusals_name_field_kind_and_value,
        base64_comes_back,
        memory_that_runs_out_is_reported_and_leaves_the_bytes,
        NULL,
    };
    return test_run(test_suite("codec", tests));
}
