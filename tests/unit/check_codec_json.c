/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON codec: what is taken, what is refused and why, what is written.
 */
#include <stdio.h>

#include <weir/codec.h>
#include <weir/memory.h>
#include <weir/record.h>

#include "support.h"

#define SALE(F)                                                                                  \
    F(str, product)                                                                              \
    F(i64, cents) F(opt_u64, serial) F(opt_i8, rank) F(opt_decimal(2), price) F(opt_f64, weight) \
        F(opt_f32, height) F(opt_flag, paid) F(opt_date, day) F(opt_instant, at)                 \
            F(opt_bytes, image)
WEIR_RECORD(sale, SALE)

static char heap[1024];
static size_t heap_used;

static void *heap_room(void *ctx, size_t size)
{
    (void)ctx;
    if (size > sizeof heap - heap_used)
        return NULL;
    heap_used += size;
    return heap + heap_used - size;
}

static const weir_decode_sink sink = { heap_room, NULL };
static weir_decoder *decoder;
static weir_error error;

static void setup(void)
{
    heap_used = 0;
    ck_assert_int_eq(weir_decoder_create(sale_type(), NULL, &decoder, &error), WEIR_OK);
}

static void teardown(void)
{
    weir_decoder_destroy(decoder);
}

/* From an exact copy, so that a read beyond the payload is seen. */
static weir_status decode_bytes(const char *json, size_t len, sale *record)
{
    char *exact = weir_alloc(len + !len);
    memcpy(exact, json, len);
    weir_str payload = weir_str_view(exact, len);
    error.what[0] = error.detail[0] = '\0';
    weir_status status = weir_decode(decoder, &payload, &sink, record, &error);
    weir_free(exact, len + !len);
    return status;
}

static weir_status decode(const char *json, sale *record)
{
    return decode_bytes(json, strlen(json), record);
}

/* With the fields that have to be there. */
static weir_status decode_field(const char *field, sale *record)
{
    char json[512];
    snprintf(json, sizeof json, "{\"product\":\"p\",\"cents\":1,%s}", field);
    return decode(json, record);
}

static void assert_str(const weir_str *s, const char *text)
{
    ck_assert_uint_eq(s->len, strlen(text));
    ck_assert(memcmp(weir_str_data(s), text, s->len) == 0);
}

START_TEST(an_object_becomes_a_record)
{
    sale r;
    ck_assert_int_eq(decode("{ \"ignored\" : {\"a\":[1,{}]}, \"cents\": -5, \"product\": "
                            "\"a bicycle with \\\"three\\\" wheels \\u00e9\\ud83d\\udc1d\\n\", "
                            "\"serial\":18446744073709551615, \"rank\":-128, \"price\":12.3, "
                            "\"weight\":1.5e3, \"height\":0.1, \"paid\":true, "
                            "\"day\":\"1970-01-03\", \"at\":\"1970-01-01T00:00:01+00:00\", "
                            "\"image\":\"AAEC\"} \n",
                            &r),
                     WEIR_OK);
    assert_str(&r.product, "a bicycle with \"three\" wheels \xc3\xa9\xf0\x9f\x90\x9d\n");
    ck_assert(r.product.u.ptr >= heap && r.product.u.ptr < heap + sizeof heap);
    ck_assert(r.cents == -5 && r.serial.value == UINT64_MAX && r.rank.value == -128);
    ck_assert(r.price.value.unscaled == 1230 && r.weight.value == 1500 && r.height.value == 0.1f);
    ck_assert(r.paid.value && r.day.value.days == 2 && r.at.value.us == 1000000);
    ck_assert_uint_eq(r.image.value.len, 3);
    ck_assert(memcmp(weir_str_data(&r.image.value), "\0\1\2", 3) == 0);
}
END_TEST

START_TEST(missing_and_null_are_null_where_they_may_be)
{
    sale r;
    ck_assert_int_eq(decode("{\"product\":\"\",\"cents\":0,\"rank\":null}", &r), WEIR_OK);
    ck_assert(!r.rank.set && !r.price.set && !r.image.set && r.image.value.len == 0);
    ck_assert_int_eq(decode("{\"product\":\"\"}", &r), WEIR_BAD_DATA);
    ck_assert_str_eq(error.what, "field 'cents' (i64) is missing");
    ck_assert_int_eq(decode("{\"product\":null,\"cents\":1}", &r), WEIR_BAD_DATA);
    ck_assert_str_eq(error.what, "field 'product' (str): null stands there");
}
END_TEST

