/* SPDX-License-Identifier: Apache-2.0
 *
 * The msgpack codec: payloads written byte by byte, what is refused and why, what is written.
 */
#include <weir/codec.h>
#include <weir/memory.h>
#include <weir/record.h>

#include "support.h"

#define SALE(F) F(str, product) F(i64, cents) F(opt_u8, rank) F(opt_instant, at) F(opt_f32, weight)
#define MORE(F) F(opt_decimal(2), price) F(opt_date, day) F(opt_bytes, image) F(opt_flag, paid)
WEIR_RECORD(sale, SALE)
WEIR_RECORD(more, MORE)

static weir_error error;

/* From an exact copy, so that a read beyond the payload is seen. Strings of the record are gone
 * then, unless they are inline. */
static weir_status decode(const weir_type *type, const char *bytes, size_t size, void *record)
{
    weir_decoder *decoder;
    weir_decoder_options options = { .struct_size = sizeof options, .codec = WEIR_CODEC_MSGPACK };
    ck_assert_int_eq(weir_decoder_create(type, &options, &decoder, &error), WEIR_OK);
    char *exact = weir_alloc(size + !size);
    memcpy(exact, bytes, size);
    weir_str payload = weir_str_view(exact, size);
    weir_status status = weir_decode(decoder, &payload, NULL, record, &error);
    weir_free(exact, size + !size);
    weir_decoder_destroy(decoder);
    return status;
}

#define SALE_OF(text, record) decode(sale_type(), text, sizeof(text) - 1, record)
#define MORE_OF(text, record) decode(more_type(), text, sizeof(text) - 1, record)
#define PRODUCT "\xa7product"
#define CENTS \
    "\xa5"    \
    "cents"

START_TEST(a_map_becomes_a_record)
{
    sale r;
    ck_assert_int_eq(SALE_OF("\x86" CENTS "\xd3\xff\xff\xff\xff\xff\xff\xff\xfb" PRODUCT "\xa3"
                             "abc"
                             "\xa1x\x82\xc0\x93\x01\x02\x03\x05\xc3"
                             "\x2a\x01"
                             "\xa4rank\xcc\xff"
                             "\xa6weight\xca\x3f\xc0\0\0",
                             &r),
                     WEIR_OK);
    ck_assert(r.product.len == 3 && memcmp(weir_str_data(&r.product), "abc", 3) == 0);
    ck_assert(r.cents == -5 && r.rank.value == 255 && r.weight.value == 1.5f && !r.at.set);
    ck_assert_int_eq(SALE_OF("\x83" CENTS "\x01" CENTS "\x02" PRODUCT "\xc4\x02xy", &r), WEIR_OK);
    ck_assert(r.cents == 2 && r.product.len == 2);
}
END_TEST

START_TEST(an_array_becomes_a_record)
{
    sale r;
    ck_assert_int_eq(SALE_OF("\x95\xa1p\x07\xc0\x2a\xcb\x3f\xf8\0\0\0\0\0\0", &r), WEIR_OK);
    ck_assert(r.cents == 7 && !r.rank.set && r.at.value.us == 42 && r.weight.value == 1.5f);
    ck_assert_int_eq(SALE_OF("\x92\xa1p\x07", &r), WEIR_OK);
    ck_assert(!r.rank.set && !r.at.set && !r.weight.set);
    ck_assert_int_eq(SALE_OF("\x91\xa1p", &r), WEIR_BAD_DATA);
    ck_assert_str_eq(error.what, "field 'cents' (i64) is missing");
    ck_assert_int_eq(SALE_OF("\x96\xa1p\x07\xc0\xc0\xc0\xc0", &r), WEIR_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(error.what, "more values than fields"));
}
END_TEST

START_TEST(long_strings_are_views)
{
    static const char bytes[] = "\x92\xd9\x20"
                                "a string of thirty two bytes ...\x01";
    weir_decoder *decoder;
    weir_decoder_options options = { .struct_size = sizeof options, .codec = WEIR_CODEC_MSGPACK };
    weir_str payload = weir_str_view(bytes, sizeof bytes - 1);
    sale r;
    ck_assert_int_eq(weir_decoder_create(sale_type(), &options, &decoder, &error), WEIR_OK);
    ck_assert_int_eq(weir_decode(decoder, &payload, NULL, &r, &error), WEIR_OK);
    ck_assert_ptr_eq(r.product.u.ptr, bytes + 3);
    weir_decoder_destroy(decoder);
}
END_TEST

