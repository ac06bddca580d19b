/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the calendar: days and microseconds since 1970 as dates and instants, and their ISO texts.
 * Zones exist in texts only.
 */
#include <weir/value.h>

#include "data/scan.h"

/* Years are counted from 1 March, so that a leap day ends one; an era is 400 of them. */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_DAY = 719468, YEAR_DIGITS_MAX = 7 };

static const int64_t DAY_US = INT64_C(86400000000), SECOND_US = 1000000;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static weir_calendar_day parts_of_days(int64_t days)
{
    days += EPOCH_DAY;
    int64_t era = floor_div(days, ERA_DAYS), in_era = days - era * ERA_DAYS;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * in_year + 2) / 153;
    int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    weir_calendar_day parts = {
        .year = (int32_t)(year + era * ERA_YEARS + (month <= 2)),
        .month = (uint8_t)month,
        .day = (uint8_t)(in_year - (153 * from_march + 2) / 5 + 1),
    };
    return parts;
}

static int64_t days_of_parts(weir_calendar_day parts)
{
    int64_t year = (int64_t)parts.year - (parts.month <= 2);
    int64_t era = floor_div(year, ERA_YEARS), in_era = year - era * ERA_YEARS;
    int64_t from_march = parts.month > 2 ? parts.month - 3 : parts.month + 9;
    int64_t in_year = (153 * from_march + 2) / 5 + parts.day - 1;
    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH_DAY;
}

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_day(weir_calendar_day parts)
{
    static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (parts.month < 1 || parts.month > 12 || parts.day < 1)
        return false;
    return parts.day <= lengths[parts.month - 1] + (parts.month == 2 && is_leap(parts.year));
}

weir_calendar_day weir_date_parts(weir_date date)
{
    return parts_of_days(date.days);
}

weir_status weir_date_of_parts(weir_calendar_day parts, weir_date *result)
{
    if (!is_day(parts))
        return WEIR_BAD_DATA;
    int64_t days = days_of_parts(parts);
    if (days < INT32_MIN || days > INT32_MAX)
        return WEIR_OVERFLOWED;
    result->days = (int32_t)days;
    return WEIR_OK;
}

weir_date weir_date_of_instant(weir_instant at)
{
    weir_date date = { (int32_t)floor_div(at.us, DAY_US) };
    return date;
}

/* ---- texts to values ---- */

static bool scan_date(weir__scan *in, weir_calendar_day *parts)
{
    bool negative = weir__scan_one(in, '-');
    bool sign = negative || weir__scan_one(in, '+');
    int32_t year, month, day;
    weir__scan ahead = *in;
    size_t digits = weir__scan_digits(&ahead);
    if (digits < 4 || digits > (sign ? YEAR_DIGITS_MAX : 4))
        return false;
    if (!weir__scan_number(in, (unsigned)digits, &year) || !weir__scan_one(in, '-') ||
        !weir__scan_number(in, 2, &month) || !weir__scan_one(in, '-') ||
        !weir__scan_number(in, 2, &day))
        return false;
    parts->year = negative ? -year : year;
    parts->month = (uint8_t)month;
    parts->day = (uint8_t)day;
    return is_day(*parts);
}

weir_status weir_date_parse(const char *text, size_t len, weir_date *result)
{
    weir__scan in = { text, text + len };
    weir_calendar_day parts;
    if (!scan_date(&in, &parts) || in.at != in.end)
        return WEIR_BAD_DATA;
    return weir_date_of_parts(parts, result);
}

/* "12:34", "12:34:56", "12:34:56.789", in microseconds. */
static bool scan_clock(weir__scan *in, int64_t *us)
{
    int32_t hour, minute, second = 0;
    int64_t fraction = 0, unit = SECOND_US;
    if (!weir__scan_number(in, 2, &hour) || !weir__scan_one(in, ':') ||
        !weir__scan_number(in, 2, &minute))
        return false;
    if (weir__scan_one(in, ':')) {
        if (!weir__scan_number(in, 2, &second))
            return false;
        if (weir__scan_one(in, '.') || weir__scan_one(in, ',')) {
            const char *from = in->at;
            if (weir__scan_digits(in) == 0)
                return false;
            for (; from < in->at && unit > 1; from++)
                fraction += (*from - '0') * (unit /= 10);
        }
    }
    *us = ((int64_t)hour * 3600 + minute * 60 + second) * SECOND_US + fraction;
    return hour < 24 && minute < 60 && second <= 60;
}