START_TEST(of_two_values_the_later_counts)
{
    sale r;
    ck_assert_int_eq(decode("{\"product\":\"a\",\"cents\":1,\"cents\":2,\"product\":\"b\"}", &r),
                     WEIR_OK);
    ck_assert_int_eq(r.cents, 2);
    assert_str(&r.product, "b");
}
END_TEST

static const struct {
    const char *json;
    int64_t value;
} numbers[] = {
    { "\"cents\":9223372036854775807", INT64_MAX },
    { "\"cents\":-9223372036854775808", INT64_MIN },
    { "\"cents\":\"-17\"", -17 },
    { "\"cents\":5.0", 5 },
    { "\"cents\":1e3", 1000 },
    { "\"cents\":12300e-2", 123 },
    { "\"cents\":-0", 0 },
    { "\"cents\":9223372036854775807.0", INT64_MAX },
    { "\"cents\":9223372036854775807,\"x\":99999999999999999999", INT64_MAX },
};

START_TEST(whole_numbers_are_exact_however_they_are_written)
{
    sale r;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ck_assert_msg(decode_field(numbers[i].json, &r) == WEIR_OK, "%s", numbers[i].json);
        ck_assert_msg(r.cents == numbers[i].value, "%s: %ld", numbers[i].json, (long)r.cents);
    }
    ck_assert_int_eq(decode_field("\"serial\":\"18446744073709551615\"", &r), WEIR_OK);
    ck_assert_uint_eq(r.serial.value, UINT64_MAX);
    ck_assert_int_eq(decode_field("\"serial\":18446744073709551614.0", &r), WEIR_OK);
    ck_assert_uint_eq(r.serial.value, UINT64_MAX - 1);
}
END_TEST

START_TEST(numbers_that_do_not_fit_are_refused_by_field)
{
    static const char *const large[] = {
        "\"cents\":9223372036854775808",
        "\"cents\":-9223372036854775809",
        "\"rank\":128",
        "\"cents\":99999999999999999999999999",
        "\"cents\":-99999999999999999999999999",
        "\"serial\":18446744073709551616",
        "\"serial\":-1",
        "\"cents\":1.5",
        "\"rank\":1e3",
        "\"price\":1.234",
        "\"price\":1e40",
        "\"weight\":1e309",
        "\"weight\":-1e309",
        "\"height\":1e39",
        "\"day\":2147483648",
        "\"at\":9223372036854775808",
        "\"price\":\"1e99\"",
        "\"day\":\"+9999999-01-01\"",
    };
    sale r;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        ck_assert_msg(decode_field(large[i], &r) == WEIR_OVERFLOWED, "%s", large[i]);
        ck_assert_ptr_nonnull(strstr(error.what, "it does not fit"));
    }
    decode_field("\"serial\":18446744073709551616", &r);
    ck_assert_str_eq(error.what, "field 'serial' (opt_u64): it does not fit");
}
END_TEST

START_TEST(decimals_are_exact)
{
    sale r;
    ck_assert_int_eq(decode_field("\"price\":123456789012345678901234567890.12", &r), WEIR_OK);
    __extension__ __int128 wanted = (__int128)123456789012345 * 1000000000000000 + 678901234567890;
    ck_assert(r.price.value.unscaled == wanted * 100 + 12);
    ck_assert_int_eq(decode_field("\"price\":\"0.10\"", &r), WEIR_OK);
    ck_assert(r.price.value.unscaled == 10);
    ck_assert_int_eq(decode_field("\"price\":\"123456789012345678901234567890\"", &r), WEIR_OK);
    ck_assert(r.price.value.unscaled == wanted * 100);
    ck_assert_int_eq(decode_field("\"price\":7", &r), WEIR_OK);
    ck_assert(r.price.value.unscaled == 700);
    ck_assert_int_eq(decode_field("\"price\":18446744073709551615", &r), WEIR_OK);
    ck_assert(r.price.value.unscaled == (__extension__(__int128) UINT64_MAX) * 100);
    ck_assert_int_eq(decode_field("\"price\":123456789012345678901234567890", &r), WEIR_OK);
    ck_assert(r.price.value.unscaled == wanted * 100);
    ck_assert_int_eq(decode_field("\"x\":[-99999999999999999999, 99999999999999999999], "
                                  "\"weight\":100000000000000000000,\"price\":"
                                  "-123456789012345678901234567890",
                                  &r),
                     WEIR_OK);
    ck_assert(r.price.value.unscaled == wanted * -100 && r.weight.value == 1e20);
}
END_TEST