START_TEST(special_kinds_have_their_forms)
{
    more r;
    ck_assert_int_eq(MORE_OF("\x84\xa5price\xa4"
                             "1.50\xa3"
                             "day\xaa"
                             "1970-01-03\xa5image\xc4\x02\0\xff"
                             "\xa4paid\xc2",
                             &r),
                     WEIR_OK);
    ck_assert(r.price.value.unscaled == 150 && r.day.value.days == 2 && r.paid.set &&
              !r.paid.value);
    ck_assert(r.image.value.len == 2 && memcmp(weir_str_data(&r.image.value), "\0\xff", 2) == 0);
    ck_assert_int_eq(MORE_OF("\x94\x03\xff\xa1z\xc0", &r), WEIR_OK);
    ck_assert(r.price.value.unscaled == 300 && r.day.value.days == -1 && !r.paid.set);
    ck_assert(r.image.value.len == 1);
}
END_TEST

START_TEST(timestamps_are_instants)
{
    sale r;
    ck_assert_int_eq(SALE_OF("\x94\xa1p\x07\xc0\xd6\xff\0\0\0\x02", &r), WEIR_OK);
    ck_assert_int_eq(r.at.value.us, 2000000);
    ck_assert_int_eq(SALE_OF("\x94\xa1p\x07\xc0\xd7\xff\0\0\x3e\x80\0\0\0\x01", &r), WEIR_OK);
    ck_assert_int_eq(r.at.value.us, 1000004);
    ck_assert_int_eq(
        SALE_OF("\x94\xa1p\x07\xc0\xc7\x0c\xff\0\0\x03\xe8\xff\xff\xff\xff\xff\xff\xff\xff", &r),
        WEIR_OK);
    ck_assert_int_eq(r.at.value.us, -999999);
    ck_assert_int_eq(SALE_OF("\x94\xa1p\x07\xc0\xb4"
                             "1970-01-01T00:00:01Z",
                             &r),
                     WEIR_OK);
    ck_assert_int_eq(r.at.value.us, 1000000);
    ck_assert_int_eq(
        SALE_OF("\x94\xa1p\x07\xc0\xc7\x0c\xff\0\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", &r),
        WEIR_OVERFLOWED);
    ck_assert_int_eq(SALE_OF("\x94\xa1p\x07\xc0\xc7\x0c\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0", &r),
                     WEIR_BAD_DATA);
    ck_assert_int_eq(SALE_OF("\x94\xa1p\x07\xc0\xd6\x05\0\0\0\x02", &r), WEIR_BAD_DATA);
    ck_assert_str_eq(error.what, "field 'at' (opt_instant): an extension stands there");
    ck_assert_int_eq(SALE_OF("\x93\xa1p\x07\xd6\xff\0\0\0\x02", &r), WEIR_BAD_DATA);
}
END_TEST

#define BAD(bytes, status, why)               \
    {                                         \
        bytes, sizeof(bytes) - 1, status, why \
    }
static const struct {
    const char *bytes;
    size_t size;
    weir_status status;
    const char *why;
} bad[] = {
    BAD("", WEIR_BAD_DATA, "it is not complete"),
    BAD("\x82" PRODUCT, WEIR_BAD_DATA, "it is not complete"),
    BAD("\x92\xa5xyz", WEIR_BAD_DATA, "it is not complete"),
    BAD("\x91\xd9", WEIR_BAD_DATA, "length is cut off"),
    BAD("\x92\xdb\xff\xff\xff\xff", WEIR_BAD_DATA, "it is not complete"),
    BAD("\xdd\xff\xff\xff\xff\x01", WEIR_BAD_DATA, "it is not complete"),
    BAD("\xdf\xff\xff\xff\xff\x01", WEIR_BAD_DATA, "it is not complete"),
    BAD("\x92\xc1\x01", WEIR_BAD_DATA, "there is no such value"),
    BAD("\x92\xa1p\x07\x07", WEIR_BAD_DATA, "more follows behind it"),
    BAD("\x07", WEIR_BAD_DATA, "a map or an array is needed"),
    BAD("\xa1p", WEIR_BAD_DATA, "a map or an array is needed"),
    BAD("\x92\xc0\x07", WEIR_BAD_DATA, "field 'product' (str): null stands there"),
    BAD("\x92\x05\x07", WEIR_BAD_DATA, "field 'product' (str): a number stands there"),
    BAD("\x92\xa1p\xa1"
        "5",
        WEIR_BAD_DATA, "field 'cents' (i64): a string stands there"),
    BAD("\x92\xa1p\xc3", WEIR_BAD_DATA, "field 'cents' (i64): a flag stands there"),
    BAD("\x92\xa1p\x80", WEIR_BAD_DATA, "field 'cents' (i64): a map stands there"),
    BAD("\x92\xa1p\x90", WEIR_BAD_DATA, "field 'cents' (i64): an array stands there"),
    BAD("\x92\xa1p\xca\x3f\xc0\0\0", WEIR_BAD_DATA, "field 'cents' (i64): a float stands there"),
    BAD("\x92\xa1p\xcf\xff\xff\xff\xff\xff\xff\xff\xff", WEIR_OVERFLOWED, "it does not fit"),
    BAD("\x93\xa1p\x07\xcd\x01\0", WEIR_OVERFLOWED, "field 'rank' (opt_u8): it does not fit"),
    BAD("\x93\xa1p\x07\xff", WEIR_OVERFLOWED, "field 'rank' (opt_u8): it does not fit"),
    BAD("\x95\xa1p\x07\xc0\xc0\xcb\x7f\xe0\0\0\0\0\0\0", WEIR_OVERFLOWED, "'weight' (opt_f32)"),
};

