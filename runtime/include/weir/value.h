/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of the kinds that C has no arithmetic or no text for: decimals, dates, instants, integers
 * that must not wrap, and the texts of all numbers. Pure functions; any thread; no locale.
 *
 * Every parser takes len bytes (no ending 0 needed), wants all of them, and returns WEIR_OK,
 * WEIR_BAD_DATA (not such a text) or WEIR_OVERFLOWED (it is one, but the value does not fit); on
 * failure the result is untouched. Every writer ends the text with 0 and returns its length; the
 * room needed is the WEIR_..._TEXT constant.
 */
#ifndef WEIR_VALUE_H
#define WEIR_VALUE_H

#include <weir/type.h>

WEIR_BEGIN_DECLS

/* ---- integers that do not wrap: false, and *result unspecified, if it does not fit ---- */

WEIR_MUST_USE static inline bool weir_i64_add(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}
WEIR_MUST_USE static inline bool weir_i64_sub(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_sub_overflow(a, b, result);
}
WEIR_MUST_USE static inline bool weir_i64_mul(int64_t a, int64_t b, int64_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}
WEIR_MUST_USE static inline bool weir_i64_negate(int64_t a, int64_t *result)
{
    return weir_i64_sub(0, a, result);
}

/* ---- numbers and their texts ---- */

#define WEIR_INTEGER_TEXT 24
#define WEIR_FLOAT_TEXT 32

/* "-42". A plus sign is not accepted. */
WEIR_API weir_status weir_i64_parse(const char *text, size_t len, int64_t *result);
WEIR_API weir_status weir_u64_parse(const char *text, size_t len, uint64_t *result);
WEIR_API size_t weir_i64_text(int64_t value, char *text);
WEIR_API size_t weir_u64_text(uint64_t value, char *text);

/* "1.5e3", "NaN", "Infinity", "-Infinity". At most 500 bytes. */
WEIR_API weir_status weir_f64_parse(const char *text, size_t len, double *result);
WEIR_API weir_status weir_f32_parse(const char *text, size_t len, float *result);
/* The shortest of 15 to 17 (6 to 9) digits that parses back to the same value. */
WEIR_API size_t weir_f64_text(double value, char *text);
WEIR_API size_t weir_f32_text(float value, char *text);

/* ---- decimals: the scale is that of the field, given beside the value ---- */

#define WEIR_DECIMAL_SCALE_MAX 38
#define WEIR_DECIMAL_TEXT 48

/* Of two values of one scale: false, and *result unspecified, if the result does not fit. */
WEIR_MUST_USE static inline bool weir_decimal_add(weir_decimal a, weir_decimal b,
                                                  weir_decimal *result)
{
    return !__builtin_add_overflow(a.unscaled, b.unscaled, &result->unscaled);
}
WEIR_MUST_USE static inline bool weir_decimal_sub(weir_decimal a, weir_decimal b,
                                                  weir_decimal *result)
{
    return !__builtin_sub_overflow(a.unscaled, b.unscaled, &result->unscaled);
}
/* -1, 0 or 1, of two values of one scale. */
static inline int weir_decimal_compare(weir_decimal a, weir_decimal b)
{
    return (a.unscaled > b.unscaled) - (a.unscaled < b.unscaled);
}
/* Exactly: digits beyond the scale must be zero, else WEIR_OVERFLOWED. "12.34", "-1.5e3". */
WEIR_API weir_status weir_decimal_parse(const char *text, size_t len, unsigned scale,
                                        weir_decimal *result);
/* As many digits after the point as the scale says. */
WEIR_API size_t weir_decimal_text(weir_decimal value, unsigned scale, char *text);

/* ---- dates and instants, in the Gregorian calendar and UTC ---- */

#define WEIR_DATE_TEXT 24
#define WEIR_INSTANT_TEXT 40

/* A date's parts. Year 0 is the one before year 1. */
typedef struct weir_calendar_day {
    int32_t year;
    uint8_t month, day;    /* from 1 */
} weir_calendar_day;

WEIR_API weir_calendar_day weir_date_parts(weir_date date);
/* WEIR_BAD_DATA if there is no such day. */
WEIR_API weir_status weir_date_of_parts(weir_calendar_day parts, weir_date *result);
/* The day that an instant falls on. */
WEIR_API weir_date weir_date_of_instant(weir_instant at);

/* ISO 8601: "2024-02-29"; years outside 0 to 9999 have a sign: "+12345-01-01". */
WEIR_API weir_status weir_date_parse(const char *text, size_t len, weir_date *result);
WEIR_API size_t weir_date_text(weir_date date, char *text);

/* RFC 3339: "2024-02-29T12:34:56.5Z", also with an offset ("+01:00", "-0530"), a blank for the T,
 * or without seconds. Without an offset it is UTC. Digits beyond microseconds are cut off. A leap
 * second is the first one of the next minute. */
WEIR_API weir_status weir_instant_parse(const char *text, size_t len, weir_instant *result);
/* In UTC, with 0, 3 or 6 digits after the seconds. */
WEIR_API size_t weir_instant_text(weir_instant at, char *text);

WEIR_END_DECLS
#endif