START_TEST(floats_and_instants_have_other_forms)
{
    sale r;
    ck_assert_int_eq(decode_field("\"weight\":\"NaN\",\"height\":\"-Infinity\"", &r), WEIR_OK);
    ck_assert(r.weight.value != r.weight.value && r.height.value < -3e38f);
    ck_assert_int_eq(decode_field("\"weight\":3,\"height\":4,\"day\":5,\"at\":6", &r), WEIR_OK);
    ck_assert(r.weight.value == 3 && r.height.value == 4);
    ck_assert(r.day.value.days == 5 && r.at.value.us == 6);
    weir_decoder *seconds;
    weir_decoder_options options = { .struct_size = sizeof options, .instant_unit = 1000000 };
    weir_str json = weir_str_of("{\"product\":\"\",\"cents\":1,\"at\":1700000000.25}");
    ck_assert_int_eq(weir_decoder_create(sale_type(), &options, &seconds, &error), WEIR_OK);
    ck_assert_int_eq(weir_decode(seconds, &json, &sink, &r, &error), WEIR_OK);
    ck_assert_int_eq(r.at.value.us, 1700000000250000);
    json = weir_str_of("{\"product\":\"\",\"cents\":1,\"at\":-1}");
    ck_assert_int_eq(weir_decode(seconds, &json, &sink, &r, &error), WEIR_OK);
    ck_assert_int_eq(r.at.value.us, -1000000);
    json = weir_str_of("{\"product\":\"\",\"cents\":1,\"at\":9223372036855}");
    ck_assert_int_eq(weir_decode(seconds, &json, &sink, &r, &error), WEIR_OVERFLOWED);
    weir_decoder_destroy(seconds);
}
END_TEST

START_TEST(values_of_another_kind_are_refused_by_field)
{
    static const char *const wrong[][2] = {
        { "\"product\":5", "field 'product' (str): a number stands there" },
        { "\"product\":5.5", "field 'product' (str): a number stands there" },
        { "\"product\":true", "field 'product' (str): a flag stands there" },
        { "\"product\":{}", "field 'product' (str): an object stands there" },
        { "\"product\":[]", "field 'product' (str): an array stands there" },
        { "\"rank\":\"5\"", "field 'rank' (opt_i8): a string stands there" },
        { "\"cents\":\"five\"", "field 'cents' (i64): the text is no such value" },
        { "\"cents\":\"\"", "field 'cents' (i64): the text is no such value" },
        { "\"cents\":false", "field 'cents' (i64): a flag stands there" },
        { "\"paid\":1", "field 'paid' (opt_flag): a number stands there" },
        { "\"paid\":\"true\"", "field 'paid' (opt_flag): a string stands there" },
        { "\"day\":\"2023-02-29\"", "field 'day' (opt_date): the text is no such value" },
        { "\"at\":\"yesterday\"", "field 'at' (opt_instant): the text is no such value" },
        { "\"image\":\"?\"", "field 'image' (opt_bytes): the text is no such value" },
        { "\"weight\":\"heavy\"", "field 'weight' (opt_f64): the text is no such value" },
    };
    sale r;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(decode_field(wrong[i][0], &r) == WEIR_BAD_DATA, "%s", wrong[i][0]);
        ck_assert_str_eq(error.what, wrong[i][1]);
    }
}
END_TEST