/* "Z", "+01:00", "+0100", "+01" or nothing, in microseconds. */
static bool scan_zone(weir__scan *in, int64_t *us)
{
    int32_t hour, minute = 0;
    *us = 0;
    if (in->at == in->end || weir__scan_one(in, 'Z') || weir__scan_one(in, 'z'))
        return true;
    bool negative = weir__scan_one(in, '-');
    if (!negative && !weir__scan_one(in, '+'))
        return false;
    if (!weir__scan_number(in, 2, &hour))
        return false;
    if (in->at < in->end) {
        weir__scan_one(in, ':');
        if (!weir__scan_number(in, 2, &minute))
            return false;
    }
    *us = ((int64_t)hour * 60 + minute) * 60 * (negative ? -SECOND_US : SECOND_US);
    return hour < 24 && minute < 60;
}

weir_status weir_instant_parse(const char *text, size_t len, weir_instant *result)
{
    weir__scan in = { text, text + len };
    weir_calendar_day parts;
    int64_t clock, zone, us;
    if (!scan_date(&in, &parts))
        return WEIR_BAD_DATA;
    if (!weir__scan_one(&in, 'T') && !weir__scan_one(&in, 't') && !weir__scan_one(&in, ' '))
        return WEIR_BAD_DATA;
    if (!scan_clock(&in, &clock) || !scan_zone(&in, &zone) || in.at != in.end)
        return WEIR_BAD_DATA;
    /* A day before the least instant may come back into range by its clock. */
    __extension__ __int128 sum = (__int128)days_of_parts(parts) * DAY_US + clock - zone;
    us = (int64_t)sum;
    if (us != sum)
        return WEIR_OVERFLOWED;
    result->us = us;
    return WEIR_OK;
}

/* ---- values to texts ---- */

/* Exactly this many digits, and what stands before them unless it is 0. Returns the end. */
static char *put_digits(char *at, char before, uint32_t value, unsigned digits)
{
    if (before)
        *at++ = before;
    for (unsigned i = digits; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + digits;
}

static char *put_date(char *at, weir_calendar_day d)
{
    uint32_t size = d.year < 0 ? 0 - (uint32_t)d.year : (uint32_t)d.year;
    unsigned digits = size <= 9999 ? 4 : size <= 99999 ? 5 : size <= 999999 ? 6 : 7;
    char sign = d.year < 0 ? '-' : digits > 4 ? '+' : 0;
    at = put_digits(at, sign, size, digits);
    at = put_digits(at, '-', d.month, 2);
    return put_digits(at, '-', d.day, 2);
}

size_t weir_date_text(weir_date date, char *text)
{
    char *end = put_date(text, weir_date_parts(date));
    *end = '\0';
    return (size_t)(end - text);
}

size_t weir_instant_text(weir_instant at, char *text)
{
    int64_t days = floor_div(at.us, DAY_US);
    /* Unsigned: the least instant's day begins before it. */
    uint64_t in_day = (uint64_t)at.us - (uint64_t)days * (uint64_t)DAY_US;
    uint32_t seconds = (uint32_t)(in_day / 1000000), us = (uint32_t)(in_day % 1000000);
    char *end = put_date(text, parts_of_days(days));
    end = put_digits(end, 'T', seconds / 3600, 2);
    end = put_digits(end, ':', seconds / 60 % 60, 2);
    end = put_digits(end, ':', seconds % 60, 2);
    if (us % 1000 != 0)
        end = put_digits(end, '.', us, 6);
    else if (us != 0)
        end = put_digits(end, '.', us / 1000, 3);
    *end++ = 'Z';
    *end = '\0';
    return (size_t)(end - text);
}