START_TEST(bad_payloads_are_refused_with_reason)
{
    sale r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(decode(sale_type(), bad[i].bytes, bad[i].size, &r) == bad[i].status, "%zu",
                      i);
        ck_assert_msg(strstr(error.what, bad[i].why) != NULL, "%zu: %s", i, error.what);
    }
}
END_TEST

START_TEST(every_prefix_of_a_payload_is_refused)
{
    static const char whole[] =
        "\x86" CENTS "\xd3\xff\xff\xff\xff\xff\xff\xff\xfb" PRODUCT "\xda\0\x03"
        "abc\xa1x\x82\xc0\xdc\0\x02\xcd\0\1\xd5\x01\x02\x03\x05"
        "\xc8\0\1\7\1\xc5\0\1x\xd2\0\0\0\0\xa4rank\xcc\xff\xc4\1y\xcb"
        "\0\0\0\0\0\0\0\0";
    sale r;
    for (size_t size = 0; size < sizeof whole - 1; size++)
        ck_assert_msg(decode(sale_type(), whole, size, &r) == WEIR_BAD_DATA, "%zu", size);
    ck_assert_int_eq(decode(sale_type(), whole, sizeof whole - 1, &r), WEIR_OK);
}
END_TEST

/* An array of one array of one … around nil, as the value of an unknown field. */
static weir_status nested(unsigned depth, sale *r)
{
    char bytes[100] = "\x83" CENTS "\x01" PRODUCT "\xa1p\xa1x";
    size_t used = strlen(bytes);
    memset(bytes + used, 0x91, depth);
    bytes[used + depth] = '\xc0';
    return decode(sale_type(), bytes, used + depth + 1, r);
}

START_TEST(nesting_has_a_limit)
{
    sale r;
    ck_assert_int_eq(nested(0, &r), WEIR_OK);
    ck_assert_int_eq(nested(31, &r), WEIR_OK);
    ck_assert_int_eq(nested(32, &r), WEIR_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(error.what, "nested too deep"));
    ck_assert_int_eq(nested(60, &r), WEIR_TOO_LARGE);
}
END_TEST

START_TEST(a_record_is_written_as_a_map)
{
    weir_encode_options options = { .struct_size = sizeof options,
                                    .codec = WEIR_CODEC_MSGPACK,
                                    .fields = 1 | 4 | 8 };
    weir_bytes_out out = { NULL, 0, 0 };
    sale r;
    memset(&r, 0, sizeof r);
    r.product = weir_str_of("p");
    r.at = (weir_opt_instant){ true, { -1 } };
    static const char wanted[] = "\x83" PRODUCT "\xa1p\xa4rank\xc0\xa2"
                                 "at\xc7\x0c\xff\x3b\x9a\xc6\x18"
                                 "\xff\xff\xff\xff\xff\xff\xff\xff";
    ck_assert_int_eq(weir_encode(sale_type(), &options, &r, &out, &error), WEIR_OK);
    ck_assert_uint_eq(out.len, sizeof wanted - 1);
    ck_assert(memcmp(out.data, wanted, out.len) == 0);
    weir_bytes_out_fini(&out);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_map_becomes_a_record,
        an_array_becomes_a_record,
        long_strings_are_views,
        special_kinds_have_their_forms,
        timestamps_are_instants,
        bad_payloads_are_refused_with_reason,
        every_prefix_of_a_payload_is_refused,
        nesting_has_a_limit,
        a_record_is_written_as_a_map,
        NULL,
    };
    return test_run(test_suite("codec_msgpack", tests));
}