static const struct {
    const char *json, *why, *where;
} broken[] = {
    { "", "it is not complete", "at byte 0 of 0" },
    { "  ", "it is not complete", "at byte 2 of 2" },
    { "{\"product\":\"a\"", "it is not complete", NULL },
    { "[1]", "an object is needed", NULL },
    { "5", "it is not complete", NULL },
    { "null ", "an object is needed", NULL },
    { "{} {}", "unexpected character", NULL },
    { "{\"a\":1,}", "unexpected character", NULL },
    { "{\"a\" 1}", "object property name separator", NULL },
    { "{'a':1}", "what stands there is no value", "at byte 1 of 7" },
    { "{\"a\":NaN}", "what stands there is no value", "at byte 5 of 9" },
    { "{\"a\":-Infinity}", "a number has no digits", "at byte 6 of 15" },
    { "{\"a\":tRue}", "what stands there is no value", NULL },
    { "{\"a\":truely}", "what stands there is no value", "at byte 9 of 12" },
    { "{\"a\":01}", "a 0 in front", NULL },
    { "{\"a\":-00.5}", "a 0 in front", NULL },
    { "{\"a\":1.}", "behind a number's point", NULL },
    { "{\"a\":1e+}", "exponent", NULL },
    { "{\"a\":.5}", "what stands there is no value", NULL },
    { "/* */{}", "what stands there is no value", "at byte 0 of 7" },
    { "{\"a\":\"\xff\"}", "not UTF-8", "at byte 6 of 9" },
    { "{\"a\":\"\xc0\x80\"}", "not UTF-8", NULL },
    { "{\"a\":\"\xed\xa0\x80\"}", "not UTF-8", NULL },
    { "{\"a\":\"\xf4\x90\x80\x80\"}", "not UTF-8", NULL },
    { "{\"a\":\"\xe2\x82", "not UTF-8", NULL },
    { "{\"a\":\"\t\"}", "control character", NULL },
    { "{\"a\":\"\\x\"}", "no such escape", NULL },
    { "{\"a\":\"\\u12g4\"}", "four hexadecimal digits", NULL },
    { "{\"a\":\"\\u12", "four hexadecimal digits", NULL },
    { "{\"a\":\"\\", "ends inside a string", NULL },
    { "{\"a\":\"b", "ends inside a string", NULL },
    { "{\"a\\u0000b\" :1}", "a name has a \\u0000", NULL },
    { "\xef\xbb\xbf{}", "what stands there is no value", NULL },
};

START_TEST(what_is_not_json_is_refused_with_reason_and_place)
{
    sale r;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        ck_assert_msg(decode(broken[i].json, &r) == WEIR_BAD_DATA, "%s", broken[i].json);
        ck_assert_msg(strstr(error.what, broken[i].why) != NULL, "%s: %s", broken[i].json,
                      error.what);
        ck_assert(strncmp(error.what, "not a json payload of record 'sale': ", 37) == 0);
        if (broken[i].where)
            ck_assert_str_eq(error.detail, broken[i].where);
    }
    ck_assert_int_eq(decode_bytes("{\"a\":1\0}", 8, &r), WEIR_BAD_DATA);
    ck_assert_int_eq(decode("{\"product\":\"\\u0000\",\"cents\":1}", &r), WEIR_OK);
    ck_assert(r.product.len == 1 && weir_str_data(&r.product)[0] == '\0');
    ck_assert_int_eq(decode("{\"product\":\"\\ud800\",\"cents\":1}", &r), WEIR_OK);
    assert_str(&r.product, "\xef\xbf\xbd");
}
END_TEST

START_TEST(nesting_and_size_have_limits)
{
    weir_decoder *flat;
    weir_decoder_options options = { .struct_size = sizeof options, .depth_max = 1 };
    weir_str json = weir_str_of("{\"product\":\"\",\"cents\":1,\"x\":2}");
    sale r;
    ck_assert_int_eq(weir_decoder_create(sale_type(), &options, &flat, &error), WEIR_OK);
    ck_assert_int_eq(weir_decode(flat, &json, &sink, &r, &error), WEIR_OK);
    json = weir_str_of("{\"product\":\"\",\"cents\":1,\"x\":[2]}");
    ck_assert_int_eq(weir_decode(flat, &json, &sink, &r, &error), WEIR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(error.what, "nested too deep"));
    json = weir_str_of("{\"product\":\"\",\"cents\":1}");
    ck_assert_int_eq(weir_decode(flat, &json, &sink, &r, &error), WEIR_OK);
    weir_decoder_destroy(flat);
    char deep[200] = "{\"product\":\"\",\"cents\":1,\"x\":";
    memset(deep + strlen(deep), '[', 40);
    ck_assert_int_eq(decode(deep, &r), WEIR_TOO_LARGE);
}
END_TEST

START_TEST(memory_for_large_integers_may_run_out)
{
    sale r;
    const char *json = "{\"product\":\"\",\"cents\":1,\"price\":99999999999999999999}";
    weir_str payload = weir_str_of(json);
    weir_memory_fail_nth(1, 1);
    ck_assert_int_eq(weir_decode(decoder, &payload, &sink, &r, &error), WEIR_NO_MEMORY);
    weir_memory_fail_nth(0, 0);
    ck_assert_int_eq(weir_decode(decoder, &payload, &sink, &r, &error), WEIR_OK);
}
END_TEST

