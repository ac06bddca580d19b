/* SPDX-License-Identifier: Apache-2.0
 *
 * Decimals, dates, instants, checked integers, and the texts of numbers.
 */
#include <locale.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include <weir/value.h>

#include "support.h"

static const struct {
    const char *text;
    weir_status status;
    int64_t value;
} i64_cases[] = {
    { "0", WEIR_OK, 0 },
    { "-1", WEIR_OK, -1 },
    { "007", WEIR_OK, 7 },
    { "9223372036854775807", WEIR_OK, INT64_MAX },
    { "-9223372036854775808", WEIR_OK, INT64_MIN },
    { "9223372036854775808", WEIR_OVERFLOWED, 0 },
    { "-9223372036854775809", WEIR_OVERFLOWED, 0 },
    { "99999999999999999999999", WEIR_OVERFLOWED, 0 },
    { "", WEIR_BAD_DATA, 0 },
    { "-", WEIR_BAD_DATA, 0 },
    { "+1", WEIR_BAD_DATA, 0 },
    { "1.", WEIR_BAD_DATA, 0 },
    { " 1", WEIR_BAD_DATA, 0 },
    { "99999999999999999999999x", WEIR_BAD_DATA, 0 },
};

START_TEST(integers_are_read_whole_or_refused)
{
    for (size_t i = 0; i < sizeof i64_cases / sizeof *i64_cases; i++) {
        int64_t value = 42, wanted = i64_cases[i].status == WEIR_OK ? i64_cases[i].value : 42;
        const char *text = i64_cases[i].text;
        ck_assert_msg(weir_i64_parse(text, strlen(text), &value) == i64_cases[i].status, "%s",
                      text);
        ck_assert_int_eq(value, wanted);
    }
    uint64_t size = 0;
    ck_assert_int_eq(weir_u64_parse("18446744073709551615", 20, &size), WEIR_OK);
    ck_assert_uint_eq(size, UINT64_MAX);
    ck_assert_int_eq(weir_u64_parse("18446744073709551616", 20, &size), WEIR_OVERFLOWED);
    ck_assert_int_eq(weir_u64_parse("-1", 2, &size), WEIR_BAD_DATA);
}
END_TEST

START_TEST(integers_have_texts)
{
    char text[WEIR_INTEGER_TEXT];
    ck_assert_uint_eq(weir_i64_text(INT64_MIN, text), 20);
    ck_assert_str_eq(text, "-9223372036854775808");
    weir_i64_text(0, text);
    ck_assert_str_eq(text, "0");
    weir_u64_text(UINT64_MAX, text);
    ck_assert_str_eq(text, "18446744073709551615");
}
END_TEST

START_TEST(integers_do_not_wrap)
{
    int64_t r;
    ck_assert(weir_i64_add(INT64_MAX - 1, 1, &r) && r == INT64_MAX);
    ck_assert(!weir_i64_add(INT64_MAX, 1, &r));
    ck_assert(weir_i64_sub(INT64_MIN + 1, 1, &r) && r == INT64_MIN);
    ck_assert(!weir_i64_sub(INT64_MIN, 1, &r));
    ck_assert(weir_i64_mul(1 << 30, 1 << 30, &r) && r == INT64_C(1) << 60);
    ck_assert(!weir_i64_mul(INT64_MAX, 2, &r));
    ck_assert(weir_i64_negate(5, &r) && r == -5);
    ck_assert(!weir_i64_negate(INT64_MIN, &r));
}
END_TEST

START_TEST(floats_come_back_as_they_were)
{
    uint64_t state = test_seed(3), seed = state;
    char text[WEIR_FLOAT_TEXT];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = test_random(&state);
        double value, again = 1;
        float brief, brief_again = 1;
        memcpy(&value, &bits, 8);
        memcpy(&brief, &bits, 4);
        size_t len = weir_f64_text(value, text);
        ck_assert_int_eq(weir_f64_parse(text, len, &again), WEIR_OK);
        ck_assert_msg(again == value || (isnan(again) && isnan(value)), "%s, WEIR_SEED=%lu", text,
                      (unsigned long)seed);
        len = weir_f32_text(brief, text);
        ck_assert_int_eq(weir_f32_parse(text, len, &brief_again), WEIR_OK);
        ck_assert_msg(brief_again == brief || (isnan(brief_again) && isnan(brief)),
                      "%s, WEIR_SEED=%lu", text, (unsigned long)seed);
    }
}
END_TEST