START_TEST(strings_need_room)
{
    sale r;
    heap_used = sizeof heap - 5;
    ck_assert_int_eq(decode_field("\"product\":\"not more than 12\"", &r), WEIR_NO_MEMORY);
    ck_assert_str_eq(error.what, "field 'product' (str): there is no room for a string");
    ck_assert_int_eq(decode_field("\"product\":\"twelve bytes\"", &r), WEIR_OK);
    ck_assert_int_eq(decode_field("\"image\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"", &r),
                     WEIR_NO_MEMORY);
}
END_TEST

static const char *encode(const sale *record, weir_field_set fields, bool replace)
{
    static char text[1024];
    weir_bytes_out out = { NULL, 0, 0 };
    weir_encode_options options = { .struct_size = sizeof options,
                                    .codec = WEIR_CODEC_JSON,
                                    .fields = fields,
                                    .replace = replace };
    weir_status status = weir_encode(sale_type(), &options, record, &out, &error);
    snprintf(text, sizeof text, "%.*s", (int)out.len, out.data ? out.data : "");
    weir_bytes_out_fini(&out);
    return status == WEIR_OK ? text : weir_status_name(status);
}

START_TEST(a_record_is_written_as_an_object)
{
    sale r;
    memset(&r, 0, sizeof r);
    r.product = weir_str_of("a \"b\"\\\n\x01\x7f\xc3\xa9/");
    r.cents = INT64_MIN;
    r.serial = (weir_opt_u64){ true, UINT64_MAX };
    r.price = (weir_opt_decimal){ true, { -5 } };
    r.weight = (weir_opt_f64){ true, __builtin_nan("") };
    r.paid = (weir_opt_flag){ true, false };
    r.day = (weir_opt_date){ true, { 59 } };
    r.at = (weir_opt_instant){ true, { 1 } };
    r.image = (weir_opt_bytes){ true, weir_str_view("\0\1", 2) };
    ck_assert_str_eq(encode(&r, 0, false),
                     "{\"product\":\"a \\\"b\\\"\\\\\\n\\u0001\x7f\xc3\xa9/\","
                     "\"cents\":-9223372036854775808,\"serial\":18446744073709551615,"
                     "\"rank\":null,\"price\":-0.05,\"weight\":\"NaN\",\"height\":null,"
                     "\"paid\":false,\"day\":\"1970-03-01\","
                     "\"at\":\"1970-01-01T00:00:00.000001Z\",\"image\":\"AAE=\"}");
    ck_assert_str_eq(encode(&r, 2 | 128, false), "{\"cents\":-9223372036854775808,\"paid\":false}");
    weir_key key = { 2, { 7, 1 } };
    ck_assert_uint_eq(weir_field_set_of(&key), 2 | 128);
}
END_TEST

START_TEST(a_str_that_is_not_utf8_is_refused_or_replaced)
{
    sale r;
    memset(&r, 0, sizeof r);
    r.product = weir_str_of("a\xff\xe2\x82z");
    ck_assert_str_eq(encode(&r, 1, false), "BAD_DATA");
    ck_assert_str_eq(error.what, "field 'product' (str): it is not UTF-8, so JSON cannot hold it");
    ck_assert_str_eq(encode(&r, 1, true),
                     "{\"product\":\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"}");
}
END_TEST

#define ODD(F) F(decimal(0), big) F(opt_f32, tiny)
WEIR_RECORD(odd, ODD)

START_TEST(a_whole_decimal_stays_a_number)
{
    odd r;
    weir_bytes_out out = { NULL, 0, 0 };
    memset(&r, 0, sizeof r);
    r.big.unscaled = (__extension__(__int128) INT64_MAX) + 1;
    ck_assert_int_eq(weir_encode(odd_type(), NULL, &r, &out, &error), WEIR_OK);
    ck_assert(out.len == 41 &&
              memcmp(out.data, "{\"big\":9223372036854775808.0,\"tiny\":null}", 41) == 0);
    weir_bytes_out_fini(&out);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_object_becomes_a_record,
        missing_and_null_are_null_where_they_may_be,
        of_two_values_the_later_counts,
        whole_numbers_are_exact_however_they_are_written,
        numbers_that_do_not_fit_are_refused_by_field,
        decimals_are_exact,
        floats_and_instants_have_other_forms,
        values_of_another_kind_are_refused_by_field,
        what_is_not_json_is_refused_with_reason_and_place,
        nesting_and_size_have_limits,
        memory_for_large_integers_may_run_out,
        strings_need_room,
        a_record_is_written_as_an_object,
        a_str_that_is_not_utf8_is_refused_or_replaced,
        a_whole_decimal_stays_a_number,
        NULL,
    };
    return test_run(test_suite_around("codec_json", tests, setup, teardown));
}