START_TEST(floats_have_short_texts_and_strict_ones)
{
    char text[WEIR_FLOAT_TEXT], longest[501];
    double value = 42;
    float brief = 42;
    const char *bad[] = { "",    "-",   ".",  "1e", "1e+",   "0x10",
                          "inf", "nan", " 1", "1 ", "1.5.2", "--1" };
    weir_f64_text(0.1, text);
    ck_assert_str_eq(text, "0.1");
    weir_f32_text(0.1f, text);
    ck_assert_str_eq(text, "0.1");
    weir_f64_text(-3, text);
    ck_assert_str_eq(text, "-3");
    weir_f64_text(-(double)INFINITY, text);
    ck_assert_str_eq(text, "-Infinity");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(weir_f64_parse(bad[i], strlen(bad[i]), &value) == WEIR_BAD_DATA, "%s",
                      bad[i]);
    ck_assert_int_eq(weir_f32_parse("x", 1, &brief), WEIR_BAD_DATA);
    ck_assert_int_eq(weir_f64_parse("1e400", 5, &value), WEIR_OVERFLOWED);
    ck_assert_int_eq(weir_f32_parse("1e39", 4, &brief), WEIR_OVERFLOWED);
    memset(longest, '1', sizeof longest);
    ck_assert_int_eq(weir_f64_parse(longest, 501, &value), WEIR_BAD_DATA);
    ck_assert(value == 42 && brief == 42);
    ck_assert_int_eq(weir_f64_parse("-.5e1", 5, &value), WEIR_OK);
    ck_assert(value == -5);
}
END_TEST

START_TEST(the_locale_does_not_matter)
{
    const char *commas[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C" };
    char text[WEIR_FLOAT_TEXT];
    double value;
    for (size_t i = 0; i < 4 && !setlocale(LC_NUMERIC, commas[i]); i++)
        continue;
    weir_f64_text(1.5, text);
    ck_assert_str_eq(text, "1.5");
    ck_assert_int_eq(weir_f64_parse("1.5", 3, &value), WEIR_OK);
    setlocale(LC_NUMERIC, "C");
    ck_assert(value == 1.5);
}
END_TEST

static const struct {
    const char *text;
    unsigned scale;
    weir_status status;
    const char *again;
} decimal_cases[] = {
    { "12.34", 2, WEIR_OK, "12.34" },
    { "-0.5", 2, WEIR_OK, "-0.50" },
    { "+7", 0, WEIR_OK, "7" },
    { ".5", 1, WEIR_OK, "0.5" },
    { "5.", 1, WEIR_OK, "5.0" },
    { "1.2300", 2, WEIR_OK, "1.23" },
    { "1.5e3", 0, WEIR_OK, "1500" },
    { "1500e-2", 1, WEIR_OK, "15.0" },
    { "15E-1", 1, WEIR_OK, "1.5" },
    { "0e999999999999", 2, WEIR_OK, "0.00" },
    { "0.000e-999999999999", 2, WEIR_OK, "0.00" },
    { "-0", 3, WEIR_OK, "0.000" },
    { "170141183460469231731687303715884105727", 0, WEIR_OK,
      "170141183460469231731687303715884105727" },
    { "-1701411834604692317316873037158841057.28", 2, WEIR_OK,
      "-1701411834604692317316873037158841057.28" },
    { "0.00000000000000000000000000000000000001", 38, WEIR_OK,
      "0.00000000000000000000000000000000000001" },
    { "170141183460469231731687303715884105728", 0, WEIR_OVERFLOWED, "" },
    { "-170141183460469231731687303715884105729", 0, WEIR_OVERFLOWED, "" },
    { "999999999999999999999999999999999999999999999", 0, WEIR_OVERFLOWED, "" },
    { "1e38", 1, WEIR_OVERFLOWED, "" },
    { "1e999999999999", 0, WEIR_OVERFLOWED, "" },
    { "1e-999999999999", 38, WEIR_OVERFLOWED, "" },
    { "12.345", 2, WEIR_OVERFLOWED, "" },
    { "15e-1", 0, WEIR_OVERFLOWED, "" },
    { "", 2, WEIR_BAD_DATA, "" },
    { "-", 2, WEIR_BAD_DATA, "" },
    { ".", 2, WEIR_BAD_DATA, "" },
    { "1e", 2, WEIR_BAD_DATA, "" },
    { "1,5", 2, WEIR_BAD_DATA, "" },
    { "--1", 2, WEIR_BAD_DATA, "" },
    { "1.2.3", 2, WEIR_BAD_DATA, "" },
};

START_TEST(decimals_are_exact_or_refused)
{
    for (size_t i = 0; i < sizeof decimal_cases / sizeof *decimal_cases; i++) {
        const char *text = decimal_cases[i].text;
        weir_decimal value = { 42 };
        char again[WEIR_DECIMAL_TEXT];
        weir_status status = weir_decimal_parse(text, strlen(text), decimal_cases[i].scale, &value);
        ck_assert_msg(status == decimal_cases[i].status, "%s: %s", text, weir_status_name(status));
        if (status == WEIR_OK) {
            size_t len = weir_decimal_text(value, decimal_cases[i].scale, again);
            ck_assert_str_eq(again, decimal_cases[i].again);
            ck_assert_uint_eq(len, strlen(again));
        } else {
            ck_assert(value.unscaled == 42);
        }
    }
}
END_TEST

START_TEST(decimals_add_subtract_and_compare)
{
    weir_decimal most, least, r, one = { 1 };
    ck_assert_int_eq(weir_decimal_parse("170141183460469231731687303715884105727", 39, 0, &most),
                     0);
    ck_assert_int_eq(weir_decimal_parse("-170141183460469231731687303715884105728", 40, 0, &least),
                     0);
    ck_assert(weir_decimal_add(one, one, &r) && r.unscaled == 2);
    ck_assert(!weir_decimal_add(most, one, &r));
    ck_assert(weir_decimal_sub(one, most, &r) && weir_decimal_compare(r, least) > 0);
    ck_assert(!weir_decimal_sub(least, one, &r));
    ck_assert_int_eq(weir_decimal_compare(least, most), -1);
    ck_assert_int_eq(weir_decimal_compare(one, one), 0);
}
END_TEST

START_TEST(dates_agree_with_the_c_library)
{
    uint64_t state = test_seed(5), seed = state;
    for (int i = 0; i < 20000; i++) {
        weir_date date = { (int32_t)test_below(&state, 2000000) - 1000000 }, again;
        time_t seconds = (time_t)date.days * 86400;
        struct tm tm;
        char text[WEIR_DATE_TEXT];
        gmtime_r(&seconds, &tm);
        weir_calendar_day day = weir_date_parts(date);
        ck_assert_msg(day.year == tm.tm_year + 1900 && day.month == tm.tm_mon + 1 &&
                          day.day == tm.tm_mday,
                      "days %d, WEIR_SEED=%lu", date.days, (unsigned long)seed);
        size_t len = weir_date_text(date, text);
        ck_assert_int_eq(weir_date_parse(text, len, &again), WEIR_OK);
        ck_assert_int_eq(again.days, date.days);
    }
}
END_TEST

START_TEST(dates_reach_to_both_ends)
{
    const int32_t ends[] = {
        INT32_MIN, INT32_MIN + 1, -719529, -719528, 2932896, 2932897, INT32_MAX
    };
    const char *texts[] = { "-5877641-06-23", "-5877641-06-24", "-0001-12-31",   "0000-01-01",
                            "9999-12-31",     "+10000-01-01",   "+5881580-07-11" };
    for (size_t i = 0; i < 7; i++) {
        char text[WEIR_DATE_TEXT];
        weir_date again;
        weir_date_text((weir_date){ ends[i] }, text);
        ck_assert_str_eq(text, texts[i]);
        ck_assert_int_eq(weir_date_parse(text, strlen(text), &again), WEIR_OK);
        ck_assert_int_eq(again.days, ends[i]);
    }
    weir_date date = { 42 };
    ck_assert_int_eq(weir_date_parse("+5881580-07-12", 14, &date), WEIR_OVERFLOWED);
    ck_assert_int_eq(weir_date_of_parts((weir_calendar_day){ INT32_MIN, 1, 1 }, &date),
                     WEIR_OVERFLOWED);
    ck_assert_int_eq(date.days, 42);
}
END_TEST

START_TEST(days_that_do_not_exist_are_refused)
{
    const char *bad[] = { "2023-02-29",  "1900-02-29", "2024-13-01", "2024-00-01",
                          "2024-04-31",  "2024-01-00", "2024-1-01",  "24-01-01",
                          "12024-01-01", "2024/01/01", "+123-01-01", "+12345678-01-01",
                          "2024-01-01 ", "",           "2024-01",    "-2024" };
    weir_date date = { 42 };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(weir_date_parse(bad[i], strlen(bad[i]), &date) == WEIR_BAD_DATA, "%s",
                      bad[i]);
    ck_assert_int_eq(date.days, 42);
    ck_assert_int_eq(weir_date_parse("2024-02-29", 10, &date), WEIR_OK);
    ck_assert_int_eq(weir_date_parse("2000-02-29", 10, &date), WEIR_OK);
    ck_assert_int_eq(weir_date_of_parts((weir_calendar_day){ 2023, 2, 29 }, &date), WEIR_BAD_DATA);
}
END_TEST

static const struct {
    const char *text;
    int64_t us;
    const char *again;
} instant_cases[] = {
    { "1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z" },
    { "1970-01-01T00:00:01.5z", 1500000, "1970-01-01T00:00:01.500Z" },
    { "1970-01-01t00:00:00.000001", 1, "1970-01-01T00:00:00.000001Z" },
    { "1969-12-31 23:59:59.999999999Z", -1, "1969-12-31T23:59:59.999999Z" },
    { "1970-01-01T01:00:00+01:00", 0, "1970-01-01T00:00:00Z" },
    { "1970-01-01T01:00+0130", -1800000000, "1969-12-31T23:30:00Z" },
    { "1970-01-01T00:00:00,25-01", 3600250000, "1970-01-01T01:00:00.250Z" },
    { "2016-12-31T23:59:60Z", 1483228800000000, "2017-01-01T00:00:00Z" },
    { "+294247-01-10T04:00:54.775807Z", INT64_MAX, "+294247-01-10T04:00:54.775807Z" },
    { "-290308-12-21T19:59:05.224192Z", INT64_MIN, "-290308-12-21T19:59:05.224192Z" },
};

START_TEST(instants_are_read_and_written)
{
    for (size_t i = 0; i < sizeof instant_cases / sizeof *instant_cases; i++) {
        weir_instant at = { 42 };
        char text[WEIR_INSTANT_TEXT];
        const char *given = instant_cases[i].text;
        ck_assert_msg(weir_instant_parse(given, strlen(given), &at) == WEIR_OK, "%s", given);
        ck_assert_msg(at.us == instant_cases[i].us, "%s: %ld", given, (long)at.us);
        size_t len = weir_instant_text(at, text);
        ck_assert_str_eq(text, instant_cases[i].again);
        ck_assert_uint_eq(len, strlen(text));
    }
    ck_assert_int_eq(weir_date_of_instant((weir_instant){ -1 }).days, -1);
    ck_assert_int_eq(weir_date_of_instant((weir_instant){ 86399999999 }).days, 0);
}
END_TEST

START_TEST(instants_come_back_and_bad_ones_are_refused)
{
    const char *bad[] = { "1970-01-01",
                          "1970-01-01T",
                          "1970-01-01T00",
                          "1970-01-01T24:00:00Z",
                          "1970-01-01T00:60:00Z",
                          "1970-01-01T00:00:61Z",
                          "1970-01-01T00:00:00.Z",
                          "1970-01-01T00:00:00+24:00",
                          "1970-01-01T00:00:00+01:60",
                          "1970-01-01T00:00:00+1",
                          "1970-01-01T00:00:00Zx",
                          "1970-01-01X00:00:00Z",
                          "1970-02-30T00:00:00Z",
                          "1970-01-01T0:00:00Z",
                          "1970-01-01T00:00:0Z",
                          "1970-01-01T00:00:00+01:0",
                          "1970-01-01T00:00:00 Z" };
    uint64_t state = test_seed(9), seed = state;
    weir_instant at = { 42 }, again;
    char text[WEIR_INSTANT_TEXT];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(weir_instant_parse(bad[i], strlen(bad[i]), &at) == WEIR_BAD_DATA, "%s",
                      bad[i]);
    ck_assert_int_eq(weir_instant_parse("+294247-01-10T04:00:54.775808Z", 30, &at),
                     WEIR_OVERFLOWED);
    ck_assert_int_eq(weir_instant_parse("-9999999-01-01T00:00:00Z", 24, &at), WEIR_OVERFLOWED);
    ck_assert_int_eq(at.us, 42);
    for (int i = 0; i < 20000; i++) {
        at.us = (int64_t)test_random(&state) >> test_below(&state, 60);
        size_t len = weir_instant_text(at, text);
        ck_assert_int_eq(weir_instant_parse(text, len, &again), WEIR_OK);
        ck_assert_msg(again.us == at.us, "%s, WEIR_SEED=%lu", text, (unsigned long)seed);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        integers_are_read_whole_or_refused,
        integers_have_texts,
        integers_do_not_wrap,
        floats_come_back_as_they_were,
        floats_have_short_texts_and_strict_ones,
        the_locale_does_not_matter,
        decimals_are_exact_or_refused,
        decimals_add_subtract_and_compare,
        dates_agree_with_the_c_library,
        dates_reach_to_both_ends,
        days_that_do_not_exist_are_refused,
        instants_are_read_and_written,
        instants_come_back_and_bad_ones_are_refused,
        NULL,
    };
    return test_run(test_suite("value", tests));
}
